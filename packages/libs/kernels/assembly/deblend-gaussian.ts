// The cores of a blend as Gaussians: which of them a pixel belongs to.
import { at32 } from './list32'

/**
 * x, y, xx, yy, xy and the logarithm of the amplitude of the Gaussian with the moments of core `c`, whose `count` pixels
 * begin with number `first` of the list and go on by `next`.
 */
export function fitGaussian(
  gaussians: usize,
  c: i32,
  first: i32,
  count: i32,
  next: usize,
  pixels: usize,
  values: usize,
  width: i32,
): void {
  const start = at32(pixels, first)
  const startX = start % width
  const startY = start / width
  let sum: f64 = 0, sx: f64 = 0, sy: f64 = 0, sxx: f64 = 0, syy: f64 = 0, sxy: f64 = 0
  let i = first
  for (let k = count; k > 0; k--) {
    const value = <f64>load<f32>(values + ((<usize>i) << 2))
    const p = at32(pixels, i)
    const x = <f64>((p % width) - startX)
    const y = <f64>(p / width - startY)
    sum += value
    sx += value * x
    sy += value * y
    sxx += value * x * x
    syy += value * y * y
    sxy += value * x * y
    i = at32(next, i)
  }
  const x = sx / sum
  const y = sy / sum
  const varianceX = max<f64>(sxx / sum - x * x, 0.5)
  const varianceY = max<f64>(syy / sum - y * y, 0.5)
  const mixed = sxy / sum - x * y
  const determinant = max<f64>(varianceX * varianceY - mixed * mixed, 0.1)
  const to = gaussians + <usize>c * 48
  store<f64>(to, x + startX)
  store<f64>(to, y + startY, 8)
  store<f64>(to, varianceY / determinant, 16)
  store<f64>(to, varianceX / determinant, 24)
  store<f64>(to, (-2 * mixed) / determinant, 32)
  store<f64>(to, Math.log(sum / Math.sqrt(determinant)), 40)
}

/** The core whose Gaussian is brightest at a pixel. */
export function brightest(gaussians: usize, cores: i32, p: i32, width: i32): i32 {
  const x = <f64>(p % width)
  const y = <f64>(p / width)
  let best = 0
  let least: f64 = Infinity
  for (let c = 0; c < cores; c++) {
    const at = gaussians + <usize>c * 48
    const dx = x - load<f64>(at)
    const dy = y - load<f64>(at, 8)
    const shape = load<f64>(at, 16) * dx * dx + load<f64>(at, 24) * dy * dy + load<f64>(at, 32) * dx * dy
    const cost = shape / 2 - load<f64>(at, 40)
    if (cost < least) {
      least = cost
      best = c
    }
  }
  return best
}
