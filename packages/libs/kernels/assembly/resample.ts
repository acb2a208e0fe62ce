// A frame on another grid: runs of new pixels whose places in the frame lie evenly on a line.
import {
  bilinear, bilinearSquares, clamped, clampedSquares, clampTo, eight, lowestOfFour, Source, values, weighted, weightedSquares,
} from './weigh-pixels'

/** Fractions of a pixel for which weights are tabled, and floats in the row of each. */
const PHASES: f64 = 2048
const TAPS_SHIFT: usize = 5
const NO_DATA: i32 = 8
const BIT_PART: f32 = 0.1

/**
 * `n` pixels whose places are (u, v), (u + du, v + dv) …; each is multiplied by `scale`. `errors` and `bits` may be 0.
 */
export function resampleRun(
  job: usize, n: i32, u: f64, v: f64, du: f64, dv: f64, scale: f32, target: usize, errors: usize, bits: usize,
): void {
  const source = changetype<Source>(job)
  const right = <f64>source.width - 0.5
  const top = <f64>source.height - 0.5
  const taps = source.taps
  const width = source.width
  const before = (taps >> 1) - (taps > 1 ? 1 : 0)
  const half: f64 = taps == 1 ? 0.5 : 0
  const lanczos = taps > 2
  const stride = (<usize>width) << 2
  // where eight pixels in a row have the same weights, to this part of a pixel, they are made at once
  const straight = lanczos && 3.5 * max<f64>(abs<f64>(dv), abs<f64>(du - 1)) < ALIKE
  for (let k = 0; k < n; k++) {
    if (straight && k + 8 <= n && eightAtOnce(source, u + (<f64>k + 3.5) * du - 3.5, v + (<f64>k + 3.5) * dv, k, scale, target, errors, bits)) {
      k += 7
      continue
    }
    const x = u + <f64>k * du
    const y = v + <f64>k * dv
    const at = (<usize>k) << 2
    if (!(x >= -0.5 && y >= -0.5 && x <= right && y <= top)) {
      store<f32>(target + at, NaN)
      if (errors) store<f32>(errors + at, NaN)
      if (bits) store<i16>(bits + (at >> 1), <i16>NO_DATA)
      continue
    }
    const fx = Math.floor(x + half)
    const fy = Math.floor(y + half)
    const wx = source.table + ((<usize>((x - fx) * PHASES + 0.5)) << TAPS_SHIFT)
    const wy = source.table + ((<usize>((y - fy) * PHASES + 0.5)) << TAPS_SHIFT)
    const xi = <i32>fx
    const yi = <i32>fy - source.first
    const px = xi - before
    const py = yi - before
    const inner = px >= 0 && py >= 0 && px + 8 <= width && py + taps <= source.rows
    if (inner && lanczos) {
      const offset = (<usize>(py * width + px)) << 2
      const lowest = lowestOfFour(source.pixels + (((<usize>(yi * width + xi))) << 2), stride) - source.margin
      store<f32>(target + at, scale * max<f32>(lowest, weighted(source.pixels + offset, stride, taps, wx, wy)))
      if (errors) {
        store<f32>(errors + at, scale * sqrt<f32>(weightedSquares(source.variance + offset, stride, taps, wx, wy)))
      }
    } else if (inner && taps == 2) {
      const offset = (<usize>(py * width + px)) << 2
      store<f32>(target + at, scale * bilinear(source.pixels + offset, stride, wx, wy))
      if (errors) {
        store<f32>(errors + at, scale * sqrt<f32>(bilinearSquares(source.variance + offset, stride, wx, wy)))
      }
    } else {
      store<f32>(target + at, scale * clamped(source, source.pixels, px, py, wx, wy))
      if (errors) store<f32>(errors + at, scale * sqrt<f32>(clampedSquares(source, px, py, wx, wy)))
    }
    if (!bits) continue
    let found = 0
    if (source.near) {
      const p = clampTo(yi, source.rows) * width + clampTo(xi, width)
      if (load<i16>(source.near + ((<usize>p) << 1)) != 0) found = bitsOf(source, px, py, wx, wy)
    }
    store<i16>(bits + (at >> 1), <i16>found)
    if (found & NO_DATA) {
      store<f32>(target + at, NaN)
      if (errors) store<f32>(errors + at, NaN)
    }
  }
}

/**
 * Rows `first` to `first + rows` of a grid that is `width` wide, places being known at nodes `spacing` apart, `columns` of
 * them in a row (`u` and `v`, float64): between them they lie on straight runs. `conserve`: each pixel is multiplied by its
 * area in the frame. The same as a run for each cell of each row.
 */
export function resampleNodes(
  job: usize, u: usize, v: usize, spacing: i32, columns: i32, first: i32, rows: i32, width: i32, conserve: bool,
  target: usize, errors: usize, bits: usize,
): void {
  const line = (<usize>columns) << 3
  const pitch = <f64>spacing
  for (let y = 0; y < rows; y++) {
    const j = (first + y) / spacing
    const t = (<f64>(first + y - j * spacing)) / pitch
    const node = (<usize>(j * columns)) << 3
    for (let x = 0, i: usize = 0; x < width; x += spacing, i += 8) {
      const a = u + node + i
      const b = v + node + i
      const uLeft = mix(load<f64>(a), load<f64>(a + line), t)
      const vLeft = mix(load<f64>(b), load<f64>(b + line), t)
      const du = (mix(load<f64>(a, 8), load<f64>(a + line, 8), t) - uLeft) / pitch
      const dv = (mix(load<f64>(b, 8), load<f64>(b + line, 8), t) - vLeft) / pitch
      const eu = (load<f64>(a + line) - load<f64>(a) + load<f64>(a + line, 8) - load<f64>(a, 8)) / (2 * pitch)
      const ev = (load<f64>(b + line) - load<f64>(b) + load<f64>(b + line, 8) - load<f64>(b, 8)) / (2 * pitch)
      const scale: f32 = conserve ? <f32>abs<f64>(du * ev - dv * eu) : 1
      const p = <usize>(y * width + x)
      resampleRun(
        job, min<i32>(spacing, width - x), uLeft, vLeft, du, dv, scale, target + (p << 2),
        errors ? errors + (p << 2) : 0, bits ? bits + (p << 1) : 0,
      )
    }
  }
}

