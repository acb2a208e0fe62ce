import { legendre, MAD_TO_SIGMA, median, solve, solver } from '@nightpipe/math'
import { addLight, columnScratch, type FittedTrace, lookAtColumn, type ProfileGrid } from './light-of-trace.js'
import type { Traces } from './traces.js'

/** Legendre polynomials of X = 2 (x − width / 2) / width in every column: [column][term]. */
export function legendreTable(width: number, terms: number): Float64Array {
  const table = new Float64Array(width * terms)
  const line = new Float64Array(terms)
  for (let x = 0; x < width; x++) table.set(legendre((2 * (x - width / 2)) / width, line), x * terms)
  return table
}

export interface CentreRound {
  /** pixels further off are cosmic rays, sigma; the profile being known to this part of the light */
  clip: number
  tolerance: number
  /** rows from the centre that count */
  core: number
  /** terms of the correction */
  inOrder: number
  /** one column in so many */
  step: number
  /** scatter and errors are wanted */
  last: boolean
}

/** What the centres of a trace say of its coefficients: the best ones, and the inverse of their covariance. */
export interface TraceEstimate {
  coefficients: Float64Array
  matrix: Float64Array
}

interface NormalEquations {
  matrix: Float64Array
  right: Float64Array
  terms: number
}

/** Fluxes and centres of all columns, and through the centres of each trace a polynomial, which moves it. */
export function fitCentres(
  fitted: readonly FittedTrace[],
  traces: Traces,
  grid: ProfileGrid,
  basis: Float64Array,
  round: CentreRound,
): TraceEstimate[] {
  const scratch = columnScratch(grid)
  traces.scatter ??= new Float64Array(traces.orders * traces.fibres).fill(Number.NaN)
  traces.error ??= new Float64Array(traces.orders * traces.fibres).fill(Number.NaN)
  const seen = { flux: 0, offset: 0, weight: 0, momentWeight: 0 }
  const most = grid.width * Math.max(0, ...fitted.map(({ images }) => images.length))
  const points: Points = {
    count: 0,
    x: new Int32Array(most),
    offset: new Float64Array(most),
    weight: new Float64Array(most),
    momentWeight: new Float64Array(most),
    residual: new Float64Array(most),
    sorted: new Float64Array(most),
  }
  return fitted.map((trace) => {
    points.count = 0
    trace.images.forEach(({ flux }, k) => {
      if (trace.crowded) addLight(trace, k, grid, 1)
      flux.fill(0)
      for (let x = Math.ceil(trace.first / round.step) * round.step; x <= trace.last; x += round.step) {
        if (!lookAtColumn(trace, k, x, grid, scratch, round, seen)) continue
        flux[x] = seen.flux
        if (!(seen.weight > LEAST)) continue
        const n = points.count++
        points.x[n] = x
        points.offset[n] = seen.offset
        points.weight[n] = seen.weight
        points.momentWeight[n] = seen.momentWeight
      }
    })
    const normal = moveTrace(trace, points, traces, basis, round)
    if (trace.crowded) for (let k = 0; k < trace.images.length; k++) addLight(trace, k, grid, -1)
    return normal
  })
}

/** A column whose centre is not good to 2 px tells nothing. */
const LEAST = 0.25

/** The centres of a trace in the first `count` places, and scratch. */
interface Points {
  count: number
  x: Int32Array
  offset: Float64Array
  weight: Float64Array
  momentWeight: Float64Array
  /** off the polynomial, in sigma */
  residual: Float64Array
  sorted: Float64Array
}

/** How far a correction is believed without any light: sigma of a coefficient, px. */
export const DOUBT = 0.5

