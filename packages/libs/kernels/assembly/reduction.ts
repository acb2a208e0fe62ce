// Steps of the reduction of a raw frame that look at more than a pixel, or at more than one layout of pixels.

const SATURATED: i32 = 2
const NO_DATA: i32 = 8

/**
 * Rows of one amplifier above their pedestal: target = source - pedestal[row] - columns[x] - bias. Columns x0 … of source
 * rows `stride` long; rows of bias, mask and target are `targetStride` long. `columns` or `bias` 0: there is none. Into
 * `mask` go, besides what is there, saturated (source at or over `saturation`) and no data (not a number).
 */
export function netStrip(
  source: usize, stride: i32, x0: i32, width: i32, rows: i32, targetStride: i32,
  pedestal: usize, columns: usize, bias: usize, saturation: f32, target: usize, mask: usize,
): void {
  for (let y = 0; y < rows; y++) {
    const level = load<f32>(pedestal + ((<usize>y) << 2))
    const levels = f32x4.splat(level)
    const limits = f32x4.splat(saturation)
    const largest = f32x4.splat(f32.MAX_VALUE)
    let from = source + ((<usize>(y * stride + x0)) << 2)
    const skip = (<usize>(y * targetStride)) << 2
    let b = bias + skip
    let to = target + skip
    let bits = mask + (skip >> 1)
    let c = columns
    let x = 0
    for (; x + 4 <= width; x += 4) {
      const raw = v128.load(from)
      let v = f32x4.sub(raw, levels)
      if (columns) v = f32x4.sub(v, v128.load(c))
      if (bias) v = f32x4.sub(v, v128.load(b))
      v128.store(to, v)
      const over = f32x4.ge(raw, limits)
      const good = f32x4.le(f32x4.abs(v), largest)
      if (v128.any_true(v128.or(over, v128.not(good)))) {
        let flags = v128.and(over, i32x4.splat(SATURATED))
        flags = v128.or(flags, v128.andnot(i32x4.splat(NO_DATA), good))
        const packed = i16x8.narrow_i32x4_s(flags, flags)
        store<u64>(bits, load<u64>(bits) | i64x2.extract_lane(packed, 0))
      }
      from += 16; b += 16; to += 16; bits += 8; c += 16
    }
    for (; x < width; x++) {
      const raw = load<f32>(from)
      let v: f32 = raw - level
      if (columns) v -= load<f32>(c)
      if (bias) v -= load<f32>(b)
      store<f32>(to, v)
      let flags = <i32>load<i16>(bits)
      if (raw >= saturation) flags |= SATURATED
      if (!(abs<f32>(v) <= f32.MAX_VALUE)) flags |= NO_DATA
      store<i16>(bits, <i16>flags)
      from += 4; b += 4; to += 4; bits += 2; c += 4
    }
  }
}

/** Bits of `more` joined to `mask`. */
export function joinMasks(mask: usize, more: usize, n: i32): void {
  // The last vector may reach past the end: every array in kernel memory has 16 bytes to spare.
  for (let p: usize = 0; p < (<usize>n) << 1; p += 16) v128.store(mask + p, v128.or(v128.load(mask + p), v128.load(more + p)))
}

/** How far beyond the expected noise the scatter of a window must be before it is taken for structure. */
const STRUCTURE: f32 = 1.6

/**
 * The expected signal of every pixel of columns x0 … x1 and rows y0 … y1 of a plane `stride` wide, as a filter of local
 * statistics gives it (Lee 1980, IEEE PAMI 2, 165): m + w (x - m), m being the mean of the 5 x 5 pixels about it that lie
 * in the section, w = max(0, 1 - 1.6 e / v), v their variance and e = readVariance + perElectron m the one that noise
 * gives them. Where nothing but noise is, the mean stands; on stars, the pixel. Not-numbers are left out. `pivot` is a
 * level near that of most pixels; `scratch` has room for 3 (x1 - x0 + 16) values.
 */
