import type { Wcs } from '@nightpipe/sky'
import { bestAtLeftOut } from './left-out.js'
import { wcsOfPlate } from './sky-distortion.js'
import { fitLens, LENSES, lensChiSquares, type PlateModel, polynomialModel } from './sky-lens.js'
import type { SkyPoints } from './sky-patch.js'
import { fitPlate, type Plate, type PlatePairs } from './sky-plate.js'
import { type FrameStars, mutualMatch, pairsOf, type Size, starsAround, starsOnFrame } from './sky-refine.js'
import { extraNoise, residualsOf } from './sky-residuals.js'

export interface FinalOptions {
  /** Order of the polynomials: 1 is a plain TAN; undefined lets the data choose, up to `mostOrder`. */
  order?: number
  mostOrder: number
  kind: 'SIP' | 'TPV'
  /** One-sigma errors of the centroids along an axis, pixels; without them all stars count alike. */
  error?: Float64Array
  /** Residuals beyond this many sigma are not used. */
  clip: number
}

export const FINAL_OPTIONS: FinalOptions = { mostOrder: 5, kind: 'SIP', clip: 4 }

/** The best plate of a field that is solved, and what it leaves. */
export interface FieldFit {
  plate: Plate
  wcs: Wcs
  /** Stars of the frame and of the sky that are the same, all within reach; `used` is 1 for those in the fit. */
  star: Int32Array
  sky: Int32Array
  used: Uint8Array
  /** Residuals, sky minus frame, and the sigma that each was expected to have, pixels. */
  dx: Float64Array
  dy: Float64Array
  sigma: Float64Array
  count: number
  /** Numbers that were fitted, both axes together. */
  numbers: number
  /** Root mean square of the residuals used along one axis, pixels. */
  rms: number
  /** What the residuals have beyond the errors of the centroids, pixels. */
  extra: number
  /** Partners were looked for within this, pixels. */
  radius: number
}

/** How many stars of a solved field have a partner among the references. */
export function countPartners(
  stars: FrameStars,
  size: Size,
  sky: SkyPoints,
  { wcs, radius }: { wcs: Wcs; radius: number },
): number {
  const near = starsAround(wcs.linear, sky, size)
  return mutualMatch(stars, stars.x.length, starsOnFrame(wcs, near, size), radius).star.length
}

/**
 * All stars and all references of a solved field: partners by position, weights by error, residuals beyond `clip` sigma put
 * aside, and the order that the data support (Schwarz 1978: a number must bring down chi-square by more than ln n). A lens
 * whose distortion is along the radius takes one number where a polynomial of the third order takes eight.
 */
export function fitField(
  stars: FrameStars,
  size: Size,
  sky: SkyPoints,
  start: { plate: Plate; wcs: Wcs; radius: number },
  options: Partial<FinalOptions> = {},
): FieldFit {
  const chosen = { ...FINAL_OPTIONS, ...options }
  const half = Math.max(size.width, size.height) / 2
  let { wcs, plate, radius } = start
  let fit: FieldFit | undefined
  const near = starsAround(start.wcs.linear, sky, size)
  for (let turn = 0; turn < 4; turn++) {
    const match = mutualMatch(stars, stars.x.length, starsOnFrame(wcs, near, size), radius)
    const pairs = pairsOf(stars, near, match)
    const claimed = chosen.error && Float64Array.from(match.star, (k) => chosen.error![k])
    // the first partners only tell how near the second ones must be
    const now =
      turn === 0
        ? clipped(pairs, claimed, plate, polynomialModel(pairs.x.length < 8 ? 0 : plate.order), half, chosen.clip)
        : robustPlate(pairs, claimed, plate, half, chosen)
    plate = now.plate
    wcs = wcsOfPlate(plate, 'SIP')
    fit = { ...now, wcs, star: match.star, sky: match.sky.map((k) => near.index[k]), radius }
    const next = Math.max(0.5, Math.min(radius, 6 * now.rms + 0.2))
    if (turn > 0 && next > 0.8 * radius) break
    radius = next
  }
  return { ...fit!, wcs: wcsOfPlate(plate, chosen.kind, size) }
}

