import { type Coincidence, coincidenceTest } from './coincidence.js'
import { LineFlag, type SpectralLine } from './find-lines.js'
import type { LineList } from './line-list.js'
import type { OrderLines } from './line-votes.js'
import { type LineMatch, refineMatches } from './match-lines.js'
import { bestOrderNumbers } from './order-numbers.js'
import { searchAttempts } from './search-attempts.js'
import { polish, searchShapes, startFrom } from './search-shapes.js'
import { shiftedStart } from './shifted-start.js'
import type { WavelengthPolynomial } from './wavelength-polynomial.js'

/** What is known of a spectrograph before its first arc is solved. 0: not known. */
export interface RoughSpectrograph {
  /** diffraction order of index 0 */
  firstOrder: number
  /** what to add to it for the next index: 1 or −1 */
  orderStep: number
  /** order times central wavelength, Angstrom */
  orderConstant: number
  /** dispersion in the middle of the orders, km/s per pixel; negative where the wavelength falls with x */
  pixelVelocity: number
}

export interface Identification {
  /** m λ of pixel and order, from the matches: good for finding lines, not the last word on wavelengths */
  polynomial: WavelengthPolynomial
  matches: LineMatch[]
  /** px */
  scatter: number
  /** the test that the matches are no chance */
  coincidence: Coincidence
  /** which way led there */
  way: string
}

/** The probability of chance (decimal logarithm) that is asked of a solution: the search has tried up to 1e9 others. */
const CHANCE_ASKED = -15
/** Degrees of a fit that begins near the truth. */
const HIGH = { first: 2, last: 3 }
/** The share of the lines that the list must know, and of the lines that lie where a solution explains them: right ones have 1. */
const SHARE_ASKED = 0.3
const EXPLAINED_ASKED = 0.8

/**
 * Which line of the list each line of an arc is. First with the rough numbers of the spectrograph, then with ever less of them. A
 * solution counts only when lines that had no part in it are where it says, beyond all chance; else the answer is why not.
 */
export function identifyLines(
  lines: readonly SpectralLine[],
  list: LineList,
  setup: { width: number; fwhm: number; rough: RoughSpectrograph },
): Identification | { problem: string } {
  const trusted = lines.filter((line) => !(line.flags & (LineFlag.narrow | LineFlag.cut)))
  const indices = [...new Set(trusted.map((line) => line.index))].sort((a, b) => a - b)
  if (trusted.length < 20) return { problem: `${trusted.length} lines, 20 needed: is the lamp on?` }
  let nearest: Coincidence | undefined
  for (const attempt of searchAttempts(setup.rough, indices, list, setup.width)) {
    const voters = placesOf(strongLines(trusted, attempt.linesPerOrder), indices, setup.width)
    const bright = brightLines(list, attempt.share).map(Math.log)
    for (const guess of searchShapes(voters, bright, attempt.range)) {
      const hypothesis = polish(guess, voters, bright, attempt.range.step)
      const start = startFrom(hypothesis, setup.width, indices)
      const found = start && verified(trusted, list, attempt, { start, ...extent(hypothesis.path.places) }, setup)
      if (!found) continue
      if (!nearest || found.coincidence.logChance < nearest.logChance) nearest = found.coincidence
      if (!isBeyondChance(found.coincidence)) continue
      return { ...found, polynomial: bestOrderNumbers(found.polynomial, indices, setup.rough), way: attempt.way }
    }
  }
  const best = nearest
    ? nearest.logChance <= CHANCE_ASKED && nearest.explained < EXPLAINED_ASKED
      ? `the best guess explains a part of the orders only (${Math.round(100 * nearest.explained)} % of the lines lie there): it is wrong elsewhere`
      : `the best guess finds ${nearest.found} of ${nearest.asked} lines in the list, chance would ${nearest.expected.toFixed(0)}`
    : 'no guess holds together'
  return { problem: `${trusted.length} lines in ${indices.length} orders, but no solution: ${best}` }
}

/** A solution from half of the lines, tested on the other half; then from all. Strong lines alone bring it near enough for the rest. */
function verified(
  lines: readonly SpectralLine[],
  list: LineList,
  { linesPerOrder, share }: { linesPerOrder: number; share: number },
  from: { start: WavelengthPolynomial; low: number; high: number },
  { width, fwhm }: { width: number; fwhm: number },
): Omit<Identification, 'way'> | undefined {
  const reach = Math.max(2 * fwhm, 0.004 * width)
  const voters = strongLines(lines, linesPerOrder)
  const bright = brightLines(list, share)
  const first = grown(everySecond(voters, 0), bright, from, reach, fwhm)
  if (!first) return undefined
  const tolerance = Math.min(reach, Math.max(4 * first.scatter, 0.5 * fwhm))
  const half = refineMatches(everySecond(lines, 0), list.wavelength, first.polynomial, tolerance, fwhm, HIGH)
  if (!half) return undefined
  const narrow = Math.min(fwhm, Math.max(4 * half.scatter, 0.25 * fwhm))
  const coincidence = coincidenceTest(everySecond(lines, 1), list.wavelength, half.polynomial, narrow)
  const all = refineMatches(lines, list.wavelength, half.polynomial, 1.5 * narrow, fwhm, HIGH)
  return all && { ...all, coincidence }
}

