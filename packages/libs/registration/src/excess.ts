import { power } from '@nightpipe/math'

/** Distances beyond so many times what they should be count as that: a blend tells nothing of the others. */
const CLIP = 3.5
/** Least and largest scatter beyond the errors that is looked for, px, and the steps between them. */
const LEAST = 1e-3
const LARGEST = 3
const STEPS = 64

/**
 * What pairs scatter by in one direction beyond the errors of their stars (blends, profiles, the air), px: that of most
 * likelihood, to which bright stars say most. `distances` are what a fit of `unknowns` numbers left.
 */
export function excessScatter(distances: readonly number[], errors: readonly number[], unknowns: number): number {
  const numbers = 2 * distances.length
  const fitted = numbers / Math.max(2, numbers - unknowns)
  const squares = Float64Array.from(distances, (distance) => fitted * distance ** 2)
  const variances = Float64Array.from(errors, (error) => error ** 2)
  let [best, least] = [LEAST, Number.POSITIVE_INFINITY]
  for (let step = 0; step <= STEPS; step++) {
    const excess = LEAST * power(LARGEST / LEAST, step / STEPS)
    const cost = costOf(squares, variances, excess ** 2)
    if (cost < least) [best, least] = [excess, cost]
  }
  return best
}

/** Factors of a product whose logarithm is taken at once: variances above the least squared, to this power, are numbers. */
const FACTORS = 16

/** The negative logarithm of the likelihood of squares of distances; no single pair counts for more than the clip. */
function costOf(squares: Float64Array, variances: Float64Array, more: number): number {
  let [cost, product] = [0, 1]
  for (let k = 0; k < squares.length; k++) {
    const variance = variances[k] + more
    cost += Math.min(squares[k] / variance, 2 * CLIP ** 2) / 2
    product *= variance
    if (k % FACTORS !== FACTORS - 1) continue
    cost += Math.log(product)
    product = 1
  }
  return cost + Math.log(product)
}
