import { LIGHT_SPEED } from '@nightpipe/math'
import { type ExpectedTerms, expectedTerms } from './expected-terms.js'
import { LineFlag, type SpectralLine } from './find-lines.js'
import type { LineList } from './line-list.js'
import { matchLines } from './match-lines.js'
import { namedLine } from './named-line.js'
import { groupsOf, qualityOf, type TrueErrors, trueErrors, trueSigma, weightOf } from './true-errors.js'
import {
  fitWavelengthPolynomial,
  placeEvaluator,
  termsUpTo,
  type WavelengthPoint,
  type WavelengthPolynomial,
  wavelengthEvaluator,
} from './wavelength-polynomial.js'

export interface FitLimits {
  /** highest degrees that may be tried, in pixels and in orders */
  degreeX: number
  degreeOrder: number
  /** points further than this from the fit are set aside, sigma */
  clip: number
}

/** How the places of lines were measured. */
export interface KnownLines {
  /** an error that all of them share, px */
  centreError?: number
  /** unseen neighbours were reckoned with: what they leave unknown is in the errors */
  neighboursKnown?: boolean
}

/** A line with its name, after the fit. */
export interface FittedLine extends SpectralLine {
  /** vacuum, of the list, Angstrom */
  wavelength: number
  /** place in the list */
  listed: number
  /** observed minus listed, in Angstrom and as a velocity */
  residual: number
  velocity: number
  /** Angstrom per pixel, positive */
  dispersion: number
  /** one sigma of the residual, Angstrom: of the centre and of the list, and of the floor once the fit is made */
  sigma: number
  /** it took part in the fit */
  used: boolean
}

/** Wavelengths of one fibre, and how good they are. */
export interface WavelengthSolution {
  fibre: number
  polynomial: WavelengthPolynomial
  /** all lines that were matched, used or not */
  lines: FittedLine[]
  /** lines that the list does not name: they tell as well how far an image has moved */
  unnamed?: SpectralLine[]
  used: number
  /** scatter of the lines used about the fit */
  rmsAngstrom: number
  rmsVelocity: number
  /** px of scatter that errors of centres do not explain: blends, shapes of lines, errors of the list */
  floor: number
  /** per degree of freedom, floor included */
  chiSquare: number
  /** statistical error of the zero point of wavelengths, m/s: scatter over the root of the number of lines, as RVPRECSN of others */
  precision: number
}

/** Flags of lines that are matched but not fitted. */
const UNFIT = LineFlag.saturated | LineFlag.wide | LineFlag.narrow | LineFlag.cut

/**
 * The final wavelengths of a fibre, from a first solution that is right to a fraction of a line: all lines are matched anew, weighed by
 * their errors, which are made as large as they prove to be, those further off the fit less, and clipped by their own scatter; the degrees are those that predict lines best
 * that they have not seen (tenths of them left out in turn).
 */
export function fitWavelengths(
  lines: readonly SpectralLine[],
  list: LineList,
  start: WavelengthPolynomial,
  fwhm: number,
  limits: FitLimits,
  { centreError = 0, neighboursKnown = false }: KnownLines = {},
): WavelengthSolution | undefined {
  let polynomial = start
  let fit: Clipped | undefined
  let matched: FittedLine[] = []
  for (const reach of [0.5 * fwhm, 0.35 * fwhm]) {
    matched = namedLines(lines, list, polynomial, reach)
    const candidates = matched.filter(
      (line) =>
        !(line.flags & (neighboursKnown ? UNFIT : UNFIT | LineFlag.blended)) &&
        (neighboursKnown || isAlone(line, list, fwhm)),
    )
    const terms = termsOf(candidates, polynomial, limits)
    fit = terms && clippedFit(candidates, terms, limits.clip)
    if (!fit) return undefined
    polynomial = fit.polynomial
  }
  if (!fit) return undefined
  const scale = Math.max(1, fit.excess)
  const covariance = polynomial.covariance!.map((value) => scale * value)
  addCommonError({ ...polynomial, covariance }, centreError)
  fit.polynomial = { ...polynomial, covariance }
  return { fibre: lines[0].fibre, polynomial: fit.polynomial, ...describe(matched, fit) }
}

