import { complexImage, fft, fftLength, inverseFft, LIGHT_SPEED, opposite, partsAt, power } from '@nightpipe/math'
import { alongSpline } from './cubic-spline.js'
import { goodColumns } from './good-pixels.js'
import type { OrderSpectrum } from './spectrum.js'
import { curveFor, type TemplateCurve, templateCurves, type VelocityTemplate } from './velocity-template.js'

export interface CorrelationOptions {
  /** how far the star may be shifted against the template, m/s */
  range?: number
  /** of the grid, m/s */
  step?: number
  /** width of the running mean that is taken off, m/s: the continuum */
  smooth?: number
}

/** How alike a spectrum and a shifted template are: 1 for the same. */
export interface Correlation {
  /** m/s, as redshift times c */
  velocity: Float64Array
  value: Float64Array
  /** of the highest point, by a parabola over a third of the width: c z, m/s */
  peak: number
  z: number
  /** at the peak, 0 to 1 */
  height: number
  /** full width at half maximum, m/s */
  width: number
  /** how far the peak stands above the scatter of the rest, in units of it */
  significance: number
}

const DEFAULTS = { range: 500e3, step: 1000, smooth: 150e3 }

/**
 * The correlation of all orders of one fibre with a template, on a grid of equal steps in the logarithm of the wavelength:
 * the running mean is taken off both, ends are tapered, each point counts by the light there over its noise. Positive: the star
 * is red-shifted.
 */
export function crossCorrelate(
  spectrum: readonly OrderSpectrum[],
  template: VelocityTemplate,
  options: CorrelationOptions = {},
): Correlation {
  const { range, step, smooth } = { ...DEFAULTS, ...options }
  const grids = gridOrders(spectrum, template, { step, smooth })
  if (grids.length === 0) throw new RangeError('no order of the spectrum is covered by the template')
  const reach = Math.ceil(range / step)
  const sum = correlated(grids, reach)
  const [stars, templates] = [0, 0].map((_, part) =>
    grids.reduce((total, { star, mirror }) => total + squares(part === 0 ? star : mirror), 0),
  )
  const scale = 1 / Math.sqrt(stars! * templates! || 1)
  const value = sum.map((one) => one * scale)
  const velocity = Float64Array.from(value, (_, k) => LIGHT_SPEED * Math.expm1(((k - reach) * step) / LIGHT_SPEED))
  return { velocity, value, ...peakOf(velocity, value) }
}

/** An order on the grid of all: the star and the template at rest, without their continuum. */
export interface GridOrder {
  star: Float64Array
  mirror: Float64Array
  /** that both were multiplied by; 0 where the star is not seen */
  weight: Float64Array
  /** the logarithm of the wavelength */
  grid: Float64Array
  template: TemplateCurve
}

/** The orders of a spectrum that the template covers. */
export function gridOrders(
  spectrum: readonly OrderSpectrum[],
  template: VelocityTemplate,
  { step, smooth }: Pick<Required<CorrelationOptions>, 'step' | 'smooth'> = DEFAULTS,
): GridOrder[] {
  const curves = templateCurves(template)
  return spectrum.flatMap((one) => {
    const curve = one.wavelength && curveFor(curves, one.index, one.wavelength)
    return (curve && gridOrder(one, curve, { step, smooth })) ?? []
  })
}

/**
 * The star and the template of one order on the common grid, without their continuum, each point over the noise that the star
 * has there: a steep blaze leaves little at the ends of an order. What is masked counts in neither.
 */
function gridOrder(
  one: OrderSpectrum,
  template: TemplateCurve,
  { step, smooth }: { step: number; smooth: number },
): GridOrder | undefined {
  const binned = binOrder(one, step / LIGHT_SPEED)
  if (!binned) return undefined
  const { grid, flux, variance, seen } = binned
  const width = Math.round(smooth / step)
  const star = continuumOff(bridged(flux), width)
  const weight = runningMean(bridged(variance), width)
  for (let k = 0; k < weight.length; k++) {
    weight[k] = weight[k]! > 0 && seen[k] === 1 ? star.level[k]! / Math.sqrt(weight[k]!) : 0
  }
  tapered(weight)
  for (let k = 0; k < weight.length; k++) star.lines[k]! *= weight[k]!
  const mirror = linesOfTemplate({ grid, weight, template }, 0, width)
  return { star: star.lines, mirror, weight, grid, template }
}

