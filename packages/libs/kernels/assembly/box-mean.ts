// The mean over square windows, of the pixels that are numbers and lie in the image.
import { oneNaN } from './pixel-source'

/**
 * Rows `first` to `last` of the image; `target` is where row `first` goes. `scratch` holds 2 (width + size + 8) floats:
 * sums and counts of the columns of the window, with room for zeros on both sides.
 */
export function boxMean(
  source: usize, width: i32, height: i32, first: i32, last: i32, size: i32, target: usize, scratch: usize,
): void {
  const half = size >> 1
  const room = (<usize>(width + size + 8)) << 2
  const sums = scratch
  const counts = scratch + room
  memory.fill(scratch, 0, 2 * room)
  const stride = (<usize>width) << 2
  for (let y = first; y < last; y++) {
    const top = source + <usize>max<i32>(0, y - half) * stride
    const bottom = source + <usize>min<i32>(height, y + half + 1) * stride
    addColumns(top, bottom, stride, width, sums + ((<usize>half) << 2), counts + ((<usize>half) << 2))
    const to = target + <usize>(y - first) * stride
    let x = 0
    for (; x + 4 <= width; x += 4) v128.store(to + ((<usize>x) << 2), meanOfFour(sums, counts, x, size))
    if (x == width) continue
    v128.store(counts + room, meanOfFour(sums, counts, x, size))
    memory.copy(to + ((<usize>x) << 2), counts + room, (<usize>(width - x)) << 2)
  }
}

/** Sums and counts, column by column, of the rows from `top` to `bottom`. */
function addColumns(top: usize, bottom: usize, stride: usize, width: i32, sums: usize, counts: usize): void {
  for (let x = 0; x < width; x += 4) {
    const shift = (<usize>x) << 2
    let sum = f32x4.splat(0)
    let count = i32x4.splat(0)
    for (let at = top + shift; at < bottom; at += stride) {
      const v = v128.load(at)
      const good = f32x4.le(f32x4.abs(v), f32x4.splat(f32.MAX_VALUE))
      sum = f32x4.add(sum, v128.and(v, good))
      count = i32x4.sub(count, good)
    }
    let counted = f32x4.convert_i32x4_s(count)
    if (width - x < 4) {
      const inside = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(width - x))
      sum = v128.and(sum, inside)
      counted = v128.and(counted, inside)
    }
    v128.store(sums + shift, sum)
    v128.store(counts + shift, counted)
  }
}

// @ts-ignore: decorator
@inline
function meanOfFour(sums: usize, counts: usize, x: i32, size: i32): v128 {
  let sum = f32x4.splat(0)
  let count = sum
  const end = (<usize>(x + size)) << 2
  for (let at = (<usize>x) << 2; at < end; at += 4) {
    sum = f32x4.add(sum, v128.load(sums + at))
    count = f32x4.add(count, v128.load(counts + at))
  }
  return oneNaN(f32x4.div(sum, count))
}
