import { medianOf } from '@nightpipe/math'
import type { StarLight } from '@nightpipe/registration'
import { type Circles, weightsOfRings } from './circles.js'
import { fitShape, type Gathered, LIKELY, type Shape, transfersOf, type Widths } from './equal-seeing.js'
import { type Sample, type SteadyMean, steadyMean } from './flux-ratio.js'

/** A frame as its stars show it. */
export interface Sighting {
  stars: StarLight
  seeing: number
  /** Electrons in a unit of the frame. */
  gain: number
  /** Noise of sums over that of pixels. */
  noiseFactor: number
}

/** Flux in the reference over that in the frame. */
export interface Comparison {
  scale: number
  error: number
  /** Stars that it is from. */
  common: number
}

/** Stars scatter by this at least, and single ones do not rule the sum. */
const SCATTER = 1e-3
const EXCESS = 1e-2
/** Times that the profiles are fitted, each time to what the last fit left of outliers. */
const FITS = 2
const SMALL = 1e-3

/**
 * The ratio of fluxes of two frames of unlike seeing. Stars are compared in circles after the sharper frame was given the seeing of the
 * other: their neighbours are then counted alike in both, in the circle and in the ring of the sky, and nothing of the wings is
 * lost that the other has not lost as well.
 */
export function compareLight(reference: Sighting, frame: Sighting, circles: Circles): Comparison | undefined {
  const seeing = { reference: reference.seeing, frame: frame.seeing }
  if (!(seeing.reference > 0 && seeing.frame > 0)) return undefined
  let [shape, error] = [LIKELY, 0]
  for (let fit = 0; ; fit++) {
    const measured = measureAt(shape, reference, frame, circles, seeing)
    if (!measured) return undefined
    const { ratio, fluxes } = measured
    const scale = Math.exp(ratio.mean)
    if (fit === FITS) return { scale, error: scale * Math.hypot(ratio.error, error), common: ratio.count }
    const light = gather(reference, frame, fluxes, ratio)
    const found = fitShape(circles, light, seeing)
    shape = found.shape
    error = found.errorOf(slopesOf(circles, light, seeing, shape))
  }
}

/** The same to a per cent, of usual profiles: enough to see where two frames are unlike. */
export function roughScale(reference: Sighting, frame: Sighting, circles: Circles): number | undefined {
  const seeing = { reference: reference.seeing, frame: frame.seeing }
  if (!(seeing.reference > 0 && seeing.frame > 0)) return undefined
  const measured = measureAt(LIKELY, reference, frame, circles, seeing)
  return measured && Math.exp(measured.ratio.mean)
}

interface StarFlux {
  place: number
  flux: number
  sample: Sample
}

function measureAt(shape: Shape, reference: Sighting, frame: Sighting, circles: Circles, seeing: Widths) {
  const transfers = transfersOf(circles.waves, seeing, shape)
  const [ours, theirs] = [weightsOfRings(circles, transfers.reference), weightsOfRings(circles, transfers.frame)]
  const area = circles.areas[circles.areas.length - 1]
  const seen = Array.from(reference.stars.sigma, (_, place) => {
    const flux = weighed(reference.stars, place, ours)
    return {
      place,
      flux,
      ratio: flux / weighed(frame.stars, place, theirs),
      variance: varianceOf(reference, place, flux, area),
      unsure: (unsureOf(reference.stars, place, ours) / flux) ** 2,
    }
  }).filter(({ flux, ratio, variance }) => flux > 0 && ratio > 0 && isBright(variance))
  if (seen.length === 0) return undefined
  // by their own fluxes in the frame, stars would count for more where noise made them brighter
  const middle = medianOf(seen.map(({ ratio }) => ratio))
  const fluxes = seen.flatMap(({ place, flux, ratio, variance, unsure }): StarFlux[] => {
    const theirVariance = varianceOf(frame, place, flux / middle, area)
    if (!isBright(theirVariance)) return []
    const theirUnsure = ((middle * unsureOf(frame.stars, place, theirs)) / flux) ** 2
    const value = Math.log(ratio)
    return [{ place, flux, sample: { value, variance: variance + theirVariance + unsure + theirUnsure } }]
  })
  const samples = fluxes.map(({ sample }) => sample)
  const ratio = steadyMean(samples, SCATTER)
  return ratio && { ratio, fluxes }
}

/** Of the logarithm of a flux. */
function varianceOf({ stars, gain, noiseFactor }: Sighting, place: number, flux: number, area: number): number {
  return (area * (noiseFactor * stars.sigma[place]) ** 2 + flux / gain) / flux ** 2
}

/** Stars of ten sigma still tell. */
const isBright = (variance: number) => variance < 0.01

function weighed({ light, rings }: StarLight, k: number, weights: Float64Array): number {
  let sum = 0
  for (let b = 0; b < rings; b++) sum += weights[b] * light[k * rings + b]
  return sum
}

/** What saturated neighbours may add to a star or take from it: of what they have, only the least is known. */
function unsureOf({ clipped, rings }: StarLight, k: number, weights: Float64Array): number {
  let sum = 0
  for (let b = 0; b < rings; b++) sum += Math.abs(weights[b]) * clipped[k * rings + b]
  return sum
}

/** The light of the stars that were kept, added up with the same weights in both frames. */
function gather(
  reference: Sighting,
  frame: Sighting,
  fluxes: readonly StarFlux[],
  { kept, mean }: SteadyMean,
): Gathered {
  const { rings } = reference.stars
  const sum: Gathered = {
    ...{ reference: new Float64Array(rings), frame: new Float64Array(rings) },
    ...{ skyVariance: 0, lightVariance: 0 },
  }
  const scale = Math.exp(mean)
  let [light, variance] = [0, 0]
  fluxes.forEach(({ place, flux, sample }, n) => {
    if (!kept[n]) return
    const weight = 1 / (flux * (sample.variance + EXCESS ** 2))
    for (let b = 0; b < rings; b++) {
      sum.reference[b] += weight * reference.stars.light[place * rings + b]
      sum.frame[b] += weight * frame.stars.light[place * rings + b]
    }
    const [ours, theirs] = [reference, frame].map((one) => (one.noiseFactor * one.stars.sigma[place]) ** 2)
    sum.skyVariance += weight ** 2 * (theirs + ours / scale ** 2)
    variance += (weight ** 2 * flux * (1 / reference.gain / scale + 1 / frame.gain)) / scale
    light += (weight * flux) / scale
  })
  sum.lightVariance = variance / light
  return sum
}

/** By how much the logarithm of the ratio changes with each value of the shape. */
function slopesOf(circles: Circles, light: Gathered, seeing: Widths, shape: Shape): number[] {
  const logAt = (one: Shape) => {
    const transfers = transfersOf(circles.waves, seeing, one)
    const inCircle = (rings: Float64Array, transfer: Float64Array) => {
      const weights = weightsOfRings(circles, transfer)
      return rings.reduce((sum, value, b) => sum + value * weights[b], 0)
    }
    return Math.log(inCircle(light.reference, transfers.reference) / inCircle(light.frame, transfers.frame))
  }
  const here = logAt(shape)
  return shape.map(
    (_, i) => (logAt(shape.map((value, j) => (j === i ? value + SMALL : value)) as Shape) - here) / SMALL,
  )
}
