import { MAD_TO_SIGMA, medianOf, power } from '@nightpipe/math'
import { dot, fieldTerms, fitField, type Psf, type PsfHere, samplePsf, termsOf } from '@nightpipe/stars'

/** Which part of the light of a star its circles hold, over the field. */
export interface Growth {
  radii: readonly number[]
  /** The part within radius k at a place. */
  part(k: number, x: number, y: number): number
  /** Relative error of the part within radius k. */
  error: number[]
  stars: number
}

export interface GrowthInput {
  width: number
  height: number
  radii: readonly number[]
  x: ArrayLike<number>
  y: ArrayLike<number>
  flux: readonly ArrayLike<number>[]
  error: readonly ArrayLike<number>[]
  /** Stars that are alone and whole. */
  good: readonly number[]
  order: number
  /** The model of the profile, where there is one: it knows the wings, which no single star shows. */
  psf?: Psf
}

/** A step between two circles is measured by stars whose larger sum is this many sigma. */
const LEAST_SIGNAL = 100

/**
 * The growth curve (Howell 1989, PASP 101, 616; Stetson 1990, PASP 102, 932): from each circle to the next the ratio of
 * the sums of bright lone stars, robustly, weighed with what the model of the profile says of that step; the product of the
 * steps outside a circle is its correction. What lies beyond the largest circle is that of the Moffat wings.
 */
export function growthCurve(input: GrowthInput): Growth {
  const { radii, flux, error, good, width, height, order, psf } = input
  const last = radii.length - 1
  const model = psf && modelParts(psf, radii)
  const steps = radii.slice(0, last).map((_, k) => {
    const used = good.filter((i) => flux[k + 1]![i]! > LEAST_SIGNAL * error[k + 1]![i]! && flux[k]![i]! > 0)
    return fitStep(input, used, k, model && ((x, y) => model(k, x, y) / model(k + 1, x, y)))
  })
  const terms = new Float64Array(termsOf(order))
  const part = (k: number, x: number, y: number) => {
    fieldTerms({ width, height }, x, y, order, terms)
    let product = model ? model(last, x, y) : 1
    for (let j = k; j < last; j++) {
      const { coefficients } = steps[j]!
      let ratio = 0
      for (let t = 0; t < coefficients.length; t++) ratio += coefficients[t]! * terms[t]!
      product *= model ? (ratio * model(j, x, y)) / model(j + 1, x, y) : ratio
    }
    return product
  }
  const errors = radii.map((_, k) => Math.sqrt(steps.slice(k).reduce((sum, step) => sum + step.error ** 2, 0)))
  return { radii, part, error: errors, stars: Math.min(good.length, ...steps.map(({ count }) => count)) }
}

/** The part of its light that the profile has within each circle, as polynomials over the field. */
function modelParts(psf: Psf, radii: readonly number[]): (k: number, x: number, y: number) => number {
  const grid = psf.order === 0 ? [0.5] : [0, 0.25, 0.5, 0.75, 1]
  const places = grid.flatMap((v) => grid.map((u) => [u * (psf.width - 1), v * (psf.height - 1)] as const))
  const field = { width: psf.width, height: psf.height }
  const terms = places.map(([x, y]) => {
    const out = new Float64Array(termsOf(psf.order))
    fieldTerms(field, x, y, psf.order, out)
    return out
  })
  const parts = places.map(([x, y]) => lightWithin(psf, x, y, radii))
  const ones = new Float64Array(places.length).fill(1)
  const coefficients = radii.map((_, k) =>
    fitField(
      terms,
      parts.map((at) => at[k]!),
      ones,
    ),
  )
  const here = new Float64Array(termsOf(psf.order))
  return (k, x, y) => {
    fieldTerms(field, x, y, psf.order, here)
    let sum = 0
    for (let t = 0; t < here.length; t++) sum += coefficients[k]![t]! * here[t]!
    return sum
  }
}

/** Points of the profile for each pixel and axis, so that the rim of a circle is smooth. */
const FINE = 5

