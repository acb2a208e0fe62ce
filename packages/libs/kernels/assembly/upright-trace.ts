// The light of tilted lines set upright in the rows of one trace, four columns at a time.
import { bottom, height, pixels, sampleColumns, shares, top, width } from './extract-trace'

/** Rows with less of the light than this are left as they are. */
const LEAST_SHARE: f32 = 1e-4
/** Columns on either side that the polynomial through six of them needs. */
const AROUND: i32 = 3
/** Light is not looked for further away than this. */
const FURTHEST: f32 = 2.5

/** By how much the light changes t columns further on, and t before: t (c0 + t (c1 + …)), five coefficients for four columns. */
const ahead: usize = memory.data(5 * 16, 16)
const behind: usize = memory.data(5 * 16, 16)

/**
 * In the columns of a trace from `first` to `last`, whose rows are `centres` (float64) and whose light is `light` (float32): what a pixel
 * u rows above the trace has of the light `slope` · u + `curve` · u² columns before it is replaced by what its own column has, by the
 * profile told last, in the frame told last. The slope is that of column 0; it changes by `change` from column to column. Columns that are
 * left to others become 1 in `left`; returns how many.
 */
export function uprightTrace(
  centres: usize,
  first: i32,
  last: i32,
  light: usize,
  slope: f64,
  change: f64,
  curve: f32,
  left: usize,
): i32 {
  let missed = 0
  for (let x = first + AROUND; x <= last - AROUND; x += 4) {
    if (sampleColumns(centres, x)) {
      const at = light + ((<usize>x) << 2)
      polynomial(at, 4, ahead)
      polynomial(at, -4, behind)
      const lean = slopes(slope + change * <f64>x, change)
      uprightColumns(x, heights(centres + ((<usize>x) << 3)), lean, curve, first + AROUND, last - AROUND)
      continue
    }
    const lanes = min(4, last - AROUND - x + 1)
    for (let lane = 0; lane < lanes; lane++) store<u8>(left + x + lane, 1)
    missed += lanes
  }
  return missed
}

// @ts-ignore: decorator
@inline
function slopes(slope: f64, change: f64): v128 {
  const four = f32x4.splat(<f32>slope)
  return f32x4.add(four, f32x4.mul(f32x4.splat(<f32>change), f32x4(0, 1, 2, 3)))
}

/** Of the lowest row at hand above the trace, in four columns. */
// @ts-ignore: decorator
@inline
function heights(middle: usize): v128 {
  const row = <f64>bottom
  let u = f32x4.splat(<f32>(row - load<f64>(middle)))
  u = f32x4.replace_lane(u, 1, <f32>(row - load<f64>(middle, 8)))
  u = f32x4.replace_lane(u, 2, <f32>(row - load<f64>(middle, 16)))
  return f32x4.replace_lane(u, 3, <f32>(row - load<f64>(middle, 24)))
}

/** The polynomial through six columns, of which two are before, one here, three beyond; `step` bytes lead from one to the next. */
// @ts-ignore: decorator
@inline
function polynomial(at: usize, step: i32, out: usize): void {
  const here = v128.load(at)
  const a = part(at - 2 * step, here, -1 / 120)
  const b = part(at - step, here, 1 / 24)
  const c = part(at + step, here, 1 / 12)
  const d = part(at + 2 * step, here, -1 / 24)
  const e = part(at + 3 * step, here, 1 / 120)
  v128.store(out, sumOf(a, -6, b, -12, c, 12, d, 6, e, 4))
  v128.store(out + 16, sumOf(a, 5, b, 16, c, 8, d, 1, e, 0))
  v128.store(out + 32, sumOf(a, 5, b, -1, c, -7, d, -7, e, -5))
  v128.store(out + 48, sumOf(a, -5, b, -4, c, -2, d, -1, e, 0))
  v128.store(out + 64, sumOf(a, 1, b, 1, c, 1, d, 1, e, 1))
}

// @ts-ignore: decorator
@inline
function part(at: usize, here: v128, factor: f32): v128 {
  return f32x4.mul(f32x4.splat(factor), f32x4.sub(v128.load(at), here))
}

// @ts-ignore: decorator
@inline
function sumOf(a: v128, i: f32, b: v128, j: f32, c: v128, k: f32, d: v128, l: f32, e: v128, m: f32): v128 {
  const first = f32x4.add(f32x4.mul(a, f32x4.splat(i)), f32x4.mul(b, f32x4.splat(j)))
  const second = f32x4.add(f32x4.mul(c, f32x4.splat(k)), f32x4.mul(d, f32x4.splat(l)))
  return f32x4.add(f32x4.add(first, second), f32x4.mul(e, f32x4.splat(m)))
}

/** The four columns from x on, in which rows lie u, u + 1 … above the trace; light is taken from columns `first` to `last` only. */
// @ts-ignore: decorator
@inline
function uprightColumns(x: i32, u: v128, lean: v128, curve: f32, first: i32, last: i32): void {
  const here = f32x4.add(f32x4.splat(<f32>x), f32x4(0, 1, 2, 3))
  const inside = f32x4.le(here, f32x4.splat(<f32>last))
  const one = f32x4.splat(1)
  const from = max(0, bottom)
  const to = min(height - 1, top)
  u = f32x4.add(u, f32x4.splat(<f32>(from - bottom)))
  let share = shares + ((<usize>(from - bottom)) << 4)
  let pixel = pixels + ((<usize>(from * width + x)) << 2)
  for (let row = from; row <= to; row++) {
    const p = v128.load(share)
    // how far beyond its column the light comes from
    const shift = f32x4.neg(f32x4.mul(u, f32x4.add(lean, f32x4.mul(f32x4.splat(curve), u))))
    const t = f32x4.abs(shift)
    const back = f32x4.lt(shift, f32x4.splat(0))
    let sum = eitherOf(64, back)
    sum = f32x4.add(eitherOf(48, back), f32x4.mul(t, sum))
    sum = f32x4.add(eitherOf(32, back), f32x4.mul(t, sum))
    sum = f32x4.add(eitherOf(16, back), f32x4.mul(t, sum))
    sum = f32x4.add(eitherOf(0, back), f32x4.mul(t, sum))
    const moved = f32x4.mul(p, f32x4.mul(t, sum))
    const source = f32x4.add(here, shift)
    let use = v128.and(inside, f32x4.gt(p, f32x4.splat(LEAST_SHARE)))
    use = v128.and(use, f32x4.le(t, f32x4.splat(FURTHEST)))
    use = v128.and(use, f32x4.ge(source, f32x4.splat(<f32>first)))
    use = v128.and(use, f32x4.le(source, f32x4.splat(<f32>last)))
    use = v128.and(use, f32x4.lt(f32x4.abs(moved), f32x4.splat(f32.MAX_VALUE))) // where the light is known
    v128.store(pixel, f32x4.sub(v128.load(pixel), v128.and(use, moved)))
    u = f32x4.add(u, one)
    share += 16
    pixel += (<usize>width) << 2
  }
}

// @ts-ignore: decorator
@inline
function eitherOf(at: usize, back: v128): v128 {
  return v128.bitselect(v128.load(behind + at), v128.load(ahead + at), back)
}
