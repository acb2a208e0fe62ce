import { MAD_TO_SIGMA, mad, medianOf, solve } from '@nightpipe/math'
import { basisProducts, type KernelBasis } from './basis.js'
import type { KernelModel } from './kernel-model.js'
import { roughness } from './roughness.js'
import { type Field, spatialPowers, spatialTerms } from './spatial.js'
import { chiSquare, type Stamp } from './stamp.js'

export interface KernelFitOptions {
  order: number
  backgroundOrder: number
  /** The ratio of fluxes is the same all over the field (Gaussians only). */
  constantRatio: boolean
  /** Stamps are left out whose reduced χ² is so many of their own sigmas above the middle. */
  clip: number
  /** Of the delta basis: how much a rough kernel costs; undefined: what predicts stamps best that were left out. */
  smoothness?: number
  /** The two images have noise in common, as a frame and a stack with it: what the noise does to the fit then is not known. */
  sharedNoise?: boolean
}

export interface KernelFit {
  model: KernelModel
  /** For each stamp whether it was used, and its reduced χ². */
  used: boolean[]
  reduced: Float64Array
  smoothness: number
}

/** Kernels that are tried for their smoothness. */
const STRENGTHS = [1e-4, 1e-3, 1e-2, 0.1, 1, 10]
const ROUNDS = 8
const STAMPS_PER_TERM = 6
/** Parts of what noise adds to the normal equations that are taken off: the largest that leaves them safe to solve. */
const NOISE_PARTS = [0.95, 0.8, 0.5, 0.25]
/** Safe: no unknown is told by less than this part of what told it before. */
const LEAST_LEFT = 0.02

/**
 * The kernel and the sky that bring the stamps of one image to those of the other, all at once (Alard 2000), by least
 * squares; stamps that do not follow, as those of variable stars, are left out, and it is done again until none is. The
 * degree over the field is lowered when there are less than six stamps for each term of the polynomial: towards the edges
 * a kernel that is bent by few stars goes astray.
 *
 * The image that is convolved has noise of its own. To least squares a kernel that smooths it looks better than the right
 * one, and takes a few per cent off the peaks of bright stars; so what that noise adds to the equations is taken off again
 * (errors in variables: Fuller 1987, Measurement Error Models, section 2.2).
 */
export function fitKernel(
  stamps: readonly Stamp[],
  basis: KernelBasis,
  field: Field,
  options: KernelFitOptions,
): KernelFit {
  if (stamps.length === 0) throw new RangeError('no stamps to fit a kernel to')
  const limited = { ...options, order: affordable(options.order, stamps.length) }
  limited.backgroundOrder = affordable(options.backgroundOrder, stamps.length)
  const rough = basis.kind === 'delta' ? roughness(basis.half) : undefined
  let used = steadyStars(stamps, basis)
  let smoothness = options.smoothness ?? 0
  if (rough && options.smoothness === undefined) smoothness = bestSmoothness(stamps, basis, field, limited, rough)
  // a kernel of single pixels is kept smooth by other means
  const products = options.sharedNoise || basis.kind === 'delta' ? undefined : basisProducts(basis)
  for (let round = 1; ; round++) {
    const kept = stamps.filter((_, s) => used[s])
    const model = solveStamps(kept, basis, field, limited, smoothness, rough, products)
    const reduced = Float64Array.from(stamps, (stamp) => chiSquare(stamp, localValues(model, stamp)) / stamp.pixels)
    const next = withoutOutliers(reduced, used, limited.clip)
    if (round === ROUNDS || next.every((value, s) => value === used[s])) return { model, used, reduced, smoothness }
    used = next
  }
}

/** A star that has changed by more than this many sigmas of the others, and by more than this part, is left out at once. */
const CHANGED = 5
const CHANGED_PART = 0.03

/**
 * Stamps whose ratio of fluxes, with the narrowest kernel alone, is that of the others: the brightest star weighs so much
 * that, had it changed, the fit would follow it.
 */
