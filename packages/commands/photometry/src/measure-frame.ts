import type { Frame } from '@nightpipe/image'
import { allocate } from '@nightpipe/kernels'
import {
  type ApertureFluxes,
  type ApertureOptions,
  buildPsf,
  type Found,
  findStars,
  fitCrowdedField,
  fitPsfFluxes,
  goodStars,
  measureApertures,
  type Psf,
  type PsfFluxes,
  refinePsf,
  StarFlag,
  varianceTogether,
} from '@nightpipe/stars'
import type { PhotFacts } from './frame-facts.js'
import { type Growth, growthCurve } from './growth.js'
import { findLimits, type Limits } from './limits.js'
import type { Config } from './schema.js'

/** All sources of a frame: those that were detected, then those that only the fit of a crowd brought out. */
export interface FrameMeasures {
  found: Found
  owner: Int32Array
  /** Width that the circles are multiples of, px. */
  width: number
  /** Number of the circle that magnitudes come from. */
  chosen: number
  count: number
  detected: number
  x: Float64Array
  y: Float64Array
  flags: Int16Array
  circles: ApertureFluxes
  growth: Growth
  /** Total flux by the chosen circle and the growth curve. */
  flux: Float64Array
  fluxError: Float64Array
  psf?: Psf
  /** Fluxes of the fit, brought to the scale of the circles. */
  fit?: PsfFluxes
  /** The scale of the circles over that of the fit. */
  fitScale: number
  limits: Limits
  /** Of the frame: where limits are told for. */
  middle: [number, number]
  gain?: number
}

interface Places {
  x: ArrayLike<number>
  y: ArrayLike<number>
}
type Alone = NonNullable<ApertureOptions['alone']>
type Sums = (at: Places, less: Alone | undefined) => ApertureFluxes

/** Detects and measures the stars of a frame; nothing of the sky yet. `found.net` is in kernel memory, the caller's scope. */
export function measureFrame(frame: Frame, facts: PhotFacts, config: Config): FrameMeasures {
  const { detection, noise } = config
  const gain = noise.gain ?? facts.gain
  const saturation = noise.saturation ?? facts.saturation
  const net = allocate(Float32Array, frame.pixels.length)
  const found = findStars(frame, { ...{ threshold: detection.threshold, mesh: detection.mesh }, gain, saturation, net })
  const owner = found.segmentation()
  const width = config.aperture.fixed > 0 ? config.aperture.fixed : found.quality.seeing
  if (!(width > 0)) throw new RangeError('no star tells how wide stars are; set [aperture] fixed')
  const { psf, fit } = fitProfile(frame, found, config, gain, saturation)
  // the meshes took the wings of stars for sky: what the fit found under them is better
  if (fit) for (let p = 0; p < found.net.length; p++) found.net[p]! -= fit.hidden[p]!
  const detected = found.stars.count
  const extra = fit ? fit.from.reduce((n, from) => n + (from < 0 ? 1 : 0), 0) : 0
  const places = joinPlaces(found, fit, extra)
  const factors = [...new Set([...config.aperture.radii, config.aperture.radius])].sort((a, b) => a - b)
  const radii = factors.map((factor) => factor * width)
  const chosen = factors.indexOf(config.aperture.radius)
  const ring = config.aperture.sky === 'ring' ? ringOf(config, width) : undefined
  const alone = fit && withoutOthers(fit, places.order)
  const crowded = config.psf.fit === 'crowded' ? alone : undefined
  const sums = (at: Places, less: Alone | undefined) =>
    measureApertures(frame, found, owner, at, { radii, gain, ring, alone: less })
  const circles = sums(places, crowded)
  const good = lone(found)
  const growth = growthCurve({
    ...{ width: frame.width, height: frame.height, radii, psf },
    ...(alone && !crowded ? growthStars(good, places, alone, sums) : { ...places, ...circles, good }),
    order: config.aperture.order,
  })
  const flux = new Float64Array(places.x.length)
  const fluxError = new Float64Array(places.x.length)
  for (let i = 0; i < flux.length; i++) {
    const part = growth.part(chosen, places.x[i]!, places.y[i]!)
    flux[i] = circles.flux[chosen]![i]! / part
    fluxError[i] = circles.error[chosen]![i]! / part
  }
  const aligned = fit && scaleFit(fit, places.order, flux, fluxError, good)
  const limits = findLimits({
    ...{ frame, found, owner, psf, radius: radii[chosen]!, threshold: detection.threshold, gain },
    ...{ apertures: config.limit.apertures, injected: config.limit.injected },
  })
  return {
    ...{ found, owner, width, chosen, count: flux.length, detected, x: places.x, y: places.y, flags: places.flags },
    ...{ circles, growth, flux, fluxError, psf, fit: aligned?.fluxes, limits, gain },
    middle: [(frame.width - 1) / 2, (frame.height - 1) / 2],
    fitScale: aligned?.ratio ?? 1,
  }
}

const ringOf = ({ aperture }: Config, width: number): [number, number] => [
  aperture.ring[0]! * width,
  (aperture.ring[1] ?? aperture.ring[0]! + 2) * width,
]

