import { select } from '@nightpipe/math'
import { type CubicSpline, cubicSpline } from './cubic-spline.js'

/** One order of a template: what the star looks like at rest. */
export interface TemplateOrder {
  index: number
  /** diffraction order; 0 where unknown */
  order: number
  /** vacuum, Angstrom, in the rest frame of the star, column by column; NaN where there is none */
  wavelength: Float64Array
  /** in any unit, the response of the spectrograph taken out or not; NaN where there is none */
  flux: Float64Array
  /** one sigma, where it is known */
  uncertainty?: Float64Array
  /** of the columns that its exposures had, as their light shows it; 0 where unknown */
  response?: Float64Array
}

/** What spectra are compared with to find their velocity. */
export interface VelocityTemplate {
  orders: TemplateOrder[]
  /** the continuum was taken off instead of left in, as in the ZERO files of the IDL pipeline */
  subtracted?: boolean
  /** its wavelengths are those of the centre of light (`atCentreOfLight`) for lines of this resolution; undefined: those of a lamp */
  resolution?: number | undefined
}

/** An order of a template as a curve in the logarithm of the wavelength, and the widest gap that it bridges. */
export interface TemplateCurve {
  index: number
  order: number
  curve: CubicSpline
  gap: number
  /** of the points of the curve, where the template knows them */
  sigma?: Float64Array | undefined
  response?: Float64Array | undefined
}

const known = new WeakMap<VelocityTemplate, TemplateCurve[]>()

/** The curves of a template, made once; orders with fewer than 30 good columns are left out. */
export function templateCurves(template: VelocityTemplate): TemplateCurve[] {
  const curves = known.get(template) ?? template.orders.flatMap((one) => curveOf(one) ?? [])
  known.set(template, curves)
  return curves
}

function curveOf({ index, order, wavelength, flux, uncertainty, response }: TemplateOrder): TemplateCurve | undefined {
  const width = flux.length
  const places = wavelength.filter((lambda) => lambda > 0)
  const falling = places.length > 0 && places[0]! > places.at(-1)!
  let [n, last] = [0, 0]
  const [x, y, sigma] = [new Float64Array(width), new Float64Array(width), new Float64Array(width)]
  for (let k = 0; k < width; k++) {
    const column = falling ? width - 1 - k : k
    // a wavelength that turns back has no curve
    if (!(wavelength[column]! > last && Number.isFinite(flux[column]!))) continue
    last = wavelength[column]!
    x[n] = Math.log(last)
    sigma[n] = uncertainty?.[column] ?? Number.NaN
    y[n++] = flux[column]!
  }
  if (n < 30) return undefined
  const steps = new Float64Array(n - 1)
  for (let k = 0; k < n - 1; k++) steps[k] = x[k + 1]! - x[k]!
  const known = sigma.slice(0, n)
  return {
    ...{ index, order, curve: cubicSpline(x.slice(0, n), y.slice(0, n)) },
    ...{
      response,
      gap: 3.5 * select(steps, steps.length >> 1),
      sigma: known.every((one) => one >= 0) ? known : undefined,
    },
  }
}

/** The curve of a template that serves an order of a spectrum: of the same index, if the wavelengths overlap, or the one that overlaps most. */
export function curveFor(
  curves: readonly TemplateCurve[],
  index: number,
  wavelength: ArrayLike<number>,
): TemplateCurve | undefined {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let x = 0; x < wavelength.length; x++) {
    if (wavelength[x]! < least) least = wavelength[x]!
    if (wavelength[x]! > most) most = wavelength[x]!
  }
  const [low, high] = [Math.log(least), Math.log(most)]
  const overlap = ({ curve: { x } }: TemplateCurve) => (Math.min(high, x.at(-1)!) - Math.max(low, x[0]!)) / (high - low)
  const same = curves.find((one) => one.index === index)
  if (same && overlap(same) > 0.5) return same
  const best = curves.reduce<TemplateCurve | undefined>((a, b) => (a && overlap(a) >= overlap(b) ? a : b), undefined)
  return best && overlap(best) > 0.3 ? best : undefined
}