function steadyStars(stamps: readonly Stamp[], basis: KernelBasis): boolean[] {
  const shape = basis.kind === 'gaussians' ? 0 : ((2 * basis.half + 1) ** 2 - 1) / 2
  const ratios = stamps.map(({ matrix, right, unknowns }) => {
    const sky = unknowns - 1
    const at = (n: number, m: number) => matrix[n * unknowns + m]
    const determinant = at(shape, shape) * at(sky, sky) - at(shape, sky) ** 2
    return (right[shape] * at(sky, sky) - right[sky] * at(shape, sky)) / determinant
  })
  const middle = medianOf(ratios)
  const limit = CHANGED * Math.max(MAD_TO_SIGMA * mad(ratios, middle), CHANGED_PART * Math.abs(middle))
  const steady = ratios.map((ratio) => Math.abs(ratio - middle) <= limit)
  return 2 * steady.filter(Boolean).length >= stamps.length ? steady : stamps.map(() => true)
}

function affordable(order: number, stamps: number): number {
  let degree = order
  while (degree > 0 && STAMPS_PER_TERM * spatialPowers(degree).length > stamps) degree--
  return degree
}

/** The distribution is skew and never below what the noise gives: only the upper side is cut. At least half stay. */
function withoutOutliers(reduced: Float64Array, used: readonly boolean[], clip: number): boolean[] {
  const kept = reduced.filter((_, s) => used[s])
  const middle = medianOf(kept)
  const limit = middle + clip * Math.max(MAD_TO_SIGMA * mad(kept), 0.1 * middle)
  return Array.from(reduced, (value) => value <= Math.max(limit, middle))
}

function solveStamps(
  stamps: readonly Stamp[],
  basis: KernelBasis,
  field: Field,
  { order, backgroundOrder, constantRatio }: KernelFitOptions,
  smoothness: number,
  rough?: Float64Array,
  products?: Float64Array,
): KernelModel {
  const shapes = stamps[0].unknowns - 1
  const powers = spatialPowers(order)
  const skyPowers = spatialPowers(backgroundOrder)
  const ratioTerms = constantRatio && basis.kind === 'gaussians' ? 1 : powers.length
  // unknown k is shape `shape[k]` times term `term[k]`; the sky comes last
  const shape: number[] = []
  const term: number[] = []
  for (let n = 0; n <= shapes; n++) {
    const terms = n === shapes ? skyPowers.length : n === 0 ? ratioTerms : powers.length
    for (let j = 0; j < terms; j++) {
      shape.push(n)
      term.push(j)
    }
  }
  const { matrix, right, noise } = addUp(stamps, shape, term, field, powers, skyPowers, smoothness, rough, products)
  const solution = solveScaled(noise ? withoutNoise(matrix, noise) : matrix, right)
  const coefficients = new Float64Array(shapes * powers.length)
  const background = new Float64Array(skyPowers.length)
  shape.forEach((n, k) => {
    if (n === shapes) background[term[k]] = solution[k]
    else coefficients[n * powers.length + term[k]] = solution[k]
  })
  return { width: field.width, height: field.height, basis, order, backgroundOrder, coefficients, background }
}

function addUp(
  stamps: readonly Stamp[],
  shape: readonly number[],
  term: readonly number[],
  field: Field,
  powers: [number, number][],
  skyPowers: [number, number][],
  smoothness: number,
  rough?: Float64Array,
  products?: Float64Array,
) {
  const size = shape.length
  const shapes = stamps[0].unknowns - 1
  const matrix = new Float64Array(size * size)
  const right = new Float64Array(size)
  const noise = products && new Float64Array(size * size)
  const weight = rough ? smoothness * strengthOf(stamps, rough) : 0
  for (const stamp of stamps) {
    const place = spatialTerms(powers, stamp.x, stamp.y, field)
    const skyPlace = spatialTerms(skyPowers, stamp.x, stamp.y, field)
    const factor = shape.map((n, k) => (n === shapes ? skyPlace : place)[term[k]])
    for (let k = 0; k < size; k++) {
      right[k] += factor[k] * stamp.right[shape[k]]
      const row = shape[k] * stamp.unknowns
      for (let l = 0; l <= k; l++) {
        let value = stamp.matrix[row + shape[l]]
        if (rough && shape[k] < shapes) value += weight * rough[shape[k] * shapes + shape[l]]
        matrix[k * size + l] += factor[k] * factor[l] * value
        if (!noise || shape[k] === shapes || shape[l] === shapes) continue
        noise[k * size + l] += factor[k] * factor[l] * stamp.noise * products[shape[k] * shapes + shape[l]]
      }
    }
  }
  return { matrix, right, noise }
}

