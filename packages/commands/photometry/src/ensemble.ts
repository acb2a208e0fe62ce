import { leastSquares, MAD_TO_SIGMA, medianOf } from '@nightpipe/math'
import { fieldTerms, termsOf } from '@nightpipe/stars'

/** Instrumental magnitudes of stars (rows) in frames (columns): NaN where a star was not measured. */
export interface Magnitudes {
  stars: number
  frames: number
  value: Float32Array
  error: Float32Array
}

export interface EnsembleOptions {
  /** Stars that may be compared with: steady, well measured. */
  candidates: readonly number[]
  /** At most so many of them. */
  most: number
  /** Order of what differs over the field from frame to frame, and where the stars are on it. */
  order: number
  place: { width: number; height: number; x: ArrayLike<number>; y: ArrayLike<number> }
}

/** The light curves against the ensemble. */
export interface Ensemble {
  /** Magnitudes less what the frame added, row by row; and their errors, those of the ensemble included. */
  value: Float32Array
  error: Float32Array
  /** What each frame added in the middle of the field, and its error; NaN where too few stars tell it. */
  zero: Float64Array
  zeroError: Float64Array
  mean: Float64Array
  comparison: Uint8Array
}

const ROUNDS = 10
const LEAST_COMPARISONS = 3

/**
 * Inhomogeneous ensemble photometry (Honeycutt 1992, PASP 104, 435) with the weights of Broeg et al. (2005, AN 326, 134):
 * the magnitudes are those of the stars plus a term of each frame; a comparison star counts as its errors and its own
 * restlessness allow, one that varies is put out. A comparison star is never compared with itself.
 */
export function solveEnsemble(data: Magnitudes, options: EnsembleOptions): Ensemble {
  const { stars } = data
  let comparisons = [...options.candidates]
  const restless = new Float64Array(stars)
  const state = startOf(data, comparisons)
  for (let round = 0; round < ROUNDS; round++) {
    fitFrames(data, state, comparisons, restless, options)
    fitMeans(data, state)
    const scatter = new Map(comparisons.map((j) => [j, restOf(data, state, j)]))
    for (const [j, { extra }] of scatter) restless[j] = extra
    if (round === 2 || round === 4) comparisons = quietest(comparisons, scatter, options.most)
  }
  const result = correct(data, state, comparisons, restless, options)
  const comparison = new Uint8Array(stars)
  for (const j of comparisons) comparison[j] = 1
  return { ...result, zero: state.zero, zeroError: state.zeroError, mean: state.mean, comparison }
}

interface State {
  zero: Float64Array
  zeroError: Float64Array
  /** Coefficients over the field beyond the constant, for each frame. */
  slopes: Float64Array[]
  mean: Float64Array
  terms: Float64Array[]
}

/** Weights never exceed those of an error of this much: no star is steadier. */
const FLOOR = 5e-4

function startOf({ stars, frames, value }: Magnitudes, comparisons: readonly number[]): State {
  const mean = new Float64Array(stars)
  const zero = new Float64Array(frames)
  for (let j = 0; j < stars; j++)
    mean[j] = medianOf(Array.from(value.subarray(j * frames, (j + 1) * frames)).filter(Number.isFinite))
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < frames; i++) {
      const differences = comparisons.map((j) => value[j * frames + i]! - mean[j]!).filter(Number.isFinite)
      zero[i] = differences.length > 0 ? medianOf(differences) : 0
    }
    for (const j of comparisons) {
      const row = Array.from(value.subarray(j * frames, (j + 1) * frames), (v, i) => v - zero[i]!).filter(
        Number.isFinite,
      )
      mean[j] = medianOf(row)
    }
  }
  return { zero, zeroError: new Float64Array(frames), slopes: [], mean, terms: [] }
}

function fitFrames(
  data: Magnitudes,
  state: State,
  comparisons: readonly number[],
  restless: Float64Array,
  options: EnsembleOptions,
): void {
  const { frames, value, error } = data
  const { order, place } = options
  const count = termsOf(order)
  if (state.terms.length === 0) {
    state.terms = Array.from({ length: data.stars }, (_, j) => {
      const out = new Float64Array(count)
      fieldTerms(place, place.x[j]!, place.y[j]!, order, out)
      return out
    })
  }
  for (let i = 0; i < frames; i++) {
    const used = comparisons.filter((j) => Number.isFinite(value[j * frames + i]!))
    const difference = used.map((j) => value[j * frames + i]! - state.mean[j]!)
    const weight = used.map((j) => 1 / (error[j * frames + i]! ** 2 + restless[j]! ** 2 + FLOOR ** 2))
    // one star that flares or is hit by a cosmic ray must not shift the frame
    robustly(difference, weight)
    const total = weight.reduce((a, b) => a + b, 0)
    const enough = used.length >= LEAST_COMPARISONS
    state.slopes[i] = new Float64Array(count)
    if (enough && count > 1 && used.length >= 3 * count) {
      const a = used.flatMap((j, k) => Array.from(state.terms[j]!, (term) => term * Math.sqrt(weight[k]!)))
      const fit = leastSquares(
        a,
        difference.map((d, k) => d * Math.sqrt(weight[k]!)),
        count,
      )
      state.slopes[i]!.set(fit.solution)
      state.zero[i] = fit.solution[0]!
      state.slopes[i]![0] = 0
    } else {
      state.zero[i] = enough ? difference.reduce((sum, d, k) => sum + d * weight[k]!, 0) / total : Number.NaN
    }
    state.zeroError[i] = enough ? Math.sqrt(1 / total) : Number.NaN
  }
}