/** The lines of the template on the grid of an order, shifted by so much in the logarithm of the wavelength. */
export function linesOfTemplate(
  { grid, weight, template: { curve, gap } }: Pick<GridOrder, 'grid' | 'weight' | 'template'>,
  shift: number,
  width: number = Math.round(DEFAULTS.smooth / DEFAULTS.step),
): Float64Array {
  const at = grid.map((u) => u - shift)
  const [value, slope] = [new Float64Array(grid.length), new Float64Array(grid.length)]
  alongSpline(curve, at, value, slope, gap)
  const { lines } = continuumOff(bridged(value), width)
  return lines.map((line, k) => (Number.isNaN(value[k]!) ? 0 : line * weight[k]!))
}

/** Gaps wider than so many pixels are masked, and not only between two pixels. */
const GAP = 3.5

type Planes = [Float64Array, Float64Array, Float64Array, Float64Array]

/** The good pixels of an order on the grid: mean flux and its variance, NaN where no pixel falls; `seen` is 0 in gaps. */
function binOrder(one: OrderSpectrum, delta: number) {
  const good = goodColumns(one)
  if (good.length < 100) return undefined
  const u = new Float64Array(good.length)
  for (let k = 0; k < u.length; k++) u[k] = Math.log(one.wavelength![good[k]!]!)
  const [low, high] = [Math.min(u[0]!, u.at(-1)!), Math.max(u[0]!, u.at(-1)!)]
  const first = Math.round(low / delta)
  const n = Math.round(high / delta) - first + 1
  const at = (k: number) => Math.min(n - 1, Math.max(0, Math.round(u[k]! / delta) - first))
  const [flux, variance, count, grid] = Array.from({ length: 4 }, () => new Float64Array(n)) as Planes
  const seen = new Uint8Array(n)
  const columns = Math.abs(good.at(-1)! - good[0]!)
  for (let k = 0; k < good.length; k++) {
    const [x, here] = [good[k]!, at(k)]
    flux[here]! += one.flux[x]!
    variance[here]! += one.uncertainty[x]! ** 2
    count[here]!++
    const there = k === 0 ? here : at(k - 1)
    if (k === 0 || Math.abs(u[k]! - u[k - 1]!) < (GAP * (high - low)) / columns) {
      seen.fill(1, Math.min(here, there), Math.max(here, there) + 1)
    } else seen[here] = 1
  }
  for (let k = 0; k < n; k++) {
    flux[k]! /= count[k]! // 0 / 0 is the NaN we want
    variance[k]! /= count[k]! ** 2
    grid[k] = (first + k) * delta
  }
  return { grid, flux, variance, seen }
}

/** Gaps filled by straight lines; what lies outside the first and last value repeats them. */
function bridged(values: Float64Array): Float64Array {
  const out = values.slice()
  let before = -1
  for (let k = 0; k < out.length; k++) {
    if (Number.isNaN(out[k]!)) continue
    if (before < 0) out.fill(out[k]!, 0, k)
    for (let j = before + 1; before >= 0 && j < k; j++) {
      out[j] = out[before]! + ((out[k]! - out[before]!) * (j - before)) / (k - before)
    }
    before = k
  }
  if (before >= 0) out.fill(out[before]!, before + 1)
  else out.fill(0)
  return out
}

/**
 * Divided by its running mean (the level), less 1: lines without the continuum. At the dark ends of a steep blaze the divisor
 * stays at a twentieth of the mean of the order. What has no continuum (its mean is far below its own size) loses the mean only.
 */
function continuumOff(values: Float64Array, width: number): { lines: Float64Array; level: Float64Array } {
  const n = values.length
  const mean = runningMean(values, width)
  let [sum, square] = [0, 0]
  for (let k = 0; k < n; k++) {
    sum += values[k]!
    square += values[k]! ** 2
  }
  const whole = Math.abs(sum) / n
  const bare = whole < 0.1 * Math.sqrt(square / n)
  const [lines, level] = [new Float64Array(n), new Float64Array(n)]
  for (let k = 0; k < n; k++) {
    level[k] = bare ? 1 : Math.max(mean[k]!, 0.05 * whole)
    lines[k] = (values[k]! - mean[k]!) / level[k]!
  }
  return { lines, level }
}

function runningMean(values: Float64Array, width: number): Float64Array {
  const n = values.length
  const sums = new Float64Array(n + 1)
  for (let k = 0; k < n; k++) sums[k + 1] = sums[k]! + values[k]!
  const half = width >> 1
  const out = new Float64Array(n)
  for (let k = 0; k < n; k++) {
    const [from, to] = [Math.max(0, k - half), Math.min(n, k + half + 1)]
    out[k] = (sums[to]! - sums[from]!) / (to - from)
  }
  return out
}

/** The first and last twentieth of the order fade to nothing, as half a cosine. */
function tapered(values: Float64Array): Float64Array {
  const edge = Math.max(1, Math.floor(values.length / 20))
  for (let k = 0; k < edge; k++) {
    const part = 0.5 - 0.5 * Math.cos((Math.PI * (k + 0.5)) / edge)
    values[k]! *= part
    values[values.length - 1 - k]! *= part
  }
  return values
}

