// Rice coding of integers, as the FITS tile-compression convention uses it (Pence, Seaman & White 2009, PASP 121, 414;
// Rice, Yeh & Miller 1993, AIAA 93-4541). A tile begins with its first pixel; then, block by block, comes the number of
// low bits that are written plainly, plus one, and the folded differences of neighbours: high part in unary, low part
// as it is. T is u8, i16 or i32: the pixels, the differences modulo its size, and the widths of the codes follow.
import { fsBits, fsMaximum, pixelBits } from './rice-widths'

// @ts-ignore: decorator
@inline function unfold(code: u32): i32 {
  return <i32>((code >> 1) ^ (0 - (code & 1)))
}

/**
 * Decodes one tile of `n` pixels from `bytes` bytes at `source` to `target`, machine order. Returns 0, or 1 when the
 * bytes end before the pixels do.
 *
 * `word` holds the next `held` bits at its top. Filling it loads eight bytes at once and counts the whole ones, so that
 * afterwards at least 56 bits are held; it may look up to 16 bytes past the end, which `allocate` leaves free.
 */
// @ts-ignore: decorator
@inline function decode<T>(source: usize, bytes: i32, target: usize, n: i32, blockSize: i32): i32 {
  const end = source + <usize>bytes
  const farthest = end + 7 // where the next byte to load lies when the last bit has just been held
  if (bytes < <i32>sizeof<T>()) return 1
  let p = source
  let last: i32 = 0
  for (let k: usize = 0; k < sizeof<T>(); k++) last = (last << 8) | <i32>load<u8>(p++)
  let word: u64 = 0
  let held: i32 = 0
  const stop = target + (<usize>n) * sizeof<T>()
  const block = (<usize>blockSize) * sizeof<T>()
  let out = target
  while (out < stop) {
    const blockEnd = out + min<usize>(stop - out, block)
    if (p > farthest) return 1
    word |= bswap<u64>(load<u64>(p)) >> (<u64>held)
    p += <usize>((63 - held) >> 3)
    held |= 56
    const fs = <i32>(word >> (<u64>(64 - fsBits<T>()))) - 1
    word <<= <u64>fsBits<T>()
    held -= fsBits<T>()
    if (fs < 0) {
      for (; out < blockEnd; out += sizeof<T>()) store<T>(out, <T>last)
    } else if (fs == fsMaximum<T>()) {
      for (; out < blockEnd; out += sizeof<T>()) {
        if (p > farthest) return 1
        word |= bswap<u64>(load<u64>(p)) >> (<u64>held)
        p += <usize>((63 - held) >> 3)
        held |= 56
        last += unfold(<u32>(word >> (<u64>(64 - pixelBits<T>()))))
        word <<= <u64>pixelBits<T>()
        held -= pixelBits<T>()
        store<T>(out, <T>last)
      }
    } else {
      const lowest = <u64>(63 - fs)
      const foursEnd = out + ((blockEnd - out) & ~(4 * sizeof<T>() - 1))
      // Four pixels for each filling of the word: mostly they fit.
      while (out < foursEnd) {
        if (p > farthest) return 1
        word |= bswap<u64>(load<u64>(p)) >> (<u64>held)
        p += <usize>((63 - held) >> 3)
        held |= 56
        const z0 = <i32>clz<u64>(word)
        const rest1 = word << (<u64>(z0 + fs + 1))
        const z1 = <i32>clz<u64>(rest1)
        const rest2 = rest1 << (<u64>(z1 + fs + 1))
        const z2 = <i32>clz<u64>(rest2)
        const rest3 = rest2 << (<u64>(z2 + fs + 1))
        const z3 = <i32>clz<u64>(rest3)
        const length = z0 + z1 + z2 + z3 + 4 * fs + 4
        if (length > 56) break
        last += unfold(((z0 - 1) << fs) + <u32>((word << (<u64>z0)) >> lowest))
        store<T>(out, <T>last)
        last += unfold(((z1 - 1) << fs) + <u32>((rest1 << (<u64>z1)) >> lowest))
        store<T>(out, <T>last, sizeof<T>())
        last += unfold(((z2 - 1) << fs) + <u32>((rest2 << (<u64>z2)) >> lowest))
        store<T>(out, <T>last, 2 * sizeof<T>())
        last += unfold(((z3 - 1) << fs) + <u32>((rest3 << (<u64>z3)) >> lowest))
        store<T>(out, <T>last, 3 * sizeof<T>())
        word = rest3 << (<u64>(z3 + fs + 1))
        held -= length
        out += 4 * sizeof<T>()
      }
      for (; out < blockEnd; out += sizeof<T>()) {
        if (p > farthest) return 1
        word |= bswap<u64>(load<u64>(p)) >> (<u64>held)
        p += <usize>((63 - held) >> 3)
        held |= 56
        let zeros = <i32>clz<u64>(word)
        let high: u32 = zeros
        if (zeros + fs >= 56) {
          // A long run of zeros: drop what is held and look further for the one that ends it.
          high = 0
          while (zeros >= held) {
            high += held
            if (p > farthest) return 1
            word = bswap<u64>(load<u64>(p))
            p += 7
            held = 56
            zeros = <i32>clz<u64>(word)
          }
          high += zeros
          word <<= <u64>zeros
          held -= zeros
          if (p > farthest) return 1
          word |= bswap<u64>(load<u64>(p)) >> (<u64>held)
          p += <usize>((63 - held) >> 3)
          held |= 56
          zeros = 0
        }
        word <<= <u64>zeros
        // The one that ended the run and fs bits after it: of these fs + 1 the top one is dropped.
        const low = <u32>(word >> lowest) ^ ((<u32>1) << fs)
        word <<= <u64>(fs + 1)
        held -= zeros + fs + 1
        last += unfold((high << fs) | low)
        store<T>(out, <T>last)
      }
    }
  }
  // Bits that were used beyond the end were not there.
  return p - <usize>(held >> 3) > end ? 1 : 0
}

/** Unsigned bytes (BYTEPIX 1). */
export function riceDecode8(source: usize, bytes: i32, target: usize, n: i32, blockSize: i32): i32 {
  return decode<u8>(source, bytes, target, n, blockSize)
}
/** 16-bit integers (BYTEPIX 2). */
export function riceDecode16(source: usize, bytes: i32, target: usize, n: i32, blockSize: i32): i32 {
  return decode<i16>(source, bytes, target, n, blockSize)
}
/** 32-bit integers (BYTEPIX 4). */
export function riceDecode32(source: usize, bytes: i32, target: usize, n: i32, blockSize: i32): i32 {
  return decode<i32>(source, bytes, target, n, blockSize)
}
