// What a frame shows where no light of its traces falls: beside a trace, and in the errors of the rows about it.
import { height, mask, pixels, width } from './extract-trace'
import { selectInPlace } from './select'

/** Rows that are looked at on a side. */
const ROWS: i32 = 8
/** They lie in the middle between two traces, but not further off than so many times what the profile reaches: its far wings are light too. */
const FURTHEST: f64 = 3
/** Gaps narrower than this, rows, hold the wings of both traces and tell nothing. */
const GAP: f64 = 4
/** Pixels further from the median than this, in their scatter, do not count; fewer than so many tell nothing. */
const CLIP: f64 = 4
const ENOUGH: i32 = 40
const MAD_TO_SIGMA: f64 = 1.4826022185056018

/**
 * The light in the rows above (`way` 1) or below (−1) a trace whose rows are `centres`, between what its own profile reaches, `clear`
 * rows, and what that of the trace `neighbour` does (0: there is none), in the columns `from` to `to`. Level, one sigma of it, and how many
 * rows from the trace it lies are written to `out` (float64); returns the pixels that told them, 0 where they are too few. `scratch` holds
 * 16 float64 for each column.
 */
export function quietSide(
  centres: usize,
  neighbour: usize,
  from: i32,
  to: i32,
  way: i32,
  clear: f64,
  scratch: usize,
  out: usize,
): i32 {
  let n = 0
  let places: f64 = 0
  for (let x = from; x <= to; x++) {
    const y = load<f64>(centres + ((<usize>x) << 3))
    const room = neighbour ? Math.abs(load<f64>(neighbour + ((<usize>x) << 3)) - y) - clear : Infinity
    if (room - clear < GAP) continue
    const start = max(clear, min((room + clear) / 2, FURTHEST * clear) - <f64>ROWS / 2)
    for (let k = 0; k < ROWS; k++) {
      const row = way > 0 ? <i32>Math.ceil(y + start) + k : <i32>Math.floor(y - start) - k
      const off = <f64>row - y
      if (row < 0 || row >= height || Math.abs(off) > room) break
      const at = <usize>(row * width + x)
      const value = load<f32>(pixels + (at << 2))
      if ((mask && load<i16>(mask + (at << 1)) != 0) || !(Mathf.abs(value) < Infinity)) continue
      store<f64>(scratch + ((<usize>n) << 3), value)
      n++
      places += off
    }
  }
  if (n < ENOUGH) return 0
  clippedMean(scratch, n, scratch + ((<usize>n) << 3), out)
  store<f64>(out, places / <f64>n, 16)
  return n
}

/** The mean of values without those far from their median, and its error, to `out`; `order` holds as many. */
function clippedMean(values: usize, count: i32, order: usize, out: usize): void {
  const end = values + ((<usize>count) << 3)
  memory.copy(order, values, (<usize>count) << 3)
  const middle = medianInPlace(order, count)
  for (let at = values, to = order; at < end; at += 8, to += 8) store<f64>(to, Math.abs(load<f64>(at) - middle))
  const limit = CLIP * MAD_TO_SIGMA * medianInPlace(order, count)
  let n = 0
  let sum: f64 = 0
  let squares: f64 = 0
  for (let at = values; at < end; at += 8) {
    const off = load<f64>(at) - middle
    if (Math.abs(off) > limit) continue
    n++
    sum += off
    squares += off * off
  }
  const mean = sum / <f64>n
  store<f64>(out, middle + mean)
  store<f64>(out, Math.sqrt(Math.max(0, squares / <f64>n - mean * mean) / <f64>n), 8)
}

/** Of float64, which it reorders; the mean of the two middle ones of an even number. */
function medianInPlace(values: usize, n: i32): f64 {
  const upper = selectInPlace<f64>(values, n, n >> 1)
  if (n & 1) return upper
  let lower = load<f64>(values) // selection left the lower half before the upper middle
  for (let k = 1; k < n >> 1; k++) lower = max(lower, load<f64>(values + ((<usize>k) << 3)))
  return lower / 2 + upper / 2
}

/** Every so many columns an error is looked at. */
const STEP: i32 = 8

/**
 * The lowest of the medians of the variances in the rows up to `far` from a trace, in the columns from `from` to before `to`; `error` is the
 * plane of their roots (float32). Infinite where there are none. `scratch` holds a float64 for each column that is looked at.
 */
export function quietVariance(centres: usize, from: i32, to: i32, error: usize, far: i32, scratch: usize): f64 {
  let least: f64 = Infinity
  for (let offset = -far; offset <= far; offset++) {
    let n = 0
    for (let x = from; x < to; x += STEP) {
      const y = <i32>Math.floor(load<f64>(centres + ((<usize>x) << 3)) + 0.5) + offset
      if (y < 0 || y >= height) continue
      const sigma = <f64>load<f32>(error + ((<usize>(y * width + x)) << 2))
      if (!(sigma > 0 && sigma < Infinity)) continue
      store<f64>(scratch + ((<usize>n) << 3), sigma * sigma)
      n++
    }
    if (n > 0) least = min(least, medianInPlace(scratch, n))
  }
  return least
}
