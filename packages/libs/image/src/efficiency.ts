import { MAD_TO_SIGMA, normalBelow, normalDensity, normalQuantile } from '@nightpipe/math'

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

/**
 * What of each sample's variance reaches a mean without `dropped` samples at each end, over what it would be of samples all alike: where
 * they are unlike, those at the ends are the noisy ones. The mean acts on a sample as far as it lies inside, and as a constant
 * beyond (influence function: Huber 1981, Robust Statistics, ch. 3); with one of 2.5 to 100 times the noise among ten within 1 %.
 */
export function trimmedParts(sigmas: readonly number[], dropped: number): number[] {
  const n = sigmas.length
  const even = sigmas.map(() => 1)
  if (!(dropped > 0) || 2 * dropped >= n || sigmas.every((sigma) => sigma === sigmas[0])) return even
  if (sigmas.some((sigma) => !(sigma > 0))) return even
  const { inside, squares } = actions(even, dropped)
  const norm = (inside * inside) / squares[0]
  const own = actions(sigmas, dropped)
  return own.squares.map((square, k) => (square * norm) / (sigmas[k] * own.inside) ** 2)
}

/** Mean probability of samples to lie inside, and for each the mean square of what is left of it. */
function actions(sigmas: readonly number[], dropped: number): { inside: number; squares: number[] } {
  const outside = (edge: number) => sigmas.reduce((sum, sigma) => sum + tail(edge / sigma), 0)
  let [low, high] = [0, 40 * Math.max(...sigmas)]
  for (let round = 0; round < 60; round++) {
    const middle = (low + high) / 2
    if (outside(middle) > dropped) low = middle
    else high = middle
  }
  const edge = (low + high) / 2
  const squares = sigmas.map((sigma) => {
    const z = edge / sigma
    const within = 1 - 2 * tail(z)
    return sigma ** 2 * (within - 2 * z * normalDensity(z)) + 2 * edge ** 2 * tail(z)
  })
  return { inside: 1 - (2 * outside(edge)) / sigmas.length, squares }
}

const tail = (x: number) => normalBelow(-x)
const density = (x: number) => (Number.isFinite(x) ? normalDensity(x) : 0)
const moment = (x: number) => (Number.isFinite(x) ? x * normalDensity(x) : 0)

/**
 * Variance of a mean over what its number of samples tells, when a part of those that there were has been left out at both ends, as
 * chance had it: they were no outliers, and the mean is nearly as good as that of all.
 */
export function cutLoss(part: number): number {
  if (!(part > 0)) return 1
  if (part >= 1) return 1
  const edge = -normalQuantile(part / 2)
  return (1 - part - 2 * edge * normalDensity(edge) + edge * edge * part) / (1 - part)
}

/** The MAD of few samples is too small: Croux & Rousseeuw 1992, COMPSTAT 1, 411, n = 2 … 9. */
const SMALL_MAD = [1, 1, 1.196, 1.495, 1.363, 1.206, 1.2, 1.14, 1.129, 1.107]

/** From the MAD of n samples to the standard deviation of the Gaussian that they come from. */
export function madToSigma(n: number): number {
  return MAD_TO_SIGMA * (n < SMALL_MAD.length ? SMALL_MAD[n] : n / (n - 0.8))
}
