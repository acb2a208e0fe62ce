import { selectNear, selectNearFloats } from './select'

// The noise of a row of pixels as the compression of floats measures it: medians of absolute differences of second,
// third and fifth order (Stoehr et al. 2007, ST-ECF Newsletter 42, 4; Pence, Seaman & White 2009, PASP 121, 414). The
// arithmetic is that of the pixels, term by term in CFITSIO's order, so that quantised files agree to the last bit.
//
// Where neighbours are all equal there is no noise to measure: such places are left out.

// The differences of a row, one list behind the other, and how many there are.
let second: usize = 0
let third: usize = 0
let fifth: usize = 0
let spare: usize = 0
let seconds: i32 = 0
let thirds: i32 = 0

/** Copies the pixels that are not NaN together, returns their number. */
function good<T>(source: usize, n: i32, target: usize): i32 {
  const size = sizeof<T>()
  let out = target
  const end = source + (<usize>n) * size
  for (let at = source; at < end; at += size) {
    const value = load<T>(at)
    store<T>(out, value)
    out += <usize>i32(value == value) * size
  }
  return <i32>((out - target) / size)
}

function startLists(pixels: usize, bytes: usize): void {
  second = pixels + bytes
  third = second + bytes
  fifth = third + bytes
  spare = fifth + bytes
  seconds = 0
  thirds = 0
}

/** The differences about the fifth of nine pixels at `at`. */
// @ts-ignore: decorator
@inline function difference<T>(at: usize): void {
  const size = sizeof<T>()
  const v3 = load<T>(at + 2 * size)
  const v4 = load<T>(at + 3 * size)
  const v5 = load<T>(at + 4 * size)
  const v6 = load<T>(at + 5 * size)
  const v7 = load<T>(at + 6 * size)
  const flat = v5 == v6 && v6 == v7
  store<T>(second + (<usize>seconds) * size, abs<T>(v5 - v7))
  seconds += i32(!flat)
  if (flat && v3 == v4 && v4 == v5) return
  const curve = <T>6 * v5 - <T>4 * v3 - <T>4 * v7 + load<T>(at) + load<T>(at + 8 * size)
  store<T>(third + (<usize>thirds) * size, abs<T>(<T>2 * v5 - v3 - v7))
  store<T>(fifth + (<usize>thirds) * size, abs<T>(curve))
  thirds++
}

/** The same for four pixels at once, float32. */
// @ts-ignore: decorator
@inline function fourDifferences(at: usize): void {
  const v5 = v128.load(at, 16)
  const v6 = v128.load(at, 20)
  const v7 = v128.load(at, 24)
  if (v128.any_true(v128.and(f32x4.eq(v5, v6), f32x4.eq(v6, v7)))) {
    for (let k: usize = 0; k < 16; k += 4) difference<f32>(at + k)
    return
  }
  const v3 = v128.load(at, 8)
  const four = f32x4.splat(4)
  const bend = f32x4.sub(f32x4.sub(f32x4.add(v5, v5), v3), v7)
  let curve = f32x4.sub(f32x4.mul(f32x4.splat(6), v5), f32x4.mul(four, v3))
  curve = f32x4.add(f32x4.add(f32x4.sub(curve, f32x4.mul(four, v7)), v128.load(at)), v128.load(at, 32))
  v128.store(second + ((<usize>seconds) << 2), f32x4.abs(f32x4.sub(v5, v7)))
  v128.store(third + ((<usize>thirds) << 2), f32x4.abs(bend))
  v128.store(fifth + ((<usize>thirds) << 2), f32x4.abs(curve))
  seconds += 4
  thirds += 4
}

/**
 * One row of `n` pixels. `results` is eight float64: the number of good pixels, their smallest and largest, the number
 * of differences of second and of third order, and the medians of the second, third and fifth order; what stands in the
 * last three places before is taken as a guess of them. `scratch` has room for 5 n + 32 pixels.
 */
export function noiseOfFloats(source: usize, n: i32, scratch: usize, results: usize): void {
  let least = f32x4.splat(Infinity)
  let most = f32x4.splat(-Infinity)
  let odd = i32x4.splat(0)
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const v = v128.load(source + ((<usize>i) << 2))
    odd = v128.or(odd, f32x4.ne(v, v))
    // The pixel is the second operand: where it is NaN, the first stays.
    least = f32x4.pmin(least, v)
    most = f32x4.pmax(most, v)
  }
  let whole = !v128.any_true(odd)
  for (; i < n; i++) {
    const value = load<f32>(source + ((<usize>i) << 2))
    whole = whole && value == value
    least = f32x4.pmin(least, f32x4.splat(value))
    most = f32x4.pmax(most, f32x4.splat(value))
  }
  least = f32x4.pmin(least, v128.shuffle<u32>(least, least, 2, 3, 0, 1))
  most = f32x4.pmax(most, v128.shuffle<u32>(most, most, 2, 3, 0, 1))
  const count = whole ? n : good<f32>(source, n, scratch)
  store<f64>(results, <f64>count)
  store<f64>(results, <f64>min<f32>(f32x4.extract_lane(least, 0), f32x4.extract_lane(least, 1)), 8)
  store<f64>(results, <f64>max<f32>(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)), 16)
  const pixels = whole ? source : scratch
  startLists(scratch, ((<usize>n) + 6) << 2)
  for (i = 8; i + 4 <= count; i += 4) fourDifferences(pixels + ((<usize>(i - 8)) << 2))
  for (; i < count; i++) difference<f32>(pixels + ((<usize>(i - 8)) << 2))
  store<f64>(results, <f64>seconds, 24)
  store<f64>(results, <f64>thirds, 32)
  medianOfFloats(second, seconds, results + 40)
  medianOfFloats(third, thirds, results + 48)
  medianOfFloats(fifth, thirds, results + 56)
}

function medianOfFloats(values: usize, n: i32, result: usize): void {
  if (n > 0) store<f64>(result, <f64>selectNearFloats(values, n, (n - 1) >> 1, <f32>load<f64>(result), spare))
}

/** The same for float64. */
export function noiseOfDoubles(source: usize, n: i32, scratch: usize, results: usize): void {
  const count = good<f64>(source, n, scratch)
  let least: f64 = Infinity
  let most: f64 = -Infinity
  for (let i = 0; i < count; i++) {
    const value = load<f64>(scratch + ((<usize>i) << 3))
    least = min<f64>(least, value)
    most = max<f64>(most, value)
  }
  store<f64>(results, <f64>count)
  store<f64>(results, least, 8)
  store<f64>(results, most, 16)
  startLists(scratch, ((<usize>n) + 6) << 3)
  for (let i = 8; i < count; i++) difference<f64>(scratch + ((<usize>(i - 8)) << 3))
  store<f64>(results, <f64>seconds, 24)
  store<f64>(results, <f64>thirds, 32)
  medianOfDoubles(second, seconds, results + 40)
  medianOfDoubles(third, thirds, results + 48)
  medianOfDoubles(fifth, thirds, results + 56)
}

function medianOfDoubles(values: usize, n: i32, result: usize): void {
  if (n > 0) store<f64>(result, selectNear<f64>(values, n, (n - 1) >> 1, load<f64>(result), spare))
}
