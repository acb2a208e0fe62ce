// The Fourier transform of a Moffat profile, as a sum of Gaussians.

/** The sum over Gaussians is taken in steps of half its own sigma, as far as its terms are more than e to this. */
const STEP: f64 = 0.5
const LEAST: f64 = -16

/** What a profile of radius `a` and sum 1 leaves of `n` waves; wave numbers and results are float64. */
export function moffatWaves(waves: usize, n: i32, a: f64, exponent: f64, out: usize): void {
  const order = exponent - 1
  const total = sumOfGaussians(0, order)
  for (let at: usize = 0; at < (<usize>n) << 3; at += 8) {
    const wave = load<f64>(waves + at) * a
    store<f64>(out + at, Math.exp(sumOfGaussians(wave * wave, order) - total))
  }
}

/** Logarithm of the sum over ln t of t^order exp(-t - square / 4t), about its largest term. */
function sumOfGaussians(square: f64, order: f64): f64 {
  const highest = (order + sqrt<f64>(order * order + square)) / 2
  const falling = square / (4 * highest)
  const width = 1 / sqrt<f64>(highest + falling)
  const height = order * Math.log(highest) - highest - falling
  const growth = Math.exp(STEP * width)
  let sum: f64 = 1
  for (let direction = -1; direction <= 1; direction += 2) {
    const factor = direction < 0 ? 1 / growth : growth
    let stretch = factor
    for (let step = <f64>direction * STEP * width; ; step += <f64>direction * STEP * width) {
      const term = order * step - highest * (stretch - 1) - falling * (1 / stretch - 1)
      if (term < LEAST) break
      sum += Math.exp(term)
      stretch *= factor
    }
  }
  return height + Math.log(sum * STEP * width)
}
