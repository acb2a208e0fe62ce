import { power, solve } from '@nightpipe/math'

/** Quantities that were measured together at some times: they wander with time, each with errors of its own. */
export interface Measurements {
  /** days */
  times: ArrayLike<number>
  /** [quantity][time] */
  values: readonly ArrayLike<number>[]
  /** one sigma of a quantity, the same at all times */
  errors: readonly number[]
}

/** Variance a day that is tried, in units of the variance of a measurement: from a walk of a millennium to one of an hour. */
const RATES = [0, ...Array.from({ length: 25 }, (_, k) => power(10, -5.5 + k / 3))]

/**
 * How fast quantities wander: the variance that each gains a day, in units of that of its measurements (random walks, restricted
 * maximum likelihood; 0 where nothing says that they do). All are taken to wander alike in these units.
 */
export function wanderRate({ times, values, errors }: Measurements): number {
  const order = Array.from(times, (_, k) => k).sort((a, b) => times[a]! - times[b]!)
  const gaps = order.slice(1).map((k, i) => times[k]! - times[order[i]!]!)
  const steps = values.map((one, q) => order.slice(1).map((k, i) => (one[k]! - one[order[i]!]!) / errors[q]!))
  const likelihoods = RATES.map((rate) => steps.reduce((sum, step) => sum + logLikelihood(step, gaps, rate), 0))
  return RATES[likelihoods.indexOf(Math.max(...likelihoods))]!
}

/** Of the steps between measurements of unit variance: neighbouring ones share a measurement, so that their covariance has three diagonals. */
function logLikelihood(steps: readonly number[], gaps: readonly number[], rate: number): number {
  let [sum, pivot, rest] = [0, 0, 0]
  for (let k = 0; k < steps.length; k++) {
    const share = k > 0 ? -1 / pivot : 0
    pivot = 2 + rate * gaps[k]! + share
    rest = steps[k]! - (k > 0 ? share * rest : 0)
    sum -= 0.5 * (Math.log(pivot) + (rest * rest) / pivot)
  }
  return sum
}

/**
 * The shares with which measurements of unit variance tell a quantity that wanders (by `rate` a day) at one time best: all alike
 * where it stands still, the nearest most where it does not. They add up to 1.
 */
export function wanderShares(times: ArrayLike<number>, rate: number, at: number): Float64Array {
  const n = times.length
  const since = Array.from(times, (time) => rate * time)
  const [first, here] = [Math.min(rate * at, ...since), rate * at]
  // a walk that began earliest, at any level: what two times share is the way to the earlier one
  const together = (a: number, b: number) => ANY_LEVEL + Math.min(a, b) - first
  const covariance = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) covariance[i * n + j] = together(since[i]!, since[j]!) + (i === j ? 1 : 0)
  }
  const shares = solve(
    covariance,
    since.map((one) => together(one, here)),
  )
  const sum = shares.reduce((a, b) => a + b, 0)
  return shares.map((one) => one / sum)
}

/** Variance of the level before anything is measured. */
const ANY_LEVEL = 1e6
