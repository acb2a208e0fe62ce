import { solve, solver } from '@nightpipe/math'
import { alongSpline } from './cubic-spline.js'
import { goodColumns } from './good-pixels.js'
import { quietFlat } from './quiet-response.js'
import type { OrderSpectrum } from './spectrum.js'
import type { TemplateCurve } from './velocity-template.js'

/** An order of a star: its good pixels, packed. */
export interface PackedOrder {
  index: number
  order: number
  /** detector column of each packed pixel */
  column: Int32Array
  /** logarithm of the wavelength */
  u: Float64Array
  flux: Float64Array
  /** 1 / sigma squared, and 1 / sigma */
  weight: Float64Array
  root: Float64Array
  /** [pixel][k]: Legendre polynomials of the column, times the response of the spectrograph where that is known */
  continuum: Float64Array
  /** terms of them */
  terms: number
  /** one sigma of the response, as part of it; undefined where it is not known */
  flatError?: Float64Array | undefined
  /** 1: taken; 0: clipped */
  used: Uint8Array
}

/** The same beside the template that it is compared with. */
export interface OrderData extends PackedOrder {
  template: TemplateCurve
}

/** How the continuum of the star may differ from that of the template. */
export interface MatchOptions {
  /** of the polynomial that multiplies the template */
  degree: number
  /** a polynomial of the same degree is added too: for templates without their continuum */
  added: boolean
}

type Plain = Float64Array<ArrayBuffer>

export interface PackOptions {
  /** the response of the flat is known, and goes with the continuum */
  blazed: boolean
  /** fewest good pixels */
  least: number
  /** of the polynomial for the continuum */
  degree: number
}

/** The good pixels of an order with the template for it; undefined below `least` of them. */
export function packOrder(one: OrderSpectrum, template: TemplateCurve, options: PackOptions): OrderData | undefined {
  const packed = packPixels(one, options, template.index === one.index ? template.response : undefined)
  return packed && { ...packed, template }
}