type Robust = Omit<FieldFit, 'wcs' | 'star' | 'sky' | 'radius'>

function robustPlate(
  pairs: PlatePairs,
  claimed: Float64Array | undefined,
  start: Plate,
  half: number,
  options: FinalOptions,
): Robust {
  let models =
    options.order === undefined
      ? modelsFor(pairs.x.length, options.mostOrder, PAIRS_OF_SOME)
      : [polynomialModel(options.order)]
  // outliers are found with the most flexible plate, and are then the same for all that are compared
  const widest = clipped(pairs, claimed, start, models.at(-1)!, half, options.clip)
  if (models.length === 1) return widest
  // a few bright stars that outweigh all others do not carry many terms
  const all = models
  const most = models.at(-1)!.numbers
  models = modelsFor(weighing(widest), options.mostOrder).filter(({ numbers }) => numbers <= most)
  const last = models.at(-1)!
  const highest = widest.numbers > last.numbers ? clipped(pairs, claimed, start, last, half, options.clip) : widest
  const safe = models.length === 1 ? last : bestModel(models, pairs, highest, start)
  // unless all of them together show that they do
  const best = bestAtLeftOut(
    [safe, ...all.filter(({ numbers }) => numbers > last.numbers)],
    pairs,
    widest,
    (model, weighed) => weightedFit(pairs, weighed, start, model, half),
  )
  return best === last ? highest : clipped(pairs, claimed, start, best, half, options.clip)
}

interface Judged {
  model: PlateModel
  chiSquare: number
  score: number
}

/**
 * The model of the lowest score. A lens in place of a polynomial must besides fit nearly as well: what it leaves more is not
 * to exceed two for each number that it saves (Akaike 1974), so that its misfit harms no more than their noise would.
 */
function bestModel(models: readonly PlateModel[], pairs: PlatePairs, highest: Robust, start: Plate): PlateModel {
  const { used, sigma, plate } = highest
  const n = 2 * used.reduce((sum, value) => sum + value, 0)
  const judged = (model: PlateModel, chiSquare: number): Judged => {
    // the noise is known from the same stars: where they are few, numbers are dearer (Hurvich & Tsai 1989)
    const few = n / Math.max(1, n - model.numbers - 1)
    return { model, chiSquare, score: chiSquare + model.numbers * Math.log(n) * few }
  }
  const lower = (a: Judged, b: Judged) => (b.score < a.score ? b : a)
  const lenses = models.filter(({ lens }) => lens)
  const ofLens = lensChiSquares({ ...pairs, weight: weightsOf(highest) }, plate, lenses)
  const polynomial = models
    .filter(({ lens }) => !lens)
    .map((model) => {
      const { dx, dy } = residualsOf(weightedFit(pairs, highest, start, model, plate.half), pairs)
      let chiSquare = 0
      for (let k = 0; k < dx.length; k++) if (used[k]) chiSquare += (dx[k] ** 2 + dy[k] ** 2) / sigma[k] ** 2
      return judged(model, chiSquare)
    })
    .reduce(lower)
  return lenses
    .map((model, k) => judged(model, ofLens[k]))
    .filter(({ model, chiSquare }) => {
      const saved = polynomial.model.numbers - model.numbers
      return saved <= 0 || chiSquare - polynomial.chiSquare < 2 * saved
    })
    .reduce(lower, polynomial).model
}

/** How many stars of equal weight would say as much: (Σ w)² / Σ w² (Kish 1965, Survey Sampling). */
function weighing({ used, sigma }: Pick<Robust, 'used' | 'sigma'>): number {
  let [sum, squares] = [0, 0]
  for (let k = 0; k < used.length; k++) {
    const weight = used[k] / sigma[k] ** 2
    sum += weight
    squares += weight * weight
  }
  return (sum * sum) / squares
}

