/**
 * Pixels that stand above their neighbours: those whose sub-sampled Laplacian of van Dokkum (2001, PASP 113, 1420),
 * the mean of max(0, 2 p - h - v) over the neighbours h on both sides and v above and below, is over the limit of their
 * tile of 64 x 16 pixels. Rows y0 … y1 of an image of `height` rows; the outermost pixels of the image are left out.
 * Writes positions (int32, ascending) while there is room, and returns how many there are.
 */
export function sharpPixels(
  pixels: usize, width: i32, height: i32, y0: i32, y1: i32, limits: usize, tileColumns: i32, target: usize, room: i32,
): i32 {
  const row = (<usize>width) << 2
  let count = 0
  const zero = f32x4.splat(0)
  const last = min<i32>(y1, height - 1)
  for (let y = max<i32>(1, y0); y < last; y++) {
    for (let tile = 0; tile < tileColumns; tile++) {
      // four times the limit: the sum is not divided by four
      const limit = f32x4.splat(4 * load<f32>(limits + ((<usize>((y >> 4) * tileColumns + tile)) << 2)))
      const end = min<i32>(width - 1, (tile + 1) << 6)
      for (let x = max<i32>(1, tile << 6); x < end; x += 4) {
        const at = pixels + ((<usize>(y * width + x)) << 2)
        const p = v128.load(at)
        const twice = f32x4.add(p, p)
        const left = f32x4.sub(twice, v128.load(at - 4))
        const right = f32x4.sub(twice, v128.load(at + 4))
        const up = v128.load(at + row)
        const down = v128.load(at - row)
        let sum = f32x4.max(zero, f32x4.sub(left, up))
        sum = f32x4.add(sum, f32x4.max(zero, f32x4.sub(left, down)))
        sum = f32x4.add(sum, f32x4.max(zero, f32x4.sub(right, up)))
        sum = f32x4.add(sum, f32x4.max(zero, f32x4.sub(right, down)))
        let lanes = i32x4.bitmask(f32x4.gt(sum, limit))
        if (lanes == 0) continue
        if (x + 4 > end) lanes &= (1 << (end - x)) - 1
        while (lanes) {
          if (count < room) store<i32>(target + ((<usize>count) << 2), y * width + x + ctz<i32>(lanes))
          count++
          lanes &= lanes - 1
        }
      }
    }
  }
  return count
}

/** The smallest value of each tile of 64 x 16 pixels; NaN is left out, a tile of NaN has infinity. */
export function tileMinima(pixels: usize, width: i32, height: i32, tileColumns: i32, target: usize): void {
  for (let j = 0; j << 4 < height; j++) {
    for (let tile = 0; tile < tileColumns; tile++) {
      const x0 = tile << 6
      const x1 = min<i32>(width, x0 + 64)
      let least = f32x4.splat(Infinity)
      let lowest: f32 = Infinity
      const bottom = min<i32>(height, (j + 1) << 4)
      for (let y = j << 4; y < bottom; y++) {
        let x = x0
        for (; x + 4 <= x1; x += 4) least = f32x4.pmin(least, v128.load(pixels + ((<usize>(y * width + x)) << 2)))
        for (; x < x1; x++) {
          const v = load<f32>(pixels + ((<usize>(y * width + x)) << 2))
          if (v < lowest) lowest = v
        }
      }
      lowest = min<f32>(lowest, min<f32>(f32x4.extract_lane(least, 0), f32x4.extract_lane(least, 1)))
      lowest = min<f32>(lowest, min<f32>(f32x4.extract_lane(least, 2), f32x4.extract_lane(least, 3)))
      store<f32>(target + ((<usize>(j * tileColumns + tile)) << 2), lowest)
    }
  }
}

/**
 * The median of the (2 radius + 1)² pixels about each of `n` positions, none of which lies nearer to the edge than
 * `radius`. No NaN. Four windows at a time, a lane each; `scratch` holds 16 bytes for every pixel of a window.
 */
export function windowMedians(
  pixels: usize, width: i32, positions: usize, n: i32, radius: i32, scratch: usize, target: usize,
): void {
  const side = 2 * radius + 1
  const corner = radius * width + radius
  for (let k = 0; k < n; k += 4) {
    const last = n - 1
    const a = load<i32>(positions + ((<usize>k) << 2)) - corner
    const b = load<i32>(positions + ((<usize>min<i32>(last, k + 1)) << 2)) - corner
    const c = load<i32>(positions + ((<usize>min<i32>(last, k + 2)) << 2)) - corner
    const d = load<i32>(positions + ((<usize>min<i32>(last, k + 3)) << 2)) - corner
    let to = scratch
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const at = pixels + ((<usize>(y * width + x)) << 2)
        let v = v128.load32_zero(at + ((<usize>a) << 2))
        v = v128.load_lane<u32>(at + ((<usize>b) << 2), v, 1)
        v = v128.load_lane<u32>(at + ((<usize>c) << 2), v, 2)
        v = v128.load_lane<u32>(at + ((<usize>d) << 2), v, 3)
        v128.store(to, v)
        to += 16
      }
    }
    // The array has room for a whole vector behind its end.
    v128.store(target + ((<usize>k) << 2), medianOfVectors(scratch, side * side))
  }
}

/**
 * The median of an odd number of vectors, lane by lane, by forgetting: of just over half of them neither the smallest nor
 * the largest can be the median, so both go and one of the rest comes in.
 */
// @ts-ignore: decorator
@inline
function medianOfVectors(values: usize, n: i32): v128 {
  if (n == 1) return v128.load(values)
  let size = (n >> 1) + 2
  let next = values + ((<usize>size) << 4)
  while (true) {
    const end = values + ((<usize>(size - 1)) << 4)
    const half = (<usize>(size >> 1)) << 4
    for (let i: usize = 0; i < half; i += 16) order(values + i, end - i)
    for (let i: usize = 16; i < half + ((<usize>(size & 1)) << 4); i += 16) order(values, values + i)
    for (let at = values + half; at < end; at += 16) order(at, end)
    if (size == 3) return v128.load(values, 16)
    v128.store(values, v128.load(next))
    next += 16
    size--
  }
}

// @ts-ignore: decorator
@inline
function order(a: usize, b: usize): void {
  const u = v128.load(a)
  const v = v128.load(b)
  v128.store(a, f32x4.pmin(u, v))
  v128.store(b, f32x4.pmax(u, v))
}