/** Light within circles over all of it, the wings to infinity included. */
function lightWithin(psf: Psf, x: number, y: number, radii: readonly number[]): number[] {
  const here = psf.at(x, y)
  const reach = psf.half
  const size = 2 * reach + 1
  const line = new Float64Array(size)
  // sums in rings of a tenth of a pixel: the table and the profile are smooth on that scale
  const rings = new Float64Array(10 * reach + 1)
  const step = 1 / FINE
  for (let v = -reach; v <= reach; v += step) {
    for (let phase = 0; phase < FINE; phase++) {
      samplePsf(here, 0, 0, phase * step - reach, v, size, 1, line)
      for (let k = 0; k < size; k++) {
        const r = Math.sqrt((phase * step - reach + k) ** 2 + v * v)
        if (r <= reach) rings[Math.round(10 * r)]! += line[k]!
      }
    }
  }
  const all = rings.reduce((a, b) => a + b, 0)
  const outside = wings(here, reach)
  return radii.map((radius) => {
    if (radius > reach) return 1 - wings(here, radius)
    const edge = 10 * radius
    let within = 0
    for (let k = 0; k <= edge + 0.5 && k < rings.length; k++) within += rings[k]! * Math.min(1, edge + 0.5 - k)
    return (within / all) * (1 - outside)
  })
}

/** Light of the Moffat profile beyond a radius, as part of all of it. */
const wings = ({ qxx, qxy, qyy, beta }: PsfHere, radius: number) =>
  power(1 + radius * radius * Math.sqrt(qxx * qyy - qxy * qxy), 1 - beta)

/** How far the model may be off: of the light between two circles, and at all. */
const [MODEL_PART, MODEL_FLOOR] = [0.03, 2e-4]

/** The ratio of two neighbouring circles, over that of the model where there is one. */
function fitStep(
  { width, height, x, y, flux, error, order }: GrowthInput,
  used: readonly number[],
  k: number,
  model: ((x: number, y: number) => number) | undefined,
) {
  const count = termsOf(order)
  const flat = new Float64Array(count)
  flat[0] = 1
  const middle = model ? model((width - 1) / 2, (height - 1) / 2) : 0
  const modelError = model ? MODEL_PART * (1 - middle) + MODEL_FLOOR : Number.POSITIVE_INFINITY
  if (used.length < 3) return { coefficients: flat, error: model ? modelError : 0, count: used.length }
  const ratio = used.map((i) => flux[k]![i]! / flux[k + 1]![i]! / (model ? model(x[i]!, y[i]!) : 1))
  const possible = used.length >= 8 * count ? order : 0
  const terms = used.map((i) => {
    const out = new Float64Array(termsOf(possible))
    fieldTerms({ width, height }, x[i]!, y[i]!, possible, out)
    return out
  })
  // the noise of a ratio is that of the ring between the circles
  const weights = used.map((i) => {
    const ring = Math.max(1e-12, error[k + 1]![i]! ** 2 - error[k]![i]! ** 2) / flux[k + 1]![i]! ** 2
    return 1 / (ring + 0.002 ** 2)
  })
  const { fit, chi } = calmFit(terms, ratio, weights)
  const dataError = Math.max(1, MAD_TO_SIGMA * medianOf(chi)) / Math.sqrt(weights.reduce((a, b) => a + b, 0))
  const trust = model ? modelError ** 2 / (modelError ** 2 + dataError ** 2) : 1
  const coefficients = flat.map((one, t) => one + trust * ((fit[t] ?? 0) - one))
  return { coefficients, error: Math.sqrt(trust) * dataError, count: used.length }
}

/** Beyond so many robust sigma a star has no say (Tukey's biweight: Mosteller and Tukey 1977, Data Analysis and Regression). */
const REACH = 5
const ROUNDS = 8

/** The fit in which stars count less the further they are off by their own errors: neighbours that nobody found are seldom far off. */
function calmFit(terms: readonly Float64Array[], ratio: readonly number[], weights: number[]) {
  let fit = fitField(terms, ratio, weights)
  const offs = () => ratio.map((one, i) => Math.abs(one - dot(terms[i]!, fit)) * Math.sqrt(weights[i]!))
  for (let round = 0; round < ROUNDS; round++) {
    const chi = offs()
    const limit = REACH * MAD_TO_SIGMA * medianOf(chi) + 1e-12
    const counted = weights.map((weight, i) => weight * Math.max(0, 1 - (chi[i]! / limit) ** 2) ** 2)
    fit = fitField(terms, ratio, counted)
  }
  return { fit, chi: offs() }
}
