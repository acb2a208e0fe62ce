// The noise of pairs of flats against their light.
import { clippedStatistics } from './clipped-statistics'
import { medianOfBox } from './surroundings'

const results = memory.data(56, 16)
const SIGMA: usize = 16
const COUNT: usize = 40

/**
 * 1 / gain from each box of `box` of the `n` pixels of two flats, one after the other, in float64 to `to`; returns how many
 * boxes say something. With each flat divided by its level over the box, the variance of the difference is
 * (1/L1 + 1/L2) / gain + readVariance (1/L1² + 1/L2²). `belowA` and `belowB` are what of the values is not light, `clip` and
 * `factor` those of clippedStatistics. `scratch` has room for `box` floats and 4112 more.
 */
export function inverseGains(
  a: usize, b: usize, n: i32, box: i32, belowA: f64, belowB: f64, readVariance: f64, clip: f64, factor: f64,
  scratch: usize, to: usize,
): i32 {
  let boxes = 0
  const buffer = scratch + ((<usize>box) << 2)
  for (let start = 0; start + box <= n; start += box) {
    const first = a + ((<usize>start) << 2)
    const second = b + ((<usize>start) << 2)
    const levelA = medianOfBox(first, box, box, 1, scratch) - belowA
    const levelB = medianOfBox(second, box, box, 1, scratch) - belowB
    if (!(levelA > 0) || !(levelB > 0)) continue
    for (let k: usize = 0; k < <usize>box << 2; k += 4) {
      const ratio = (<f64>load<f32>(first + k) - belowA) / levelA - (<f64>load<f32>(second + k) - belowB) / levelB
      store<f32>(scratch + k, <f32>ratio)
    }
    clippedStatistics(scratch, box, clip, factor, 5, 0, buffer, 4096, results)
    if (load<f64>(results + COUNT) < 0.5 * <f64>box) continue
    const sigma = load<f64>(results + SIGMA)
    const read = readVariance * (1 / (levelA * levelA) + 1 / (levelB * levelB))
    store<f64>(to + ((<usize>boxes) << 3), (sigma * sigma - read) / (1 / levelA + 1 / levelB))
    boxes++
  }
  return boxes
}
