import { selectNear } from './select'

// The noise of a row of pixels as the compression of floats measures it: medians of absolute differences of second,
// third and fifth order (Stoehr et al. 2007, ST-ECF Newsletter 42, 4; Pence, Seaman & White 2009, PASP 121, 414). The
// arithmetic is that of the pixels, term by term in CFITSIO's order, so that quantised files agree to the last bit.

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

/**
 * One row of `n` pixels. `results` is eight float64: the number of good pixels, their smallest and largest, the number
 * of differences of second and of third order, and the medians of the second, third and fifth order; what stands in the
 * last three places before is taken as a guess of them. `scratch` has room for 5 n + 16 pixels.
 *
 * Where neighbours are all equal there is no noise to measure: such places are left out.
 */
function noiseOfRow<T>(source: usize, n: i32, scratch: usize, results: usize): void {
  const size = sizeof<T>()
  const room = (<usize>n + 3) * size
  const count = good<T>(source, n, scratch)
  let least = <T>Infinity
  let most = -<T>Infinity
  for (let i = 0; i < count; i++) {
    const value = load<T>(scratch + (<usize>i) * size)
    least = min<T>(least, value)
    most = max<T>(most, value)
  }
  store<f64>(results, <f64>count)
  store<f64>(results, <f64>least, 8)
  store<f64>(results, <f64>most, 16)
  const second = scratch + room
  const third = second + room
  const fifth = third + room
  const spare = fifth + room
  let seconds = 0
  let thirds = 0
  for (let i = 8; i < count; i++) {
    const at = scratch + (<usize>(i - 8)) * size
    const v3 = load<T>(at + 2 * size)
    const v5 = load<T>(at + 4 * size)
    const v6 = load<T>(at + 5 * size)
    const v7 = load<T>(at + 6 * size)
    const flat = v5 == v6 && v6 == v7
    store<T>(second + (<usize>seconds) * size, abs<T>(v5 - v7))
    seconds += i32(!flat)
    const v4 = load<T>(at + 3 * size)
    store<T>(third + (<usize>thirds) * size, abs<T>(<T>2 * v5 - v3 - v7))
    const curve = <T>6 * v5 - <T>4 * v3 - <T>4 * v7 + load<T>(at) + load<T>(at + 8 * size)
    store<T>(fifth + (<usize>thirds) * size, abs<T>(curve))
    thirds += i32(!(flat && v3 == v4 && v4 == v5))
  }
  store<f64>(results, <f64>seconds, 24)
  store<f64>(results, <f64>thirds, 32)
  if (seconds > 0) median<T>(second, seconds, spare, results + 40)
  if (thirds > 0) {
    median<T>(third, thirds, spare, results + 48)
    median<T>(fifth, thirds, spare, results + 56)
  }
}

function median<T>(values: usize, n: i32, spare: usize, result: usize): void {
  store<f64>(result, <f64>selectNear<T>(values, n, (n - 1) >> 1, <T>load<f64>(result), spare))
}

export function noiseOfFloats(source: usize, n: i32, scratch: usize, results: usize): void {
  noiseOfRow<f32>(source, n, scratch, results)
}
export function noiseOfDoubles(source: usize, n: i32, scratch: usize, results: usize): void {
  noiseOfRow<f64>(source, n, scratch, results)
}
