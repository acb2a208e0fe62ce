import { allocate, kernels, scoped } from '@nightpipe/kernels'
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
  const best = mostProbable(equations, frame)
  return best && { frame, precision: best.precision }
}

/** The sizes of terms that make the lines most probable. */
function mostProbable({ normal, right }: Equations, { terms }: Frame): { precision: Float64Array } | undefined {
  const n = terms.length
  return scoped(() => {
    const [ours, side, tried, scratch] = [n * n, n, n, n * n + 2 * n].map((length) => allocate(Float64Array, length))
    ours!.set(normal)
    side!.set(right)
    const at = [ours!.byteOffset, side!.byteOffset, tried!.byteOffset, n, scratch!.byteOffset] as const
    const { logEvidence } = kernels()
    let best: { precision: Float64Array; evidence: number } | undefined
    for (const size of SIZES) {
      for (const alongX of FALLS) {
        for (const overOrders of FALLS) {
          for (let k = 0; k < n; k++) {
            const [i, j] = terms[k]!
            tried![k] = i + j < 2 ? 0 : power(size * power(alongX, i) * power(overOrders, j), -2)
          }
          const evidence = logEvidence(...at)
          if (evidence > (best?.evidence ?? Number.NEGATIVE_INFINITY))
            best = { precision: new Float64Array(tried!), evidence }
        }
      }
    }
    return best
  })
}

interface Equations {
  normal: Float64Array
  right: Float64Array
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
  return normalEquations(used, frame)
}
