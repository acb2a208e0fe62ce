import { MAD_TO_SIGMA, medianOf, power } from '@nightpipe/math'
import {
  type Frame,
  fitWavelengthPolynomial,
  normalEquations,
  termsUpTo,
  type WavelengthPoint,
  wavelengthEvaluator,
} from './wavelength-polynomial.js'

/** How large the terms of a wavelength polynomial are expected to be: 1 / sigma² of each, Angstrom⁻²; 0 where nothing is expected. */
export interface ExpectedTerms {
  frame: Frame
  precision: Float64Array
}

/** Lines that a term needs, if it were free. */
const LINES_PER_TERM = 1.5
/** What is tried: sizes of terms, and how they fall from degree to degree along x and over the orders. */
const SIZES = [10, 30, 100, 300, 1e3, 3e3, 1e4]
const FALLS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7]

/**
 * All terms up to the highest degrees, and how large they may be: smaller from degree to degree, as those of any smooth function are. How
 * large, and how fast they fall, is what makes the lines most probable (the evidence of Bayes, MacKay 1992). Terms that the lines do not
 * tell stay small, and what they might be is in the errors of the wavelengths, above all at the ends of orders.
 */
export function expectedTerms(
  lines: readonly WavelengthPoint[],
  before: Frame,
  limits: { degreeX: number; degreeOrder: number },
): ExpectedTerms | undefined {
  const orders = new Set(lines.map((line) => line.index)).size
  let [x, order] = [limits.degreeX, Math.min(limits.degreeOrder, orders - 1)]
  const termsOf = () => termsUpTo(x, order, Math.max(x, order) + 1)
  while (lines.length < LINES_PER_TERM * termsOf().length && (x > 2 || order > 1)) {
    if (x > order && x > 2) x--
    else order = Math.max(1, order - 1)
    if (order === 1 && x > 2) x--
  }
  const frame = { ...before, terms: termsOf() }
  if (lines.length < LINES_PER_TERM * frame.terms.length) return undefined
  const equations = equationsOf(lines, frame)
  let best: { precision: Float64Array; evidence: number } | undefined
  for (const size of SIZES) {
    for (const alongX of FALLS) {
      for (const overOrders of FALLS) {
        const precision = Float64Array.from(frame.terms, ([i, j]) =>
          i + j < 2 ? 0 : power(size * power(alongX, i) * power(overOrders, j), -2),
        )
        const evidence = logEvidence(equations, precision)
        if (evidence > (best?.evidence ?? Number.NEGATIVE_INFINITY)) best = { precision, evidence }
      }
    }
  }
  return best && { frame, precision: best.precision }
}

interface Equations {
  normal: Float64Array
  right: Float64Array
  /** of the right-hand sides, in units of their errors */
  squares: number
}

/** Normal equations, the errors scaled so that half of the lines lie within 0.6745 sigma of a free fit. */
function equationsOf(lines: readonly WavelengthPoint[], frame: Frame): Equations {
  let used = lines
  for (let round = 0; round < 2; round++) {
    const fit = fitWavelengthPolynomial(used, frame, { covariance: false })
    if (!fit) break
    const wavelengthAt = wavelengthEvaluator(fit)
    const misses = lines.map(({ index, x, wavelength, error }) => Math.abs(wavelengthAt(index, x) - wavelength) / error)
    const scale = MAD_TO_SIGMA * medianOf(misses)
    used = lines
      .filter((_, k) => misses[k]! < 4 * scale)
      .map(({ index, x, wavelength, error }) => ({ index, x, wavelength, error: scale * error }))
  }
  const squares = used.reduce((sum, { wavelength, error }) => sum + (wavelength / error) ** 2, 0)
  return { ...normalEquations(used, frame), squares }
}

/** Logarithm of the probability of the lines, up to a constant. */
function logEvidence({ normal, right, squares }: Equations, precision: Float64Array): number {
  const n = precision.length
  // Cholesky's factor L of the normal matrix with the expectation, and the solution of L y = b on the way:
  // its upper half; the normal matrix is known by its lower one
  const rest = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) rest[j * n + i] = normal[i * n + j]!
    rest[i * n + i]! += precision[i]!
  }
  const y = right.slice()
  const column = new Float64Array(n)
  let evidence = -0.5 * squares
  // column by column, each taken off what is right of it, row by row of the upper triangle: sums that wait for nothing
  for (let k = 0; k < n; k++) {
    const pivot = rest[k * n + k]!
    if (!(pivot > 0)) return Number.NEGATIVE_INFINITY
    const root = Math.sqrt(pivot)
    const own = y[k]! / root
    for (let j = k + 1; j < n; j++) column[j] = rest[k * n + j]! / root
    for (let i = k + 1; i < n; i++) {
      const value = column[i]!
      y[i]! -= value * own
      for (let j = i, at = i * n + i; j < n; j++, at++) rest[at]! -= value * column[j]!
    }
    evidence += 0.5 * own ** 2 - Math.log(root)
    if (precision[k]! > 0) evidence += 0.5 * Math.log(precision[k]!)
  }
  return evidence
}