/** Pairs that there must be for each number of a model: where errors are trusted, and where left-out stars decide. */
const PAIRS = 1.5
const PAIRS_OF_SOME = 1.2

/** Models that so many pairs can carry, those of the fewest numbers first; the first, whatever there is. */
function modelsFor(pairs: number, most: number, least = PAIRS): PlateModel[] {
  const models = [polynomialModel(pairs < 5 ? 0 : 1)]
  while (models.length < most && pairs >= least * polynomialModel(models.length + 1).numbers) {
    models.push(polynomialModel(models.length + 1))
  }
  const lenses = LENSES.filter(({ order, numbers }) => order <= most && pairs >= least * numbers)
  return [...models, ...lenses].sort((a, b) => a.numbers - b.numbers)
}

const weightsOf = ({ used, sigma }: Pick<Robust, 'used' | 'sigma'>) =>
  Float64Array.from(sigma, (value, k) => used[k] / value ** 2)

/** Without `turns` the reference direction stays; with some it moves to where the reference pixel is. */
function weightedFit(
  pairs: PlatePairs,
  robust: Pick<Robust, 'used' | 'sigma'>,
  start: Plate,
  model: PlateModel,
  half: number,
  turns = 0,
): Plate {
  const weighted = { ...pairs, weight: weightsOf(robust) }
  if (model.lens) return fitLens(weighted, start, model, half, turns)
  const { pixel, sky } = start
  return fitPlate(weighted, { pixel, sky, matrix: matrixOf(start) }, model.order, half, turns)
}

const matrixOf = ({ first, second }: Plate): [number, number, number, number] => [
  first[1],
  first[2],
  second[1],
  second[2],
]

function clipped(
  pairs: PlatePairs,
  claimed: Float64Array | undefined,
  start: Plate,
  model: PlateModel,
  half: number,
  clip: number,
): Robust {
  const n = pairs.x.length
  let used: Uint8Array = new Uint8Array(n).fill(1)
  let sigma: Float64Array = new Float64Array(n).map((_, k) => (claimed ? Math.max(1e-6, claimed[k]) : 1))
  let plate = start
  let [dx, dy]: Float64Array[] = [new Float64Array(n), new Float64Array(n)]
  let [extra, rms, count] = [0, 0, n]
  for (let turn = 0; turn < 12; turn++) {
    plate = weightedFit(pairs, { used, sigma }, start, model, half)
    ;({ dx, dy } = residualsOf(plate, pairs))
    const kept = [...used.keys()].filter((k) => used[k] === 1)
    const pick = (values: Float64Array) => Float64Array.from(kept, (k) => values[k])
    const before = extra
    extra = extraNoise(pick(dx), pick(dy), claimed && pick(claimed), model.numbers)
    sigma = Float64Array.from(sigma, (_, k) => Math.max(1e-6, Math.hypot(extra, claimed ? claimed[k] : 0)))
    const next = used.map((_, k) => (Math.hypot(dx[k], dy[k]) <= clip * Math.SQRT2 * sigma[k] ? 1 : 0))
    count = kept.length
    rms = Math.sqrt(kept.reduce((sum, k) => sum + dx[k] ** 2 + dy[k] ** 2, 0) / (2 * count))
    const same = next.every((value, k) => value === used[k]) && Math.abs(extra - before) <= 0.02 * extra
    // never fewer than the model needs
    if (same || next.reduce((sum, value) => sum + value, 0) < Math.max(3, 0.75 * model.numbers)) break
    used = next
  }
  const centred = weightedFit(pairs, { used, sigma }, plate, model, half, 4)
  return { plate: centred, used, dx, dy, sigma, count, numbers: model.numbers, rms, extra }
}
