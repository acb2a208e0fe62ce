import { MAD_TO_SIGMA, median, solve } from '@nightpipe/math'
import { type EchelleModel, modelTerms, modelWavelength, opticsWavelength } from './echelle-model.js'
import { weightedFit } from './weighted-fit.js'

/** A named line of one fibre, as the fit of the model wants it. */
export interface ModelPoint {
  index: number
  x: number
  /** vacuum, nm */
  nm: number
  /** one sigma, nm */
  error: number
}

/** How the air in the spectrograph follows its focal length (mm⁻¹): the fit moves both together. */
const AIR_PER_FOCAL_LENGTH = 0.00015751
/** Steps of the derivatives: sine of the incidence, focal length (mm), place of γ = 0 (mm). */
const STEPS = [1e-7, 1e-3, 1e-3] as const

/**
 * The optical model through the lines of the reference fibre: the angle of incidence, the focal length (with the air), the zero of γ and
 * the fifteen residual terms; again and again without what lies beyond 4 sigma.
 */
export function fitEchelleModel(
  start: EchelleModel,
  points: readonly ModelPoint[],
): { model: EchelleModel; rms: number; used: number } | undefined {
  let model = start
  let used = [...points]
  for (let round = 0; round < ROUNDS; round++) {
    if (used.length < 20) return undefined
    // At first the terms alone: misnamed lines that are still among them would drag the optics away.
    const fitted = round < TERMS_ONLY ? withTerms(model, used) : descend(model, used)
    if (!fitted) return undefined
    model = fitted
    const misses = points.map((point) => Math.abs(modelWavelength(model, point.index, point.x) - point.nm))
    const scatter = MAD_TO_SIGMA * median([...misses])
    used = points.filter((_, k) => misses[k] < 4 * scatter)
  }
  const squares = used.reduce((sum, { index, x, nm }) => sum + (modelWavelength(model, index, x) - nm) ** 2, 0)
  return { model, rms: Math.sqrt(squares / used.length), used: used.length }
}

const moved = (model: EchelleModel, [sine, focal, zero]: Iterable<number>): EchelleModel => ({
  ...model,
  sinAlpha: model.sinAlpha + sine,
  focalLength: model.focalLength + focal,
  z0: model.z0 + AIR_PER_FOCAL_LENGTH * focal,
  y0: model.y0 + zero,
})

/** Fits of all lines that are within 4 sigma of the one before, and how many of them are of the residual terms alone. */
const [ROUNDS, TERMS_ONLY] = [6, 2]
/** More steps than are ever needed: some five are. */
const MOST_STEPS = 40
/** The last step makes chi square smaller by less than this part of it: a hundredth for a thousand lines. */
const ENOUGH = 1e-5

/**
 * The model at the bottom of chi square, by Levenberg and Marquardt in the three numbers of the optics. The residual terms, which are
 * much like what they do, are projected out of residuals and derivatives (variable projection, Kaufman 1975, BIT 15, 49), and are fitted
 * to what is left at the end: all eighteen at once would be determined by the rounding of their equations.
 */
function descend(start: EchelleModel, points: readonly ModelPoint[]): EchelleModel | undefined {
  const terms = points.map(({ index, x }) => modelTerms(start, index, x))
  const basis = orthonormal(points, terms)
  let model = start
  let left = withoutTerms(missesOf(model, points), basis)
  let chiSquare = dot(left, left)
  for (let step = 0, damping = 1e-3; step < MOST_STEPS && damping < 1e6; step++) {
    const change = opticsStep(model, points, left, basis, damping)
    if (!change) return undefined
    const next = moved(model, change)
    const there = withoutTerms(missesOf(next, points), basis)
    const gain = 1 - dot(there, there) / chiSquare
    // Steps that do not go down are taken shorter.
    if (!(gain >= 0)) damping *= 10
    else {
      ;[model, left, chiSquare, damping] = [next, there, dot(there, there), damping / 10]
      if (gain < ENOUGH) break
    }
  }
  return withTerms(model, points)
}

/** The residual terms that fit what the optics leave. */
function withTerms(model: EchelleModel, points: readonly ModelPoint[]): EchelleModel | undefined {
  const residual = weightedFit(
    points.map(({ index, x }) => [...modelTerms(model, index, x)]),
    points.map(({ index, x, nm }) => nm - opticsWavelength(model, index, x)),
    points.map(({ error }) => error),
  )
  return residual && { ...model, residual }
}

/** What the optics alone leave of the lines, in their errors. */
const missesOf = (model: EchelleModel, points: readonly ModelPoint[]) =>
  Float64Array.from(points, ({ index, x, nm, error }) => (nm - opticsWavelength(model, index, x)) / error)

function opticsStep(
  model: EchelleModel,
  points: readonly ModelPoint[],
  left: Float64Array,
  basis: readonly Float64Array[],
  damping: number,
): Float64Array | undefined {
  const here = missesOf(model, points)
  const slopes = STEPS.map((step, k) => {
    const there = missesOf(
      moved(
        model,
        STEPS.map((_, j) => (j === k ? step : 0)),
      ),
      points,
    )
    return withoutTerms(
      here.map((value, p) => (value - there[p]) / step),
      basis,
    )
  })
  // Unit diagonal: the three have units of their own.
  const sizes = slopes.map((slope) => Math.sqrt(dot(slope, slope)) || 1)
  const normal = Float64Array.from({ length: 9 }, (_, at) => {
    const [i, j] = [Math.floor(at / 3), at % 3]
    return dot(slopes[i], slopes[j]) / sizes[i] / sizes[j] + (i === j ? damping : 0)
  })
  try {
    const change = solve(
      normal,
      Float64Array.from(slopes, (slope, k) => dot(slope, left) / sizes[k]),
    )
    return change.map((value, k) => value / sizes[k])
  } catch {
    return undefined
  }
}

/** The residual terms at the points, in their errors, made orthonormal (Gram and Schmidt, twice). */
function orthonormal(points: readonly ModelPoint[], terms: readonly Float64Array[]): Float64Array[] {
  const basis: Float64Array[] = []
  for (let k = 0; k < (terms[0]?.length ?? 0); k++) {
    const column = Float64Array.from(points, ({ error }, p) => terms[p][k] / error)
    const rest = withoutTerms(withoutTerms(column, basis), basis)
    const size = Math.sqrt(dot(rest, rest))
    if (size > 1e-9 * Math.sqrt(dot(column, column))) basis.push(rest.map((value) => value / size))
  }
  return basis
}

function withoutTerms(values: Float64Array, basis: readonly Float64Array[]): Float64Array {
  const rest = values.slice()
  for (const one of basis) {
    const share = dot(rest, one)
    for (let p = 0; p < rest.length; p++) rest[p] -= share * one[p]
  }
  return rest
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let p = 0; p < a.length; p++) sum += a[p] * b[p]
  return sum
}