/** Lowers the weights of what is over four sigma off the median. */
function robustly(difference: readonly number[], weight: number[]): void {
  if (difference.length < LEAST_COMPARISONS) return
  const middle = medianOf([...difference])
  difference.forEach((d, k) => {
    const sigmas = Math.abs(d - middle) * Math.sqrt(weight[k]!)
    if (sigmas > 4) weight[k]! *= 4 / sigmas ** 2
  })
}

const slopeAt = (state: State, i: number, j: number) => {
  let sum = 0
  const [slopes, terms] = [state.slopes[i]!, state.terms[j]!]
  for (let k = 1; k < slopes.length; k++) sum += slopes[k]! * terms[k]!
  return sum
}

function fitMeans({ stars, frames, value, error }: Magnitudes, state: State): void {
  for (let j = 0; j < stars; j++) {
    let [sum, total] = [0, 0]
    for (let i = 0; i < frames; i++) {
      const left = value[j * frames + i]! - state.zero[i]! - slopeAt(state, i, j)
      if (!Number.isFinite(left)) continue
      const weight = 1 / (error[j * frames + i]! ** 2 + FLOOR ** 2)
      sum += weight * left
      total += weight
    }
    state.mean[j] = total > 0 ? sum / total : Number.NaN
  }
  // the terms of frames have mean 0: magnitudes stay those of an average frame
  const known = state.zero.filter(Number.isFinite)
  const middle = known.reduce((a, b) => a + b, 0) / Math.max(1, known.length)
  for (let i = 0; i < frames; i++) state.zero[i]! -= middle
  for (let j = 0; j < stars; j++) state.mean[j]! += middle
}

/** Robust scatter of a star, and the part that its errors do not explain. */
function restOf(
  { frames, value, error }: Magnitudes,
  state: State,
  j: number,
): { scatter: number; expected: number; extra: number } {
  const left: number[] = []
  const errors: number[] = []
  for (let i = 0; i < frames; i++) {
    const rest = value[j * frames + i]! - state.zero[i]! - slopeAt(state, i, j) - state.mean[j]!
    if (!Number.isFinite(rest)) continue
    left.push(Math.abs(rest))
    errors.push(error[j * frames + i]!)
  }
  const scatter =
    left.length > 1
      ? MAD_TO_SIGMA * medianOf(left) * Math.sqrt(left.length / (left.length - 1))
      : Number.POSITIVE_INFINITY
  const expected = errors.length > 0 ? medianOf(errors) : 0
  return { scatter, expected, extra: Math.sqrt(Math.max(0, scatter ** 2 - expected ** 2)) }
}

/** Drops the comparison stars that are restless beside the others, and all but the steadiest. */
function quietest(
  comparisons: readonly number[],
  scatter: ReadonlyMap<number, { scatter: number; expected: number; extra: number }>,
  most: number,
): number[] {
  const extra = comparisons.map((j) => scatter.get(j)!.extra)
  const usual = medianOf(extra)
  const limit = Math.max(0.003, 3 * usual + 0.5 * medianOf(comparisons.map((j) => scatter.get(j)!.expected)))
  const quiet = comparisons.filter((_, k) => extra[k]! <= limit)
  const kept = quiet.length >= LEAST_COMPARISONS ? quiet : [...comparisons]
  return kept.sort((a, b) => scatter.get(a)!.scatter - scatter.get(b)!.scatter || a - b).slice(0, most)
}

/** The light curves: each comparison star against the others only. */
function correct(
  data: Magnitudes,
  state: State,
  comparisons: readonly number[],
  restless: Float64Array,
  { order }: EnsembleOptions,
) {
  const { stars, frames, value, error } = data
  const out = new Float32Array(stars * frames).fill(Number.NaN)
  const outError = new Float32Array(stars * frames).fill(Number.NaN)
  const among = new Set(comparisons)
  for (let i = 0; i < frames; i++) {
    const total = 1 / state.zeroError[i]! ** 2
    for (let j = 0; j < stars; j++) {
      const p = j * frames + i
      const base = state.zero[i]! + slopeAt(state, i, j)
      let [zero, variance] = [base, state.zeroError[i]! ** 2]
      if (among.has(j) && order === 0 && Number.isFinite(value[p]!)) {
        const weight = Math.min(0.9 * total, 1 / (error[p]! ** 2 + restless[j]! ** 2 + FLOOR ** 2))
        const own = value[p]! - state.mean[j]!
        zero = (total * base - weight * own) / (total - weight)
        variance = 1 / (total - weight)
      }
      out[p] = value[p]! - zero
      outError[p] = Math.sqrt(error[p]! ** 2 + variance)
    }
  }
  return { value: out, error: outError }
}