export function expectedSignal(
  pixels: usize, stride: i32, x0: i32, y0: i32, x1: i32, y1: i32,
  pivot: f32, readVariance: f32, perElectron: f32, scratch: usize, target: usize,
): void {
  const n = x1 - x0
  const room = (<usize>(n + 16)) << 2
  const sums = scratch
  const squares = scratch + room
  const counts = squares + room
  memory.fill(scratch, 0, 3 * room)
  const pivots = f32x4.splat(pivot)
  const largest = f32x4.splat(f32.MAX_VALUE)
  const one = f32x4.splat(1)
  const zero = f32x4.splat(0)
  const structure = f32x4.splat(STRUCTURE)
  const readVariances = f32x4.splat(readVariance)
  const perElectrons = f32x4.splat(perElectron)
  for (let y = y0; y < y1; y++) {
    const from = max<i32>(y0, y - 2)
    const to = min<i32>(y1 - 1, y + 2)
    // sums over the column, behind 16 bytes of zeros
    for (let x = 0; x < n; x += 4) {
      let sum = zero
      let square = zero
      let count = zero
      for (let v = from; v <= to; v++) {
        const value = v128.load(pixels + ((<usize>(v * stride + x0 + x)) << 2))
        const good = f32x4.le(f32x4.abs(value), largest)
        const d = v128.and(f32x4.sub(value, pivots), good)
        sum = f32x4.add(sum, d)
        square = f32x4.add(square, f32x4.mul(d, d))
        count = f32x4.add(count, v128.and(one, good))
      }
      const at = (<usize>(x + 4)) << 2
      v128.store(sums + at, sum)
      v128.store(squares + at, square)
      v128.store(counts + at, count)
    }
    clearTail(sums, n)
    clearTail(squares, n)
    clearTail(counts, n)
    for (let x = 0; x < n; x += 4) {
      const at = (<usize>(x + 2)) << 2
      const sum = fiveFrom(sums + at)
      const square = fiveFrom(squares + at)
      const count = f32x4.pmax(one, fiveFrom(counts + at))
      const mean = f32x4.div(sum, count)
      const level = f32x4.add(mean, pivots)
      const spread = f32x4.sub(square, f32x4.mul(sum, mean))
      const variance = f32x4.div(spread, f32x4.pmax(one, f32x4.sub(count, one)))
      const noise = f32x4.add(readVariances, f32x4.mul(perElectrons, f32x4.pmax(zero, level)))
      // 0 / 0 of a window without variance is not a number: pmax then gives 0
      const weight = f32x4.pmax(zero, f32x4.sub(one, f32x4.div(f32x4.mul(structure, noise), variance)))
      const p = (<usize>(y * stride + x0 + x)) << 2
      const value = v128.load(pixels + p)
      const good = f32x4.le(f32x4.abs(value), largest)
      const own = v128.and(f32x4.mul(weight, f32x4.sub(value, level)), good)
      storeFew(target + p, f32x4.add(level, own), n - x)
    }
  }
}

// @ts-ignore: decorator
@inline
function fiveFrom(at: usize): v128 {
  let sum = f32x4.add(v128.load(at), v128.load(at, 4))
  sum = f32x4.add(sum, v128.load(at, 8))
  sum = f32x4.add(sum, v128.load(at, 12))
  return f32x4.add(sum, v128.load(at, 16))
}

/** The vectors behind the last column hold nothing. */
// @ts-ignore: decorator
@inline
function clearTail(line: usize, n: i32): void {
  for (let x = n; x < n + 8; x++) store<f32>(line + ((<usize>(x + 4)) << 2), 0)
}

// @ts-ignore: decorator
@inline
function storeFew(to: usize, v: v128, some: i32): void {
  if (some >= 4) {
    v128.store(to, v)
    return
  }
  store<f32>(to, f32x4.extract_lane(v, 0))
  if (some > 1) store<f32>(to, f32x4.extract_lane(v, 1), 4)
  if (some > 2) store<f32>(to, f32x4.extract_lane(v, 2), 8)
}

/** Into `counts` (int32), how many of `n` masks have bits 1, 2, 4, 8, 16 and 32. */
export function countBits(mask: usize, n: i32, counts: usize): void {
  for (let k: usize = 0; k < 24; k += 4) store<i32>(counts + k, 0)
  let p = 0
  while (p < n) {
    if (p + 8 <= n && !v128.any_true(v128.load(mask + ((<usize>p) << 1)))) {
      p += 8
      continue
    }
    const stop = min<i32>(n, p + 8)
    for (; p < stop; p++) {
      const bits = <i32>load<i16>(mask + ((<usize>p) << 1))
      if (bits == 0) continue
      for (let k = 0; k < 6; k++) {
        const at = counts + ((<usize>k) << 2)
        store<i32>(at, load<i32>(at) + ((bits >> k) & 1))
      }
    }
  }
}

/** The positions (int32, ascending) of masks with any of `bits`, while there is room; returns how many there are. */
export function positionsOf(mask: usize, n: i32, bits: i32, target: usize, room: i32): i32 {
  const wanted = i16x8.splat(<i16>bits)
  let count = 0
  let p = 0
  while (p < n) {
    if (p + 8 <= n && !v128.any_true(v128.and(wanted, v128.load(mask + ((<usize>p) << 1))))) {
      p += 8
      continue
    }
    const stop = min<i32>(n, p + 8)
    for (; p < stop; p++) {
      if ((<i32>load<i16>(mask + ((<usize>p) << 1)) & bits) == 0) continue
      if (count < room) store<i32>(target + ((<usize>count) << 2), p)
      count++
    }
  }
  return count
}
