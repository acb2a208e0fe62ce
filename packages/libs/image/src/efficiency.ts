import { MAD_TO_SIGMA, normalDensity, normalQuantile } from '@nightpipe/math'

/** Variance of the median of n Gaussian samples over that of their mean, n = 0 … 10: integrals over order statistics. */
const MEDIAN_LOSS = [1, 1, 1, 1.34601, 1.1928, 1.43417, 1.28847, 1.47313, 1.34547, 1.49491, 1.3833]

/** The same for any n; beyond the table within 0.2 % of the integrals, and π / 2 in the limit. */
export function medianLoss(n: number): number {
  if (n < MEDIAN_LOSS.length) return MEDIAN_LOSS[n]
  return ((Math.PI / 2) * n) / (n + (n % 2 === 1 ? 0.44 : 1.39))
}

/**
 * Variance of the mean of n Gaussian samples without the `lowest` and `highest` of them, over that of the mean of all
 * (from the Winsorised variance: Tukey & McLaughlin 1963, Sankhyā A 25, 331). With too few to leave out, the median's.
 */
export function trimmedLoss(n: number, lowest: number, highest: number): number {
  const kept = 1 - (lowest + highest) / n
  if (!(kept > 0)) return medianLoss(n)
  const a = normalQuantile(lowest / n)
  const b = normalQuantile(1 - highest / n)
  const edge = (x: number, weight: number) => (weight > 0 ? weight * x : 0)
  const first = density(a) - density(b) + edge(a, lowest / n) + edge(b, highest / n)
  const second = kept + moment(a) - moment(b) + edge(a * a, lowest / n) + edge(b * b, highest / n)
  return (second - first * first) / (kept * kept)
}

const density = (x: number) => (Number.isFinite(x) ? normalDensity(x) : 0)
const moment = (x: number) => (Number.isFinite(x) ? x * normalDensity(x) : 0)

/** The MAD of few samples is too small: Croux & Rousseeuw 1992, COMPSTAT 1, 411, n = 2 … 9. */
const SMALL_MAD = [1, 1, 1.196, 1.495, 1.363, 1.206, 1.2, 1.14, 1.129, 1.107]

/** From the MAD of n samples to the standard deviation of the Gaussian that they come from. */
export function madToSigma(n: number): number {
  return MAD_TO_SIGMA * (n < SMALL_MAD.length ? SMALL_MAD[n] : n / (n - 0.8))
}
