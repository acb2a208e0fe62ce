import { random } from '@nightpipe/math'

/** A simulated field seen twice: another code than that under test makes it, pixel by pixel. */
export interface PairOptions {
  width: number
  height: number
  stars: number
  /** Sigmas of the round Gaussian stars, px; `spread` widens those of the new image towards the right, as a part. */
  sigmaNew: number
  sigmaReference: number
  spread?: number
  /** Noise of the sky, and electrons per unit. */
  noiseNew: number
  noiseReference: number
  gain: number
  /** Flux in the new image over flux in the reference. */
  ratio: number
  /** Brightest and faintest star, in the reference. */
  fluxes: [number, number]
  sources?: { x: number; y: number; flux: number }[]
  seed: number
}

export interface Pair {
  fresh: Float32Array
  reference: Float32Array
  freshVariance: Float32Array
  referenceVariance: Float32Array
  stars: { x: number; y: number; flux: number }[]
  sigmaAt(x: number): number
}

export function makePair(o: PairOptions): Pair {
  const { uniform, normal } = random(o.seed)
  const stars = Array.from({ length: o.stars }, () => ({
    x: uniform() * (o.width - 1),
    y: uniform() * (o.height - 1),
    flux: o.fluxes[1] * (o.fluxes[0] / o.fluxes[1]) ** (uniform() ** 2),
  }))
  const sigmaAt = (x: number) => o.sigmaNew * (1 + ((o.spread ?? 0) * x) / o.width)
  const light = () => new Float64Array(o.width * o.height)
  const [fresh, reference] = [light(), light()]
  for (const { x, y, flux } of stars) {
    addStar(fresh, o, x, y, flux * o.ratio, sigmaAt(x))
    addStar(reference, o, x, y, flux, o.sigmaReference)
  }
  for (const { x, y, flux } of o.sources ?? []) addStar(fresh, o, x, y, flux, sigmaAt(x))
  const noisy = (image: Float64Array, sigma: number) => {
    const variance = Float32Array.from(image, (value) => sigma * sigma + value / o.gain)
    return { variance, pixels: Float32Array.from(image, (value, p) => value + Math.sqrt(variance[p]) * normal()) }
  }
  const [a, b] = [noisy(fresh, o.noiseNew), noisy(reference, o.noiseReference)]
  return {
    ...{ fresh: a.pixels, reference: b.pixels, freshVariance: a.variance, referenceVariance: b.variance },
    stars,
    sigmaAt,
  }
}

function addStar(image: Float64Array, o: PairOptions, cx: number, cy: number, flux: number, sigma: number): void {
  const reach = Math.ceil(6 * sigma)
  const peak = flux / (2 * Math.PI * sigma * sigma)
  for (let y = Math.max(0, Math.round(cy) - reach); y <= Math.min(o.height - 1, Math.round(cy) + reach); y++) {
    for (let x = Math.max(0, Math.round(cx) - reach); x <= Math.min(o.width - 1, Math.round(cx) + reach); x++) {
      image[y * o.width + x] += peak * Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma * sigma))
    }
  }
}

/** A Gaussian on (2 half + 1)² pixels, of sum 1. */
export function gaussianPsf(half: number, sigma: number): Float64Array {
  const side = 2 * half + 1
  const image = Float64Array.from({ length: side * side }, (_, p) => {
    const [u, v] = [(p % side) - half, Math.floor(p / side) - half]
    return Math.exp(-(u * u + v * v) / (2 * sigma * sigma))
  })
  const total = image.reduce((a, b) => a + b)
  return image.map((value) => value / total)
}
