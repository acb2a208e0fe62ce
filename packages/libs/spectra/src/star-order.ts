import { inverse } from '@nightpipe/math'
import type { StarOrder } from './star-start.js'

/** Which members are mixed, and how much of each: the value, and its slopes along the axes of the set. */
export interface Mix {
  members: readonly number[]
  weights: Float64Array
  slopes: readonly Float64Array[]
}

/** A mix of members that turns and moves. */
export interface StarModel {
  mix: Mix
  /** half of a symmetric kernel, and how it changes with the square of v sin i */
  taps: Float64Array
  slope: Float64Array
  /** logarithm of the redshift */
  shift: number
}

/** The model of one order at its pixels: the value, and its slopes along the axes, with rotation, with shift. */
interface ModelAtPixels {
  value: Float64Array
  slopes: Float64Array[]
}

/** What one order says about the unknowns that all orders share; the continuum has been eliminated. */
export interface OrderEquations {
  chiSquare: number
  pixels: number
  /** [unknown][unknown] and [unknown], of the shared unknowns */
  matrix: Float64Array
  right: Float64Array
  /** of each packed pixel, NaN where the set has nothing */
  fitted: Float64Array
  /** [unknown][pixel]: slopes over one sigma, what the continuum can do taken out */
  columns: Float64Array[]
  /** continuum over one sigma */
  level: Float64Array
}

/** The members mixed, with their slopes along each axis, as samples. */
function mixed({ stretch: { flux } }: StarOrder, { members, weights, slopes }: Mix, pad: number): Float64Array[] {
  const n = flux[0]!.length
  const out = [weights, ...slopes].map(() => new Float64Array(n + 2 * pad))
  members.forEach((member, i) => {
    const own = flux[member]!
    // two sums at a time: each member is read half as often
    for (let a = 0; a < out.length; a += 2) {
      const [first, second] = [a === 0 ? weights : slopes[a - 1]!, slopes[a]]
      if (second) addTwice(own, first[i]!, out[a]!, second[i]!, out[a + 1]!, pad)
      else addOnce(own, first[i]!, out[a]!, pad)
    }
  })
  for (const one of out) {
    one.fill(one[pad]!, 0, pad)
    one.fill(one[n + pad - 1]!, n + pad)
  }
  return out
}

function addOnce(own: Float32Array, weight: number, sum: Float64Array, pad: number): void {
  for (let k = 0; k < own.length; k++) sum[k + pad]! += weight * own[k]!
}

function addTwice(own: Float32Array, a: number, sumA: Float64Array, b: number, sumB: Float64Array, pad: number): void {
  for (let k = 0; k < own.length; k++) {
    const value = own[k]!
    sumA[k + pad]! += a * value
    sumB[k + pad]! += b * value
  }
}

/** Convolution of samples that are padded by the length of the kernel, whose half this is. */
export function convolved(padded: Float64Array, taps: Float64Array): Float64Array {
  const pad = taps.length - 1
  const n = padded.length - 2 * pad
  const out = new Float64Array(n)
  for (let k = 0; k < n; k++) {
    const at = k + pad
    let sum = taps[0]! * padded[at]!
    for (let j = 1; j <= pad; j++) sum += taps[j]! * (padded[at - j]! + padded[at + j]!)
    out[k] = sum
  }
  return out
}

/** Where a pixel lies among samples, and what the four B-splines around it weigh; false outside. */
export function splinesAt(t: number, n: number, out: Float64Array): number {
  const i = Math.floor(t)
  if (!(i >= 1 && i < n - 2)) return -1
  const [x, s] = [t - i, 1 - (t - i)]
  out[0] = (s * s * s) / 6
  out[1] = (3 * x * x * x - 6 * x * x + 4) / 6
  out[2] = (3 * s * s * s - 6 * s * s + 4) / 6
  out[3] = (x * x * x) / 6
  out[4] = (-s * s) / 2
  out[5] = (3 * x * x - 4 * x) / 2
  out[6] = (4 * s - 3 * s * s) / 2
  out[7] = (x * x) / 2
  return i - 1
}

