import { type Frame, type Kernel, MaskBit } from '@nightpipe/image'
import { allocate, inKernelMemory, lent, scoped } from '@nightpipe/kernels'
import { medianOf } from '@nightpipe/math'
import { type SkyMesh, skyMesh } from './background.js'
import { cleanSources } from './clean.js'
import { detectSources } from './detect.js'
import type { Found, FoundStars } from './found.js'
import { gather } from './gather.js'
import { gaussianKernel, IDENTITY, separate } from './matched-filter.js'
import { measureSources } from './measure.js'
import { subtractSurface, UNUSABLE } from './net.js'
import { type NoiseCorrelation, noiseCorrelation } from './noise-correlation.js'
import { FIND_DEFAULTS, type FindOptions } from './options.js'
import { widthOfStars } from './own-profile.js'
import { findOwners, segmentationOf } from './owners.js'
import { frameQuality } from './quality.js'
import { findRuns } from './runs.js'
import type { Scene } from './scene.js'
import { sharedNoise } from './shared-noise.js'
import { keepSources, SOURCE, SOURCE_NUMBERS, type SourceField, type Sources } from './sources.js'
import { judgeStars } from './starness.js'
import { StarFlag } from './stars.js'
import { expandSurface, makeSurface, type Surface } from './surface.js'

/** The noise of a frame that has none is that of its numbers, in parts of the level: nothing below it is a star. */
const ROUNDING = 4.76837158203125e-7 // 2 to the -21; a float of 32 bits has 24

/** What is assumed of a frame without a measurable star, px. */
const USUAL_WIDTH = 3

/**
 * The stars of a frame: background by meshes, matched filter, connected pixels, deblending, cleaning, then centroids,
 * shapes and fluxes of each. The frame is not changed, unless `net` is its pixels.
 */
export function findStars(frame: Frame, options: Partial<FindOptions> = {}): Found {
  const chosen = { ...FIND_DEFAULTS, ...options }
  const background = skyMesh(frame, {
    ...{ mesh: chosen.mesh, filter: chosen.meshFilter, classic: chosen.classic },
    maskBits: UNUSABLE | MaskBit.saturated,
  })
  const given = chosen.net ?? new Float32Array(frame.pixels.length)
  return scoped(() => {
    const net = inKernelMemory(given) ? given : allocate(Float32Array, given.length)
    const found = findOnSky(frame, background, net, chosen)
    if (net !== given) given.set(net)
    return { ...found, net: given }
  })
}

function findOnSky(frame: Frame, background: SkyMesh, net: Float32Array, options: FindOptions): Found {
  const { width, height } = frame
  const { columns, rows } = background
  const surface = (map: Float32Array) => makeSurface(map, background, width, height, options.classic)
  const global = medianOf(background.rms)
  const rms = options.classic
    ? background.rms.map(() => global)
    : background.rms.map((sigma, k) => Math.max(sigma, ROUNDING * Math.abs(background.level[k])))
  const [level, noise] = [surface(background.level), surface(rms)]
  subtractSurface(frame, level, net)
  const map = allocate(Float32Array, columns * rows)
  map.set(rms)
  const scene: Scene = {
    ...{
      width,
      height,
      net,
      error: frame.error && lent(frame.error),
      mask: frame.mask && lent(frame.mask),
      noise: { map, columns, rows },
    },
    perUnit: options.gain ? 1 / options.gain : 0,
  }
  const own = options.filter === 'psf' ? widthOfStars(scene, noise, options.saturation) : undefined
  const fwhm = own ?? USUAL_WIDTH
  // SExtractor's sigma is that of a pixel, even of the filtered image
  const correlation = options.classic ? undefined : noiseCorrelation(scene)
  const shape = kernelOf(options.filter, fwhm)
  const kernel = separate(shape)
  const excess = correlation?.filtered(shape) ?? 1
  const filter = options.classic ? { ...kernel, noise: 1, even: true } : { ...kernel, noise: excess * kernel.noise }
  const { minimumArea, threshold, classic } = options
  const isophote = Math.min(options.isophote, threshold)
  const all = detectSources(findRuns(net, width, height, filter, noise, isophote), scene, {
    ...{ minimumArea, threshold, isophote, classic, levels: options.deblendLevels, contrast: options.deblendContrast },
    ...deblending(fwhm, filter.noise, options, correlation),
    factor: filter.noise,
  })
  const sources = keepSources(all, cleanSources(all, options.clean))
  const owners = findOwners(sources, width, height)
  const owned = { ...scene, owners }
  let part = 0
  const meanwhile = () => {
    if (!classic) part = sharedNoise(owned, noise, correlation)
  }
  const shared = (xs: Float64Array, ys: Float64Array) =>
    part > 0 ? noise.atAll(xs, ys).map((sigma) => part * sigma ** 2) : new Float64Array(xs.length)
  const { stars, light, elongation } = measureSources(
    sources,
    owned,
    level,
    fwhm,
    { ...options, width: own, isophote },
    meanwhile,
    { shared, filtered: excess, summed: correlation?.summed ?? (() => 1) },
  )
  const of = (field: SourceField) => gather(sources.records, SOURCE_NUMBERS, field, Float64Array)
  const cores = {
    light,
    noise: of(SOURCE.limit).map((limit) => limit / isophote),
    filteredPeak: of(SOURCE.filteredPeak),
  }
  for (let i = 0; i < sources.count; i++) stars.significance[i] = cores.filteredPeak[i] / cores.noise[i]
  setFrameFlags(stars, sources, frame, level, options.saturation)
  judgeStars(stars, cores)
  const runs = { from: owners.from.slice(), to: owners.to.slice(), number: owners.number.slice() }
  const quality = frameQuality(stars, background, elongation, options)
  const expand = (map: Float32Array) => (out?: Float32Array) =>
    scoped(() => expandSurface(surface(map), width, height, out))
  const sky = { ...background, expand: expand(background.level), expandRms: expand(background.rms) }
  return { stars, background: sky, quality, net, correlation, segmentation: () => segmentationOf(runs, width, height) }
}

