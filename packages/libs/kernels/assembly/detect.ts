// Sources of an image: rows without their background, matched filter, and the pixels that stand above a limit.
import { fourMasks } from './pixel-source'

// A smooth surface over the image is a bicubic spline through a coarse grid. Along a row it is linear in the values and
// curvatures of the two nodes about a pixel. `lines` holds, for each row, `columns` values and then `columns` curvatures;
// `first` the first pixel of each pair of nodes and the width; `weights` four planes of `stride` floats, one weight each.

// @ts-ignore: decorator
@inline
function surfaceFour(x: usize, weights: usize, plane: usize, a: v128, b: v128, c: v128, d: v128): v128 {
  const at = weights + x
  const values = f32x4.add(f32x4.mul(v128.load(at), a), f32x4.mul(v128.load(at + plane), b))
  const bends = f32x4.add(f32x4.mul(v128.load(at + 2 * plane), c), f32x4.mul(v128.load(at + 3 * plane), d))
  return f32x4.add(values, bends)
}

/** One row of a surface into `target`, with room for three pixels more. */
export function surfaceRow(line: usize, columns: i32, first: usize, weights: usize, stride: i32, target: usize): void {
  const plane = (<usize>stride) << 2
  const pairs = max<i32>(1, columns - 1)
  for (let i = 0; i < pairs; i++) {
    const here = line + ((<usize>i) << 2)
    const next = line + ((<usize>min<i32>(i + 1, columns - 1)) << 2)
    const bend = (<usize>columns) << 2
    const a = v128.load32_splat(here)
    const b = v128.load32_splat(next)
    const c = v128.load32_splat(here + bend)
    const d = v128.load32_splat(next + bend)
    const end = (<usize>load<i32>(first + ((<usize>(i + 1)) << 2))) << 2
    // the last vector of a pair may run into the next pair, which comes after it
    for (let x = (<usize>load<i32>(first + ((<usize>i) << 2))) << 2; x < end; x += 16) {
      v128.store(target + x, surfaceFour(x, weights, plane, a, b, c, d))
    }
  }
}

/**
 * net = pixels - surface; NaN where the mask has any of `maskBits` or the error is not above 0 (either may be 0, for
 * none), and where a pixel is infinite. `net` may be `pixels`. `scratch` holds a row and three pixels more.
 */
export function netRows(
  pixels: usize, mask: usize, maskBits: i32, error: usize, width: i32, rows: i32, lines: usize, columns: i32,
  first: usize, weights: usize, stride: i32, scratch: usize, net: usize,
): void {
  const bits = i32x4.splat(maskBits)
  const zero = i32x4.splat(0)
  const nothing = f32x4.splat(NaN)
  const infinite = f32x4.splat(Infinity)
  for (let y = 0; y < rows; y++) {
    surfaceRow(lines + ((<usize>(2 * columns * y)) << 2), columns, first, weights, stride, scratch)
    const at = <usize>(y * width)
    let x: usize = 0
    for (; x + 4 <= <usize>width; x += 4) {
      const p = (at + x) << 2
      let v = f32x4.sub(v128.load(pixels + p), v128.load(scratch + (x << 2)))
      if (mask) v = v128.bitselect(nothing, v, i32x4.ne(v128.and(fourMasks(mask + (p >> 1)), bits), zero))
      if (error) v = v128.bitselect(v, nothing, f32x4.gt(v128.load(error + p), zero))
      v = v128.bitselect(v, nothing, f32x4.lt(f32x4.abs(v), infinite))
      v128.store(net + p, v)
    }
    for (; x < <usize>width; x++) {
      const p = (at + x) << 2
      const value = load<f32>(pixels + p)
      const masked = mask != 0 && (load<i16>(mask + (p >> 1)) & maskBits) != 0
      const unknown = error != 0 && !(load<f32>(error + p) > 0)
      const none = masked || unknown || !(Mathf.abs(value) < Infinity)
      store<f32>(net + p, none ? NaN : value - load<f32>(scratch + (x << 2)))
    }
  }
}

/**
 * The image correlated with a kernel, a sum of columns times rows, and compared with its limit, in rows `y0` to `y1`.
 * Beyond the edge, and where it is NaN, the image is 0. The limit of a pixel is the surface of the noise times `edgeX`
 * of its column times `edgeY` of its row. Pixels above their limit are put out as runs: the first and one after the
 * last as pixels of the image into `runs`, and the filtered values into `values`; `rowStart` gets the number of
 * runs before each row, and after the last. Returns the number of values.
 */
export function detectRows(
  image: usize, width: i32, height: i32, y0: i32, y1: i32, terms: i32, half: i32, across: usize, along: usize,
  lines: usize, columns: i32, first: usize, weights: usize, stride: i32, edgeX: usize, edgeY: usize, ring: usize,
  rowStart: usize, runs: usize, values: usize,
): i32 {
  // the ring: 2 half + 1 rows of each term; behind it a row of the image with a border, a filtered row, a row of limits
  const taps = 2 * half + 1
  const line = (<usize>stride) << 2
  const padded = ring + <usize>(terms * taps) * line
  const border = line + ((<usize>(2 * half + 16)) << 2)
  const filtered = padded + border
  const limits = filtered + line
  memory.fill(padded, 0, border)
  let runCount = 0
  let valueCount = 0
  for (let y = max<i32>(0, y0 - half); y < min<i32>(height, y0 + half); y++) {
    filterAlong(image, width, y, terms, half, across, line, ring, padded)
  }
  for (let y = y0; y < y1; y++) {
    if (y + half < height) filterAlong(image, width, y + half, terms, half, across, line, ring, padded)
    filterAcross(width, height, y, terms, half, along, line, ring, filtered)
    surfaceRow(lines + ((<usize>(2 * columns * (y - y0))) << 2), columns, first, weights, stride, limits)
    scaleRow(limits, edgeX, load<f32>(edgeY + ((<usize>(y - y0)) << 2)), width)
    store<i32>(rowStart + ((<usize>(y - y0)) << 2), runCount)
    const before = runCount
    runCount = runsOf(filtered, limits, width, y * width, runs, runCount)
    for (let r = before; r < runCount; r++) {
      const from = load<i32>(runs + ((<usize>r) << 3))
      const n = load<i32>(runs + ((<usize>r) << 3), 4) - from
      memory.copy(values + ((<usize>valueCount) << 2), filtered + ((<usize>(from - y * width)) << 2), (<usize>n) << 2)
      valueCount += n
    }
  }
  store<i32>(rowStart + ((<usize>(y1 - y0)) << 2), runCount)
  return valueCount
}

