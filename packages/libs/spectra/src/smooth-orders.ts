import { legendre, MAD_TO_SIGMA, median, power, solve, solver } from '@nightpipe/math'
import { formalError, moveBy, type TraceEstimate } from './fit-centres.js'
import type { FittedTrace } from './light-of-trace.js'
import type { Traces } from './traces.js'

/** Fewer orders than this say nothing about how their traces change from order to order. */
const FEWEST = 9
/** A term is never believed to be smoother than this, px. */
const SMOOTHEST = 1e-4
/** Sigma of a coefficient that nothing tells, px. */
const DOUBT = 0.5

/** Degrees of the polynomials in order number: of what all fibres share, and of what a fibre differs from the first by. */
const SHARED = 5
const OWN = 2

/**
 * Traces of faint orders led by those of bright ones. Each term of the polynomials changes smoothly with the order number, the
 * fibres differing by what changes more slowly still (they stand side by side in one slit), up to a scatter that the bright
 * orders show; each trace becomes the best mean of its own light and of that (empirical Bayes: Efron & Morris 1973), so a
 * bright order stays where it is, and one that is hardly lit follows.
 */
export function smoothOrders(
  fitted: readonly FittedTrace[],
  traces: Traces,
  basis: Float64Array,
  estimates: readonly TraceEstimate[],
): void {
  const all = fitted.map((trace, k) => ({ trace, ...estimates[k]! }))
  const fibres = Array.from({ length: traces.fibres }, (_, fibre) => fibre)
  const many = fibres.filter((fibre) => all.filter(({ trace }) => trace.fibre === fibre).length >= FEWEST)
  const own = all.filter(({ trace }) => many.includes(trace.fibre))
  if (many.length > 0) lead(own, linesOf(own, many, traces.orders), traces, basis)
}

type Own = TraceEstimate & { trace: FittedTrace }

/** What the surface is linear in, for each trace: polynomials in order number of all fibres, then of each fibre but the first. */
function linesOf(own: readonly Own[], fibres: readonly number[], orders: number): Float64Array[] {
  const each = own.length / fibres.length
  const shared = 1 + Math.min(SHARED, Math.floor(each / 3) - 1)
  const more = 1 + Math.min(OWN, Math.floor(each / 3) - 1)
  return own.map(({ trace }) => {
    const polynomials = legendre((2 * trace.order) / Math.max(1, orders - 1) - 1, new Float64Array(shared))
    const line = new Float64Array(shared + (fibres.length - 1) * more)
    line.set(polynomials)
    const slot = fibres.indexOf(trace.fibre) - 1
    if (slot >= 0) line.set(polynomials.subarray(0, more), shared + slot * more)
    return line
  })
}

function lead(own: readonly Own[], lines: readonly Float64Array[], traces: Traces, basis: Float64Array): void {
  const { terms } = traces
  const scatter = new Float64Array(terms).fill(DOUBT)
  let surface = fitSurface(own, lines, scatter, terms)
  let trusted = own
  for (let round = 0; round < 6; round++) {
    if (round > 0) surface = fitSurface(trusted, lines, scatter, terms)
    const { coefficients } = surface
    for (let t = 0; t < terms; t++) scatter[t] = scatterOf(own, lines, coefficients, t, terms)
    trusted = own.map((one, k) => doubted(one, smoothCoefficients(coefficients, lines[k]!, terms), scatter, terms))
  }
  const known = inverseOf(surface.matrix, terms * lines[0]!.length)
  trusted.forEach(({ trace, coefficients, matrix }, k) => {
    const prior = smoothCoefficients(surface.coefficients, lines[k]!, terms)
    const sum = matrix.slice()
    const right = new Float64Array(terms)
    for (let t = 0; t < terms; t++) {
      sum[t * (terms + 1)]! += 1 / (scatter[t]! ** 2 + varianceAt(known, lines[k]!, t, terms))
      for (let j = 0; j < terms; j++) right[t]! += matrix[t * terms + j]! * (coefficients[j]! - prior[j]!)
    }
    const best = solve(sum, right)
    moveBy(
      trace,
      traces,
      basis,
      best.map((value, t) => prior[t]! + value - coefficients[t]!),
    )
    const at = trace.order * traces.fibres + trace.fibre
    traces.error![at] = formalError({ matrix: sum, terms }, trace, basis, terms)
  })
}

/** How well the surface itself knows a term of a trace: its variance, px². */
function varianceAt(known: Float64Array, line: Float64Array, t: number, terms: number): number {
  const [n, size] = [line.length, terms * line.length]
  let sum = 0
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) sum += line[i]! * line[j]! * known[(t * n + i) * size + t * n + j]!
  }
  return sum
}