function moveTrace(
  trace: FittedTrace,
  points: Points,
  traces: Traces,
  basis: Float64Array,
  { inOrder, last }: CentreRound,
): TraceEstimate {
  const { terms, fibres } = traces
  const { count, x, offset, weight, residual } = points
  const n = Math.min(inOrder, terms)
  const at = trace.order * fibres + trace.fibre
  let move: Float64Array = new Float64Array(n)
  residual.fill(0, 0, count)
  let limit = Number.POSITIVE_INFINITY
  for (let round = 0; round < (last ? 3 : 2) && count > 0; round++) {
    const { matrix, right } = normalEquations(points, weight, limit, basis, terms, n)
    for (let t = 0; t < n; t++) matrix[t * (n + 1)]! += 1 / DOUBT ** 2
    move = solve(matrix, right)
    for (let k = 0; k < count; k++) {
      let sum = 0
      for (let t = 0; t < n; t++) sum += move[t]! * basis[x[k]! * terms + t]!
      residual[k] = (offset[k]! - sum) * Math.sqrt(weight[k]!)
    }
    limit = 4 * Math.max(1e-6, MAD_TO_SIGMA * medianSize(points, (k) => residual[k]!))
  }
  moveBy(trace, traces, basis, move)
  if (!last) return { coefficients: move, matrix: move }
  const sure = normalEquations(points, points.momentWeight, limit, basis, terms, n)
  traces.scatter![at] = count
    ? MAD_TO_SIGMA * medianSize(points, (k) => residual[k]! / Math.sqrt(weight[k]!))
    : Number.NaN
  traces.error![at] = count ? formalError(sure, trace, basis, terms) : Number.NaN
  return { coefficients: traces.coefficients.slice(at * terms, at * terms + n), matrix: sure.matrix }
}

/** The median of the absolute values. */
function medianSize({ count, sorted }: Points, of: (k: number) => number): number {
  for (let k = 0; k < count; k++) sorted[k] = Math.abs(of(k))
  return median(sorted, count)
}

/** Adds a polynomial to a trace and to its centres. */
export function moveBy(trace: FittedTrace, traces: Traces, basis: Float64Array, move: Float64Array): void {
  const { terms, fibres } = traces
  const at = (trace.order * fibres + trace.fibre) * terms
  for (let t = 0; t < move.length; t++) traces.coefficients[at + t]! += move[t]!
  for (let column = 0; column < trace.y.length; column++) {
    let sum = 0
    for (let t = 0; t < move.length; t++) sum += move[t]! * basis[column * terms + t]!
    trace.y[column]! += sum
  }
}

function normalEquations(
  { count, x, offset, residual }: Points,
  weight: Float64Array,
  limit: number,
  basis: Float64Array,
  terms: number,
  n: number,
): NormalEquations {
  const matrix = new Float64Array(n * n)
  const right = new Float64Array(n)
  for (let k = 0; k < count; k++) {
    if (Math.abs(residual[k]!) > limit) continue
    const w = weight[k]!
    const from = x[k]! * terms
    for (let i = 0; i < n; i++) {
      const wi = w * basis[from + i]!
      right[i]! += wi * offset[k]!
      for (let j = 0; j <= i; j++) matrix[i * n + j]! += wi * basis[from + j]!
    }
  }
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) matrix[i * n + j] = matrix[j * n + i]!
  return { matrix, right, terms: n }
}

/** One sigma of the polynomial, rms over the columns. */
export function formalError(
  { matrix, terms: n }: Pick<NormalEquations, 'matrix' | 'terms'>,
  trace: FittedTrace,
  basis: Float64Array,
  terms: number,
): number {
  const certain = matrix.slice()
  for (let t = 0; t < n; t++) certain[t * (n + 1)]! += 1 / DOUBT ** 2
  let [sum, count] = [0, 0]
  const line = new Float64Array(n)
  const solved = solver(certain, n)
  const step = Math.max(1, Math.floor((trace.last - trace.first) / 50))
  for (let x = trace.first; x <= trace.last; x += step) {
    for (let t = 0; t < n; t++) line[t] = basis[x * terms + t]!
    const through = solved(line)
    for (let t = 0; t < n; t++) sum += through[t]! * line[t]!
    count++
  }
  return Math.sqrt(sum / Math.max(1, count))
}
