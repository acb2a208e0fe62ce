import { MAD_TO_SIGMA, median } from '@nightpipe/math'
import type { SpectralLine } from './find-lines.js'
import { firstAbove } from './line-votes.js'
import {
  fitWavelengthPolynomial,
  placeEvaluator,
  termsUpTo,
  type WavelengthPoint,
  type WavelengthPolynomial,
  wavelengthEvaluator,
} from './wavelength-polynomial.js'

/** A line of the spectrum and the line of the list that it is: places in their arrays. */
export interface LineMatch {
  line: number
  listed: number
  /** observed minus listed, px */
  residual: number
}

/** Degrees in x and in order that the fit goes through while lines are being matched, the plainest first. */
const STAGES = [
  [3, 2, 3],
  [3, 3, 4],
  [4, 4, 5],
  [5, 5, 6],
] as const

/** Lines within `tolerance` (px) of where the polynomial says; each of the list is given once, to the nearest. */
export function matchLines(
  lines: readonly SpectralLine[],
  list: Float64Array,
  polynomial: WavelengthPolynomial,
  tolerance: number,
): LineMatch[] {
  const best = new Map<number, LineMatch>()
  const valueAt = placeEvaluator(polynomial)
  lines.forEach((line, k) => {
    const { wavelength, dispersion } = valueAt(line.index, line.x)
    if (!(wavelength > 0) || dispersion === 0) return
    const above = firstAbove(list, wavelength)
    const listed =
      above > 0 && (above === list.length || wavelength - list[above - 1] < list[above] - wavelength)
        ? above - 1
        : above
    const residual = (wavelength - list[listed]) / dispersion
    if (!(Math.abs(residual) <= tolerance)) return
    const key = line.index * list.length + listed
    const other = best.get(key)
    if (!other || Math.abs(residual) < Math.abs(other.residual)) best.set(key, { line: k, listed, residual })
  })
  return [...best.values()]
}

/**
 * Matches lines with a list and fits m λ, in turns, with narrower tolerance and higher degrees as the fit allows. `start` must be right
 * to about `tolerance` px. What lies within thrice `lenient` px is kept whatever the others do: orders that have just joined. Undefined where
 * nothing holds together.
 */
export function refineMatches(
  lines: readonly SpectralLine[],
  list: Float64Array,
  start: WavelengthPolynomial,
  tolerance: number,
  fwhm: number,
  { first: lowest, last, lenient = 0 }: { first: number; last: number; lenient?: number } = {
    first: 0,
    last: STAGES.length - 1,
  },
): { polynomial: WavelengthPolynomial; matches: LineMatch[]; scatter: number } | undefined {
  let polynomial = start
  let matches: LineMatch[] = []
  let reach = tolerance
  let scatter = tolerance
  const orders = new Set(lines.map((line) => line.index)).size
  const known = matchLines(lines, list, polynomial, reach).length
  const termsOf = ([x, order, total]: (typeof STAGES)[number]) =>
    termsUpTo(x, Math.min(order, Math.max(0, orders - 2)), total)
  // A plain fit would spoil a start that is better than plain: begin as high as the lines allow.
  let first = lowest
  while (first > 0 && known < 5 * termsOf(STAGES[first]).length) first--
  for (const stage of STAGES.slice(first, Math.max(first, last) + 1)) {
    const terms = termsOf(stage)
    for (let round = 0; round < 3; round++) {
      matches = matchLines(lines, list, polynomial, reach)
      if (matches.length < 2 * terms.length) break
      const next = robustFit(lines, list, matches, polynomial, terms, lenient)
      if (!next) return undefined
      polynomial = next.polynomial
      scatter = next.scatter
      reach = Math.min(reach, Math.max(4 * scatter, 4 * lenient, 0.3 * fwhm))
    }
    if (matches.length < 6 * terms.length) break
  }
  matches = matchLines(lines, list, polynomial, reach)
  return matches.length < 10 ? undefined : { polynomial, matches, scatter }
}

/** A fit of matches in which those far from it count for nothing. The scatter is in px. */
function robustFit(
  lines: readonly SpectralLine[],
  list: Float64Array,
  matches: readonly LineMatch[],
  before: WavelengthPolynomial,
  terms: WavelengthPolynomial['terms'],
  lenient: number,
): { polynomial: WavelengthPolynomial; scatter: number } | undefined {
  const frame = { ...before, terms }
  const beforeAt = placeEvaluator(before)
  const dispersions = matches.map(({ line }) => Math.abs(beforeAt(lines[line].index, lines[line].x).dispersion))
  const points = matches.map(({ line, listed }, k): WavelengthPoint => {
    const { index, x, error } = lines[line]
    return { index, x, wavelength: list[listed], error: Math.hypot(error, 0.05) * dispersions[k] }
  })
  let used = points
  let polynomial: WavelengthPolynomial | undefined
  let scatter = 0
  for (let round = 0; round < 4; round++) {
    polynomial = fitWavelengthPolynomial(used, frame, { covariance: false })
    if (!polynomial) return undefined
    const wavelengthAt = wavelengthEvaluator(polynomial)
    const residuals = points.map(
      ({ index, x, wavelength }, k) => Math.abs(wavelengthAt(index, x) - wavelength) / dispersions[k],
    )
    scatter = MAD_TO_SIGMA * median([...residuals])
    used = points.filter((_, k) => residuals[k] <= 3 * Math.max(scatter, lenient))
  }
  return polynomial && { polynomial, scatter }
}
