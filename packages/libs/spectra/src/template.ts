import { LIGHT_SPEED, MAD_TO_SIGMA, medianOf, solve } from '@nightpipe/math'
import { type Leftovers, seenColumns } from './seen-columns.js'
import type { OrderSpectrum } from './spectrum.js'
import { bestStiffness, fitUniformSpline, type Knots, type UniformSpline, uniformSplineAt } from './spline-fit.js'
import { templateErrors } from './template-errors.js'
import { type Samples, samplesOf } from './template-samples.js'
import type { TemplateOrder, VelocityTemplate } from './velocity-template.js'

/** One exposure of the star that becomes a template. */
export interface TemplateExposure {
  /** the orders of the fibre with the star, with wavelengths */
  orders: readonly OrderSpectrum[]
  /** barycentric correction: 1 + z_true = (1 + z_measured) (1 + z) */
  z: number
}

/** How a template is made. */
export interface TemplateOptions {
  /** of the star, m/s: it is taken out, so that the template is at rest; 0 leaves the template at its velocity */
  velocity?: number
  /** degree of the polynomial that brings the continua of exposures together */
  degree?: number
  /** samples further than this from the others are set aside, sigma */
  clip?: number
}

/** A template, and what its making found. */
export interface MadeTemplate extends VelocityTemplate {
  exposures: number
  /** samples set aside: cosmic rays that the extraction had left */
  clipped: number
  /** typical signal to noise of the template in the middle of its orders */
  signalToNoise: number
}

/**
 * The template of a star from one exposure or more: each is brought to the rest frame of the star by its own barycentric
 * correction, their continua are made alike by polynomials, and one smooth curve (a spline with a knot per column) is fitted
 * to the samples of all of them at once, so that no exposure is ever interpolated. Outliers are set aside against the curve
 * of all. The answer is sampled on the columns of the exposure with the most light, and is relative to the flat where the
 * exposures know its response; what stands still on the detector while the star moves is told to the flat, which knows it less well.
 */
export function buildTemplate(exposures: readonly TemplateExposure[], options: TemplateOptions = {}): MadeTemplate {
  const { velocity = 0, degree = 4, clip = 5 } = options
  if (exposures.length === 0) throw new RangeError('a template needs an exposure')
  const indices = [...new Set(exposures.flatMap(({ orders }) => orders.map(({ index }) => index)))].sort(
    (a, b) => a - b,
  )
  const blazed = exposures.every(({ orders }) => orders.every(({ blaze }) => blaze?.some((one) => one > 0.02)))
  const made = indices.flatMap((index) => {
    const seriesWith = (seen?: Float64Array) =>
      exposures.flatMap(({ orders, z }) => {
        const one = orders.find((order) => order.index === index)
        const toRest = Math.log1p(z) - Math.log1p(velocity / LIGHT_SPEED)
        return (one && samplesOf(one, toRest, { blazed, terms: degree + 1, seen })) ?? []
      })
    return coaddWithColumns(index, seriesWith, degree, clip)
  })
  if (made.length === 0) throw new RangeError('no order of the exposures has wavelengths and good pixels')
  const quality = made.map(({ signalToNoise }) => signalToNoise)
  return {
    orders: made.map(({ order }) => order),
    exposures: exposures.length,
    clipped: made.reduce((sum, { clipped }) => sum + clipped, 0),
    signalToNoise: medianOf(quality),
  }
}

/** One order, and the response of its columns as far as exposures at other velocities agree about it. */
function coaddWithColumns(index: number, seriesWith: (seen?: Float64Array) => Samples[], degree: number, clip: number) {
  const series = seriesWith()
  if (series.length === 0) return []
  const made = coadd(index, series, degree, clip)
  const response = seenColumns(leftoversOf(series, made), made.step)
  if (!response) return [made]
  const { order, ...better } = coadd(index, seriesWith(response), degree, clip)
  return [{ ...better, order: { ...order, response } }]
}

/** What the curve leaves of every exposure, column by column. */
function leftoversOf(
  series: readonly Samples[],
  { order, kept, scales, curve }: ReturnType<typeof coadd>,
): Leftovers[] {
  return series.flatMap(({ response, column, u, y, toRest }, k) => {
    if (response?.length !== order.flux.length) return []
    const [ratio, weight] = [new Float64Array(response.length), new Float64Array(response.length)]
    for (let i = 0; i < u.length; i++) {
      const model = uniformSplineAt(curve, u[i]!) * scales[k]![i]!
      if (!(model > 0)) continue
      ratio[column[i]!] = y[i]! / model - 1
      weight[column[i]!] = kept[k]![i]! * model * model
    }
    return [{ toRest, response, ratio, weight }]
  })
}