const squares = (values: Float64Array) => values.reduce((sum, one) => sum + one * one, 0)

/**
 * Σ star(k + lag) mirror(k) over all orders, for lags from -reach to reach: the orders are the rows of one image, of which the
 * correlation without a shift in rows is wanted. Star and template are transformed at once, as real and imaginary part.
 */
export function correlated(grids: readonly Pick<GridOrder, 'star' | 'mirror'>[], reach: number): Float64Array {
  const length = fftLength(Math.max(...grids.map(({ star }) => star.length)) + 2 * reach)
  const both = complexImage(length, fftLength(grids.length))
  grids.forEach(({ star, mirror }, row) => {
    both.re.set(star, row * length)
    both.im.set(mirror, row * length)
  })
  fft(both)
  const product = complexImage(length, both.height)
  const parts = new Float64Array(4)
  for (let y = 0; y < both.height; y++) {
    for (let x = 0; x < length; x++) {
      const p = y * length + x
      partsAt(both, p, opposite(both, x, y), parts)
      product.re[p] = parts[0]! * parts[2]! + parts[1]! * parts[3]!
      product.im[p] = parts[1]! * parts[2]! - parts[0]! * parts[3]!
    }
  }
  inverseFft(product)
  return Float64Array.from({ length: 2 * reach + 1 }, (_, k) => product.re[(k - reach + length) % length]!)
}

/** Where a correlation is highest, how high and how wide, and how it stands out. */
export function peakOf(velocity: Float64Array, value: Float64Array) {
  let at = 1
  for (let k = 1; k < value.length - 1; k++) if (value[k]! > value[at]!) at = k
  const half = value[at]! / 2
  const crossing = (direction: 1 | -1) => {
    let k = at
    while (k + direction > 0 && k + direction < value.length - 1 && value[k + direction]! > half) k += direction
    const [inner, outer] = [value[k]!, value[k + direction]!]
    const part = inner > outer ? Math.min(1, (inner - half) / (inner - outer)) : 0
    return velocity[k]! + part * (velocity[k + direction]! - velocity[k]!)
  }
  const width = crossing(1) - crossing(-1)
  const { peak, height } = parabola(velocity, value, at, 0.33 * width)
  const rest = value.filter((_, k) => Math.abs(velocity[k]! - velocity[at]!) > 2 * width)
  const mean = rest.reduce((sum, one) => sum + one, 0) / Math.max(1, rest.length)
  const scatter = Math.sqrt(rest.reduce((sum, one) => sum + (one - mean) ** 2, 0) / Math.max(1, rest.length))
  return { peak, z: peak / LIGHT_SPEED, height, width, significance: scatter > 0 ? (height - mean) / scatter : 0 }
}

/** The top of the parabola through the points within `reach` of the highest, at least three. */
function parabola(velocity: Float64Array, value: Float64Array, at: number, reach: number) {
  const around = (k: number) => Math.abs(k - at) <= 1 || Math.abs(velocity[k]! - velocity[at]!) <= reach
  const scale = Math.abs(velocity[at + 1]! - velocity[at]!) || 1
  let [s0, s1, s2, s3, s4, y0, y1, y2] = [0, 0, 0, 0, 0, 0, 0, 0]
  for (let k = 0; k < value.length; k++) {
    if (!around(k)) continue
    const x = (velocity[k]! - velocity[at]!) / scale
    s0++
    s1 += x
    s2 += x * x
    s3 += power(x, 3)
    s4 += power(x, 4)
    y0 += value[k]!
    y1 += value[k]! * x
    y2 += value[k]! * x * x
  }
  const det = s0 * (s2 * s4 - s3 * s3) - s1 * (s1 * s4 - s2 * s3) + s2 * (s1 * s3 - s2 * s2)
  const a = (y0 * (s2 * s4 - s3 * s3) - s1 * (y1 * s4 - y2 * s3) + s2 * (y1 * s3 - y2 * s2)) / det
  const b = (s0 * (y1 * s4 - y2 * s3) - y0 * (s1 * s4 - s2 * s3) + s2 * (s1 * y2 - s2 * y1)) / det
  const c = (s0 * (s2 * y2 - s3 * y1) - s1 * (s1 * y2 - s2 * y1) + y0 * (s1 * s3 - s2 * s2)) / det
  if (!(c < 0)) return { peak: velocity[at]!, height: value[at]! }
  const x = Math.max(-2, Math.min(2, -b / (2 * c)))
  return { peak: velocity[at]! + x * scale, height: a + b * x + c * x * x }
}