// @ts-ignore: decorator
@inline
function mix(a: f64, b: f64, t: f64): f64 {
  return a + t * (b - a)
}

/** What the place of a pixel may be off by when its neighbours' weights serve for it, px. */
const ALIKE: f64 = 5e-4

/** Two times eight squared weights. */
const squaredX: usize = memory.data(32, 16)
const squaredY: usize = memory.data(32, 16)

/**
 * Pixels k to k + 8 of a run, the places of which are (x, y), (x + 1, y) … as good as; false where they are not all well
 * within the frame, or some have a masked one nearby.
 */
function eightAtOnce(
  source: Source, x: f64, y: f64, k: i32, scale: f32, target: usize, errors: usize, bits: usize,
): bool {
  const fx = Math.floor(x)
  const fy = Math.floor(y)
  const taps = source.taps
  const before = (taps >> 1) - 1
  const xi = <i32>fx
  const yi = <i32>fy - source.first
  const px = xi - before
  const py = yi - before
  if (!(px >= 0 && py >= 0 && px + 16 <= source.width && py + taps <= source.rows)) return false
  const p = <usize>(yi * source.width + xi)
  if (bits) {
    if (source.near && v128.any_true(v128.load(source.near + (p << 1)))) return false
    v128.store(bits + ((<usize>k) << 1), i16x8.splat(0))
  }
  const wx = source.table + ((<usize>((x - fx) * PHASES + 0.5)) << TAPS_SHIFT)
  const wy = source.table + ((<usize>((y - fy) * PHASES + 0.5)) << TAPS_SHIFT)
  const stride = (<usize>source.width) << 2
  const offset = (<usize>(py * source.width + px)) << 2
  const at = (<usize>k) << 2
  eight(source.pixels + offset, stride, taps, wx, wy)
  const four = source.pixels + (p << 2)
  const margin = f32x4.splat(source.margin)
  const scales = f32x4.splat(scale)
  for (let g: usize = 0; g < 32; g += 16) {
    const low = f32x4.pmin(v128.load(four + g), v128.load(four + g + stride))
    const next = f32x4.pmin(v128.load(four + g, 4), v128.load(four + g + stride, 4))
    const limit = f32x4.sub(f32x4.pmin(low, next), margin)
    v128.store(target + at + g, f32x4.mul(scales, f32x4.pmax(v128.load(values + g), limit)))
  }
  if (!errors) return true
  for (let g: usize = 0; g < 32; g += 16) {
    const a = v128.load(wx + g)
    const b = v128.load(wy + g)
    v128.store(squaredX + g, f32x4.mul(a, a))
    v128.store(squaredY + g, f32x4.mul(b, b))
  }
  eight(source.variance + offset, stride, taps, squaredX, squaredY)
  v128.store(errors + at, f32x4.mul(scales, f32x4.sqrt(v128.load(values))))
  v128.store(errors + at, f32x4.mul(scales, f32x4.sqrt(v128.load(values, 16))), 16)
  return true
}

/** The bits of the pixels that have a part of a tenth or more. */
function bitsOf(source: Source, px: i32, py: i32, wx: usize, wy: usize): i32 {
  let found = 0
  for (let j = 0; j < source.taps; j++) {
    const w = load<f32>(wy + ((<usize>j) << 2))
    const row = source.mask + ((<usize>(clampTo(py + j, source.rows) * source.width)) << 1)
    for (let i = 0; i < source.taps; i++) {
      if (abs<f32>(w * load<f32>(wx + ((<usize>i) << 2))) < BIT_PART) continue
      found |= <i32>load<i16>(row + ((<usize>clampTo(px + i, source.width)) << 1))
    }
  }
  return found
}

/** For each pixel the bits of those from one before it to two after it, in both directions; `scratch` holds a row. */
export function nearBits(mask: usize, width: i32, rows: i32, near: usize, scratch: usize): void {
  const n = (<usize>width) << 1
  for (let y = 0; y < rows; y++) {
    let row = mask + (<usize>clampTo(y - 1, rows)) * n
    memory.copy(scratch, row, n)
    for (let j = 0; j <= 2; j++) {
      row = mask + (<usize>clampTo(y + j, rows)) * n
      let at: usize = 0
      for (; at + 16 <= n; at += 16) v128.store(scratch + at, v128.or(v128.load(scratch + at), v128.load(row + at)))
      for (; at < n; at += 2) store<i16>(scratch + at, load<i16>(scratch + at) | load<i16>(row + at))
    }
    const to = near + (<usize>y) * n
    for (let x = 0; x < width; x++) {
      if (x >= 1 && x + 10 <= width) {
        const at = scratch + ((<usize>x) << 1)
        const pair = v128.or(v128.load(at - 2), v128.load(at))
        v128.store(to + ((<usize>x) << 1), v128.or(pair, v128.or(v128.load(at, 2), v128.load(at, 4))))
        x += 7
        continue
      }
      let found: i16 = 0
      for (let i = -1; i <= 2; i++) found |= load<i16>(scratch + ((<usize>clampTo(x + i, width)) << 1))
      store<i16>(to + ((<usize>x) << 1), found)
    }
  }
}
