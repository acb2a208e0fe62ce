import { LIGHT_SPEED, MAD_TO_SIGMA, median } from '@nightpipe/math'
import { type ExpectedTerms, expectedTerms } from './expected-terms.js'
import { LineFlag, repeatError, type SpectralLine } from './find-lines.js'
import type { WavelengthSolution } from './wavelength-fit.js'
import {
  averagePolynomial,
  fitWavelengthPolynomial,
  placeEvaluator,
  type WavelengthPoint,
  type WavelengthPolynomial,
  wavelengthEvaluator,
} from './wavelength-polynomial.js'

/** A fibre in one of several arcs. */
export interface CommonSolution {
  polynomial: WavelengthPolynomial
  /** the lines that the arcs have in common, the same in all of them, where they lie in this one */
  places: SpectralLine[]
  /** of its distance from the others, one sigma of the mean over the detector, m/s */
  error: number
}

/** Arcs further from the others than this have images of their own, px. */
const FAR = 3
/** Lines that scatter by so much more than their errors do not belong to one instrument. */
const STRANGE = 3
/** Degrees by which arcs may differ, along the orders and over them. */
const DEGREES = { degreeX: 3, degreeOrder: 3 }
const ROUNDS = 3

/**
 * What several arcs say of one fibre. Each by itself has wavelengths that depend on the lines that its fit used: with few lines they wander
 * by far more than the light of the lines allows. So all are given the mean of their polynomials, moved by what the lines that they have
 * in common say, each weighed by its light alone: whatever a line has of its own (an error of the list, a neighbour) is the same in all arcs.
 * Undefined for arcs that are not like the others, and where there are fewer than two.
 */
export function commonSolutions(
  solutions: readonly WavelengthSolution[],
  fwhm: number,
): (CommonSolution | undefined)[] {
  let some = near(solutions)
  while (some.length > 1) {
    const told = compare(
      some.map((k) => solutions[k]!),
      fwhm,
    )
    if (!told) break
    const worst = told.reduce((a, { scale }, k) => (scale > told[a]!.scale ? k : a), 0)
    if (told[worst]!.scale < STRANGE) {
      const by = new Map(some.map((k, n) => [k, told[n]!.solution]))
      return solutions.map((_, k) => by.get(k))
    }
    some = some.filter((_, n) => n !== worst)
  }
  return solutions.map(() => undefined)
}

/** Those that lie near the median one. */
function near(solutions: readonly WavelengthSolution[]): number[] {
  const first = solutions[0]?.polynomial
  if (!first) return []
  const middle = Math.round(((first.lowOrder + first.highOrder) / 2 - first.firstOrder) / first.orderStep)
  const { dispersion } = placeEvaluator(first)(middle, first.width / 2)
  const places = solutions.map(
    ({ polynomial }) => wavelengthEvaluator(polynomial)(middle, first.width / 2) / Math.abs(dispersion),
  )
  const centre = median(Float64Array.from(places))
  return [...solutions.keys()].filter((k) => Math.abs(places[k]! - centre) < FAR)
}

/** A line in one of the arcs. */
interface Member {
  arc: number
  line: SpectralLine
  /** by the mean polynomial, and by its own; Angstrom */
  seen: number
  own: number
  sigma: number
  used: boolean
}

interface Told {
  solution: CommonSolution
  /** scatter of its lines in units of their errors */
  scale: number
}

function compare(solutions: readonly WavelengthSolution[], fwhm: number): Told[] | undefined {
  const share = 1 / solutions.length
  const mean = averagePolynomial(solutions.map(({ polynomial }) => ({ polynomial, share })))
  if (!mean) return undefined
  const groups = commonLines(solutions, mean, fwhm)
  const level = mean.coefficients[mean.terms.findIndex(([i, j]) => i === 0 && j === 0)]!
  const centres = groups.map((group) => centreOf(group, ({ own }) => own))
  const apart = solutions.map((): ((index: number, x: number) => number) => () => 0)
  const told: Told[] = []
  const expected: (ExpectedTerms | undefined)[] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (const arc of solutions.keys()) {
      const points = pointsOf(arc, groups, centres)
      expected[arc] ??= expectedTerms(points, mean, DEGREES)
      const fit = expected[arc] && moveOf(points, expected[arc])
      if (!fit) return without(solutions, arc)
      apart[arc] = wavelengthEvaluator(fit.polynomial)
      const polynomial = averagePolynomial([
        { polynomial: mean, share: 1 },
        { polynomial: fit.polynomial, share: 1 },
      ])!
      told[arc] = {
        scale: fit.scale,
        solution: { polynomial, places: [], error: (LIGHT_SPEED * fit.levelError) / Math.abs(level) },
      }
    }
    groups.forEach((group, g) => {
      centres[g] = centreOf(group, ({ arc, line, seen }) => seen + apart[arc]!(line.index, line.x))
    })
  }
  for (const { solution } of told) solution.places = placesIn(solution.polynomial, groups, centres)
  return told
}

