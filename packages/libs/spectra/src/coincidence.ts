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
  /** the share of the lines asked that lie where the solution explains far more than chance would: in runs of orders, and along x */
  explained: number
}

/** Lines that are judged together, at least: of neighbouring orders, or of neighbouring columns. */
const RUN = 24
/** What a right solution does with them: this share is found, less two sigma of so few, and so many times what chance finds. */
const EXPLAINS = { share: 0.3, sigmas: 2, chance: 2.5 }

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
  const told = new Map<number, Told>()
  const valueAt = placeEvaluator(polynomial)
  lines.forEach((line, k) => {
    const { wavelength, dispersion } = valueAt(line.index, line.x)
    const reach = 60 * tolerance * Math.abs(dispersion)
    const around = firstAbove(list, wavelength + reach) - firstAbove(list, wavelength - reach)
    // Where the list has nothing, it can neither speak for a solution nor against it.
    if (!(around > 0)) return
    asked++
    const chance = 1 - Math.exp(-around / 60)
    expected += chance
    told.set(k, { ...line, expected: chance, found: 0 })
  })
  const matches = matchLines(lines, list, polynomial, tolerance)
  for (const { line } of matches) {
    const one = told.get(line)
    if (one) one.found = 1
  }
  const found = Math.min(asked, matches.length)
  const share = found / asked
  const chance = expected / asked
  const information =
    share * Math.log(share / chance) + (share < 1 ? (1 - share) * Math.log((1 - share) / (1 - chance)) : 0)
  const logChance = asked > 0 && share > chance ? (-asked * information) / Math.LN10 : 0
  return { asked, found, expected, logChance, explained: explainedShare([...told.values()]) }
}

/** What became of a line: whether it was found, and how likely that was by chance. */
interface Told {
  index: number
  x: number
  expected: number
  found: number
}

/**
 * A solution may be right in some orders, or in the middle of all, and wild elsewhere: as many lines as these have are still beyond chance
 * in all. So runs of neighbouring orders, and of neighbouring columns, are asked each for itself; the lesser share counts.
 */
function explainedShare(told: readonly Told[]): number {
  const sorted = (by: (one: Told) => number) => [...told].sort((a, b) => by(a) - by(b))
  return Math.min(
    shareOf(
      sorted(({ index }) => index),
      (a, b) => a.index === b.index,
    ),
    shareOf(
      sorted(({ x }) => x),
      () => false,
    ),
  )
}

function shareOf(told: readonly Told[], together: (a: Told, b: Told) => boolean): number {
  const runs: Told[][] = []
  for (const one of told) {
    const last = runs.at(-1)
    if (last && (last.length < RUN || together(last.at(-1)!, one))) last.push(one)
    else runs.push([one])
  }
  // a short run at the end is too few to be asked
  const short = runs.length > 1 && runs.at(-1)!.length < RUN ? runs.pop()! : []
  runs.at(-1)?.push(...short)
  const sum = (run: readonly Told[], of: (one: Told) => number) => run.reduce((total, one) => total + of(one), 0)
  const right = runs.filter((run) => {
    const found = sum(run, (one) => one.found)
    return found >= least(run.length) && found > EXPLAINS.chance * sum(run, ({ expected }) => expected)
  })
  return told.length > 0 ? sum(right.flat(), () => 1) / told.length : 0
}

/** Where a list knows two lines in five, a run of 24 has fewer than 0.3 found one time in six: that is no sign of a wrong solution. */
const least = (n: number) => EXPLAINS.share * n - EXPLAINS.sigmas * Math.sqrt(EXPLAINS.share * (1 - EXPLAINS.share) * n)
