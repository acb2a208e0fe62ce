import { solve } from '@nightpipe/math'
import { alongSpline } from './cubic-spline.js'
import { isGood } from './good-pixels.js'
import { quietResponse } from './quiet-response.js'
import type { OrderSpectrum } from './spectrum.js'
import type { TemplateCurve } from './velocity-template.js'

/** An order of a star, its good pixels packed, beside the template that it is compared with. */
export interface OrderData {
  index: number
  order: number
  /** detector column of each packed pixel */
  column: Int32Array
  /** logarithm of the wavelength */
  u: Float64Array
  flux: Float64Array
  /** 1 / sigma squared */
  weight: Float64Array
  /** [pixel][k]: Legendre polynomials of the column, times the response of the spectrograph where that is known */
  continuum: Float64Array
  /** terms of them */
  terms: number
  /** 1: taken; 0: clipped */
  used: Uint8Array
  template: TemplateCurve
}

/** How the continuum of the star may differ from that of the template. */
export interface MatchOptions {
  /** of the polynomial that multiplies the template */
  degree: number
  /** a polynomial of the same degree is added too: for templates without their continuum */
  added: boolean
}

/** The good pixels of an order; undefined below `least` of them. */
export function packOrder(
  one: OrderSpectrum,
  template: TemplateCurve,
  { blazed, least, degree }: { blazed: boolean; least: number; degree: number },
): OrderData | undefined {
  const all = Int32Array.from(one.flux.keys())
  const column = all.filter((x) => isGood(one, x) && (!blazed || one.blaze![x]! > 0.02))
  const n = column.length
  if (n < least) return undefined
  const [u, flux, weight] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)]
  const continuum = new Float64Array(n * (degree + 1))
  const response = blazed ? quietResponse(one) : undefined
  for (let i = 0; i < n; i++) {
    const x = column[i]!
    u[i] = Math.log(one.wavelength![x]!)
    flux[i] = one.flux[x]!
    weight[i] = 1 / one.uncertainty[x]! ** 2
    const place = (2 * x) / (one.flux.length - 1) - 1
    let [last, now] = [0, response ? response[x]! : 1]
    for (let k = 0; k <= degree; k++) {
      continuum[i * (degree + 1) + k] = now
      const next = ((2 * k + 1) * place * now - k * last) / (k + 1)
      last = now
      now = next
    }
  }
  const used = new Uint8Array(n).fill(1)
  return { index: one.index, order: one.order, column, u, flux, weight, continuum, terms: degree + 1, used, template }
}

/** What one order says: the shift of the template that is still missing, and how well it is known. */
export interface OrderMatch {
  /** in the logarithm of the wavelength, to add to the shift that the template had */
  shift: number
  /** one sigma of it from the errors of the pixels, the continuum being fitted too */
  error: number
  /** what the photons would allow if nothing else had to be found (Bouchy et al. 2001, eq. 13) */
  limit: number
  pixels: number
  /** the factors of the continuum (template times Legendre polynomials, then those alone), the shift as the last */
  solution: Float64Array
  /** one sigma of each of them */
  errors: Float64Array
}

/** One linear problem: packed pixels `from` on, the template there, and the columns of unknowns. */
interface Problem {
  data: OrderData
  from: number
  added: boolean
  value: Float64Array
  slope: Float64Array
}

/**
 * Fits P(x) T(u − shift) + Q(x) to an order, P and Q polynomials (Q for templates without continuum), and linearises in the
 * shift: one step of Gauss-Newton. `before` is the solution of the step before, whose continuum the slope is taken from;
 * without it the continuum is fitted first. `from` and `to` limit the packed pixels. Undefined where these do not determine it.
 */
export function matchOrder(
  data: OrderData,
  shift: number,
  added: boolean,
  before?: Float64Array,
  from = 0,
  to = data.u.length,
): OrderMatch | undefined {
  const problem: Problem = { data, from, added, ...templateAt(data, shift, from, to) }
  const unknowns = (added ? 2 : 1) * data.terms
  try {
    const continuum = before ?? solveFor(problem, unknowns).solution
    const { solution, errors, pixels, information } = solveFor(problem, unknowns, continuum)
    if (!(information > 0 && errors[unknowns]! > 0)) return undefined
    const limit = 1 / Math.sqrt(information)
    return { shift: solution[unknowns]!, error: errors[unknowns]!, limit, pixels, solution, errors }
  } catch (error) {
    if (error instanceof RangeError) return undefined // a continuum that nothing holds: too few pixels in one place
    throw error
  }
}

function templateAt(data: OrderData, shift: number, from: number, to: number) {
  const n = to - from
  const at = new Float64Array(n)
  for (let i = 0; i < n; i++) at[i] = data.u[from + i]! - shift
  const [value, slope] = [new Float64Array(n), new Float64Array(n)]
  alongSpline(data.template.curve, at, value, slope, data.template.gap)
  return { value, slope }
}

/** The least-squares solution; with a continuum, the shift is the last unknown. */
function solveFor(problem: Problem, unknowns: number, continuum?: Float64Array) {
  const { data, from, added, value, slope } = problem
  const size = unknowns + (continuum ? 1 : 0)
  const { terms } = data
  const [matrix, right, row] = [new Float64Array(size * size), new Float64Array(size), new Float64Array(size)]
  let pixels = 0
  for (let i = 0; i < value.length; i++) {
    const p = from + i
    if (data.used[p] === 0 || Number.isNaN(value[i]!)) continue
    let level = 0
    for (let k = 0; k < terms; k++) {
      const factor = data.continuum[p * terms + k]!
      row[k] = factor * value[i]!
      if (added) row[terms + k] = factor
      if (continuum) level += continuum[k]! * factor
    }
    if (continuum) row[unknowns] = -level * slope[i]!
    const [w, y] = [data.weight[p]!, data.flux[p]!]
    for (let k = 0; k < size; k++) {
      const wk = w * row[k]!
      right[k]! += wk * y
      for (let j = 0; j <= k; j++) matrix[k * size + j]! += wk * row[j]!
    }
    pixels++
  }
  if (pixels < 3 * size + 5) throw new RangeError(`${pixels} pixels for ${size} unknowns`)
  const errors = continuum ? errorsOf(matrix, size) : new Float64Array(0)
  return { solution: solve(matrix, right), errors, pixels, information: matrix[size * size - 1]! }
}

/** One sigma of each unknown. */
function errorsOf(matrix: Float64Array, size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, k) => {
    const unit = new Float64Array(size)
    unit[k] = 1
    return Math.sqrt(solve(matrix, unit)[k]!)
  })
}

/** The fitted spectrum at the packed pixels, NaN where the template does not reach, and chi square of those used. */
export function fittedOrder(
  data: OrderData,
  shift: number,
  added: boolean,
  { solution }: Pick<OrderMatch, 'solution'>,
) {
  const { value, slope } = templateAt(data, shift, 0, data.u.length)
  const { terms } = data
  const step = solution.at(-1)!
  let chiSquare = 0
  const model = value.map((one, i) => {
    let [times, plus] = [0, 0]
    for (let k = 0; k < terms; k++) {
      times += solution[k]! * data.continuum[i * terms + k]!
      if (added) plus += solution[terms + k]! * data.continuum[i * terms + k]!
    }
    const fitted = times * (one - slope[i]! * step) + plus
    if (data.used[i] === 1 && !Number.isNaN(fitted)) chiSquare += data.weight[i]! * (data.flux[i]! - fitted) ** 2
    return fitted
  })
  return { model, chiSquare }
}
