import { MAD_TO_SIGMA, medianOf, power } from '@nightpipe/math'
import { type Cells, PARTS } from './scattered-cells.js'
import { fitSurface, type SplineAxis, type SplineSurface, type SurfacePoints, surfaceValues } from './spline-surface.js'

export interface RobustSurface {
  surface: SplineSurface
  /** of the points, those that do not count included */
  residuals: Float64Array
  /** points that stand out so far that they do not count */
  rejected: number
}

const TUKEY = 5
const ROUNDS = 3

/** The surface of least squares, points that stand out weighted down (Tukey's biweight). */
export function robustSurface(points: SurfacePoints, x: SplineAxis, y: SplineAxis, rounds = ROUNDS): RobustSurface {
  const base = points.weight
  let weight = base
  for (let round = 0; ; round++) {
    const surface = fitSurface({ ...points, weight }, x, y)
    const residuals = residualsOf(points, surface)
    const pulls = residuals.map((residual, k) => residual * Math.sqrt(base[k]!))
    const counted = base.some((w) => w === 0) ? pulls.filter((_, k) => base[k]! > 0) : pulls
    const limit = TUKEY * MAD_TO_SIGMA * medianOf(counted.map(Math.abs))
    const kept = pulls.map((pull) => Math.max(0, 1 - (pull / limit) ** 2) ** 2)
    if (round === rounds || !(limit > 0)) return { surface, residuals, rejected: kept.filter((k) => k === 0).length }
    weight = base.map((w, k) => w * kept[k]!)
  }
}

function residualsOf(points: SurfacePoints, surface: SplineSurface): Float64Array {
  const model = surfaceValues(surface, points.x, points.y)
  return points.value.map((value, k) => value - model[k]!)
}

/** From one fineness to the next. */
const FINER = 1.5
/** A fineness that foretells no better may be passed over, that many in a row. */
const PATIENCE = 2
/** More unknowns than this for each point are not to be known. */
const UNKNOWNS = 0.6
/** A surface is finer, and a finer one is looked for, only where there is need by so many times its error. */
const SURE = 3
/** No point counts by more than so many sigma in that. */
const FAR = 10
/** Neighbours that are off alike by less than this part of their scatter: less than a hundredth of the noise of a pixel. */
const ALIKE = 0.1

/**
 * The robust surface that is as fine as its points can tell. For as long as neighbours are off it alike, finer ones are tried; one is
 * taken where it foretells each part of the points from the others better beyond doubt (cross-validation: Stone 1974, JRSS B 36, 111).
 */
export function adaptiveSurface(cells: Cells, x: SplineAxis, y: SplineAxis): RobustSurface {
  let best = robustSurface(cells, x, y)
  let misfits: Float64Array | undefined
  for (let step = 1, failed = 0; failed <= PATIENCE && (failed > 0 || isUneven(cells, best.residuals)); step++) {
    const finer = (axis: SplineAxis) => ({ ...axis, pieces: Math.round(axis.pieces * power(FINER, step)) })
    const [fx, fy] = [finer(x), finer(y)]
    if ((fx.pieces + 3) * (fy.pieces + 3) > UNKNOWNS * cells.value.length) break
    misfits ??= misfitsOf(cells, x, y)
    const now = misfitsOf(cells, fx, fy)
    failed = isSmaller(now, misfits) ? 0 : failed + 1
    if (failed > 0) continue
    misfits = now
    best = robustSurface(cells, fx, fy)
  }
  return best
}

/** Whether neighbours along the dispersion are off alike. */
function isUneven({ weight, next }: Cells, residuals: Float64Array): boolean {
  const pulls = residuals.map((residual, k) => residual * Math.sqrt(weight[k]!))
  const limit = FAR * MAD_TO_SIGMA * medianOf(pulls.map(Math.abs))
  const within = (pull: number) => Math.min(limit, Math.max(-limit, pull))
  let [sum, squares, scatter] = [0, 0, 0]
  for (let k = 0; k < pulls.length; k++) {
    if (next[k]! < 0) continue
    const [one, other] = [within(pulls[k]!), within(pulls[next[k]!]!)]
    sum += one * other
    squares += (one * other) ** 2
    scatter += one * one
  }
  return sum > SURE * Math.sqrt(squares) && sum > ALIKE * scatter
}

/** Squared pulls of each point from the surface through the other parts. */
function misfitsOf(cells: Cells, x: SplineAxis, y: SplineAxis): Float64Array {
  const misfits = new Float64Array(cells.value.length)
  for (let part = 0; part < PARTS; part++) {
    const weight = cells.weight.map((w, k) => (cells.part[k] === part ? 0 : w))
    const { residuals } = robustSurface({ ...cells, weight }, x, y, 1)
    for (const [k, residual] of residuals.entries())
      if (cells.part[k] === part) misfits[k] = residual * residual * cells.weight[k]!
  }
  return misfits
}

/** Whether the first squares are smaller than the second as a whole. */
function isSmaller(misfits: Float64Array, than: Float64Array): boolean {
  const limit = (FAR * MAD_TO_SIGMA) ** 2 * medianOf(than)
  let [gain, squares] = [0, 0]
  for (let k = 0; k < misfits.length; k++) {
    const one = Math.min(limit, than[k]!) - Math.min(limit, misfits[k]!)
    gain += one
    squares += one * one
  }
  return gain > SURE * Math.sqrt(squares)
}