/** The equations less what noise adds to them, as much of it as can be. Lower triangles. */
function withoutNoise(matrix: Float64Array, noise: Float64Array): Float64Array {
  const before = pivots(matrix)
  for (const part of NOISE_PARTS) {
    const less = matrix.map((value, p) => value - part * noise[p])
    const after = pivots(less)
    if (after.every((pivot, k) => pivot > LEAST_LEFT * before[k])) return less
  }
  return matrix
}

/** Of a symmetric matrix, its lower triangle given: what is left of each diagonal value once those before it are told. */
function pivots(matrix: Float64Array): Float64Array {
  const n = Math.round(Math.sqrt(matrix.length))
  const lower = matrix.slice()
  const left = new Float64Array(n).fill(-1)
  for (let k = 0; k < n; k++) {
    for (let l = 0; l < k; l++) {
      let value = lower[k * n + l]
      for (let m = 0; m < l; m++) value -= lower[k * n + m] * lower[l * n + m] * left[m]
      lower[k * n + l] = value / left[l]
    }
    let value = matrix[k * n + k]
    for (let m = 0; m < k; m++) value -= lower[k * n + m] ** 2 * left[m]
    left[k] = value
    if (!(value > 0)) return left
  }
  return left
}

/** Brings the cost of roughness to the scale of the data: their typical diagonals are then alike. */
function strengthOf(stamps: readonly Stamp[], rough: Float64Array): number {
  const shapes = stamps[0].unknowns - 1
  const diagonal = stamps.map(({ matrix, unknowns }) => {
    let sum = 0
    for (let n = 0; n < shapes; n++) sum += matrix[n * unknowns + n]
    return sum / shapes
  })
  return medianOf(diagonal) / rough[0]
}

/** Unknowns are scaled to a diagonal of 1, and a trace of it is added where shapes are nearly alike. */
function solveScaled(matrix: Float64Array, right: Float64Array): Float64Array {
  const n = right.length
  const scale = Float64Array.from(right, (_, k) => 1 / Math.sqrt(Math.max(matrix[k * n + k], 1e-300)))
  const scaledMatrix = new Float64Array(n * n)
  for (let k = 0; k < n; k++) {
    for (let l = 0; l < k; l++) scaledMatrix[k * n + l] = matrix[k * n + l] * scale[k] * scale[l]
    scaledMatrix[k * n + k] = 1 + 1e-9
  }
  return solve(
    scaledMatrix,
    right.map((value, k) => value * scale[k]),
  ).map((value, k) => value * scale[k])
}

/** The unknowns of a stamp, as the model has them at its place. */
export function localValues(model: KernelModel, { x, y, unknowns }: Stamp): Float64Array {
  const place = spatialTerms(spatialPowers(model.order), x, y, model)
  const sky = spatialTerms(spatialPowers(model.backgroundOrder), x, y, model)
  const values = new Float64Array(unknowns)
  for (let n = 0; n < unknowns - 1; n++) {
    for (let j = 0; j < place.length; j++) values[n] += place[j] * model.coefficients[n * place.length + j]
  }
  for (let j = 0; j < sky.length; j++) values[unknowns - 1] += sky[j] * model.background[j]
  return values
}

/** The smoothness whose kernel, from one half of the stamps, is nearest to the other half. */
function bestSmoothness(
  stamps: readonly Stamp[],
  basis: KernelBasis,
  field: Field,
  options: KernelFitOptions,
  rough: Float64Array,
): number {
  const half = stamps.filter((_, s) => s % 2 === 0)
  const rest = stamps.length > 1 ? stamps.filter((_, s) => s % 2 === 1) : half
  const small = { ...options, order: affordable(options.order, half.length) }
  let best = { strength: STRENGTHS[2], score: Number.POSITIVE_INFINITY }
  for (const strength of STRENGTHS) {
    const model = solveStamps(half, basis, field, small, strength, rough)
    const score = medianOf(rest.map((stamp) => chiSquare(stamp, localValues(model, stamp)) / stamp.pixels))
    if (score < best.score) best = { strength, score }
  }
  return best.strength
}
