import type { FoundStars } from './found.js'
import { measureRaw, type RawResults, RESULT } from './measure-raw.js'
import type { FindOptions } from './options.js'
import type { Scene } from './scene.js'
import { SOURCE, type Sources, sourceAt } from './sources.js'
import { StarFlag } from './stars.js'
import type { Surface } from './surface.js'

/** Centroids, shapes and fluxes of sources by the pixels about them. */
export function measureSources(
  sources: Sources,
  scene: Scene,
  level: Surface,
  coreRadius: number,
  options: FindOptions & { width?: number },
  /** Variance that a pixel at a place has in common with the others of an aperture. */
  shared: (x: number, y: number) => number,
): { stars: FoundStars; light: Float64Array; elongation: Float64Array } {
  const { apertures, classic, neighbours } = options
  const stars = emptyStars(sources.count, apertures)
  const raw = measureRaw(sources, scene, {
    ...{ ...options, grid: classic ? 5 : 0, mirror: neighbours === 'replace' },
    apertures: [...apertures, coreRadius],
  })
  const [light, elongation] = [new Float64Array(sources.count), new Float64Array(sources.count)]
  for (let i = 0; i < sources.count; i++) {
    storeIsophote(stars, i, sources)
    storeRaw(stars, i, raw, shared)
    stars.flags[i] = sourceAt(sources, i, SOURCE.flags) | strangeFlags(raw, i)
    stars.background[i] = level.at(stars.x[i], stars.y[i])
    light[i] = raw.circle(i, apertures.length)[0]
    elongation[i] = elongationOf(raw, i)
  }
  return { stars, light, elongation }
}

function storeIsophote(stars: FoundStars, i: number, sources: Sources): void {
  const of = (field: (typeof SOURCE)[keyof typeof SOURCE]) => sourceAt(sources, i, field)
  stars.peak[i] = of(SOURCE.peak)
  stars.a[i] = of(SOURCE.a)
  stars.b[i] = of(SOURCE.b)
  stars.theta[i] = (of(SOURCE.theta) * 180) / Math.PI
  stars.area[i] = of(SOURCE.area)
  stars.isophotalFlux[i] = of(SOURCE.flux)
  stars.isophotalError[i] = Math.sqrt(of(SOURCE.variance))
  stars.xIsophotal[i] = of(SOURCE.x)
  stars.yIsophotal[i] = of(SOURCE.y)
  stars.xMinimum[i] = of(SOURCE.x0)
  stars.xMaximum[i] = of(SOURCE.x1)
  stars.yMinimum[i] = of(SOURCE.y0)
  stars.yMaximum[i] = of(SOURCE.y1)
}

function storeRaw(stars: FoundStars, i: number, raw: RawResults, shared: (x: number, y: number) => number): void {
  stars.x[i] = raw.of(i, RESULT.x)
  stars.y[i] = raw.of(i, RESULT.y)
  const common = shared(stars.x[i], stars.y[i])
  stars.xError[i] = raw.of(i, RESULT.xError)
  stars.yError[i] = raw.of(i, RESULT.yError)
  stars.kronRadius[i] = raw.of(i, RESULT.kron)
  stars.flux[i] = raw.of(i, RESULT.flux)
  stars.fluxError[i] = Math.sqrt(raw.of(i, RESULT.variance) + common * raw.of(i, RESULT.all) ** 2)
  stars.halfLight[i] = raw.of(i, RESULT.halfLight)
  stars.fwhm[i] = raw.of(i, RESULT.fwhm)
  const { flux, error, radii } = stars.apertures
  for (let k = 0; k < radii.length; k++) {
    const [sum, variance] = raw.circle(i, k)
    flux[k][i] = sum
    error[k][i] = Math.sqrt(variance + common * (Math.PI * radii[k] ** 2) ** 2)
  }
}

/**
 * Axis ratio of the profile itself: second moments under the window, with the window taken off again as for a Gaussian,
 * C⁻¹ = M⁻¹ - 1 / sigma². NaN where that leaves nothing.
 */
function elongationOf(raw: RawResults, i: number): number {
  const [xx, yy, xy] = [raw.of(i, RESULT.windowXX), raw.of(i, RESULT.windowYY), raw.of(i, RESULT.windowXY)]
  const determinant = xx * yy - xy * xy
  const window = 1 / raw.of(i, RESULT.window) ** 2
  const [a, b, c] = [yy / determinant - window, xx / determinant - window, -xy / determinant]
  const half = Math.hypot((a - b) / 2, c)
  const mean = (a + b) / 2
  return mean > half ? Math.sqrt((mean + half) / (mean - half)) : Number.NaN
}

/** What the ellipse of the total flux had in it besides the source. */
function strangeFlags(raw: RawResults, i: number): number {
  const masked = raw.of(i, RESULT.masked) > 0
  const outside = raw.of(i, RESULT.outside) > 0
  return (
    (raw.of(i, RESULT.foreign) > 0.1 * raw.of(i, RESULT.all) ? StarFlag.neighbours : 0) |
    (outside || masked ? StarFlag.apertureIncomplete : 0) |
    (masked ? StarFlag.masked : 0)
  )
}

function emptyStars(count: number, radii: readonly number[]): FoundStars {
  const double = () => new Float64Array(count)
  const single = () => new Float32Array(count)
  const whole = () => new Int32Array(count)
  return {
    ...{ count, x: double(), y: double(), xError: single(), yError: single(), flux: double(), fluxError: double() },
    ...{ peak: single(), background: single(), a: single(), b: single(), theta: single(), fwhm: single() },
    ...{ halfLight: single(), starness: single(), flags: new Int16Array(count) },
    apertures: { radii: [...radii], flux: radii.map(double), error: radii.map(double) },
    ...{ area: whole(), isophotalFlux: double(), isophotalError: double(), xIsophotal: double(), yIsophotal: double() },
    ...{ xMinimum: whole(), xMaximum: whole(), yMinimum: whole(), yMaximum: whole() },
    ...{ kronRadius: single(), significance: single() },
  }
}
