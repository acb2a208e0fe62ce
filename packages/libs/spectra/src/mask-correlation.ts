import { LIGHT_SPEED, medianOf, power, solve } from '@nightpipe/math'
import { isGood } from './good-pixels.js'
import { continuumOf, type LineMask } from './line-mask.js'
import type { OrderSpectrum } from './spectrum.js'

/** The mean line of a star, as the lines of a mask see it. */
export interface MaskCorrelation {
  /** m/s, as redshift times c */
  velocity: Float64Array
  /** 1 in the continuum, less in the line */
  value: Float64Array
  /** one sigma; neighbours closer than a pixel are not independent */
  error: Float64Array
  /** lines that counted */
  lines: number
  /** m/s between independent points: the width of a pixel */
  pixel: number
  /** a Gaussian with a straight continuum fitted to it; undefined where there is no line */
  fit?: LineFitResult
}

export interface LineFitResult {
  /** c z of the centre, m/s, and what the noise of the spectrum makes of it (Boisse et al. 2010, eq. A.2) */
  centre: number
  centreError: number
  /** depth over continuum, 0 to 1 */
  contrast: number
  /** full width at half maximum, m/s */
  fwhm: number
  /** middle of the upper part of the bisector less that of the lower, m/s (Queloz et al. 2001) */
  bisectorSpan: number
  /** [depth 0..1, middle m/s] */
  bisector: [number, number][]
}

export interface MaskOptions {
  /** m/s */
  centre: number
  range: number
  step: number
  /** bad pixels pass for continuum, so that a wide range leaves lines: to find a star, not to measure it */
  search?: boolean
}

/**
 * The correlation with a mask: around each of its lines the spectrum over its continuum, on velocities `centre` ± `range`,
 * averaged with the depth of the line and the light there as weights. Only lines that an order shows over the whole range
 * count, so that no line enters or leaves on the way. Velocities as redshift times c.
 */
export function maskCorrelation(
  spectrum: readonly OrderSpectrum[],
  mask: LineMask,
  { centre, range, step, search = false }: MaskOptions,
): MaskCorrelation {
  const half = Math.round(range / step)
  const velocity = Float64Array.from({ length: 2 * half + 1 }, (_, k) => centre + (k - half) * step)
  const [sum, variance] = [new Float64Array(velocity.length), new Float64Array(velocity.length)]
  let [total, lines, pixels] = [0, 0, 0]
  for (const one of spectrum) {
    const order = prepared(one, search)
    if (!order) continue
    pixels += order.pixel
    for (let k = lowerBound(mask.wavelength, order.from); k < mask.wavelength.length; k++) {
      if (mask.wavelength[k]! > order.to) break
      const weight = addLine(order, mask.wavelength[k]!, mask.weight[k]!, velocity, sum, variance)
      if (weight === 0) continue
      total += weight
      lines++
    }
  }
  const value = sum.map((one) => one / total)
  const error = variance.map((one) => Math.sqrt(one) / total)
  const pixel = pixels / Math.max(1, spectrum.length)
  const fit = lines > 0 ? fitLineProfile(velocity, value, error, pixel) : undefined
  return { velocity, value, error, lines, pixel, ...(fit && { fit }) }
}

interface Normalised {
  wavelength: Float64Array
  /** over the continuum; NaN where bad */
  flux: Float64Array
  noise: Float64Array
  /** continuum over its noise, squared: how much a line here counts */
  light: Float64Array
  from: number
  to: number
  /** m/s */
  pixel: number
}

const known = new WeakMap<OrderSpectrum, Normalised>()

/** An order over its continuum; made once for measurements, since these look at it several times. */
function prepared(one: OrderSpectrum, search: boolean): Normalised | undefined {
  if (search) return normalised(one, true)
  const order = known.get(one) ?? normalised(one, false)
  if (order) known.set(one, order)
  return order
}

function normalised(one: OrderSpectrum, search: boolean): Normalised | undefined {
  if (!one.wavelength) return undefined
  const rising = one.wavelength[one.flux.length - 1]! > one.wavelength[0]!
  const width = one.flux.length
  const [flux, noise, wavelength] = [new Float64Array(width), new Float64Array(width), new Float64Array(width)]
  let n = 0
  for (let k = 0; k < width; k++) {
    const x = rising ? k : width - 1 - k
    if (!(one.wavelength[x]! > 0)) continue
    const response = one.blaze ? (one.blaze[x]! > 0.02 ? one.blaze[x]! : Number.NaN) : 1
    flux[n] = isGood(one, x) ? one.flux[x]! / response : Number.NaN
    noise[n] = one.uncertainty[x]! / response
    wavelength[n++] = one.wavelength[x]!
  }
  return n < 100
    ? undefined
    : overContinuum(flux.subarray(0, n), noise.subarray(0, n), wavelength.subarray(0, n), search)
}

