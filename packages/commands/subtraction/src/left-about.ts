import { leastSquares, MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'

/** What is left about a star on a square of pixels, as a part of its light; its place is from -1 to 1 over the field. */
export interface Sample {
  values: Float64Array
  noise: Float64Array
  place: readonly [x: number, y: number]
}

/** What is left about a star of light 1. */
export interface LeftAbout {
  /** It is nowhere more than this in the filtered image. */
  most: number
  /**
   * At a place: in the filtered image, and in the difference. `own` is the number of the sample that the star itself gave,
   * which then has no part in it.
   */
  at(place: readonly [x: number, y: number], own?: number): readonly [filtered: Float64Array, plain: Float64Array]
}

/** Terms of polynomials of degree 0, 1, 2 over the field, and samples for each of them. */
const TERMS = [1, 3, 6]
const SAMPLES_A_TERM = 4
const FOLDS = 8
/** Values further off than this, in their scatter, are moved in to it: a neighbour, a variable star, a source. */
const CLIP = 2.5
const ROUNDS = 4
/** Squares of what a prediction misses are no larger than this, in its noise; they are summed out to so many FWHM. */
const WORST = 25
const JUDGED = 4
/** Of all that is left there, a prediction must at least explain this. */
const GAIN = 0.05

/**
 * Fits it to the samples, pixel by pixel, as a polynomial over the field. What predicts samples left out best is taken;
 * undefined where nothing is predicted.
 */
export function leftAbout(
  filtered: readonly Sample[],
  plain: readonly Sample[],
  { half, seeing }: { half: number; seeing: number },
): LeftAbout | undefined {
  const side = 2 * half + 1
  const radii = filtered[0]!.values.map((_, p) => Math.hypot((p % side) - half, Math.floor(p / side) - half))
  const judged = Array.from(radii.keys()).filter((p) => radii[p]! < Math.min(half, JUDGED * seeing))
  const models = TERMS.filter((terms) => terms * SAMPLES_A_TERM <= filtered.length).map((terms) => {
    const fit = fitOf(filtered, terms)
    return { terms, fit, cost: costOf(filtered, judged, fit) }
  })
  const nothing = costOf(filtered, judged)
  const best = models.reduce((a, b) => (b.cost < a.cost ? b : a))
  if (!(best.cost < (1 - GAIN) * nothing)) return undefined
  const fade = radii.map((r) => (r < 0.8 * half ? 1 : r > half ? 0 : (half - r) / (0.2 * half)))
  const [ofFiltered, ofPlain] = [best.fit, fitOf(plain, best.terms)].map((fit) => faded(fit, fade))
  const inside = placesBetween(filtered)
  return {
    most: mostOf(ofFiltered!),
    at: (place, own) => [predicted(ofFiltered!, inside(place), own), predicted(ofPlain!, inside(place), own)],
  }
}

/** Polynomials of all pixels: coefficients of each term from all samples, and with each eighth of them left out. */
interface Fit {
  terms: number
  all: Float64Array[]
  without: Float64Array[][]
}

function faded({ terms, all, without }: Fit, fade: Float64Array): Fit {
  const weighted = (parts: readonly Float64Array[]) => parts.map((part) => part.map((value, p) => value * fade[p]!))
  return { terms, all: weighted(all), without: without.map(weighted) }
}

/** No prediction is further from 0, as no term is beyond -1 to 1. */
function mostOf({ all, without }: Fit): number {
  let most = 0
  for (const parts of [all, ...without]) {
    for (let p = 0; p < parts[0]!.length; p++) {
      let sum = 0
      for (const part of parts) sum += Math.abs(part[p]!)
      most = Math.max(most, sum)
    }
  }
  return most
}

/** No polynomial is followed beyond the samples. */
function placesBetween(samples: readonly Sample[]): (place: Sample['place']) => Sample['place'] {
  const [low, high] = [Math.min, Math.max].map((end) =>
    ([0, 1] as const).map((axis) => end(...samples.map(({ place }) => place[axis]))),
  ) as [number[], number[]]
  return (place) => [0, 1].map((k) => Math.min(high[k]!, Math.max(low[k]!, place[k]!))) as unknown as Sample['place']
}

const termsAt = ([x, y]: Sample['place'], terms: number) => [1, x, y, x * x, x * y, y * y].slice(0, terms)

function fitOf(samples: readonly Sample[], terms: number): Fit {
  const weights = weightsOf(samples)
  const whole = inverseOf(samples, weights, terms, () => true)
  const values = movedIn(samples, whole, terms)
  const all = coefficients(values, whole)
  const without = Array.from({ length: FOLDS }, (_, fold) =>
    coefficients(
      values,
      inverseOf(samples, weights, terms, (k) => k % FOLDS !== fold),
    ),
  )
  return { terms, all, without }
}

const predicted = ({ terms, all, without }: Fit, place: Sample['place'], own?: number): Float64Array =>
  predict(own === undefined ? all : without[own % FOLDS]!, termsAt(place, terms))

/** The brightest do not outvote all others. */
function weightsOf(samples: readonly Sample[]): number[] {
  const noises = samples.map(({ noise }) => medianOf(noise))
  const least = medianOf(noises) / 2
  return noises.map((noise) => 1 / Math.hypot(noise, least))
}

/** Rows of terms: what each sample adds to the coefficient of each. */
function inverseOf(
  samples: readonly Sample[],
  weights: readonly number[],
  terms: number,
  has: (k: number) => boolean,
): Float64Array[] {
  const chosen = samples.flatMap((_, k) => (has(k) ? k : []))
  const rows = chosen.flatMap((k) => termsAt(samples[k]!.place, terms).map((value) => value * weights[k]!))
  const out = Array.from({ length: terms }, () => new Float64Array(samples.length))
  chosen.forEach((k, n) => {
    const unit = new Float64Array(chosen.length)
    unit[n] = weights[k]!
    leastSquares(rows, unit, terms).solution.forEach((value, t) => {
      out[t]![k] = value
    })
  })
  return out
}

const coefficients = (values: readonly Float64Array[], inverse: readonly Float64Array[]): Float64Array[] =>
  inverse.map((shares) => {
    const sum = new Float64Array(values[0]!.length)
    values.forEach((one, k) => {
      const share = shares[k]!
      if (share !== 0) for (let p = 0; p < sum.length; p++) sum[p]! += share * one[p]!
    })
    return sum
  })

function predict(parts: readonly Float64Array[], terms: readonly number[]): Float64Array {
  const sum = new Float64Array(parts[0]!.length)
  parts.forEach((part, t) => {
    const term = terms[t]!
    for (let p = 0; p < sum.length; p++) sum[p]! += term * part[p]!
  })
  return sum
}

/** The values of the samples, those that are far off the others brought nearer. */
function movedIn(samples: readonly Sample[], inverse: readonly Float64Array[], terms: number): Float64Array[] {
  const size = samples[0]!.values.length
  const middle = new Float64Array(size)
  const scatter = new Float64Array(size)
  const those = new Float64Array(samples.length)
  for (let p = 0; p < size; p++) {
    samples.forEach(({ values }, k) => {
      those[k] = values[p]!
    })
    middle[p] = medianOf(those)
    samples.forEach(({ values, noise }, k) => {
      those[k] = (values[p]! - middle[p]!) / noise[p]!
    })
    scatter[p] = Math.max(1, MAD_TO_SIGMA * mad(those, 0))
  }
  let models: Float64Array[] = samples.map(() => middle)
  let values: Float64Array[] = []
  for (let round = 0; round < ROUNDS; round++) {
    values = samples.map(({ values: own, noise }, k) => {
      const model = models[k]!
      const nearer = new Float64Array(size)
      for (let p = 0; p < size; p++) {
        const most = CLIP * scatter[p]! * noise[p]!
        nearer[p] = Math.min(model[p]! + most, Math.max(model[p]! - most, own[p]!))
      }
      return nearer
    })
    const parts = coefficients(values, inverse)
    models = samples.map(({ place }) => predict(parts, termsAt(place, terms)))
  }
  return values
}

/** Squares of what is not explained, of samples left out. */
function costOf(samples: readonly Sample[], judged: readonly number[], fit?: Fit): number {
  let cost = 0
  samples.forEach(({ values, noise, place }, k) => {
    const model = fit && predicted(fit, place, k)
    for (const p of judged) cost += Math.min(WORST, ((values[p]! - (model?.[p] ?? 0)) / noise[p]!) ** 2)
  })
  return cost
}
