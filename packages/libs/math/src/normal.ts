/** Density of the Gaussian of mean 0 and standard deviation 1. */
export function normalDensity(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
}

/**
 * The value below which a fraction `p` of a Gaussian lies (Φ⁻¹). Acklam's rational approximation, then one step of
 * Halley's method on Φ: good to 1e-14.
 */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) return p === 0 ? Number.NEGATIVE_INFINITY : p === 1 ? Number.POSITIVE_INFINITY : Number.NaN
  if (p > 0.5) return -normalQuantile(1 - p)
  const x = approximate(p)
  const error = (normalBelow(x) - p) / normalDensity(x)
  return x - error / (1 + (x * error) / 2)
}

function approximate(p: number): number {
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p))
    const c = [-7.784894002430293e-3, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968]
    const d = [7.784695709041462e-3, 0.3224671290700398, 2.445134137142996, 3.754408661907416]
    return horner([...c, 2.938163982698783], q) / horner([...d, 1], q)
  }
  const q = p - 0.5
  const a = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716]
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572]
  return (q * horner([...a, 2.506628277459239], q * q)) / horner([...b, 1], q * q)
}

const horner = (c: readonly number[], x: number) => c.reduce((value, term) => value * x + term, 0)

/** The fraction of a Gaussian below `x` (Φ): a power series in the middle, a continued fraction in the tails. */
export function normalBelow(x: number): number {
  if (x > 0) return 1 - normalBelow(-x)
  if (x > -3) {
    let term = x
    let total = x
    for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(total) && k < 300; k += 2) {
      term *= (x * x) / k
      total += term
    }
    return x === 0 ? 0.5 : 0.5 + total * normalDensity(x)
  }
  let fraction = 0
  for (let k = 80; k > 0; k--) fraction = k / (-x + fraction)
  return normalDensity(x) / (-x + fraction)
}
