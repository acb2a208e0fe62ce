import { type Affine, transform } from './affine.js'
import { fitAffine, fitSimilarity, type PointPairs } from './fit-affine.js'
import { fitPolynomialMap, type PolynomialMap, polynomialAt, termsOf } from './polynomial-map.js'

/** How frames may differ, from the simplest on. */
export type Model = 'shift' | 'rigid' | 'similarity' | 'affine' | 'quadratic' | 'cubic'
export const MODELS: readonly Model[] = ['shift', 'rigid', 'similarity', 'affine', 'quadratic', 'cubic']

/** Numbers that each of them has. */
export const UNKNOWNS: Readonly<Record<Model, number>> = {
  ...{ shift: 2, rigid: 3, similarity: 4, affine: 6 },
  ...{ quadratic: 2 * termsOf(2), cubic: 2 * termsOf(3) },
}

/** Coordinates from which shear can be told: fewer fit it by chance. */
const FOR_AFFINE = 12

/** A transformation as it is kept in files: one of the two. */
export type StoredMap = { affine: Affine } | { polynomial: PolynomialMap }

export interface ModelFit {
  model: Model
  map: StoredMap
  /** Weighted root mean square distance of the pairs, px. */
  rms: number
}

export const mapOf = (map: StoredMap) =>
  'affine' in map
    ? (x: number, y: number) => transform(map.affine, x, y)
    : (x: number, y: number) => polynomialAt(map.polynomial, x, y)

/**
 * The transformation of one kind, fitted to pairs with weights 1 / sigma². Undefined where the pairs are too few: twice
 * as many numbers as unknowns are asked for beyond an affine one.
 */
export function fitModel(
  pairs: PointPairs,
  weights: ArrayLike<number>,
  model: Model,
  mirrored = false,
): (ModelFit & { chiSquare: number }) | undefined {
  const n = pairs.from.x.length
  const enough = UNKNOWNS[model] > 6 ? UNKNOWNS[model] : UNKNOWNS[model] / 2
  if (n < Math.ceil(enough)) return undefined
  const map = mapFor(pairs, weights, model, mirrored)
  const at = mapOf(map)
  let [chiSquare, total] = [0, 0]
  for (let k = 0; k < n; k++) {
    const [u, v] = at(pairs.from.x[k], pairs.from.y[k])
    chiSquare += weights[k] * ((u - pairs.to.x[k]) ** 2 + (v - pairs.to.y[k]) ** 2)
    total += weights[k]
  }
  const free = Math.max(1, 2 * n - UNKNOWNS[model])
  return { model, map, chiSquare, rms: Math.sqrt((chiSquare / total) * ((2 * n) / free)) }
}

function mapFor(pairs: PointPairs, weights: ArrayLike<number>, model: Model, mirrored: boolean): StoredMap {
  if (model === 'quadratic') return { polynomial: fitPolynomialMap(pairs, 2, weights).map }
  if (model === 'cubic') return { polynomial: fitPolynomialMap(pairs, 3, weights).map }
  if (model === 'affine') return { affine: fitAffine(pairs, weights).transform }
  if (model === 'shift') return { affine: fitShift(pairs, weights) }
  return { affine: fitSimilarity(pairs, { weights, mirrored, rigid: model === 'rigid' }).transform }
}

function fitShift({ from, to }: PointPairs, weights: ArrayLike<number>): Affine {
  let [dx, dy, total] = [0, 0, 0]
  for (let k = 0; k < from.x.length; k++) {
    dx += weights[k] * (to.x[k] - from.x[k])
    dy += weights[k] * (to.y[k] - from.y[k])
    total += weights[k]
  }
  return [1, 0, dx / total, 0, 1, dy / total]
}

/**
 * What chi² must fall by for unknowns to be believed: the Bayesian information (Schwarz 1978, Ann. Statist. 6, 461) with what few
 * numbers ask for besides (McQuarrie 1999, Stat. Probab. Lett. 44, 79), or eight stars are turned and stretched by their noise.
 */
const priceOf = (unknowns: number, numbers: number) =>
  (unknowns * Math.log(numbers) * numbers) / Math.max(1, numbers - unknowns - 1)

/**
 * The simplest of the models that does justice to the pairs: that with the smallest chi² and price. What errors do not explain
 * of an affine fit counts as noise.
 */
export function chooseModel(
  pairs: PointPairs,
  weights: ArrayLike<number>,
  models: readonly Model[],
  mirrored = false,
): ModelFit | undefined {
  const numbers = 2 * pairs.from.x.length
  const sure = models.filter((model) => models.length === 1 || model !== 'affine' || numbers >= FOR_AFFINE)
  const fits = sure.map((model) => fitModel(pairs, weights, model, mirrored)).filter((fit) => fit !== undefined)
  const affine = fits.find(({ model }) => model === 'affine')
  const noise = affine ? Math.max(1, affine.chiSquare / Math.max(1, numbers - UNKNOWNS.affine)) : 1
  let best: (ModelFit & { bayes: number }) | undefined
  for (const { chiSquare, ...fit } of fits) {
    const bayes = chiSquare / noise + priceOf(UNKNOWNS[fit.model], numbers)
    if (!best || bayes < best.bayes) best = { ...fit, bayes }
  }
  return best && { model: best.model, map: best.map, rms: best.rms }
}