/** An error (px) that all lines share: of the centre of gravity of their image. Along the orders, m λ changes by much the same everywhere. */
function addCommonError({ terms, coefficients, covariance, width }: WavelengthPolynomial, error: number): void {
  const slope = terms.findIndex(([i, j]) => i === 1 && j === 0)
  const level = terms.findIndex(([i, j]) => i === 0 && j === 0)
  if (covariance) covariance[level * (terms.length + 1)] += ((error * 2 * coefficients[slope]) / (width - 1)) ** 2
}

/** Lines with the wavelengths that the list has for them. */
function namedLines(
  lines: readonly SpectralLine[],
  list: LineList,
  polynomial: WavelengthPolynomial,
  reach: number,
): FittedLine[] {
  const valueAt = placeEvaluator(polynomial)
  return matchLines(lines, list.wavelength, polynomial, reach).map(({ line, listed, residual }) => {
    const of = lines[line]
    const dispersion = Math.abs(valueAt(of.index, of.x).dispersion)
    const sigma = Math.hypot(of.error * dispersion, list.error[listed])
    const wavelength = list.wavelength[listed]
    const more = { wavelength, listed, dispersion, sigma, residual: residual * dispersion, velocity: 0, used: false }
    return namedLine(of, more)
  })
}

/** No other line of the list lies within a width of it that has more than a twentieth of its light. */
function isAlone({ listed, dispersion }: FittedLine, { wavelength, intensity }: LineList, fwhm: number): boolean {
  const reach = fwhm * dispersion
  const disturbs = (k: number) => Number.isNaN(intensity[k]) || !(intensity[k] < 0.05 * intensity[listed])
  for (const step of [-1, 1]) {
    for (let k = listed + step; k >= 0 && k < wavelength.length; k += step) {
      if (Math.abs(wavelength[k] - wavelength[listed]) > reach) break
      if (disturbs(k)) return false
    }
  }
  return true
}

interface Clipped {
  polynomial: WavelengthPolynomial
  used: FittedLine[]
  /** what makes the errors of a line true, by line */
  trueOf: ReadonlyMap<FittedLine, TrueErrors>
  /** of the brightest lines */
  floor: number
  chiSquare: number
  /** the variance of the coefficients over what the weights say */
  excess: number
}

/** Before anything is known. */
const UNKNOWN: TrueErrors = { scale: 1, floor: 0.02 }

const pointOf = ({ index, x, wavelength }: FittedLine, error: number): WavelengthPoint => ({
  index,
  x,
  wavelength,
  error,
})

/** A weighted fit that sets lines aside until all that are left lie within `clip` sigma; of those, the further ones count less. */
function clippedFit(
  lines: readonly FittedLine[],
  { frame, precision }: ExpectedTerms,
  clip: number,
): Clipped | undefined {
  const groups = groupsOf(lines)
  let sigma = lines.map((line) => trueSigma(line, UNKNOWN))
  let weights = new Float64Array(lines.length).fill(1)
  for (let round = 0; ; round++) {
    const points = [...lines.keys()].flatMap((k) =>
      weights[k] > 0 ? [pointOf(lines[k], sigma[k] / Math.sqrt(weights[k]))] : [],
    )
    const polynomial = fitWavelengthPolynomial(points, frame, { precision })
    if (!polynomial) return undefined
    const wavelengthAt = wavelengthEvaluator(polynomial)
    const residuals = lines.map((line) => wavelengthAt(line.index, line.x) - line.wavelength)
    const errors = trueErrors(lines, residuals, groups)
    sigma = lines.map((line, k) => trueSigma(line, errors[groups.of[k]]))
    const pulls = lines.map((_, k) => residuals[k] / sigma[k])
    const now = Float64Array.from(pulls, (pull) => (Math.abs(pull) < clip ? weightOf(pull) : 0))
    const moved = now.reduce((most, weight, k) => Math.max(most, Math.abs(weight - weights[k])), 0)
    if ((moved < SETTLED && round > 1) || round >= ROUNDS) {
      const trueOf = new Map(lines.map((line, k) => [line, errors[groups.of[k]]]))
      const used = [...lines.keys()].filter((k) => weights[k] > 0)
      const quality = qualityOf(
        used.map((k) => pulls[k]),
        frame.terms.length,
      )
      return { polynomial, used: used.map((k) => lines[k]), trueOf, floor: errors[groups.count - 1].floor, ...quality }
    }
    weights = now
  }
}

