// Median over small windows: 3 x 3, 5 x 5, and lines of up to 15. Four pixels at a time go through a sorting network
// where no NaN is near; the others, and those at the edge, are done one by one.
import { lineMedian, median3x3, median5x5 } from './networks'
import { clampTo, hasNaN, windowMedian } from './window'

/**
 * Rows `first` to `last` of an image filtered with a window of `sizeX` by `sizeY`: 3 x 3, 5 x 5, or one of them 1 and
 * the other odd and at most 15. `target` is where row `first` goes; `scratch` holds sizeX sizeY floats.
 */
export function medianSmall(
  source: usize, width: i32, height: i32, first: i32, last: i32, sizeX: i32, sizeY: i32, target: usize, scratch: usize,
): void {
  const halfX = sizeX >> 1
  const halfY = sizeY >> 1
  const stride = (<usize>width) << 2
  let bad: u64 = 0 // which of the last rows have a NaN: bit 0 is the newest
  for (let v = first - halfY; v < first + halfY; v++) {
    bad = (bad << 1) | <u64>hasNaN(source + <usize>clampTo(v, height) * stride, width)
  }
  for (let y = first; y < last; y++) {
    bad = (bad << 1) | <u64>hasNaN(source + <usize>clampTo(y + halfY, height) * stride, width)
    const near = (bad & (((<u64>1) << sizeY) - 1)) != 0
    const to = target + <usize>(y - first) * stride
    const inside = y >= halfY && y + halfY < height
    let x = 0
    if (inside) {
      for (; x < min<i32>(halfX, width); x++) storeOne(source, width, height, x, y, sizeX, sizeY, to, scratch)
      for (; x + 4 <= width - halfX; x += 4) {
        const corner = source + <usize>(y - halfY) * stride + ((<usize>(x - halfX)) << 2)
        if (near && windowHasNaN(corner, stride, sizeX, sizeY)) {
          for (let i = 0; i < 4; i++) storeOne(source, width, height, x + i, y, sizeX, sizeY, to, scratch)
        } else {
          v128.store(to + ((<usize>x) << 2), medianOfWindow(corner, stride, sizeX, sizeY))
        }
      }
    }
    for (; x < width; x++) storeOne(source, width, height, x, y, sizeX, sizeY, to, scratch)
  }
}

// @ts-ignore: decorator
@inline
function medianOfWindow(corner: usize, stride: usize, sizeX: i32, sizeY: i32): v128 {
  if (sizeY == 1) return lineMedian(sizeX, corner, 4)
  if (sizeX == 1) return lineMedian(sizeY, corner, stride)
  return sizeX == 3 ? median3x3(corner, stride) : median5x5(corner, stride)
}

function storeOne(
  source: usize, width: i32, height: i32, x: i32, y: i32, sizeX: i32, sizeY: i32, to: usize, scratch: usize,
): void {
  store<f32>(to + ((<usize>x) << 2), windowMedian(source, width, height, x, y, sizeX, sizeY, scratch))
}

function windowHasNaN(corner: usize, stride: usize, sizeX: i32, sizeY: i32): bool {
  let bad = i32x4.splat(0)
  for (let v = 0; v < sizeY; v++) {
    for (let u = 0; u < sizeX; u++) {
      const value = v128.load(corner + <usize>v * stride + ((<usize>u) << 2))
      bad = v128.or(bad, f32x4.ne(value, value))
    }
  }
  return v128.any_true(bad)
}
