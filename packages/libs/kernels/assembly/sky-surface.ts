// What the sky of one frame differs by from that of another: places at which both are known, and a quadratic surface through them.
import { skyAt } from './sky'

/**
 * A map of the sky (levels of tiles, float32) at `n` places less (x0, y0), float64, as float64: NaN beyond the image, and where the pixel
 * is no number.
 */
export function skyAtPlaces(
  pixels: usize, width: i32, height: i32, levels: usize, columns: i32, rows: i32, tile: i32,
  xs: usize, ys: usize, n: i32, x0: f64, y0: f64, out: usize,
): void {
  const end = (<usize>n) << 3
  for (let at: usize = 0; at < end; at += 8) {
    const x = <i32>Math.round(load<f64>(xs + at) - x0)
    const y = <i32>Math.round(load<f64>(ys + at) - y0)
    const inside = x >= 0 && y >= 0 && x < width && y < height
    const value = inside ? load<f32>(pixels + ((<usize>(y * width + x)) << 2)) : <f32>NaN
    store<f64>(out + at, value - value == 0 ? skyAt(levels, columns, rows, tile, x, y) : NaN)
  }
}

/**
 * Of `n` places those at which both skies are finite: `x`, `y` and the difference own - (reference - level) / scale go, float64, to the
 * heads of `u`, `v` and `differences`. How many; `all`, an int32, gets how many are finite in `own`.
 */
export function skyDifferences(
  own: usize, reference: usize, level: f64, scale: f64, xs: usize, ys: usize, n: i32,
  u: usize, v: usize, differences: usize, all: usize,
): i32 {
  let finite = 0
  let both: usize = 0
  for (let at: usize = 0; at < (<usize>n) << 3; at += 8) {
    const here = load<f64>(own + at)
    if (here - here != 0) continue
    finite++
    const there = load<f64>(reference + at)
    if (there - there != 0) continue
    store<f64>(u + (both << 3), load<f64>(xs + at))
    store<f64>(v + (both << 3), load<f64>(ys + at))
    store<f64>(differences + (both << 3), here - (there - level) / scale)
    both++
  }
  store<i32>(all, finite)
  return <i32>both
}

let t1: f64 = 0
let t2: f64 = 0
let t3: f64 = 0
let t4: f64 = 0
let t5: f64 = 0

function setTerms(x: f64, y: f64): void {
  t1 = x
  t2 = y
  t3 = x * x
  t4 = x * y
  t5 = y * y
}

// @ts-ignore: decorator
@inline
function term(i: i32): f64 {
  return i == 0 ? 1 : i == 1 ? t1 : i == 2 ? t2 : i == 3 ? t3 : i == 4 ? t4 : t5
}

/**
 * Normal equations (lower triangle of `count` rows, and the right side) of a + b x + c y + d x² + e xy + f y², its first `count` terms,
 * through the `n` values less `level` whose distance `off` is not beyond `limit`; float64. How many these are.
 */
export function surfaceEquations(
  u: usize, v: usize, values: usize, off: usize, n: i32, level: f64, limit: f64, count: i32, normal: usize, right: usize,
): i32 {
  memory.fill(normal, 0, (<usize>(count * count)) << 3)
  memory.fill(right, 0, (<usize>count) << 3)
  let kept = 0
  for (let at: usize = 0; at < (<usize>n) << 3; at += 8) {
    if (load<f64>(off + at) > limit) continue
    kept++
    setTerms(load<f64>(u + at), load<f64>(v + at))
    const above = load<f64>(values + at) - level
    let to = normal
    for (let i = 0; i < count; i++) {
      const own = term(i)
      const sum = right + ((<usize>i) << 3)
      store<f64>(sum, load<f64>(sum) + own * above)
      for (let j = 0; j <= i; j++) {
        const cell = to + ((<usize>j) << 3)
        store<f64>(cell, load<f64>(cell) + own * term(j))
      }
      to += (<usize>count) << 3
    }
  }
  return kept
}

/** How far all values are off the surface, to `off`; of those that were not beyond `limit` before, to the head of `kept`. */
export function surfaceDistances(
  u: usize, v: usize, values: usize, off: usize, n: i32, level: f64, limit: f64, terms: usize, kept: usize,
): void {
  let to = kept
  for (let at: usize = 0; at < (<usize>n) << 3; at += 8) {
    setTerms(load<f64>(u + at), load<f64>(v + at))
    let rest = load<f64>(values + at) - level
    for (let i = 0; i < 6; i++) rest -= term(i) * load<f64>(terms + ((<usize>i) << 3))
    rest = abs<f64>(rest)
    if (load<f64>(off + at) <= limit) {
      store<f64>(to, rest)
      to += 8
    }
    store<f64>(off + at, rest)
  }
}
