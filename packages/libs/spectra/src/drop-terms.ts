import { median, solve } from '@nightpipe/math'
import { DOUBT, formalError, moveBy, type TraceEstimate } from './fit-centres.js'
import type { FittedTrace } from './light-of-trace.js'
import type { Traces } from './traces.js'

/** A term is there where the square of a typical one is more than so many times that of its error: less is noise, or the pixels. */
const THERE = 4
/** The median of the square of a number drawn from a Gaussian of sigma 1. */
const TYPICAL = 0.455
/** Terms that every trace has: a parabola and its skew. */
const LEAST = 4
/** Fewer traces than this do not tell what all have. */
const FEWEST = 5

/**
 * Traces without the highest terms, as far as those of all orders together show none: a term that is not there adds its noise only,
 * most of it to faint orders and to those that lie partly beside the detector.
 */
export function dropTerms(
  fitted: readonly FittedTrace[],
  traces: Traces,
  basis: Float64Array,
  estimates: readonly TraceEstimate[],
): readonly TraceEstimate[] {
  const { terms } = traces
  if (fitted.length < FEWEST) return estimates
  let kept = terms
  while (kept > LEAST && !isThere(estimates, kept, terms)) kept--
  if (kept === terms) return estimates
  return estimates.map((estimate, k) => {
    const { best } = withTerms(estimate, kept, terms)
    const coefficients = new Float64Array(terms)
    coefficients.set(best)
    moveBy(
      fitted[k]!,
      traces,
      basis,
      coefficients.map((value, t) => value - estimate.coefficients[t]!),
    )
    const trust = trustIn(estimate, best, kept)
    const matrix = withoutTerms(
      estimate.matrix.map((value) => value * trust * trust),
      kept,
      terms,
    )
    const { order, fibre } = fitted[k]!
    traces.error![order * traces.fibres + fibre] = formalError({ matrix, terms }, fitted[k]!, basis, terms)
    return { coefficients, matrix }
  })
}

/** Whether the last of `n` terms is more than its error, in a typical trace. */
function isThere(estimates: readonly TraceEstimate[], n: number, terms: number): boolean {
  const unit = new Float64Array(n)
  unit[n - 1] = 1
  const squares = estimates.map((estimate) => {
    const { best, matrix } = withTerms(estimate, n, terms)
    return best[n - 1]! ** 2 / solve(matrix, unit)[n - 1]!
  })
  return median(squares) > THERE * TYPICAL
}

/** The best coefficients of a trace of so many terms, the others being nought, and the inverse of their covariance. */
function withTerms({ coefficients, matrix }: TraceEstimate, n: number, terms: number) {
  const part = new Float64Array(n * n)
  const right = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < terms; j++) right[i]! += matrix[i * terms + j]! * coefficients[j]!
    part.set(matrix.subarray(i * terms, i * terms + n), i * n)
    // where there is no light the trace stays
    part[i * (n + 1)]! += 1 / DOUBT ** 2
    right[i]! += coefficients[i]! / DOUBT ** 2
  }
  return { best: solve(part, right), matrix: part }
}

/** An order may be worse without the terms by so much (mean square of each, in sigma) before it is believed less: a bad row runs along it. */
const FAR = 9

function trustIn({ coefficients, matrix }: TraceEstimate, best: Float64Array, kept: number): number {
  const terms = coefficients.length
  let square = 0
  for (let a = 0; a < terms; a++) {
    for (let b = 0; b < terms; b++) {
      square += matrix[a * terms + b]! * (coefficients[a]! - (best[a] ?? 0)) * (coefficients[b]! - (best[b] ?? 0))
    }
  }
  return Math.min(1, (FAR * (terms - kept)) / Math.max(square, Number.MIN_VALUE))
}

/** A term that is nought, and known to be. */
const SURE = 1e10

function withoutTerms(matrix: Float64Array, kept: number, terms: number): Float64Array {
  return matrix.map((value, at) => {
    const [row, column] = [Math.floor(at / terms), at % terms]
    if (row < kept && column < kept) return value
    return row === column ? SURE : 0
  })
}