/** Flux and noise become relative to the continuum; what is bad is one with the noise of one where lines are searched for. */
function overContinuum(flux: Float64Array, noise: Float64Array, wavelength: Float64Array, search: boolean): Normalised {
  const continuum = continuumOf(flux, 200)
  for (let i = 0; i < flux.length; i++) {
    flux[i]! /= continuum[i]!
    noise[i]! /= continuum[i]!
  }
  if (search) {
    for (let i = 0; i < flux.length; i++) {
      if (!Number.isFinite(flux[i]!)) flux[i] = 1
      if (!(noise[i]! > 0)) noise[i] = 1
    }
  }
  const n = wavelength.length
  return {
    ...{ wavelength, flux, noise, light: lightAround(noise) },
    ...{ from: wavelength[0]!, to: wavelength[n - 1]! },
    pixel: (LIGHT_SPEED * Math.log(wavelength[n - 1]! / wavelength[0]!)) / (n - 1),
  }
}

/** Columns over which light is told: an absorption line has less noise, and lines that happen to lie on one must not count more. */
const AROUND = 60

/** 1 / σ² as the columns around have it, by the median of blocks. */
function lightAround(noise: Float64Array): Float64Array {
  const light = new Float64Array(noise.length)
  for (let from = 0; from < noise.length; from += AROUND) {
    const block = noise.subarray(from, from + AROUND).filter((sigma) => sigma > 0)
    if (block.length > 0) light.fill(power(medianOf([...block]), -2), from, from + AROUND)
  }
  return light
}

function lowerBound(values: Float64Array, at: number): number {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle]! < at) low = middle + 1
    else high = middle
  }
  return low
}

/** Adds one line, linearly interpolated; its weight, 0 when some pixel of it is bad or outside the order. */
function addLine(
  order: Normalised,
  rest: number,
  depth: number,
  velocity: Float64Array,
  sum: Float64Array,
  variance: Float64Array,
): number {
  const { wavelength, flux, noise, light } = order
  const first = lowerBound(wavelength, rest * (1 + velocity[0]! / LIGHT_SPEED)) - 1
  const last = lowerBound(wavelength, rest * (1 + velocity.at(-1)! / LIGHT_SPEED))
  if (first < 0 || last >= wavelength.length) return 0
  for (let i = first; i <= last; i++) if (!Number.isFinite(flux[i]!)) return 0
  const weight = depth * light[(first + last) >> 1]!
  if (!(weight > 0)) return 0
  let i = first
  for (let k = 0; k < velocity.length; k++) {
    const at = rest * (1 + velocity[k]! / LIGHT_SPEED)
    while (i < last - 1 && wavelength[i + 1]! < at) i++
    const part = (at - wavelength[i]!) / (wavelength[i + 1]! - wavelength[i]!)
    sum[k]! += weight * (flux[i]! + part * (flux[i + 1]! - flux[i]!))
    variance[k]! += weight ** 2 * ((1 - part) * noise[i]! ** 2 + part * noise[i + 1]! ** 2)
  }
  return weight
}

