import { MAD_TO_SIGMA, median, solve } from '@nightpipe/math'
import { type EchelleModel, modelTerms, modelWavelength } from './echelle-model.js'
import { DISPLACEMENT_TERMS } from './fibre-displacement.js'

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
 * the fifteen residual terms, by Gauss and Newton; again and again without what lies beyond 4 sigma.
 */
export function fitEchelleModel(
  start: EchelleModel,
  points: readonly ModelPoint[],
): { model: EchelleModel; rms: number; used: number } | undefined {
  let model = start
  let used = [...points]
  for (let round = 0; round < 4; round++) {
    if (used.length < 20) return undefined
    for (let step = 0; step < 4; step++) {
      const next = jointStep(model, used)
      if (!next) return undefined
      model = next
    }
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

/** One step of Gauss and Newton in the optics and the residual terms together: they are much alike, and one must not hide the other. */
function jointStep(model: EchelleModel, points: readonly ModelPoint[]): EchelleModel | undefined {
  const stepped = STEPS.map((step, k) =>
    moved(
      model,
      STEPS.map((_, j) => (j === k ? step : 0)),
    ),
  )
  const here = points.map(({ index, x }) => modelWavelength(model, index, x))
  const rows = points.map(({ index, x }, p) => [
    ...stepped.map((other, k) => (modelWavelength(other, index, x) - here[p]) / STEPS[k]),
    ...modelTerms(model, index, x),
  ])
  const change = weightedFit(
    rows,
    points.map(({ nm }, p) => nm - here[p]),
    points.map(({ error }) => error),
  )
  if (!change) return undefined
  const optics = moved(model, change.subarray(0, 3))
  return { ...optics, residual: model.residual.map((value, k) => value + change[3 + k]) }
}

/** A line seen through two fibres. */
export interface LinePair {
  index: number
  /** px, in the reference fibre and in the other */
  reference: number
  other: number
  error: number
}

/** Lines of two fibres that are the same: of one order, and one line of the list. */
export function pairLines(
  reference: readonly { index: number; x: number; error: number; listed: number }[],
  other: readonly { index: number; x: number; error: number; listed: number }[],
): LinePair[] {
  const by = new Map(reference.map((line) => [`${line.index} ${line.listed}`, line]))
  return other.flatMap((line) => {
    const same = by.get(`${line.index} ${line.listed}`)
    return same
      ? [{ index: line.index, reference: same.x, other: line.x, error: Math.hypot(same.error, line.error) }]
      : []
  })
}

/**
 * The ten coefficients by which lines of one fibre lie beside those of the reference fibre (px), from lines seen in both; what lies beyond
 * 5 sigma is set aside. Undefined where not more than ten lines are left.
 */
export function fitDisplacement(pairs: readonly LinePair[], nx: number, orders: number): Float64Array | undefined {
  let used = [...pairs]
  let found: Float64Array | undefined
  for (let round = 0; round < 4; round++) {
    if (used.length <= DISPLACEMENT_TERMS.length) return undefined
    const rows = used.map((pair) => displacementRow(pair, nx, orders))
    // Scaled columns: the monomials run over ten powers of ten.
    const scaled = weightedFit(
      rows,
      used.map((pair) => pair.other - pair.reference),
      used.map(({ error }) => Math.hypot(error, 0.01)),
    )
    if (!scaled) return undefined
    const value = (pair: LinePair) =>
      displacementRow(pair, nx, orders).reduce((sum, term, k) => sum + term * scaled[k], 0)
    const misses = pairs.map((pair) => Math.abs(pair.other - pair.reference - value(pair)))
    const scatter = MAD_TO_SIGMA * median([...misses])
    used = pairs.filter((_, k) => misses[k] < 5 * scatter + 1e-9)
    found = scaled.map((c, k) => c / (nx / 2) ** DISPLACEMENT_TERMS[k][0] / (orders / 2) ** DISPLACEMENT_TERMS[k][1])
  }
  return found
}

function displacementRow({ index, other }: LinePair, nx: number, orders: number): number[] {
  const u = (other - nx / 2) / (nx / 2)
  const v = (index - orders / 2) / (orders / 2)
  return DISPLACEMENT_TERMS.map(([i, j]) => u ** i * v ** j)
}

/** Least squares with errors, by the normal equations; undefined where they do not determine the unknowns. */
function weightedFit(
  rows: readonly (readonly number[])[],
  right: readonly number[],
  errors: readonly number[],
): Float64Array | undefined {
  const n = rows[0]?.length ?? 0
  const normal = new Float64Array(n * n)
  const vector = new Float64Array(n)
  rows.forEach((row, k) => {
    const weight = 1 / errors[k] ** 2
    for (let i = 0; i < n; i++) {
      vector[i] += weight * row[i] * right[k]
      for (let j = 0; j <= i; j++) normal[i * n + j] += weight * row[i] * row[j]
    }
  })
  // Unit diagonal: the unknowns have units of their own.
  const scale = Float64Array.from({ length: n }, (_, i) => 1 / Math.sqrt(normal[i * n + i] || 1))
  for (let i = 0; i < n; i++) {
    vector[i] *= scale[i]
    for (let j = 0; j <= i; j++) normal[i * n + j] *= scale[i] * scale[j]
    normal[i * n + i] += 1e-11 // holds what the lines do not determine
  }
  try {
    return solve(normal, vector).map((value, i) => value * scale[i])
  } catch {
    return undefined
  }
}
