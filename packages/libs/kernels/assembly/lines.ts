// Rows of smooth surfaces: between nodes along a row, between two rows, and what stands out of them.

/** Takes a line off `n` floats: linear between the values of nodes that are 8 pixels apart. */
export function subtractNodes(pixels: usize, n: i32, nodes: usize): void {
  const ramp = f32x4(0, 0.125, 0.25, 0.375)
  const half = f32x4.splat(0.5)
  let x = 0
  let node = nodes
  for (; x + 8 <= n; x += 8, node += 4) {
    const value = load<f32>(node)
    const rise = f32x4.splat(load<f32>(node + 4) - value)
    const low = f32x4.add(f32x4.splat(value), f32x4.mul(rise, ramp))
    const high = f32x4.add(low, f32x4.mul(rise, half))
    const at = pixels + ((<usize>x) << 2)
    v128.store(at, f32x4.sub(v128.load(at), low))
    v128.store(at + 16, f32x4.sub(v128.load(at + 16), high))
  }
  if (x >= n) return
  const value = load<f32>(node)
  const slope = <f32>0.125 * (load<f32>(node + 4) - value)
  for (let k = 0; x < n; x++, k++) {
    const at = pixels + ((<usize>x) << 2)
    store<f32>(at, load<f32>(at) - (value + slope * <f32>k))
  }
}

/** A row between two others, a part `part` of the way up, plus `more` (an address, or 0). */
export function blendRows(low: usize, high: usize, part: f32, more: usize, n: i32, target: usize): void {
  const up = f32x4.splat(part)
  for (let b: usize = 0; b < (<usize>n) << 2; b += 16) {
    const from = v128.load(low + b)
    let value = f32x4.add(from, f32x4.mul(f32x4.sub(v128.load(high + b), from), up))
    if (more) value = f32x4.add(value, v128.load(more + b))
    if (b + 16 <= (<usize>n) << 2) v128.store(target + b, value)
    else storePart(target + b, value, n & 3)
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function storePart(target: usize, value: v128, n: i32): void {
  store<f32>(target, f32x4.extract_lane(value, 0))
  if (n > 1) store<f32>(target + 4, f32x4.extract_lane(value, 1))
  if (n > 2) store<f32>(target + 8, f32x4.extract_lane(value, 2))
}

/**
 * Adds to `sums` (float64) and `counts` (float64) of `n` columns what a row differs from `level` by, where that is at most
 * `factor` times `sigma`.
 */
export function addQuiet(
  values: usize, level: usize, sigma: usize, factor: f32, n: i32, sums: usize, counts: usize,
): void {
  for (let x: usize = 0; x < <usize>n; x++) {
    const off = load<f32>(values + (x << 2)) - load<f32>(level + (x << 2))
    if (!(abs<f32>(off) <= factor * load<f32>(sigma + (x << 2)))) continue
    store<f64>(sums + (x << 3), load<f64>(sums + (x << 3)) + <f64>off)
    store<f64>(counts + (x << 3), load<f64>(counts + (x << 3)) + 1)
  }
}

/**
 * The places, from `first` on, where a row differs from `level` by more than `factor` times `sigma`, into `positions`
 * (int32); returns how many. The squares of what all others differ by are added to `squares` (float64).
 */
export function hotPixels(
  values: usize, level: usize, sigma: usize, factor: f32, n: i32, first: i32, positions: usize, squares: usize,
): i32 {
  let found = 0
  let sum: f64 = 0
  for (let x = 0; x < n; x++) {
    const b = (<usize>x) << 2
    const off = load<f32>(values + b) - load<f32>(level + b)
    if (abs<f32>(off) > factor * load<f32>(sigma + b)) {
      store<i32>(positions + ((<usize>found) << 2), first + x)
      found++
    } else if (off == off) sum += <f64>off * <f64>off
  }
  store<f64>(squares, load<f64>(squares) + sum)
  return found
}
