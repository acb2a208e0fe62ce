// An image convolved with a small kernel. Beyond the edge of the image the edge pixel repeats.
import { clampTo } from './window'

/**
 * Rows `first` to `last` of the image; `target` is where row `first` goes. `kernel` holds sizeX sizeY floats, already
 * turned by 180 degrees, so that the sum runs along the rows of the image.
 */
export function convolve(
  source: usize, width: i32, height: i32, first: i32, last: i32, kernel: usize, sizeX: i32, sizeY: i32, target: usize,
): void {
  const half = sizeX >> 1
  for (let y = first; y < last; y++) {
    const to = target + ((<usize>((y - first) * width)) << 2)
    let x = 0
    for (; x < min<i32>(half, width); x++) convolveOne(source, width, height, x, y, kernel, sizeX, sizeY, to)
    for (; x + 16 <= width - half; x += 16) convolveSixteen(source, width, height, x, y, kernel, sizeX, sizeY, to)
    for (; x + 4 <= width - half; x += 4) convolveFour(source, width, height, x, y, kernel, sizeX, sizeY, to)
    for (; x < width; x++) convolveOne(source, width, height, x, y, kernel, sizeX, sizeY, to)
  }
}

function convolveSixteen(
  source: usize, width: i32, height: i32, x: i32, y: i32, kernel: usize, sizeX: i32, sizeY: i32, to: usize,
): void {
  let a = f32x4.splat(0)
  let b = a
  let c = a
  let d = a
  let weight = kernel
  for (let v = 0; v < sizeY; v++) {
    let at = source + ((<usize>(clampTo(y + v - (sizeY >> 1), height) * width + x - (sizeX >> 1))) << 2)
    const end = at + ((<usize>sizeX) << 2)
    for (; at < end; at += 4, weight += 4) {
      const w = v128.load32_splat(weight)
      a = f32x4.add(a, f32x4.mul(w, v128.load(at)))
      b = f32x4.add(b, f32x4.mul(w, v128.load(at, 16)))
      c = f32x4.add(c, f32x4.mul(w, v128.load(at, 32)))
      d = f32x4.add(d, f32x4.mul(w, v128.load(at, 48)))
    }
  }
  const out = to + ((<usize>x) << 2)
  v128.store(out, a)
  v128.store(out, b, 16)
  v128.store(out, c, 32)
  v128.store(out, d, 48)
}

function convolveFour(
  source: usize, width: i32, height: i32, x: i32, y: i32, kernel: usize, sizeX: i32, sizeY: i32, to: usize,
): void {
  let sum = f32x4.splat(0)
  let weight = kernel
  for (let v = 0; v < sizeY; v++) {
    let at = source + ((<usize>(clampTo(y + v - (sizeY >> 1), height) * width + x - (sizeX >> 1))) << 2)
    const end = at + ((<usize>sizeX) << 2)
    for (; at < end; at += 4, weight += 4) {
      sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(weight), v128.load(at)))
    }
  }
  v128.store(to + ((<usize>x) << 2), sum)
}

function convolveOne(
  source: usize, width: i32, height: i32, x: i32, y: i32, kernel: usize, sizeX: i32, sizeY: i32, to: usize,
): void {
  let sum: f32 = 0
  let weight = kernel
  for (let v = 0; v < sizeY; v++) {
    const row = source + ((<usize>(clampTo(y + v - (sizeY >> 1), height) * width)) << 2)
    for (let u = 0; u < sizeX; u++, weight += 4) {
      sum += load<f32>(weight) * load<f32>(row + ((<usize>clampTo(x + u - (sizeX >> 1), width)) << 2))
    }
  }
  store<f32>(to + ((<usize>x) << 2), sum)
}
