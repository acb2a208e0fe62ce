import { MAD_TO_SIGMA, median, normalBelow } from '@nightpipe/math'
import type { CombineOptions, NoiseModel } from '../src/index.js'

interface Sample {
  value: number
  variance: number
  weight: number
  /** The noise model: constant + perUnit * level. */
  constant: number
  perUnit: number
}

export interface OraclePixel {
  value: number
  error: number
  count: number
}

const SMALL_MAD = [1, 1, 1.196, 1.495, 1.363, 1.206, 1.2, 1.14, 1.129, 1.107]
const toSigma = (n: number) => MAD_TO_SIGMA * (SMALL_MAD[n] ?? n / (n - 0.8))

/** What combinePlanes does, said plainly: one pixel at a time, float64, no cleverness. */
export function combineOracle(planes: Float32Array[], options: CombineOptions, p: number): OraclePixel {
  const samples = gather(planes, options, p)
  if (options.method === 'median' || options.method === 'minmax') return ordered(samples, options)
  const kept = options.method === 'sigma' ? clip(samples, options) : samples
  return weightedMean(kept, options)
}

const parts = new WeakMap<CombineOptions, number[]>()

/** What of the variance of each plane reaches a mean without extremes, by sums over Gaussians on a grid. */
function partsOf(n: number, options: CombineOptions): number[] | undefined {
  const dropped = ((options.lowest ?? 1) + (options.highest ?? 1)) / 2
  if (options.method !== 'minmax' || !options.noise || !(dropped > 0) || 2 * dropped >= n) return undefined
  const known = parts.get(options)
  if (known) return known
  const noise = options.noise as NoiseModel
  const sigmas = Array.from({ length: n }, (_, k) => {
    const background = Math.max(0, options.background?.[k] ?? 0)
    return Math.abs(options.scale?.[k] ?? 1) * Math.sqrt(noise.variance0 + noise.variancePerUnit * background)
  })
  const grid = Array.from({ length: 16001 }, (_, i) => (i - 8000) / 1000)
  const density = grid.map((x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI) / 1000)
  const mean = (sigma: number, of: (x: number) => number) =>
    grid.reduce((sum, x, i) => sum + density[i] * of(sigma * x), 0)
  const cut = (all: readonly number[]) => {
    let [low, high] = [0, 20 * Math.max(...all)]
    for (let round = 0; round < 40; round++) {
      const edge = (low + high) / 2
      const beyond = all.reduce((sum, sigma) => sum + normalBelow(-edge / sigma), 0)
      if (beyond > dropped) low = edge
      else high = edge
    }
    const inside = all.reduce((sum, sigma) => sum + 1 - 2 * normalBelow(-low / sigma), 0) / n
    return { inside, squares: all.map((sigma) => mean(sigma, (x) => Math.min(low * low, x * x))) }
  }
  const [alike, own] = [cut(sigmas.map(() => 1)), cut(sigmas)]
  const found = sigmas.map((sigma, k) => {
    return ((own.squares[k] / sigma ** 2 / own.inside ** 2) * alike.inside ** 2) / alike.squares[0]
  })
  parts.set(options, found)
  return found
}

function gather(planes: Float32Array[], options: CombineOptions, p: number): Sample[] {
  const samples: Sample[] = []
  const noise = options.noise as NoiseModel | undefined
  planes.forEach((plane, k) => {
    const scale = options.scale?.[k] ?? 1
    const value = Math.fround((plane[p] - (options.offset?.[k] ?? 0)) * scale)
    const variance = ((options.errors?.[k][p] ?? Number.NaN) * scale) ** 2
    const inverse = options.method === 'weighted' && !options.weights
    const weight = inverse ? 1 / variance : (options.weights?.[k] ?? 1)
    if (!Number.isFinite(value) || ((options.masks?.[k]?.[p] ?? 0) & (options.maskBits ?? -1)) !== 0) return
    if (inverse && !(variance > 0 && variance < Number.POSITIVE_INFINITY)) return
    const background = Math.max(0, options.background?.[k] ?? 0)
    const own = scale ** 2 * ((noise?.variance0 ?? 0) + (noise?.variancePerUnit ?? 0) * background)
    const constant = own * (partsOf(planes.length, options)?.[k] ?? 1)
    const perUnit = Math.abs(scale) * (noise?.variancePerUnit ?? 0)
    samples.push({ value, variance, weight, constant, perUnit })
  })
  return samples
}

const middle = (values: number[]) => median([...values])