/** A Gaussian dip in a straight continuum, by Gauss-Newton with steps that never make it worse; its shape by the bisector. */
export function fitLineProfile(
  velocity: Float64Array,
  value: Float64Array,
  error: Float64Array,
  pixel: number,
): LineFitResult | undefined {
  const n = value.length
  let at = 0
  for (let k = 1; k < n; k++) if (value[k]! < value[at]!) at = k
  const ends = (value[0]! + value[1]! + value[n - 1]! + value[n - 2]!) / 4
  const scale = velocity[n - 1]! - velocity[0]!
  let p = [ends, 0, ends - value[at]!, velocity[at]!, scale / 10]
  if (!(p[2]! > 0)) return undefined
  let [best, damping] = [misfit(p, velocity, value), 1e-3]
  for (let round = 0; round < 100; round++) {
    const step = gaussStep(p, velocity, value, damping)
    const next = step && p.map((one, k) => one + step[k]!)
    const now = next ? misfit(next, velocity, value) : Number.POSITIVE_INFINITY
    if (next && now <= best) {
      const still = Math.abs(step[3]!) < 1e-5 * pixel
      ;[p, best, damping] = [next, now, damping / 5]
      if (still) break
    } else if (damping > 1e8) break
    else damping *= 8
  }
  const [level, , depth, centre, sigma] = p as [number, number, number, number, number]
  if (!(depth > 0 && Math.abs(sigma) < scale && centre > velocity[0]! && centre < velocity[n - 1]!)) return undefined
  let information = 0
  for (let k = 1; k < n - 1; k++) {
    const slope = (value[k + 1]! - value[k - 1]!) / (velocity[k + 1]! - velocity[k - 1]!)
    information += (slope / error[k]!) ** 2
  }
  const spacing = scale / (n - 1)
  const bisector = bisectorOf(velocity, value, p)
  return {
    ...{ centre, centreError: Math.sqrt(Math.max(1, pixel / spacing) / information), contrast: depth / level },
    ...{ fwhm: 2.3548200450309493 * Math.abs(sigma), bisector, bisectorSpan: spanOf(bisector) },
  }
}

function dip([level, tilt, depth, centre, sigma]: number[], v: number): number {
  return level! + (tilt! * (v - centre!)) / sigma! - depth! * Math.exp(-0.5 * ((v - centre!) / sigma!) ** 2)
}

function misfit(p: number[], velocity: Float64Array, value: Float64Array): number {
  let sum = 0
  for (let k = 0; k < value.length; k++) sum += (value[k]! - dip(p, velocity[k]!)) ** 2
  return sum
}

function gaussStep(
  p: number[],
  velocity: Float64Array,
  value: Float64Array,
  damping: number,
): Float64Array | undefined {
  const [, tilt, depth, centre, sigma] = p as [number, number, number, number, number]
  const [matrix, right] = [new Float64Array(25), new Float64Array(5)]
  for (let k = 0; k < value.length; k++) {
    const x = (velocity[k]! - centre) / sigma
    const e = Math.exp(-0.5 * x * x)
    const row = [1, x, -e, -tilt / sigma - (depth * x * e) / sigma, (-tilt * x) / sigma - (depth * x * x * e) / sigma]
    const rest = value[k]! - dip(p, velocity[k]!)
    for (let i = 0; i < 5; i++) {
      right[i]! += row[i]! * rest
      for (let j = 0; j <= i; j++) matrix[5 * i + j]! += row[i]! * row[j]!
    }
  }
  for (let i = 0; i < 5; i++) matrix[6 * i]! *= 1 + damping
  try {
    return solve(matrix, right)
  } catch {
    return undefined // a step that nothing determines: the damping grows
  }
}

/** The middle of the line at depths of 10 to 90 %, its straight continuum taken off. */
function bisectorOf(velocity: Float64Array, value: Float64Array, p: number[]): [number, number][] {
  const [level, tilt, depth, centre, sigma] = p as [number, number, number, number, number]
  const shape = value.map((one, k) => (level + (tilt * (velocity[k]! - centre)) / sigma - one) / depth)
  let top = 0
  for (let k = 1; k < shape.length; k++) if (shape[k]! > shape[top]!) top = k
  const crossing = (depthAt: number, direction: 1 | -1) => {
    let k = top
    while (k + direction >= 0 && k + direction < shape.length && shape[k]! > depthAt) k += direction
    const [inner, outer] = [shape[k - direction], shape[k]!]
    if (inner === undefined || !(inner > depthAt) || outer > depthAt) return Number.NaN
    return velocity[k]! - ((depthAt - outer) / (inner - outer)) * (velocity[k]! - velocity[k - direction]!)
  }
  const peak = shape[top]!
  return Array.from({ length: 17 }, (_, k): [number, number] => {
    const part = 0.1 + 0.05 * k
    return [part, (crossing(part * peak, 1) + crossing(part * peak, -1)) / 2]
  })
}

/** Queloz et al. 2001: the mean of 10 to 40 % of the depth less that of 60 to 90 %. */
function spanOf(bisector: readonly [number, number][]): number {
  const meanOf = (low: number, high: number) => {
    const part = bisector.filter(
      ([depth, middle]) => depth >= low - 1e-9 && depth <= high + 1e-9 && !Number.isNaN(middle),
    )
    return part.reduce((sum, [, middle]) => sum + middle, 0) / part.length
  }
  return meanOf(0.1, 0.4) - meanOf(0.6, 0.9)
}