/** The good pixels of an order; undefined below `least` of them. `seen`: the response of its columns, as stars show it. */
export function packPixels(
  one: OrderSpectrum,
  { blazed, least, degree }: PackOptions,
  seen?: Float64Array,
): PackedOrder | undefined {
  const column = goodColumns(one, blazed ? 0.02 : undefined)
  const n = column.length
  if (n < least) return undefined
  const [u, flux, weight, root] = [0, 0, 0, 0].map(() => new Float64Array(n)) as [Plain, Plain, Plain, Plain]
  const continuum = new Float64Array(n * (degree + 1))
  const flat = blazed ? quietFlat(one, seen) : undefined
  for (let i = 0; i < n; i++) {
    const x = column[i]!
    u[i] = Math.log(one.wavelength![x]!)
    flux[i] = one.flux[x]!
    weight[i] = 1 / one.uncertainty[x]! ** 2
    root[i] = 1 / one.uncertainty[x]!
    const place = (2 * x) / (one.flux.length - 1) - 1
    let [last, now] = [0, flat ? flat.response[x]! : 1]
    for (let k = 0; k <= degree; k++) {
      continuum[i * (degree + 1) + k] = now
      const next = ((2 * k + 1) * place * now - k * last) / (k + 1)
      last = now
      now = next
    }
  }
  const used = new Uint8Array(n).fill(1)
  const { index, order } = one
  const flatError = flat?.left && Float64Array.from(column, (x) => flat.left![x]!)
  return { index, order, column, u, flux, weight, root, continuum, terms: degree + 1, flatError, used }
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
 * without it the continuum is fitted first. `from` and `to` limit the packed pixels; `scratch` has room for them. Undefined where these do not determine it.
 */
export function matchOrder(
  data: OrderData,
  shift: number,
  added: boolean,
  before?: Float64Array,
  from = 0,
  to = data.u.length,
  scratch: Scratch = scratchFor(to - from),
): OrderMatch | undefined {
  const problem: Problem = { data, from, added, ...templateAt(data, shift, from, to, scratch) }
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

/** Room for the template at the pixels of an order: orders that are matched one after the other can share it. */
export interface Scratch {
  at: Float64Array
  value: Float64Array
  slope: Float64Array
}

export const scratchFor = (n: number): Scratch => ({
  ...{ at: new Float64Array(n), value: new Float64Array(n), slope: new Float64Array(n) },
})

/** The template at packed pixels `from` to `to`, moved by a shift: places in it, values and slopes there; NaN where it has nothing. */
export function templateAt({ u, template }: OrderData, shift: number, from: number, to: number, scratch: Scratch) {
  const n = to - from
  const [at, value, slope] = [scratch.at.subarray(0, n), scratch.value.subarray(0, n), scratch.slope.subarray(0, n)]
  for (let i = 0; i < n; i++) at[i] = u[from + i]! - shift
  alongSpline(template.curve, at, value, slope, template.gap)
  return { at, value, slope }
}

/** Pixels whose rows are made at once: they stay in the cache. */
const CHUNK = 256

/** The least-squares solution; with a continuum, the shift is the last unknown. */
function solveFor(problem: Problem, unknowns: number, continuum?: Float64Array) {
  const size = unknowns + (continuum ? 1 : 0)
  const rows = Array.from({ length: size + 1 }, () => new Float64Array(CHUNK))
  const [matrix, right] = [new Float64Array(size * size), new Float64Array(size)]
  let pixels = 0
  for (let first = 0; first < problem.value.length; first += CHUNK) {
    const n = weightedRows(problem, first, unknowns, continuum, rows)
    for (let k = 0; k < size; k++) {
      right[k]! += dot(rows[k]!, rows[size]!, n)
      for (let j = 0; j <= k; j++) matrix[k * size + j]! += dot(rows[k]!, rows[j]!, n)
    }
    pixels += n
  }
  if (pixels < 3 * size + 5) throw new RangeError(`${pixels} pixels for ${size} unknowns`)
  const errors = continuum ? errorsOf(matrix, size) : new Float64Array(0)
  return { solution: solve(matrix, right), errors, pixels, information: matrix[size * size - 1]! }
}

/** What each unknown adds to the used pixels of a chunk, and as the last row their flux: all over one sigma; how many they are. */
function weightedRows(
  { data, from, added, value, slope }: Problem,
  first: number,
  unknowns: number,
  continuum: Float64Array | undefined,
  rows: readonly Float64Array[],
): number {
  const { terms, used, flux, root, continuum: factors } = data
  const end = Math.min(first + CHUNK, value.length)
  let n = 0
  for (let i = first; i < end; i++) {
    const p = from + i
    if (used[p] === 0 || Number.isNaN(value[i]!)) continue
    const [light, weight] = [root[p]! * value[i]!, root[p]!]
    let level = 0
    for (let k = 0; k < terms; k++) {
      const factor = factors[p * terms + k]!
      if (continuum) level += continuum[k]! * factor
      rows[k]![n] = factor * light
      if (added) rows[terms + k]![n] = factor * weight
    }
    if (continuum) rows[unknowns]![n] = -weight * level * slope[i]!
    rows.at(-1)![n++] = weight * flux[p]!
  }
  return n
}

/** Σ a b over the first n, in four sums that do not wait for one another. */
function dot(a: Float64Array, b: Float64Array, n: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0]
  let i = 0
  for (; i + 3 < n; i += 4) {
    s0 += a[i]! * b[i]!
    s1 += a[i + 1]! * b[i + 1]!
    s2 += a[i + 2]! * b[i + 2]!
    s3 += a[i + 3]! * b[i + 3]!
  }
  for (; i < n; i++) s0 += a[i]! * b[i]!
  return s0 + s1 + (s2 + s3)
}

/** One sigma of each unknown. */
function errorsOf(matrix: Float64Array, size: number): Float64Array {
  const errors = new Float64Array(size)
  const unit = new Float64Array(size)
  const solved = solver(matrix, size)
  for (let k = 0; k < size; k++) {
    unit.fill(0)
    unit[k] = 1
    errors[k] = Math.sqrt(solved(unit)[k]!)
  }
  return errors
}

/** The fitted spectrum at the packed pixels, NaN where the template does not reach, and chi square of those used. */
export function fittedOrder(
  data: OrderData,
  shift: number,
  added: boolean,
  { solution }: Pick<OrderMatch, 'solution'>,
) {
  const { value, slope } = templateAt(data, shift, 0, data.u.length, scratchFor(data.u.length))
  const { terms } = data
  const step = solution.at(-1)!
  let chiSquare = 0
  const model = new Float64Array(value.length)
  for (let i = 0; i < model.length; i++) {
    let [times, plus] = [0, 0]
    for (let k = 0; k < terms; k++) {
      times += solution[k]! * data.continuum[i * terms + k]!
      if (added) plus += solution[terms + k]! * data.continuum[i * terms + k]!
    }
    const fitted = times * (value[i]! - slope[i]! * step) + plus
    if (data.used[i] === 1 && !Number.isNaN(fitted)) chiSquare += data.weight[i]! * (data.flux[i]! - fitted) ** 2
    model[i] = fitted
  }
  return { model, chiSquare }
}
