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

/** `n` bytes of nothing: filling shared memory from outside takes three times as long. */
export function clearBytes(target: usize, n: usize): void {
  memory.fill(target, 0, n)
}

/** Bits of `n` masks as they are stored in a file, big-endian, joined to `mask`: there are few. */
export function joinStoredMasks(mask: usize, stored: usize, n: i32): void {
  let p = 0
  for (; p + 32 <= n; p += 32) {
    const from = stored + ((<usize>p) << 1)
    if (noneOf(from, i16x8.splat(-1))) continue
    const to = mask + ((<usize>p) << 1)
    for (let at: usize = 0; at < 64; at += 16) {
      const more = v128.load(from + at)
      const swapped = v128.or(i16x8.shl(more, 8), i16x8.shr_u(more, 8))
      v128.store(to + at, v128.or(v128.load(to + at), swapped))
    }
  }
  for (; p < n; p++) {
    const at = (<usize>p) << 1
    store<i16>(mask + at, load<i16>(mask + at) | bswap<i16>(load<i16>(stored + at)))
  }
}

/** Bits of `more` joined to `mask`. */
export function joinMasks(mask: usize, more: usize, n: i32): void {
  // The last vector may reach past the end: every array in kernel memory has 16 bytes to spare.
  for (let p: usize = 0; p < (<usize>n) << 1; p += 16) v128.store(mask + p, v128.or(v128.load(mask + p), v128.load(more + p)))
}

/** True when none of the next 32 masks has any of the wanted bits. */
// @ts-ignore: decorator
@inline
function noneOf(at: usize, wanted: v128): bool {
  const first = v128.or(v128.load(at), v128.load(at, 16))
  const second = v128.or(v128.load(at, 32), v128.load(at, 48))
  return !v128.any_true(v128.and(wanted, v128.or(first, second)))
}

/** Into `counts` (int32), how many of `n` masks have bits 1, 2, 4, 8, 16 and 32. */
export function countBits(mask: usize, n: i32, counts: usize): void {
  for (let k: usize = 0; k < 24; k += 4) store<i32>(counts + k, 0)
  let p = 0
  while (p < n) {
    if (p + 32 <= n && noneOf(mask + ((<usize>p) << 1), i16x8.splat(-1))) {
      p += 32
      continue
    }
    const stop = min<i32>(n, p + 32)
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
    if (p + 32 <= n && noneOf(mask + ((<usize>p) << 1), wanted)) {
      p += 32
      continue
    }
    const stop = min<i32>(n, p + 32)
    for (; p < stop; p++) {
      if ((<i32>load<i16>(mask + ((<usize>p) << 1)) & bits) == 0) continue
      if (count < room) store<i32>(target + ((<usize>count) << 2), p)
      count++
    }
  }
  return count
}

/** The positions (int32, ascending) of values (float32) from `floor` on, while there is room; returns how many there are. */
export function positionsFrom(values: usize, n: i32, floor: f32, target: usize, room: i32): i32 {
  const least = f32x4.splat(floor)
  let count = 0
  let p = 0
  while (p < n) {
    const at = values + ((<usize>p) << 2)
    if (p + 16 <= n) {
      const low = v128.or(f32x4.ge(v128.load(at), least), f32x4.ge(v128.load(at, 16), least))
      const high = v128.or(f32x4.ge(v128.load(at, 32), least), f32x4.ge(v128.load(at, 48), least))
      if (!v128.any_true(v128.or(low, high))) {
        p += 16
        continue
      }
    }
    const stop = min<i32>(n, p + 16)
    for (; p < stop; p++) {
      if (!(load<f32>(values + ((<usize>p) << 2)) >= floor)) continue
      if (count < room) store<i32>(target + ((<usize>count) << 2), p)
      count++
    }
  }
  return count
}