/** One order: all exposures on the continuum of the brightest, one spline through all, twice, without outliers. */
function coadd(index: number, series: readonly Samples[], degree: number, clip: number) {
  const best = series.reduce((a, b) => (b.total > a.total ? b : a))
  const span = spanOf(series)
  const step = span.length / Math.max(best.column.at(-1)! - best.column[0]!, 1)
  let knots: Knots = { first: span.low, last: span.high, step }
  const kept = series.map(({ weight }) => weight.slice())
  let scales: Float64Array[] = series.map(({ u }) => new Float64Array(u.length).fill(1))
  let curve = fitUniformSpline(best.u, best.y, best.weight, knots)
  let clipped = 0
  for (let pass = 0; pass < 6; pass++) {
    // The first curve is that of one exposure, and knows nothing beyond its ends.
    const within = pass === 0 ? spanOf([best]) : span
    scales = series.map((one, k) => (one === best ? scales[k]! : continuumRatio(one, kept[k]!, curve, degree, within)))
    const points = together(series, scales, kept)
    if (pass === 1) knots = { ...knots, stiffness: bestStiffness(points.u, points.y, points.w, knots) }
    curve = fitUniformSpline(points.u, points.y, points.w, knots)
    const now = pass < 2 ? 0 : setAside(series, scales, kept, curve, clip)
    clipped += now
    if (pass > 2 && now === 0) break
  }
  return { ...sampled(index, best, series, kept, scales, curve), clipped, kept, scales, curve, step }
}

function spanOf(series: readonly Samples[]) {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { u } of series) {
    for (const one of u) {
      if (one < low) low = one
      if (one > high) high = one
    }
  }
  return { low, high, length: high - low }
}

/** The samples of all exposures, on one continuum. */
function together(series: readonly Samples[], scales: readonly Float64Array[], kept: readonly Float64Array[]) {
  const n = series.reduce((sum, { u }) => sum + u.length, 0)
  const [u, y, w] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)]
  let at = 0
  series.forEach((one, k) => {
    for (let i = 0; i < one.u.length; i++, at++) {
      const scale = scales[k]![i]!
      u[at] = one.u[i]!
      y[at] = one.y[i]! / scale
      w[at] = kept[k]![i]! * scale * scale
    }
  })
  return { u, y, w }
}

/** The polynomial of the column by which one exposure stands above the curve, at its samples. */
function continuumRatio(
  { u, y, basis }: Samples,
  kept: Float64Array,
  curve: UniformSpline,
  degree: number,
  { low, high }: { low: number; high: number },
): Float64Array {
  const terms = degree + 1
  const [matrix, right] = [new Float64Array(terms * terms), new Float64Array(terms)]
  for (let i = 0; i < u.length; i++) {
    if (u[i]! < low || u[i]! > high) continue
    const model = uniformSplineAt(curve, u[i]!)
    const b = terms * i
    for (let k = 0; k < terms; k++) {
      right[k]! += kept[i]! * basis[b + k]! * model * y[i]!
      for (let j = 0; j <= k; j++) matrix[k * terms + j]! += kept[i]! * basis[b + k]! * basis[b + j]! * model * model
    }
  }
  const terms_ = solve(matrix, right)
  const ratio = new Float64Array(u.length)
  for (let i = 0; i < u.length; i++) {
    let sum = 0
    for (let k = 0; k < terms; k++) sum += terms_[k]! * basis[terms * i + k]!
    ratio[i] = Math.max(sum, 1e-6)
  }
  return ratio
}

/** Takes the weight of samples that the curve of all cannot explain; how many. One exposure alone is not judged. */
function setAside(
  series: readonly Samples[],
  scales: readonly Float64Array[],
  kept: readonly Float64Array[],
  curve: UniformSpline,
  clip: number,
): number {
  if (series.length < 3) return 0
  let count = 0
  series.forEach((one, k) => {
    const weight = kept[k]!
    const pull = new Float64Array(one.u.length)
    for (let i = 0; i < pull.length; i++) {
      pull[i] = Math.abs(one.y[i]! - uniformSplineAt(curve, one.u[i]!) * scales[k]![i]!) * Math.sqrt(one.weight[i]!)
    }
    const limit = clip * Math.max(1, MAD_TO_SIGMA * medianOf(pull.filter((_, i) => weight[i]! > 0)))
    for (let i = 0; i < weight.length; i++) {
      if (!(weight[i]! > 0 && pull[i]! > limit)) continue
      weight[i] = 0
      count++
    }
  })
  return count
}

/** A column with less than this of the typical weight around it is in a gap. */
const GAP = 1e-3

/** The curve on the columns of the best exposure, with its error there. */
function sampled(
  index: number,
  best: Samples,
  series: readonly Samples[],
  kept: readonly Float64Array[],
  scales: readonly Float64Array[],
  curve: UniformSpline,
): { order: TemplateOrder; signalToNoise: number } {
  const width = best.source.flux.length
  const errorAt = templateErrors(series, kept, scales, curve, GAP)
  const [wavelength, flux, uncertainty] = [0, 0, 0].map(() => new Float64Array(width).fill(Number.NaN)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  const ratios: number[] = []
  for (let x = 0; x < width; x++) {
    const lambda = best.source.wavelength![x]!
    if (!(lambda > 0)) continue
    const u = Math.log(lambda) + best.toRest
    wavelength[x] = Math.exp(u)
    const value = uniformSplineAt(curve, u)
    const error = errorAt(u, value)
    if (error === undefined) continue
    flux[x] = value
    uncertainty[x] = error
    if (x > width / 4 && x < (3 * width) / 4) ratios.push(value / error)
  }
  const order = { index, order: best.source.order, wavelength, flux, uncertainty }
  return { order, signalToNoise: ratios.length > 0 ? medianOf(ratios) : 0 }
}
