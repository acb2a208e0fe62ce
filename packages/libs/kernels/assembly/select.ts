/**
 * The value that `k` of `n` values are not above, counted from 0: exact, and the values are reordered (Hoare's selection
 * with the median of three). No NaN.
 */
// @ts-ignore: decorator
@inline export function selectInPlace<T>(values: usize, n: i32, k: i32): T {
  const size = sizeof<T>()
  let low = values
  let high = values + (<usize>(n - 1)) * size
  const wanted = values + (<usize>k) * size
  while (high > low + size) {
    const middle = low + ((((high - low) / size) >> 1) * size)
    order<T>(low, middle)
    order<T>(low, high)
    order<T>(middle, high)
    const pivot = load<T>(middle)
    let i = low
    let j = high
    while (i <= j) {
      while (load<T>(i) < pivot) i += size
      while (load<T>(j) > pivot) j -= size
      if (i <= j) {
        swap<T>(i, j)
        i += size
        j -= size
      }
    }
    if (wanted <= j) high = j
    else if (wanted >= i) low = i
    else return load<T>(wanted)
  }
  order<T>(low, high)
  return load<T>(wanted)
}

// @ts-ignore: decorator
@inline function swap<T>(a: usize, b: usize): void {
  const held = load<T>(a)
  store<T>(a, load<T>(b))
  store<T>(b, held)
}

// @ts-ignore: decorator
@inline function order<T>(a: usize, b: usize): void {
  if (load<T>(b) < load<T>(a)) swap<T>(a, b)
}

/**
 * The same for values that are not negative, with a `guess` of the answer: where it is right within a few standard
 * errors of a median, one pass over the values suffices. `scratch` holds n values.
 */
export function selectNear<T>(values: usize, n: i32, k: i32, guess: T, scratch: usize): T {
  const size = sizeof<T>()
  if (n > 64 && guess > 0) {
    const width = 12 / Math.sqrt(<f64>n)
    const from = <T>(<f64>guess * (1 - width))
    const to = <T>(<f64>guess * (1 + width))
    let below = 0
    let out = scratch
    const end = values + (<usize>n) * size
    for (let at = values; at < end; at += size) {
      const value = load<T>(at)
      below += i32(value < from)
      store<T>(out, value)
      out += <usize>(i32(value >= from) & i32(value <= to)) * size
    }
    const inside = <i32>((out - scratch) / size)
    if (k >= below && k < below + inside) return selectInPlace<T>(scratch, inside, k - below)
  }
  return selectInPlace<T>(values, n, k)
}

/** For each set of four lanes, the shuffle that brings the lanes of the set together at the start of a vector. */
const TOGETHER = memory.data(256, 16)
let filled = false

function fillTogether(): void {
  for (let set = 0; set < 16; set++) {
    let to = TOGETHER + ((<usize>set) << 4)
    for (let lane = 0; lane < 4; lane++) {
      if (!((set >> lane) & 1)) continue
      store<u32>(to, 0x03020100 + 0x04040404 * lane)
      to += 4
    }
  }
  filled = true
}

/** The same for float32, four values at a time. `scratch` holds four values more. */
export function selectNearFloats(values: usize, n: i32, k: i32, guess: f32, scratch: usize): f32 {
  if (n <= 64 || !(guess > 0)) return selectInPlace<f32>(values, n, k)
  if (!filled) fillTogether()
  const width = 12 / Math.sqrt(<f64>n)
  const from = <f32>(<f64>guess * (1 - width))
  const to = <f32>(<f64>guess * (1 + width))
  const lowest = f32x4.splat(from)
  const highest = f32x4.splat(to)
  let belows = i32x4.splat(0)
  let out = scratch
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const at = values + ((<usize>i) << 2)
    const v = v128.load(at)
    belows = i32x4.sub(belows, f32x4.lt(v, lowest))
    const inside = i32x4.bitmask(v128.and(f32x4.ge(v, lowest), f32x4.le(v, highest)))
    v128.store(out, i8x16.swizzle(v, v128.load(TOGETHER + ((<usize>inside) << 4))))
    out += (<usize>popcnt<i32>(inside)) << 2
  }
  const pairs = i32x4.add(belows, v128.shuffle<u32>(belows, belows, 2, 3, 0, 1))
  let below = i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1)
  for (; i < n; i++) {
    const value = load<f32>(values + ((<usize>i) << 2))
    below += i32(value < from)
    store<f32>(out, value)
    out += <usize>(i32(value >= from) & i32(value <= to)) << 2
  }
  const inside = <i32>((out - scratch) >> 2)
  if (k >= below && k < below + inside) return selectInPlace<f32>(scratch, inside, k - below)
  return selectInPlace<f32>(values, n, k)
}