function spread(samples: Sample[]): number {
  const centre = middle(samples.map((s) => s.value))
  const distances = samples.map((s) => Math.abs(s.value - centre))
  const sigma = toSigma(samples.length) * middle(distances)
  return sigma > 0 ? sigma : (1.2533141 * distances.reduce((a, b) => a + b, 0)) / samples.length
}

function clip(all: Sample[], options: CombineOptions): Sample[] {
  const { noise, errors, clipLow = 4, clipHigh = 4 } = options
  const rounds = options.iterations ?? (noise || errors ? 5 : 1)
  let samples = all
  for (let round = 0; round < rounds && samples.length > 0; round++) {
    const sigma = spread(samples)
    const near = (centre: number) =>
      samples.filter((s) => {
        const model = s.constant + s.perUnit * Math.max(0, centre) + relativeOf(options, centre)
        const variance = noise ? model : errors ? s.variance : sigma ** 2
        return (s.value - centre) ** 2 <= (s.value < centre ? clipLow : clipHigh) ** 2 * variance
      })
    let kept = near(middle(samples.map((s) => s.value)))
    if (kept.length === 0) {
      const sorted = samples.map((s) => s.value).sort((a, b) => a - b)
      kept = near(sorted[(sorted.length - 1) >> 1])
    }
    if (kept.length === samples.length) break
    samples = kept
  }
  return samples
}

function weightedMean(samples: Sample[], options: CombineOptions): OraclePixel {
  const n = samples.length
  const total = (f: (s: Sample) => number) => samples.reduce((sum, s) => sum + f(s), 0)
  const weights = total((s) => s.weight)
  const value = total((s) => s.weight * s.value) / weights
  const square = (s: Sample) => s.weight ** 2
  let variance = options.errors
    ? total((s) => square(s) * s.variance)
    : modelled(
        value,
        total((s) => square(s) * s.constant),
        total((s) => square(s) * s.perUnit),
        weights ** 2,
      ) +
      total(square) * relativeOf(options, value)
  if (!options.errors && !options.noise) {
    const sample = (total((s) => s.weight * (s.value - value) ** 2) / weights) * (n / (n - 1))
    variance = total((s) => s.weight ** 2) * sample
  }
  return { value, error: Math.sqrt(variance) / weights, count: n }
}

function ordered(samples: Sample[], options: CombineOptions): OraclePixel {
  const n = samples.length
  const sorted = samples.map((s) => s.value).sort((a, b) => a - b)
  let value = middle(sorted)
  let count = n
  if (options.method === 'minmax') {
    const inner = sorted.slice(options.lowest ?? 1, n - (options.highest ?? 1))
    count = Math.max(inner.length, Math.min(n, 1))
    if (inner.length > 0 && n - (options.lowest ?? 1) - (options.highest ?? 1) > 0) {
      value = inner.reduce((a, b) => a + b) / inner.length
    } else count = Math.min(n, 1)
  }
  const centre = middle(sorted)
  const distances = sorted.map((v) => Math.abs(v - centre))
  const scatter = n > 1 ? (toSigma(n) * middle(distances)) ** 2 * n : Number.NaN
  const total = (f: (s: Sample) => number) => samples.reduce((sum, s) => sum + f(s), 0)
  let summed = scatter
  if (options.errors) summed = total((s) => s.variance)
  else if (options.noise) {
    summed =
      modelled(
        value,
        total((s) => s.constant),
        total((s) => s.perUnit),
        n * n,
      ) +
      n * relativeOf(options, value)
  }
  if (options.method === 'median' && options.errors) {
    summed = n * (n / total((s) => 1 / Math.sqrt(s.variance))) ** 2
  } else if (options.method === 'median' && options.noise) {
    const own = total((s) => s.constant) / (n * n)
    const of = (s: Sample) => modelled(value, s.constant, s.perUnit, s.constant / own) + relativeOf(options, value)
    summed = n * (n / total((s) => 1 / Math.sqrt(of(s)))) ** 2
  }
  // the loss of efficiency, and of noisy samples in a median, is tested on its own, by simulation
  return { value, error: Math.sqrt(summed) / n, count }
}

/** Summed variance by the noise model; a level near zero is drawn to zero. */
function modelled(value: number, constant: number, perUnit: number, weight: number): number {
  const bright = Math.max(0, value)
  return constant + (perUnit * bright * bright ** 2) / (bright ** 2 + constant / weight + 1e-30)
}

function relativeOf(options: CombineOptions, value: number): number {
  return (((options.noise as NoiseModel | undefined)?.relative ?? 0) * value) ** 2
}
