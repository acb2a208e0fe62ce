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
  let [best, least] = [LEAST, Number.POSITIVE_INFINITY]
  for (let step = 0; step <= STEPS; step++) {
    const excess = LEAST * power(LARGEST / LEAST, step / STEPS)
    let cost = 0
    for (const [k, distance] of distances.entries()) {
      const variance = errors[k] ** 2 + excess ** 2
      cost += Math.min((fitted * distance ** 2) / variance, 2 * CLIP ** 2) / 2 + Math.log(variance)
    }
    if (cost < least) [best, least] = [excess, cost]
  }
  return best
}
