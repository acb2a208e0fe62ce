import { fsBits, fsMaximum, pixelBits } from './rice-widths'

// @ts-ignore: decorator
@inline function fold(difference: i32): u32 {
  return <u32>((difference << 1) ^ (difference >> 31))
}

/** Folded differences of neighbours, modulo the size of a pixel; that of the first pixel, with itself, is 0. */
// @ts-ignore: decorator
@inline function differences<T>(source: usize, n: i32, codes: usize): void {
  const size = sizeof<T>()
  store<T>(codes, 0)
  const perVector = 16 / <i32>size
  let i = 1
  for (; i + perVector <= n; i += perVector) {
    const at = (<usize>i) * size
    const here = v128.load(source + at)
    const before = v128.load(source + at - size)
    let folded: v128
    if (size == 1) {
      const d = i8x16.sub(here, before)
      folded = v128.xor(i8x16.shl(d, 1), i8x16.shr_s(d, 7))
    } else if (size == 2) {
      const d = i16x8.sub(here, before)
      folded = v128.xor(i16x8.shl(d, 1), i16x8.shr_s(d, 15))
    } else {
      const d = i32x4.sub(here, before)
      folded = v128.xor(i32x4.shl(d, 1), i32x4.shr_s(d, 31))
    }
    v128.store(codes + at, folded)
  }
  for (; i < n; i++) {
    const at = (<usize>i) * size
    const shift = 32 - pixelBits<T>()
    const d = (<i32>load<T>(source + at) - <i32>load<T>(source + at - size)) << shift >> shift
    store<T>(codes + at, <T>fold(d))
  }
}

// @ts-ignore: decorator
@inline function code<T>(at: usize): u32 {
  return sizeof<T>() == 1 ? <u32>load<u8>(at) : sizeof<T>() == 2 ? <u32>load<u16>(at) : load<u32>(at)
}

// @ts-ignore: decorator
@inline function sumOf<T>(from: usize, to: usize): u64 {
  let sum: u64 = 0
  let at = from
  if (sizeof<T>() == 2) {
    let sums = i32x4.splat(0)
    // 2^16 blocks of 8 would overflow a lane: blocks that long take the scalar loop.
    const stop = to - from > 65536 ? from : from + ((to - from) & ~15)
    for (; at < stop; at += 16) sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(v128.load(at)))
    const pairs = i64x2.add(i64x2.extend_low_i32x4_u(sums), i64x2.extend_high_i32x4_u(sums))
    sum = i64x2.extract_lane(pairs, 0) + i64x2.extract_lane(pairs, 1)
  } else if (sizeof<T>() == 4) {
    let pairs = i64x2.splat(0)
    for (; at + 16 <= to; at += 16) {
      const v = v128.load(at)
      pairs = i64x2.add(pairs, i64x2.add(i64x2.extend_low_i32x4_u(v), i64x2.extend_high_i32x4_u(v)))
    }
    sum = i64x2.extract_lane(pairs, 0) + i64x2.extract_lane(pairs, 1)
  }
  for (; at < to; at += sizeof<T>()) sum += <u64>code<T>(at)
  return sum
}

/** How many low bits of the codes of a block to write plainly, from their sum: near the logarithm of their mean. */
// @ts-ignore: decorator
@inline function splitOf(sum: u64, n: i32): i32 {
  const less = <i64>sum - <i64>(n / 2) - 1
  if (less <= 0) return 0
  const half = <u32>(<u64>less / <u64>n) >> 1
  return 32 - <i32>clz<u32>(half)
}

/**
 * Encodes `n` pixels at `source` to `target`, returns the number of bytes. `codes` is scratch of the pixels' size. The
 * target must have room for n * (size + 1) + 2 * ceil(n / blockSize) + 64 bytes, which no input exceeds.
 *
 * `word` holds `held` bits, below 32, at its bottom.
 */
// @ts-ignore: decorator
@inline function encode<T>(source: usize, n: i32, blockSize: i32, codes: usize, target: usize): i32 {
  let p = target
  const first = load<T>(source)
  for (let k = pixelBits<T>() - 8; k >= 0; k -= 8) store<u8>(p++, <u8>(<u32>first >> k))
  differences<T>(source, n, codes)
  let word: u64 = 0
  let held: i32 = 0
  const size = sizeof<T>()
  for (let start = 0; start < n; start += blockSize) {
    const count = min<i32>(blockSize, n - start)
    const from = codes + (<usize>start) * size
    const to = from + (<usize>count) * size
    const sum = sumOf<T>(from, to)
    const fs = splitOf(sum, count)
    const escape = fs >= fsMaximum<T>()
    const label: u32 = escape ? fsMaximum<T>() + 1 : sum == 0 ? 0 : fs + 1
    word = (word << (<u64>fsBits<T>())) | <u64>label
    held += fsBits<T>()
    if (escape) {
      for (let at = from; at < to; at += size) {
        if (held >= 32) {
          held -= 32
          store<u32>(p, bswap<u32>(<u32>(word >> (<u64>held))))
          p += 4
        }
        word = (word << (<u64>pixelBits<T>())) | <u64>code<T>(at)
        held += pixelBits<T>()
      }
    } else if (sum != 0) {
      const one = (<u32>1) << fs
      const mask = one - 1
      for (let at = from; at < to; at += size) {
        const value = code<T>(at)
        let zeros = <i32>(value >> fs)
        if (held >= 32) {
          held -= 32
          store<u32>(p, bswap<u32>(<u32>(word >> (<u64>held))))
          p += 4
        }
        // The run of zeros may be longer than the word: then in pieces.
        while (zeros + fs > 31) {
          const piece = min<i32>(zeros, 31)
          word <<= <u64>piece
          held += piece
          zeros -= piece
          if (held >= 32) {
            held -= 32
            store<u32>(p, bswap<u32>(<u32>(word >> (<u64>held))))
            p += 4
          }
        }
        word = (word << (<u64>(zeros + fs + 1))) | <u64>(one | (value & mask))
        held += zeros + fs + 1
      }
    }
    if (held >= 32) {
      held -= 32
      store<u32>(p, bswap<u32>(<u32>(word >> (<u64>held))))
      p += 4
    }
  }
  for (; held >= 8; held -= 8) store<u8>(p++, <u8>(word >> (<u64>(held - 8))))
  if (held > 0) store<u8>(p++, <u8>(word << (<u64>(8 - held))))
  return <i32>(p - target)
}

export function riceEncode8(source: usize, n: i32, blockSize: i32, codes: usize, target: usize): i32 {
  return encode<u8>(source, n, blockSize, codes, target)
}
export function riceEncode16(source: usize, n: i32, blockSize: i32, codes: usize, target: usize): i32 {
  return encode<i16>(source, n, blockSize, codes, target)
}
export function riceEncode32(source: usize, n: i32, blockSize: i32, codes: usize, target: usize): i32 {
  return encode<i32>(source, n, blockSize, codes, target)
}