/** An arc that has hardly a line in common with the others is stranger than any. */
const without = (solutions: readonly WavelengthSolution[], arc: number): Told[] =>
  solutions.map(({ polynomial }, k) => ({
    scale: k === arc ? Number.POSITIVE_INFINITY : 1,
    solution: { polynomial, places: [], error: Number.NaN },
  }))

/** The weighted mean of a line, Angstrom. */
function centreOf(group: readonly Member[], of: (member: Member) => number): number {
  let [sum, weights] = [0, 0]
  for (const member of group) {
    if (!member.used) continue
    const weight = 1 / member.sigma ** 2
    sum += weight * of(member)
    weights += weight
  }
  return sum / weights // NaN where no arc is believed
}

/** Lines without a flaw that at least half of the arcs show, and none of them twice. */
function commonLines(solutions: readonly WavelengthSolution[], mean: WavelengthPolynomial, fwhm: number): Member[][] {
  const meanAt = placeEvaluator(mean)
  const byOrder = new Map<number, { member: Member; reach: number }[]>()
  solutions.forEach(({ polynomial, lines, unnamed = [] }, arc) => {
    const ownAt = wavelengthEvaluator(polynomial)
    for (const line of [...lines, ...unnamed]) {
      if (line.flags & ~LineFlag.blended) continue
      const { wavelength: seen, dispersion } = meanAt(line.index, line.x)
      const [own, perPixel] = [ownAt(line.index, line.x), Math.abs(dispersion)]
      const member = { arc, line, seen, own, sigma: Math.hypot(repeatError(line), 1e-4) * perPixel, used: true }
      const order = byOrder.get(line.index) ?? []
      if (order.length === 0) byOrder.set(line.index, order)
      order.push({ member, reach: 0.3 * fwhm * perPixel })
    }
  })
  const least = Math.max(2, solutions.length / 2)
  return [...byOrder.entries()]
    .sort(([a], [b]) => a - b)
    .flatMap(([, all]) => {
      all.sort((a, b) => a.member.own - b.member.own)
      const groups: Member[][] = []
      all.forEach(({ member, reach }, k) => {
        if (k > 0 && member.own - all[k - 1]!.member.own < reach) groups[groups.length - 1]!.push(member)
        else groups.push([member])
      })
      return groups.filter(
        (group) => group.length >= least && new Set(group.map(({ arc }) => arc)).size === group.length,
      )
    })
}

interface MemberPoint extends WavelengthPoint {
  member: Member
}

/** By how much each line of an arc lies off the mean of the arcs. */
function pointsOf(arc: number, groups: readonly Member[][], centres: readonly number[]): MemberPoint[] {
  return groups.flatMap((group, g) => {
    const member = group.find((one) => one.arc === arc)
    if (!member || !Number.isFinite(centres[g]!)) return []
    const { line, seen, sigma } = member
    return [{ member, index: line.index, x: line.x, wavelength: centres[g]! - seen, error: sigma }]
  })
}

/** By how much the wavelengths of an arc differ from the mean, as a polynomial to be added; lines beyond four sigma are set aside. */
function moveOf(points: readonly MemberPoint[], expected: ExpectedTerms) {
  let polynomial: WavelengthPolynomial | undefined
  let [scale, rms] = [1, 1]
  let used = points
  for (let round = 0; round < 3; round++) {
    polynomial = fitWavelengthPolynomial(used, expected.frame, { precision: expected.precision })
    if (!polynomial) return undefined
    const at = wavelengthEvaluator(polynomial)
    const pulls = points.map(({ index, x, wavelength, error }) => Math.abs(at(index, x) - wavelength) / error)
    scale = Math.max(1, MAD_TO_SIGMA * median(Float64Array.from(pulls)))
    const within = pulls.filter((pull) => pull < 4 * scale)
    rms = Math.sqrt(within.reduce((sum, pull) => sum + pull * pull, 0) / within.length)
    points.forEach(({ member }, k) => {
      member.used = pulls[k]! < 4 * scale
    })
    used = points.filter(({ member }) => member.used)
  }
  const level = polynomial!.terms.findIndex(([i, j]) => i === 0 && j === 0)
  const variance = polynomial!.covariance![level * (polynomial!.terms.length + 1)]!
  return { polynomial: polynomial!, scale, levelError: rms * Math.sqrt(variance) }
}

/** Where the lines lie in an arc of this polynomial. */
function placesIn(
  polynomial: WavelengthPolynomial,
  groups: readonly Member[][],
  centres: readonly number[],
): SpectralLine[] {
  const valueAt = placeEvaluator(polynomial)
  return groups.flatMap((group, g) => {
    const used = group.filter((member) => member.used)
    if (used.length < 2 || !Number.isFinite(centres[g]!)) return []
    const { line } = used.reduce((a, b) => (b.sigma < a.sigma ? b : a))
    let { x } = line
    let perPixel = 0
    for (let step = 0; step < 2; step++) {
      const { wavelength, dispersion } = valueAt(line.index, x)
      x += (centres[g]! - wavelength) / dispersion
      perPixel = Math.abs(dispersion)
    }
    const error = 1 / Math.sqrt(used.reduce((sum, { sigma }) => sum + (perPixel / sigma) ** 2, 0))
    return [{ ...line, x, error, chiSquare: 1 }]
  })
}
