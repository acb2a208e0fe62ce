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
    const width = 5 / Math.sqrt(<f64>n)
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
