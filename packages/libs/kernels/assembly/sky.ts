// The sky of a frame, as libs/image/src/sky-map.ts and sky-level.ts say it: coarse tiles judged on a sample of their
// pixels, and a sample of the pixels that no source is in. Arithmetic and order of operations are those of the plain
// versions there, in float64.
import { selectInPlace } from './select'

const MAD_TO_SIGMA: f64 = 1.4826022185056018

/** The median of the first `n` float64, the mean of the two middle ones when `n` is even. Reorders them. */
export function medianOfDoubles(values: usize, n: i32): f64 {
  if (n <= 0) return NaN
  const upper = selectInPlace<f64>(values, n, n >> 1)
  if (n & 1) return upper
  let lower = load<f64>(values) // selection left the lower half before the upper middle
  for (let k = 1; k < n >> 1; k++) lower = max<f64>(lower, load<f64>(values + ((<usize>k) << 3)))
  return lower / 2 + upper / 2
}

/**
 * Median and scaled MAD of every tile of `tile` pixels, from every `step`-th pixel of every `step`-th row that is a number
 * and not masked (`mask` 0: none is); NaN where there are fewer than `enough`. `scratch` has room for the samples of a tile.
 */
export function skyTiles(
  pixels: usize, mask: usize, width: i32, height: i32, tile: i32, step: i32, enough: i32,
  levels: usize, sigmas: usize, scratch: usize,
): void {
  let to: usize = 0
  for (let y0 = 0; y0 < height; y0 += tile) {
    for (let x0 = 0; x0 < width; x0 += tile) {
      const n = sampleTile(pixels, mask, width, min<i32>(height, y0 + tile), x0, y0, min<i32>(width, x0 + tile), step, scratch)
      const centre = n < enough ? NaN : medianOfDoubles(scratch, n)
      for (let k = 0; k < n; k++) {
        const at = scratch + ((<usize>k) << 3)
        store<f64>(at, abs<f64>(load<f64>(at) - centre))
      }
      store<f32>(levels + to, <f32>centre)
      store<f32>(sigmas + to, n < enough ? f32.NaN : <f32>(MAD_TO_SIGMA * medianOfDoubles(scratch, n)))
      to += 4
    }
  }
}

function sampleTile(
  pixels: usize, mask: usize, width: i32, bottom: i32, x0: i32, y0: i32, right: i32, step: i32, sample: usize,
): i32 {
  let n = 0
  for (let y = y0; y < bottom; y += step) {
    // staggered: a bad column, or a pattern of the read-out, does not meet every sample
    for (let x = x0 + ((y / step) % step); x < right; x += step) {
      const p = <usize>(y * width + x)
      const value = load<f32>(pixels + (p << 2))
      if (isNaN<f32>(value) || (mask != 0 && load<i16>(mask + (p << 1)) != 0)) continue
      store<f64>(sample + ((<usize>n) << 3), <f64>value)
      n++
    }
  }
  return n
}

/** The median of each 3 x 3 of a map, unknown ones left out; `all` where all are unknown. `scratch` holds nine values. */
export function skySmooth(values: usize, columns: i32, rows: i32, all: f64, scratch: usize, target: usize): void {
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      let n: usize = 0
      for (let v = max<i32>(0, j - 1); v <= min<i32>(rows - 1, j + 1); v++) {
        for (let u = max<i32>(0, i - 1); u <= min<i32>(columns - 1, i + 1); u++) {
          const value = load<f32>(values + ((<usize>(v * columns + u)) << 2))
          if (isNaN<f32>(value)) continue
          store<f64>(scratch + (n << 3), <f64>value)
          n++
        }
      }
      const median = n > 0 ? medianOfDoubles(scratch, <i32>n) : all
      store<f32>(target + ((<usize>(j * columns + i)) << 2), <f32>median)
    }
  }
}

/** A map at a pixel, bilinear between the centres of the tiles. */
// @ts-ignore: decorator
@inline
export function skyAt(values: usize, columns: i32, rows: i32, tile: i32, x: i32, y: i32): f64 {
  const u = min<f64>(<f64>(columns - 1), max<f64>(0, (<f64>x + 0.5) / <f64>tile - 0.5))
  const v = min<f64>(<f64>(rows - 1), max<f64>(0, (<f64>y + 0.5) / <f64>tile - 0.5))
  const i = min<i32>(columns - 1, <i32>u)
  const j = min<i32>(rows - 1, <i32>v)
  const fx = u - <f64>i
  const fy = v - <f64>j
  const right = min<i32>(columns - 1, i + 1)
  const up = min<i32>(rows - 1, j + 1)
  const low = tileOf(values, j * columns + i) * (1 - fx) + tileOf(values, j * columns + right) * fx
  const high = tileOf(values, up * columns + i) * (1 - fx) + tileOf(values, up * columns + right) * fx
  return low * (1 - fy) + high * fy
}

// @ts-ignore: decorator
@inline
function tileOf(values: usize, place: i32): f64 {
  return <f64>load<f32>(values + ((<usize>place) << 2))
}

/**
 * Positions of every `step`-th good pixel (`mask` 0: all are) about which the mean of 5 x 5 is not over `threshold` sigma; how many there are.
 * How many were looked at goes, int32, to `looked`.
 */
export function skyPositions(
  pixels: usize, mask: usize, width: i32, height: i32, step: i32, threshold: f64,
  levels: usize, sigmas: usize, columns: i32, rows: i32, tile: i32, positions: usize, looked: usize,
): i32 {
  let count = 0
  let all = 0
  for (let y = 2; y < height - 2; y += step) {
    for (let x = 2 + ((y * 7) % step); x < width - 2; x += step) {
      const p = y * width + x
      const at = pixels + ((<usize>p) << 2)
      if ((mask && load<i16>(mask + ((<usize>p) << 1)) != 0) || isNaN<f32>(load<f32>(at))) continue
      all++
      const limit = skyAt(levels, columns, rows, tile, x, y) + threshold * skyAt(sigmas, columns, rows, tile, x, y)
      if (meanAround(at, width) > limit) continue
      store<i32>(positions + ((<usize>count) << 2), p)
      count++
    }
  }
  store<i32>(looked, all)
  return count
}

function meanAround(at: usize, width: i32): f64 {
  let sum: f64 = 0
  let n = 0
  for (let v = -2; v <= 2; v++) {
    const row = at + ((v * width) << 2)
    for (let u = -2; u <= 2; u++) {
      const value = load<f32>(row + (u << 2))
      if (isNaN<f32>(value)) continue
      sum += <f64>value
      n++
    }
  }
  return n > 0 ? sum / <f64>n : NaN
}

/** The pixels at `n` positions, and how far each is from the map of the sky, as float64. */
export function skyDepartures(
  pixels: usize, width: i32, positions: usize, n: i32,
  levels: usize, columns: i32, rows: i32, tile: i32, values: usize, departures: usize,
): void {
  for (let k = 0; k < n; k++) {
    const p = load<i32>(positions + ((<usize>k) << 2))
    const x = p % width
    const value = <f64>load<f32>(pixels + ((<usize>p) << 2))
    store<f64>(values + ((<usize>k) << 3), value)
    const away = abs<f64>(value - skyAt(levels, columns, rows, tile, x, (p - x) / width))
    store<f64>(departures + ((<usize>k) << 3), away)
  }
}
