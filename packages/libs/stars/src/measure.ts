import { medianOf } from '@nightpipe/math'
import type { FoundStars } from './found.js'
import { gather } from './gather.js'
import { measureRaw, type RawResults, RESULT } from './measure-raw.js'
import { varianceTogether } from './noise-correlation.js'
import type { FindOptions } from './options.js'
import type { Scene } from './scene.js'
import { SOURCE, SOURCE_NUMBERS, type SourceField, type Sources } from './sources.js'
import { StarFlag } from './stars.js'
import type { Surface } from './surface.js'

/** How errors differ from those of independent pixels. */
export interface NoiseOfSums {
  /** Variances that pixels at some places have in common with the others of an aperture. */
  shared: (xs: Float64Array, ys: Float64Array) => Float64Array
  /** Where neighbours share their noise: the factor of that of the filtered image, and of sums over so many pixels. */
  filtered: number
  summed: (pixels: number) => number
}

/** Centroids, shapes and fluxes of sources by the pixels about them. */
export function measureSources(
  sources: Sources,
  scene: Scene,
  level: Surface,
  coreRadius: number,
  options: FindOptions & { width?: number },
  /** What this thread may do while helpers measure. */
  meanwhile: () => void,
  noise: NoiseOfSums,
): { stars: FoundStars; light: Float64Array; elongation: Float64Array } {
  const { apertures, classic, neighbours } = options
  const chosen = {
    ...{ ...options, grid: classic ? 5 : 0, mirror: neighbours === 'replace' },
    apertures: [...apertures, coreRadius],
  }
  const raw = measureRaw(sources, scene, chosen, meanwhile)
  const [x, y] = [raw.column(RESULT.x, Float64Array), raw.column(RESULT.y, Float64Array)]
  const common = noise.shared(x, y)
  const perUnit = scene.error ? 0 : scene.perUnit
  const together: Together = (variance, factor, flux) => varianceTogether(variance, factor, flux, perUnit)
  const count = sources.count
  const light = lightOf(raw, apertures, common, noise, together)
  const { elongation, width } = windowedShapes(raw, count)
  const isophotes = isophotesOf(sources, noise, together)
  const core = gather(sources.records, SOURCE_NUMBERS, SOURCE.variance, Float64Array).map((variance, i) =>
    Math.sqrt(together(variance, noise.filtered, isophotes.isophotalFlux[i]) / variance),
  )
  const error = (what: number) => raw.column(what, Float32Array).map((value, i) => core[i] * value)
  const stars: FoundStars = {
    ...{ count, x, y, ...isophotes, ...shapesOf(sources), ...light },
    ...{ xError: error(RESULT.xError), yError: error(RESULT.yError) },
    ...{ kronRadius: raw.column(RESULT.kron, Float32Array), fwhm: widthsOf(raw, light, width) },
    ...{ halfLight: raw.column(RESULT.halfLight, Float32Array), background: Float32Array.from(level.atAll(x, y)) },
    ...{ starness: new Float32Array(count), significance: new Float32Array(count), flags: flagsOf(sources, raw) },
  }
  return { stars, light: raw.circle(apertures.length)[0], elongation }
}

/** A variance of independent pixels, the factor of the noise, and the flux: see `varianceTogether`. */
type Together = (variance: number, factor: number, flux: number) => number

/** What is known of the pixels within the isophotes. */
function isophotesOf({ records }: Sources, { summed }: NoiseOfSums, together: Together) {
  const double = (field: SourceField) => gather(records, SOURCE_NUMBERS, field, Float64Array)
  const whole = (field: SourceField) => gather(records, SOURCE_NUMBERS, field, Int32Array)
  const [area, isophotalFlux] = [whole(SOURCE.area), double(SOURCE.flux)]
  return {
    ...{ area, isophotalFlux },
    ...{
      isophotalError: double(SOURCE.variance).map((value, i) =>
        Math.sqrt(together(value, summed(area[i]), isophotalFlux[i])),
      ),
      xIsophotal: double(SOURCE.x),
      yIsophotal: double(SOURCE.y),
    },
    ...{
      xMinimum: whole(SOURCE.x0),
      xMaximum: whole(SOURCE.x1),
      yMinimum: whole(SOURCE.y0),
      yMaximum: whole(SOURCE.y1),
    },
  }
}

function shapesOf({ records }: Sources) {
  const single = (field: SourceField) => gather(records, SOURCE_NUMBERS, field, Float32Array)
  const theta = Float32Array.from(
    gather(records, SOURCE_NUMBERS, SOURCE.theta, Float64Array),
    (angle) => (angle * 180) / Math.PI,
  )
  return { peak: single(SOURCE.peak), a: single(SOURCE.a), b: single(SOURCE.b), theta }
}