/** A fit is repeated until no weight changes by more, at most so often. */
const SETTLED = 0.02
const ROUNDS = 12

/** All terms, as large as the lines say that lie near the first solution. */
function termsOf(
  lines: readonly FittedLine[],
  before: WavelengthPolynomial,
  limits: FitLimits,
): ExpectedTerms | undefined {
  const core = lines.filter((line) => Math.abs(line.residual) < 0.4 * line.fwhm * line.dispersion)
  const weighed = core.map((line) => pointOf(line, Math.hypot(line.sigma, 0.01 * line.dispersion)))
  return expectedTerms(weighed, before, limits)
}

function describe(
  matched: readonly FittedLine[],
  { polynomial, used, trueOf, floor, chiSquare }: Omit<Clipped, 'excess'>,
): Omit<WavelengthSolution, 'fibre' | 'polynomial'> {
  const inFit = new Set(used)
  const wavelengthAt = wavelengthEvaluator(polynomial)
  const lines = matched.map((line) => {
    const residual = wavelengthAt(line.index, line.x) - line.wavelength
    const velocity = (residual / line.wavelength) * LIGHT_SPEED
    const { wavelength, listed, dispersion } = line
    const sigma = trueSigma(line, trueOf.get(line) ?? { scale: 1, floor: 0 })
    return namedLine(line, { wavelength, listed, residual, velocity, dispersion, sigma, used: inFit.has(line) })
  })
  const good = lines.filter((line) => line.used)
  const rms = (values: number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
  const rmsVelocity = rms(good.map((line) => line.velocity))
  return {
    lines,
    used: good.length,
    rmsAngstrom: rms(good.map((line) => line.residual)),
    rmsVelocity,
    ...{ floor, chiSquare, precision: rmsVelocity / Math.sqrt(good.length) },
  }
}

/** One sigma (m/s) of the zero point of a solution that the light of its lines leaves: what differs from one arc to the next. */
export function zeroPointError({ lines }: Pick<WavelengthSolution, 'lines'>): number {
  let [sum, square] = [0, 0]
  for (const { used, sigma, error, dispersion, wavelength } of lines) {
    if (!used) continue
    const weight = (wavelength / sigma) ** 2
    sum += weight
    square += (((weight * error * dispersion) / wavelength) * LIGHT_SPEED) ** 2
  }
  return Math.sqrt(square) / sum
}

/** Where a line of a solution really is (its centre of gravity, with its neighbours told apart): the fit had it there, px. */
export function fittedPlace({ polynomial }: Pick<WavelengthSolution, 'polynomial'>, line: FittedLine): number {
  const { wavelength, dispersion } = placeEvaluator(polynomial)(line.index, line.x)
  return line.x + (line.wavelength + line.residual - wavelength) / dispersion
}

/**
 * The same solution with the wavelengths of another model, λ(index, x) in Angstrom: as the polynomial through them, of degrees at which
 * nothing is lost. Lines are judged anew.
 */
export function reproduce(
  solution: WavelengthSolution,
  model: (index: number, x: number) => number,
): WavelengthSolution {
  const { polynomial: old } = solution
  const indices = [...new Set(solution.lines.map(({ index }) => index))]
  const degreeOrder = Math.min(9, indices.length - 1)
  const frame = { ...old, terms: termsUpTo(8, degreeOrder, Math.max(8, degreeOrder) + 2) }
  const points: WavelengthPoint[] = []
  for (const index of indices) {
    for (let k = 0; k <= 24; k++) {
      const x = ((old.width - 1) / 2) * (1 - Math.cos((k / 24) * Math.PI))
      points.push({ index, x, wavelength: model(index, x), error: 1e-3 })
    }
  }
  const fitted = fitWavelengthPolynomial(points, frame)
  if (!fitted) return solution
  // The covariance of points that have no noise says nothing.
  const polynomial = { ...fitted, covariance: undefined }
  const clipped = { polynomial, trueOf: new Map(), floor: solution.floor, chiSquare: solution.chiSquare }
  const placed = solution.lines.map((line) => ({ ...line, x: fittedPlace(solution, line) }))
  const { lines, ...quality } = describe(placed, { ...clipped, used: placed.filter((line) => line.used) })
  return {
    ...{ fibre: solution.fibre, polynomial, ...quality },
    lines: lines.map((line, k) => ({ ...line, x: solution.lines[k].x })),
  }
}