/** Row `y` of the image filtered along x by each term, into its place in the ring. */
function filterAlong(
  image: usize, width: i32, y: i32, terms: i32, half: i32, across: usize, line: usize, ring: usize, padded: usize,
): void {
  const taps = 2 * half + 1
  const from = image + ((<usize>(y * width)) << 2)
  const to = padded + ((<usize>half) << 2)
  let x: usize = 0
  for (; x + 4 <= <usize>width; x += 4) {
    const v = v128.load(from + (x << 2))
    v128.store(to + (x << 2), v128.and(v, f32x4.eq(v, v)))
  }
  for (; x < <usize>width; x++) {
    const v = load<f32>(from + (x << 2))
    store<f32>(to + (x << 2), v == v ? v : 0)
  }
  for (let term = 0; term < terms; term++) {
    const target = ring + <usize>(term * taps + y % taps) * line
    const kernel = across + ((<usize>(term * taps)) << 2)
    const end = kernel + ((<usize>taps) << 2)
    for (let p: usize = 0; p < line; p += 64) {
      let a = f32x4.splat(0)
      let b = a
      let c = a
      let d = a
      let at = padded + p
      for (let k = kernel; k < end; k += 4, at += 4) {
        const w = v128.load32_splat(k)
        a = f32x4.add(a, f32x4.mul(w, v128.load(at)))
        b = f32x4.add(b, f32x4.mul(w, v128.load(at, 16)))
        c = f32x4.add(c, f32x4.mul(w, v128.load(at, 32)))
        d = f32x4.add(d, f32x4.mul(w, v128.load(at, 48)))
      }
      v128.store(target + p, a)
      v128.store(target + p, b, 16)
      v128.store(target + p, c, 32)
      v128.store(target + p, d, 48)
    }
  }
}

/** Row `y` of the image filtered along y as well, the terms added. */
function filterAcross(
  width: i32, height: i32, y: i32, terms: i32, half: i32, along: usize, line: usize, ring: usize, filtered: usize,
): void {
  const taps = 2 * half + 1
  const low = max<i32>(0, y - half)
  const high = min<i32>(height - 1, y + half)
  for (let p: usize = 0; p < line; p += 64) {
    let a = f32x4.splat(0)
    let b = a
    let c = a
    let d = a
    for (let term = 0; term < terms; term++) {
      const kernel = along + ((<usize>(term * taps + low - y + half)) << 2)
      const rows = ring + <usize>(term * taps) * line + p
      let place = low % taps
      for (let v = low; v <= high; v++) {
        const w = v128.load32_splat(kernel + ((<usize>(v - low)) << 2))
        const at = rows + <usize>place * line
        a = f32x4.add(a, f32x4.mul(w, v128.load(at)))
        b = f32x4.add(b, f32x4.mul(w, v128.load(at, 16)))
        c = f32x4.add(c, f32x4.mul(w, v128.load(at, 32)))
        d = f32x4.add(d, f32x4.mul(w, v128.load(at, 48)))
        place = place + 1 == taps ? 0 : place + 1
      }
    }
    v128.store(filtered + p, a)
    v128.store(filtered + p, b, 16)
    v128.store(filtered + p, c, 32)
    v128.store(filtered + p, d, 48)
  }
}

function scaleRow(row: usize, factors: usize, factor: f32, width: i32): void {
  const all = f32x4.splat(factor)
  for (let x: usize = 0; x < (<usize>width) << 2; x += 16) {
    v128.store(row + x, f32x4.mul(f32x4.mul(v128.load(row + x), v128.load(factors + x)), all))
  }
}

/** Appends the runs of a row whose values are above their limits; `p0` is its first pixel. */
function runsOf(row: usize, limits: usize, width: i32, p0: i32, runs: usize, count: i32): i32 {
  let inside = false
  for (let x = 0; x < width; x += 4) {
    const at = (<usize>x) << 2
    let bits = i32x4.bitmask(f32x4.gt(v128.load(row + at), v128.load(limits + at)))
    const valid = min<i32>(4, width - x)
    if (valid < 4) bits &= (1 << valid) - 1
    if (bits == (inside ? (1 << valid) - 1 : 0)) continue
    for (let k = 0; k < valid; k++) {
      const above = ((bits >> k) & 1) != 0
      if (above == inside) continue
      const place = runs + ((<usize>count) << 3)
      if (above) store<i32>(place, p0 + x + k)
      else {
        store<i32>(place, p0 + x + k, 4)
        count++
      }
      inside = above
    }
  }
  if (inside) {
    store<i32>(runs + ((<usize>count) << 3), p0 + width, 4)
    count++
  }
  return count
}