/** The range of orders of a path. */
function extent(places: readonly { index: number }[]): { low: number; high: number } {
  const indices = places.map(({ index }) => index)
  return { low: Math.min(...indices), high: Math.max(...indices) }
}

/** Matches in the orders where the start is right, then in ever more orders on both sides, each time with what was learnt. */
function grown(
  lines: readonly SpectralLine[],
  list: Float64Array,
  { start, low, high }: { start: WavelengthPolynomial; low: number; high: number },
  reach: number,
  fwhm: number,
): ReturnType<typeof refineMatches> {
  const all = extent(lines)
  let [from, to] = [Math.max(low, all.low), Math.min(high, all.high)]
  let polynomial = start
  let round = 0
  while (true) {
    const here = lines.filter(({ index }) => index >= from && index <= to)
    const near = round === 0 ? reach : 1.5 * fwhm
    const found = refineMatches(here, list, polynomial, near, fwhm, { first: round, last: 2, lenient: 0.2 * fwhm })
    if (!found || (from <= all.low && to >= all.high)) return found
    polynomial = found.polynomial
    round = Math.min(2, round + 1)
    // A polynomial sees a few orders beyond its own, and no more.
    const more = Math.max(1, Math.min(4, Math.round((to - from) / 6)))
    from -= more
    to += more
  }
}

const isBeyondChance = ({ logChance, found, asked, expected, explained }: Coincidence) =>
  logChance <= CHANCE_ASKED && found >= SHARE_ASKED * asked && found > 2.2 * expected && explained >= EXPLAINED_ASKED

/**
 * The same from a solution that is nearly right: of another fibre, or of an earlier arc. How far each group of neighbouring orders moved
 * since is voted for first, by all pairs of lines and list lines up to `reach` px apart. Undefined where that does not hold.
 */
export function followLines(
  lines: readonly SpectralLine[],
  list: LineList,
  before: WavelengthPolynomial,
  setup: { width: number; fwhm: number; reach: number },
): Identification | undefined {
  const trusted = lines.filter((line) => !(line.flags & (LineFlag.narrow | LineFlag.cut)))
  if (trusted.length < 20) return undefined
  const attempt = { linesPerOrder: 25, share: 0.5 }
  const start = shiftedStart(strongLines(trusted, 25), brightLines(list, 0.5), before, setup.reach)
  const everywhere = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }
  const found = start && verified(trusted, list, attempt, { start, ...everywhere }, setup)
  return found && isBeyondChance(found.coincidence) ? { ...found, way: 'followed' } : undefined
}

const everySecond = <T>(all: readonly T[], from: number): T[] => all.filter((_, k) => k % 2 === from)

/** The strongest lines of each order, by their light; sorted as before. */
function strongLines(lines: readonly SpectralLine[], perOrder: number): SpectralLine[] {
  const byOrder = new Map<number, SpectralLine[]>()
  for (const line of lines) {
    const of = byOrder.get(line.index)
    if (of) of.push(line)
    else byOrder.set(line.index, [line])
  }
  const kept = new Set<SpectralLine>()
  for (const all of byOrder.values()) {
    for (const line of all.sort((a, b) => b.flux - a.flux).slice(0, perOrder)) kept.add(line)
  }
  return lines.filter((line) => kept.has(line))
}

/** Places of lines from −1 to 1, order by order. */
function placesOf(lines: readonly SpectralLine[], indices: readonly number[], width: number): OrderLines[] {
  return indices.map((index) => {
    const here = lines.filter((line) => line.index === index)
    return { index, u: Float64Array.from(here, ({ x }) => (2 * x) / (width - 1) - 1) }
  })
}

/** Wavelengths of the brighter lines of a list, those in the given upper share of their thirty neighbours. */
function brightLines({ wavelength, intensity }: LineList, share: number): Float64Array {
  const n = wavelength.length
  const known = intensity.filter((value) => value > 0).length
  if (share >= 1 || known < 0.5 * n) return wavelength
  return wavelength.filter((_, k) => {
    const from = Math.max(0, Math.min(n - 31, k - 15))
    const to = Math.min(n, from + 31)
    let brighter = 0
    for (let j = from; j < to; j++) if (intensity[j] > intensity[k]) brighter++
    return brighter < share * (to - from)
  })
}
