import type { SpectralLine } from './find-lines.js'
import { firstAbove } from './line-votes.js'
import { matchLines } from './match-lines.js'
import { placeEvaluator, type WavelengthPolynomial } from './wavelength-polynomial.js'

/** How many lines are where a solution that never saw them says, and what chance alone would do. */
export interface Coincidence {
  asked: number
  found: number
  /** by chance */
  expected: number
  /** decimal logarithm of an upper bound of the probability that chance finds as many */
  logChance: number
}

/**
 * Asks lines that had no part in a solution whether they are lines of the list, within `tolerance` px. By chance one is with probability
 * 1 − exp(−2 τ ρ), ρ being the density of the list there; the bound is Chernoff's, for the mean of these probabilities.
 */
export function coincidenceTest(
  lines: readonly SpectralLine[],
  list: Float64Array,
  polynomial: WavelengthPolynomial,
  tolerance: number,
): Coincidence {
  let expected = 0
  let asked = 0
  const valueAt = placeEvaluator(polynomial)
  for (const line of lines) {
    const { wavelength, dispersion } = valueAt(line.index, line.x)
    const reach = 60 * tolerance * Math.abs(dispersion)
    const around = firstAbove(list, wavelength + reach) - firstAbove(list, wavelength - reach)
    // Where the list has nothing, it can neither speak for a solution nor against it.
    if (!(around > 0)) continue
    asked++
    expected += 1 - Math.exp(-around / 60)
  }
  const found = Math.min(asked, matchLines(lines, list, polynomial, tolerance).length)
  const share = found / asked
  const chance = expected / asked
  const information =
    share * Math.log(share / chance) + (share < 1 ? (1 - share) * Math.log((1 - share) / (1 - chance)) : 0)
  const logChance = asked > 0 && share > chance ? (-asked * information) / Math.LN10 : 0
  return { asked, found, expected, logChance }
}