function fitProfile(frame: Frame, found: Found, { psf: keys }: Config, gain?: number, saturation?: number) {
  if (keys.fit === 'no') return {}
  const skySigma = found.quality.skySigma
  let psf: Psf
  const model = { order: keys.order, most: keys.stars, gain, skySigma, saturation }
  try {
    psf = buildPsf(frame, found.stars, model)
  } catch (error) {
    if (error instanceof RangeError) return {} // no star is fit for it: circles do without
    throw error
  }
  const options = { gain, skySigma }
  const perUnit = frame.error || !gain ? 0 : 1 / gain
  if (keys.fit === 'crowded') {
    const crowd = { ...options, passes: keys.passes }
    const start = fitCrowdedField(frame, psf, found, { ...crowd, rounds: 2 })
    const better = refinePsf(frame, psf, start, model)
    const fit = fitCrowdedField(frame, better, found, { ...crowd, passes: 1, start })
    return { psf: better, fit: { ...fit, ...errorsOf(fit, better, found, perUnit) } }
  }
  const plain = fitPsfFluxes(frame, psf, found.stars, { ...options, net: found.net })
  return { psf, fit: { ...plain, ...errorsOf(plain, psf, found, perUnit), from: Int32Array.from(plain.x.keys()) } }
}

/** Errors of fits take pixels for independent: here they have what neighbours share. */
function errorsOf({ flux, fluxError, xError, yError }: PsfFluxes, psf: Psf, { correlation }: Found, perUnit: number) {
  if (!correlation) return {}
  const side = 2 * psf.half + 1
  const values = psf.render((psf.width - 1) / 2, (psf.height - 1) / 2, side)
  const factor = correlation.filtered({ width: side, height: side, values })
  const raised = fluxError.map((error, i) => Math.sqrt(varianceTogether(error ** 2, factor, flux[i]!, perUnit)))
  const placed = (errors: Float32Array) => errors.map((error, i) => (error * raised[i]!) / fluxError[i]!)
  return { fluxError: raised, xError: placed(xError), yError: placed(yError) }
}

/** Places of the detected stars, then of those that only the fit knows; `order` says where each fitted star stands. */
function joinPlaces({ stars }: Found, fit: (PsfFluxes & { from: Int32Array }) | undefined, extra: number) {
  const count = stars.count + extra
  const x = new Float64Array(count)
  const y = new Float64Array(count)
  const flags = new Int16Array(count)
  x.set(stars.x)
  y.set(stars.y)
  flags.set(stars.flags)
  let next = stars.count
  const order = fit
    ? Int32Array.from(fit.from, (from, k) => {
        if (from >= 0) return from
        x[next] = fit.x[k]!
        y[next] = fit.y[k]!
        flags[next] = StarFlag.deblended
        return next++
      })
    : new Int32Array(0)
  return { x, y, flags, order }
}

/** For circles: the frame less all fitted stars, and of each place its own. */
function withoutOthers({ residual, subtracted }: PsfFluxes, order: Int32Array): Alone {
  const stars = new Map([...order].map((place, k) => [place, subtracted[k]]))
  return { residual, own: (place) => stars.get(place) }
}

/** The stars that tell the growth curve, without their neighbours: in a crowd no wide ring is free of these. */
function growthStars(good: readonly number[], { x, y }: Places, { residual, own }: Alone, sums: Sums) {
  const at = { x: good.map((i) => x[i]!), y: good.map((i) => y[i]!) }
  const { flux, error } = sums(at, { residual, own: (k) => own(good[k]!) })
  return { ...at, flux, error, good: [...good.keys()] }
}

const UNFIT = StarFlag.saturated | StarFlag.truncated | StarFlag.masked | StarFlag.cosmicRay

/** Stars whose light is only theirs. */
function lone(found: Found): number[] {
  const { stars } = found
  return goodStars(stars, 50).filter(
    (i) => (stars.flags[i]! & (UNFIT | StarFlag.neighbours | StarFlag.deblended)) === 0,
  )
}

/** The fluxes of the fit in the order of the frame, on the scale of the circles: the median ratio of bright lone stars. */
function scaleFit(
  fit: PsfFluxes,
  order: Int32Array,
  flux: Float64Array,
  fluxError: Float64Array,
  good: readonly number[],
): { fluxes: PsfFluxes; ratio: number } {
  const count = flux.length
  const spread = <A extends Float64Array | Float32Array>(values: A): A => {
    const out = (values instanceof Float64Array ? new Float64Array(count) : new Float32Array(count)).fill(
      Number.NaN,
    ) as A
    for (let k = 0; k < order.length; k++) out[order[k]!] = values[k]!
    return out
  }
  const all = {
    ...{
      flux: spread(fit.flux),
      fluxError: spread(fit.fluxError),
      chi: spread(fit.chi),
      crowding: spread(fit.crowding),
    },
    ...{ x: spread(fit.x), y: spread(fit.y), xError: spread(fit.xError), yError: spread(fit.yError) },
  }
  const ratios = good
    .filter((i) => all.flux[i]! > 50 * all.fluxError[i]! && flux[i]! > 50 * fluxError[i]!)
    .map((i) => flux[i]! / all.flux[i]!)
    .sort((a, b) => a - b)
  const ratio = ratios.length >= 3 ? ratios[ratios.length >> 1]! : 1
  const scaled = (values: Float64Array) => values.map((value) => value * ratio)
  const fluxes = {
    ...all,
    count,
    flux: scaled(all.flux),
    fluxError: scaled(all.fluxError),
    ...{ residual: fit.residual, hidden: fit.hidden, skySigma: fit.skySigma, subtracted: fit.subtracted },
  }
  return { fluxes, ratio }
}
