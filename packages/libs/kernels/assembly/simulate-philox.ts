// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, SC '11), four counters at a time.
// Each (counter, key) gives 128 bits that depend on nothing else: noise has no order, and any thread may make any part.

const WORDS: usize = memory.data(80, 16)
const NORMALS: usize = memory.data(64, 16)

/** Where `drawWords` puts its four vectors: 16 words, those of one counter in the same lane of each vector.
 * The 16 bytes behind them are free for the caller. */
export function words(): usize { return WORDS }
/** Where `drawNormals` puts its 16 deviates. */
export function normals(): usize { return NORMALS }

// @ts-ignore: decorator
@inline
function highHalf(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(i64x2.extmul_low_i32x4_u(a, b), i64x2.extmul_high_i32x4_u(a, b), 1, 3, 5, 7)
}

/** 16 words for the counters (4·block + lane, row, purpose, 0). */
export function drawWords(block: u32, row: u32, purpose: u32, key0: u32, key1: u32): void {
  const m0 = i32x4.splat(<i32>0xd2511f53)
  const m1 = i32x4.splat(<i32>0xcd9e8d57)
  let a = i32x4.add(i32x4.splat(<i32>(block << 2)), i32x4(0, 1, 2, 3))
  let b = i32x4.splat(<i32>row)
  let c = i32x4.splat(<i32>purpose)
  let d = i32x4.splat(0)
  for (let round = 0; round < 10; round++) {
    const high0 = highHalf(m0, a)
    const low0 = i32x4.mul(m0, a)
    const high1 = highHalf(m1, c)
    const low1 = i32x4.mul(m1, c)
    a = v128.xor(v128.xor(high1, b), i32x4.splat(<i32>key0))
    b = low1
    c = v128.xor(v128.xor(high0, d), i32x4.splat(<i32>key1))
    d = low0
    key0 += 0x9e3779b9
    key1 += 0xbb67ae85
  }
  v128.store(WORDS, a)
  v128.store(WORDS, b, 16)
  v128.store(WORDS, c, 32)
  v128.store(WORDS, d, 48)
}

// @ts-ignore: decorator
@inline
function term(x: v128, p: v128, c: f32): v128 { return f32x4.add(f32x4.mul(p, x), f32x4.splat(c)) }

/** Natural logarithm of positive normal numbers, relative error 1e-7 (polynomial of Cephes' logf). */
export function naturalLog(v: v128): v128 {
  // m in [sqrt(1/2), sqrt(2)), v = m 2^e
  const shifted = i32x4.sub(v, i32x4.splat(0x3f3504f3))
  const e = i32x4.shr_s(shifted, 23)
  const m = i32x4.sub(v, i32x4.shl(e, 23))
  const x = f32x4.sub(m, f32x4.splat(1))
  let p = f32x4.splat(7.0376836292e-2)
  p = term(x, p, -1.151461031e-1)
  p = term(x, p, 1.1676998740e-1)
  p = term(x, p, -1.2420140846e-1)
  p = term(x, p, 1.4249322787e-1)
  p = term(x, p, -1.6668057665e-1)
  p = term(x, p, 2.0000714765e-1)
  p = term(x, p, -2.4999993993e-1)
  p = term(x, p, 3.3333331174e-1)
  const xx = f32x4.mul(x, x)
  const y = f32x4.sub(f32x4.mul(f32x4.mul(p, xx), x), f32x4.mul(xx, f32x4.splat(0.5)))
  return f32x4.add(f32x4.add(x, y), f32x4.mul(f32x4.convert_i32x4_s(e), f32x4.splat(0.6931471805599453)))
}

/** Two standard normal deviates for each pair of words (Box & Muller 1958), to 6.7 sigma. */
function boxMuller(first: v128, second: v128, target: usize): void {
  const u = f32x4.mul(f32x4.add(f32x4.convert_i32x4_u(first), f32x4.splat(0.5)), f32x4.splat(2.3283064365386963e-10))
  const radius = f32x4.sqrt(f32x4.mul(naturalLog(u), f32x4.splat(-2)))
  // The angle: a quarter turn from the upper two bits, and -1/8 to 1/8 of a turn from the others.
  const rest = f32x4.mul(f32x4.convert_i32x4_s(v128.and(second, i32x4.splat(0x3fffffff))), f32x4.splat(9.313225746154785e-10))
  const x = f32x4.mul(f32x4.sub(rest, f32x4.splat(0.5)), f32x4.splat(1.5707963267948966))
  const xx = f32x4.mul(x, x)
  let s = f32x4.splat(-1.9515295891e-4)
  s = term(xx, s, 8.3321608736e-3)
  s = term(xx, s, -1.6666654611e-1)
  s = f32x4.add(f32x4.mul(f32x4.mul(s, xx), x), x)
  let c = f32x4.splat(2.443315711809948e-5)
  c = term(xx, c, -1.388731625493765e-3)
  c = term(xx, c, 4.166664568298827e-2)
  c = f32x4.add(f32x4.sub(f32x4.mul(f32x4.mul(c, xx), xx), f32x4.mul(xx, f32x4.splat(0.5))), f32x4.splat(1))
  const turned = i32x4.ne(v128.and(second, i32x4.splat(0x40000000)), i32x4.splat(0))
  const sign = v128.and(second, i32x4.splat(<i32>0x80000000))
  const sine = v128.bitselect(c, s, turned)
  const cosine = v128.bitselect(f32x4.neg(s), c, turned)
  v128.store(target, f32x4.mul(radius, v128.xor(sine, sign)))
  v128.store(target, f32x4.mul(radius, v128.xor(cosine, sign)), 16)
}

/** 16 standard normal deviates for the counters of `drawWords`. */
export function drawNormals(block: u32, row: u32, purpose: u32, key0: u32, key1: u32): void {
  drawWords(block, row, purpose, key0, key1)
  boxMuller(v128.load(WORDS), v128.load(WORDS, 16), NORMALS)
  boxMuller(v128.load(WORDS, 32), v128.load(WORDS, 48), NORMALS + 32)
}