function inverseOf(matrix: Float64Array, size: number): Float64Array {
  const out = new Float64Array(size * size)
  const unit = new Float64Array(size)
  const solved = solver(matrix, size)
  for (let k = 0; k < size; k++) {
    unit.fill(0)
    unit[k] = 1
    out.set(solved(unit), k * size) // symmetric: a row is as good as a column
  }
  return out
}

/** An order may be off by so much (mean square of its terms, in sigma) before it is believed less. */
const FAR = 9

/** An order that lies far from where its neighbours have it (a bad row of the detector runs along it, say) is believed less. */
function doubted(own: Own, prior: Float64Array, scatter: Float64Array, terms: number): Own {
  const weight = certainty(own.matrix, scatter, terms)
  let square = 0
  for (let a = 0; a < terms; a++) {
    for (let b = 0; b < terms; b++) {
      square += weight[a * terms + b]! * (own.coefficients[a]! - prior[a]!) * (own.coefficients[b]! - prior[b]!)
    }
  }
  const trust = (FAR * terms) / square
  return trust < 1 ? { ...own, matrix: own.matrix.map((value) => value * trust * trust) } : own
}

/** The coefficients that the surface has for an order. */
function smoothCoefficients(surface: Float64Array, line: Float64Array, terms: number): Float64Array {
  const n = line.length
  return Float64Array.from({ length: terms }, (_, t) =>
    line.reduce((sum, value, j) => sum + value * surface[t * n + j]!, 0),
  )
}

/** Each term as a function of order and fibre, by least squares over all orders with all that is known of each. */
function fitSurface(
  own: readonly Own[],
  lines: readonly Float64Array[],
  scatter: Float64Array,
  terms: number,
): { coefficients: Float64Array; matrix: Float64Array } {
  const n = lines[0]!.length
  const size = terms * n
  const matrix = new Float64Array(size * size)
  const right = new Float64Array(size)
  own.forEach((one, k) => {
    const weight = certainty(one.matrix, scatter, terms)
    const line = lines[k]!
    for (let a = 0; a < terms; a++) {
      let pull = 0
      for (let b = 0; b < terms; b++) {
        const w = weight[a * terms + b]!
        pull += w * one.coefficients[b]!
        for (let i = 0; i < n; i++)
          for (let j = 0; j < n; j++) matrix[(a * n + i) * size + b * n + j]! += w * line[i]! * line[j]!
      }
      for (let i = 0; i < n; i++) right[a * n + i]! += pull * line[i]!
    }
  })
  // far below anything that an order tells
  for (let t = 0; t < size; t++) matrix[t * (size + 1)]! += 1e-9 * (matrix[t * (size + 1)]! + 1)
  return { coefficients: solve(matrix, right), matrix }
}

/** The inverse of covariance plus scatter: (N⁻¹ + T)⁻¹ = T⁻¹ − T⁻¹ (N + T⁻¹)⁻¹ T⁻¹. */
function certainty(matrix: Float64Array, scatter: Float64Array, terms: number): Float64Array {
  const sum = matrix.slice()
  for (let t = 0; t < terms; t++) sum[t * (terms + 1)]! += power(scatter[t]!, -2)
  const out = new Float64Array(terms * terms)
  const unit = new Float64Array(terms)
  const solved = solver(sum, terms)
  for (let b = 0; b < terms; b++) {
    unit.fill(0)
    unit[b] = power(scatter[b]!, -2)
    const column = solved(unit)
    for (let a = 0; a < terms; a++)
      out[a * terms + b] = (a === b ? power(scatter[a]!, -2) : 0) - power(scatter[a]!, -2) * column[a]!
  }
  return out
}

/** How far the orders whose term is best known lie off the surface, more than they are uncertain. */
function scatterOf(
  own: readonly Own[],
  lines: readonly Float64Array[],
  surface: Float64Array,
  t: number,
  terms: number,
): number {
  const unit = new Float64Array(terms)
  const known = own.map(({ matrix, coefficients }, k) => {
    const sum = matrix.slice()
    for (let j = 0; j < terms; j++) sum[j * (terms + 1)]! += power(DOUBT, -2)
    unit.fill(0)
    unit[t] = 1
    const variance = solve(sum, unit)[t]!
    return { variance, off: coefficients[t]! - smoothCoefficients(surface, lines[k]!, terms)[t]! }
  })
  known.sort((a, b) => a.variance - b.variance)
  const best = known.slice(0, Math.max(5, known.length >> 1))
  const spread = MAD_TO_SIGMA * median(best.map(({ off }) => Math.abs(off)))
  const expected = median(best.map(({ variance }) => variance))
  return Math.max(SMOOTHEST, Math.sqrt(Math.max(0, spread ** 2 - expected)))
}