/** Total fluxes and those in circles, with their errors. */
function lightOf(
  raw: RawResults,
  radii: readonly number[],
  common: Float64Array,
  { summed }: NoiseOfSums,
  together: Together,
) {
  const all = raw.column(RESULT.all, Float64Array)
  const variance = raw.column(RESULT.variance, Float64Array)
  const circles = radii.map((radius, k) => {
    const [flux, spread] = raw.circle(k)
    const pixels = Math.PI * radius ** 2
    const factor = summed(pixels)
    for (let i = 0; i < flux.length; i++) {
      spread[i] = Math.sqrt(together(spread[i], factor, flux[i]) + common[i] * pixels ** 2)
    }
    return { flux, error: spread }
  })
  const total = raw.column(RESULT.flux, Float64Array)
  return {
    flux: total,
    fluxError: variance.map((value, i) =>
      Math.sqrt(together(value, summed(all[i]), total[i]) + common[i] * all[i] ** 2),
    ),
    apertures: { radii: [...radii], flux: circles.map(({ flux }) => flux), error: circles.map(({ error }) => error) },
  }
}

/** Full width at half maximum of a Gaussian over its sigma. */
const SIGMA_TO_WIDTH = 2 * Math.sqrt(2 * Math.LN2)
/** Stars of a total flux below so many of its errors have pixels in the noise where they tell the width of the bright ones. */
const FAINT = 20

/** Bright stars that tell how moments compare with widths; with fewer the profile counts as a Gaussian. */
const TELLING = 5

/**
 * Full widths at half maximum: of bright stars by the logarithm of their pixels, which are the ones above the noise. In
 * faint ones those would be the ones that noise has lifted; there the second moments tell it, which take every pixel. How
 * moments follow the width of a profile with wings, the bright stars of the frame tell.
 */
function widthsOf(
  raw: RawResults,
  { flux, fluxError }: { flux: Float64Array; fluxError: Float64Array },
  byMoments: Float64Array,
): Float32Array {
  const widths = raw.column(RESULT.fwhm, Float32Array)
  const bright = (i: number) => flux[i]! > FAINT * fluxError[i]!
  const ratios = [...widths.keys()]
    .filter((i) => bright(i) && raw.of(i, RESULT.good))
    .map((i) => widths[i]! / byMoments[i]!)
    .filter(Number.isFinite)
  const ratio = ratios.length < TELLING ? 1 : medianOf(ratios)
  return widths.map((width, i) => (bright(i) ? width : ratio * byMoments[i]!))
}

/**
 * Axis ratios and widths of the profiles themselves: second moments under the window, with the window taken off again as
 * for a Gaussian, C⁻¹ = M⁻¹ - 1 / sigma². NaN where that leaves nothing.
 */
function windowedShapes(raw: RawResults, count: number): { elongation: Float64Array; width: Float64Array } {
  const [elongation, width] = [new Float64Array(count), new Float64Array(count)]
  for (let i = 0; i < count; i++) {
    const xx = raw.of(i, RESULT.windowXX)
    const yy = raw.of(i, RESULT.windowYY)
    const xy = raw.of(i, RESULT.windowXY)
    const determinant = xx * yy - xy * xy
    const window = 1 / raw.of(i, RESULT.window) ** 2
    const a = yy / determinant - window
    const b = xx / determinant - window
    const half = Math.hypot((a - b) / 2, -xy / determinant)
    const mean = (a + b) / 2
    elongation[i] = mean > half ? Math.sqrt((mean + half) / (mean - half)) : Number.NaN
    // of a circle of the same area
    width[i] = mean > half ? SIGMA_TO_WIDTH / Math.sqrt(Math.sqrt(mean * mean - half * half)) : Number.NaN
  }
  return { elongation, width }
}

/** The flags of the isophotes, and what the ellipse of the total flux had in it besides the source. */
function flagsOf({ records, count }: Sources, raw: RawResults): Int16Array {
  const flags = new Int16Array(count)
  for (let i = 0; i < count; i++) {
    const masked = raw.of(i, RESULT.masked) > 0
    const outside = raw.of(i, RESULT.outside) > 0
    flags[i] =
      records[i * SOURCE_NUMBERS + SOURCE.flags] |
      (raw.of(i, RESULT.foreign) > 0.1 * raw.of(i, RESULT.all) ? StarFlag.neighbours : 0) |
      (outside || masked ? StarFlag.apertureIncomplete : 0) |
      (masked ? StarFlag.masked : 0)
  }
  return flags
}
