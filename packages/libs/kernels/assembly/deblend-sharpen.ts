// A pixel of the image weighed with a kernel smaller than that of the detection.
import { Detection } from './regions'
import { Scene } from './stamp'

/** The small kernel at a pixel whose surroundings are all in the image; NaN counts as 0. */
export function weighInside(d: Detection, scene: Scene, p: i32, width: i32): f32 {
  const half = d.sharpHalf
  const taps = <usize>(2 * half + 1)
  const vectors = (taps >> 2) << 4
  const line = taps << 2
  let four = f32x4.splat(0)
  let sum: f32 = 0
  let weight = d.sharp
  let row = scene.net + ((<usize>(p - half * width - half)) << 2)
  for (let v: usize = 0; v < taps; v++) {
    let k: usize = 0
    for (; k < vectors; k += 16) {
      const value = v128.load(row + k)
      four = f32x4.add(four, f32x4.mul(v128.load(weight + k), v128.and(value, f32x4.eq(value, value))))
    }
    for (; k < line; k += 4) {
      const value = load<f32>(row + k)
      if (value == value) sum += load<f32>(weight + k) * value
    }
    row += (<usize>width) << 2
    weight += line
  }
  sum += f32x4.extract_lane(four, 0) + f32x4.extract_lane(four, 1)
  return sum + (f32x4.extract_lane(four, 2) + f32x4.extract_lane(four, 3))
}

/** The same where some of them are not. */
export function weighAtEdge(d: Detection, scene: Scene, x: i32, y: i32, width: i32): f32 {
  const half = d.sharpHalf
  let sum: f32 = 0
  let weight = d.sharp
  for (let v = y - half; v <= y + half; v++) {
    for (let u = x - half; u <= x + half; u++, weight += 4) {
      if (u < 0 || v < 0 || u >= width || v >= scene.height) continue
      const value = load<f32>(scene.net + ((<usize>(v * width + u)) << 2))
      if (value == value) sum += load<f32>(weight) * value
    }
  }
  return sum
}