/** Width of the smoothing before deblending, in that of the stars. */
const SHARP = 0.5
/** Least rise of a part above the saddle to another one, in thresholds. */
const RISE = 0.5
/** Within so many widths of a brighter star the whole contrast is asked of a fainter one. */
const REACH = 2

/** How parts of a region are told apart: in an image smoothed less than the one that shows faint stars. */
function deblending(
  fwhm: number,
  factor: number,
  { threshold, classic }: FindOptions,
  correlation: NoiseCorrelation | undefined,
) {
  if (classic) return { rise: 0, reach: 0 }
  const kernel = gaussianKernel(SHARP * fwhm)
  const weights = Float32Array.from(kernel.values)
  const noise = separate(kernel).noise * (correlation?.filtered(kernel) ?? 1)
  const rise = (RISE * threshold * noise) / factor
  return { rise, reach: REACH * fwhm, sharp: { half: (kernel.width - 1) / 2, weights } }
}

function kernelOf(filter: FindOptions['filter'], fwhm: number): Kernel {
  return filter === 'psf' ? gaussianKernel(fwhm) : filter === 'none' ? IDENTITY : filter
}

/** Sets the flags of what the frame says of the pixels of sources. */
function setFrameFlags(
  stars: FoundStars,
  { records, count }: Sources,
  { width, height }: Frame,
  level: Surface,
  saturation = Number.POSITIVE_INFINITY,
): void {
  const brightest = gather(records, SOURCE_NUMBERS, SOURCE.brightestAt, Float64Array)
  const full = Number.isFinite(saturation)
  const sky = full
    ? level.atAll(
        brightest.map((p) => p % width),
        brightest.map((p) => Math.floor(p / width)),
      )
    : brightest
  for (let i = 0, at = 0; i < count; i++, at += SOURCE_NUMBERS) {
    const low = records[at + SOURCE.x0] <= 0 || records[at + SOURCE.y0] <= 0
    const high = records[at + SOURCE.x1] >= width - 1 || records[at + SOURCE.y1] >= height - 1
    const bits = records[at + SOURCE.bits]
    const saturated = bits & MaskBit.saturated || (full && records[at + SOURCE.peak] + sky[i] >= saturation)
    stars.flags[i] |=
      (low || high ? StarFlag.truncated : 0) |
      (saturated ? StarFlag.saturated : 0) |
      (bits & UNUSABLE ? StarFlag.masked : 0) |
      (bits & MaskBit.cosmicRay ? StarFlag.cosmicRay : 0)
  }
}