function atPixels(order: StarOrder, { mix, taps, slope, shift }: StarModel): ModelAtPixels {
  const { data, stretch } = order
  const parts = mixed(order, mix, taps.length - 1)
  const curves = [...parts.map((part) => convolved(part, taps)), convolved(parts[0]!, slope)]
  const m = data.u.length
  const out = [...curves, undefined].map(() => new Float64Array(m).fill(Number.NaN))
  const splines = new Float64Array(8)
  const n = stretch.flux[0]!.length
  for (let i = 0; i < m; i++) {
    const at = splinesAt((data.u[i]! - shift - stretch.first) / stretch.step, n, splines)
    if (at < 0) continue
    for (let c = 0; c < curves.length; c++) {
      const curve = curves[c]!
      out[c]![i] =
        splines[0]! * curve[at]! +
        splines[1]! * curve[at + 1]! +
        splines[2]! * curve[at + 2]! +
        splines[3]! * curve[at + 3]!
    }
    const curve = curves[0]!
    const rise =
      splines[4]! * curve[at]! +
      splines[5]! * curve[at + 1]! +
      splines[6]! * curve[at + 2]! +
      splines[7]! * curve[at + 3]!
    out[curves.length]![i] = -rise / stretch.step
  }
  return { value: out[0]!, slopes: out.slice(1) }
}

/** Fits the continuum of an order under a model, and says what the order wants of the model. */
export function orderEquations(order: StarOrder, model: StarModel): OrderEquations {
  const { value, slopes } = atPixels(order, model)
  const { data } = order
  const { terms, root, used, continuum } = data
  const m = value.length
  const light = Array.from({ length: terms }, () => new Float64Array(m))
  const [star, level] = [new Float64Array(m), new Float64Array(m)]
  const taken = (i: number) => used[i] === 1 && !Number.isNaN(value[i]!)
  let pixels = 0
  for (let i = 0; i < m; i++) {
    if (!taken(i)) continue
    pixels++
    star[i] = root[i]! * data.flux[i]!
    for (let k = 0; k < terms; k++) light[k]![i] = root[i]! * continuum[i * terms + k]! * value[i]!
  }
  const normal = new Float64Array(terms * terms)
  for (let k = 0; k < terms; k++)
    for (let j = 0; j <= k; j++) normal[k * terms + j] = normal[j * terms + k] = dot(light[k]!, light[j]!)
  const inverted = inverse(normal, terms)
  const factors = projected(inverted, light, star)
  const fitted = new Float64Array(m)
  let chiSquare = 0
  for (let i = 0; i < m; i++) {
    let sum = 0
    for (let k = 0; k < terms; k++) sum += factors[k]! * continuum[i * terms + k]!
    fitted[i] = sum * value[i]!
    if (!taken(i)) continue
    level[i] = sum * root[i]!
    star[i]! -= level[i]! * value[i]!
    chiSquare += star[i]! ** 2
  }
  const columns = slopes.map((slope) => withoutContinuum(slope, level, light, inverted))
  const size = columns.length
  const matrix = new Float64Array(size * size)
  for (let k = 0; k < size; k++)
    for (let j = 0; j <= k; j++) matrix[k * size + j] = matrix[j * size + k] = dot(columns[k]!, columns[j]!)
  return {
    chiSquare,
    pixels,
    matrix,
    right: Float64Array.from(columns, (one) => dot(one, star)),
    fitted,
    columns,
    level,
  }
}

/** The factors of the continuum that are nearest to something. */
function projected(inverted: Float64Array, light: readonly Float64Array[], what: Float64Array): Float64Array {
  const right = light.map((one) => dot(one, what))
  return Float64Array.from(right, (_, k) =>
    right.reduce((sum, one, j) => sum + inverted[k * right.length + j]! * one, 0),
  )
}

function withoutContinuum(
  slope: Float64Array,
  level: Float64Array,
  light: readonly Float64Array[],
  inverted: Float64Array,
) {
  const out = new Float64Array(slope.length)
  for (let i = 0; i < out.length; i++) if (level[i] !== 0) out[i] = level[i]! * slope[i]!
  const factors = projected(inverted, light, out)
  light.forEach((one, k) => {
    for (let i = 0; i < out.length; i++) out[i]! -= factors[k]! * one[i]!
  })
  return out
}

function dot(a: Float64Array, b: Float64Array): number {
  let [s0, s1] = [0, 0]
  let i = 0
  for (; i + 1 < a.length; i += 2) {
    s0 += a[i]! * b[i]!
    s1 += a[i + 1]! * b[i + 1]!
  }
  if (i < a.length) s0 += a[i]! * b[i]!
  return s0 + s1
}
