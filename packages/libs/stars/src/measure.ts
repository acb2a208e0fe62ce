import type { Background } from '@nightpipe/image'
import { radiusHolding, sumCircle } from './aperture.js'
import { windowedCentroid } from './centroid.js'
import type { FoundStars } from './found.js'
import type { Isophote } from './isophote.js'
import { KRON_REACH, kronRadius, sumEllipse } from './kron.js'
import type { FindOptions } from './options.js'
import { cutStamp, newStamp, type Scene, type Stamp } from './scene.js'
import { StarFlag } from './stars.js'
import { fullWidth } from './width.js'

/** Stamps reach no further than this from the centre, px. */
const LARGEST_STAMP = 250

/** Centroids, shapes and fluxes of sources by the pixels about them, one after the other. */
export function measureSources(
  sources: readonly Isophote[],
  scene: Scene,
  background: Background,
  options: FindOptions,
): FoundStars {
  const stars = emptyStars(sources.length, options.apertures)
  const stamp = newStamp(2 * 64 + 1)
  const level = background.expand()
  const room = { stamp, lines: new Float64Array(4 * LARGEST_STAMP + 2), sum: { flux: 0, variance: 0 } }
  sources.forEach((source, i) => {
    measureOne(stars, i, source, scene, options, room)
    const p = Math.round(source.y) * scene.width + Math.round(source.x)
    stars.background[i] = level[p]
  })
  return stars
}

interface Room {
  stamp: Stamp
  lines: Float64Array
  sum: { flux: number; variance: number }
}

function measureOne(
  stars: FoundStars,
  i: number,
  source: Isophote,
  scene: Scene,
  options: FindOptions,
  room: Room,
): void {
  const { stamp, lines, sum } = room
  const widest = Math.max(...options.apertures)
  const half = Math.min(LARGEST_STAMP, Math.ceil(Math.max(KRON_REACH * source.a, widest, 8)) + 2)
  cutStamp(stamp, scene, i + 1, source.x, source.y, half)
  storeIsophote(stars, i, source, scene)

  const kron = kronRadius(stamp, source.x, source.y, source)
  const factor = Math.min(Math.max(options.kronFactor * kron, options.kronMinimum), (half - 1) / source.a)
  sumEllipse(stamp, source.x, source.y, source, factor, sum)
  stars.kronRadius[i] = factor
  stars.flux[i] = sum.flux
  stars.fluxError[i] = Math.sqrt(sum.variance)

  const total = sum.flux
  const holding = total > 0 ? radiusHolding(stamp, source.x, source.y, total / 2, half) : Number.NaN
  const sigma = Math.max(0.6, ((Number.isNaN(holding) ? source.a : holding) * 2) / 2.3548)
  const centre = windowedCentroid(stamp, source.x, source.y, sigma, lines)
  stars.x[i] = centre.x
  stars.y[i] = centre.y
  stars.xError[i] = centre.xError
  stars.yError[i] = centre.yError
  stars.halfLight[i] = total > 0 ? radiusHolding(stamp, centre.x, centre.y, total / 2, half) : Number.NaN
  stars.fwhm[i] = fullWidth(stamp, centre.x, centre.y, Math.min(half, 3 * source.a + 2))
  options.apertures.forEach((radius, k) => {
    sumCircle(stamp, centre.x, centre.y, radius, sum)
    stars.apertures.flux[k][i] = sum.flux
    stars.apertures.error[k][i] = Math.sqrt(sum.variance)
  })
  let flags = source.flags
  if (stamp.foreign > 0.1 * Math.PI * source.a * source.b * factor * factor) flags |= StarFlag.neighbours
  if (stamp.masked > 0 && flags & StarFlag.masked) flags |= StarFlag.apertureIncomplete
  if (stamp.outside > 0 && flags & StarFlag.truncated) flags |= StarFlag.apertureIncomplete
  stars.flags[i] = flags
  stars.starness[i] = 1
}

function storeIsophote(stars: FoundStars, i: number, source: Isophote, scene: Scene): void {
  stars.peak[i] = source.peak
  stars.a[i] = source.a
  stars.b[i] = source.b
  stars.theta[i] = (source.theta * 180) / Math.PI
  stars.area[i] = source.pixels.length
  stars.isophotalFlux[i] = source.flux
  const sky = scene.skyNoise(Math.round(source.x), Math.round(source.y)) ** 2
  let variance = 0
  for (const p of source.pixels) {
    variance += scene.error ? scene.error[p] ** 2 : sky + Math.max(0, scene.net[p] || 0) * scene.perUnit
  }
  stars.isophotalError[i] = Math.sqrt(variance)
  stars.xIsophotal[i] = source.x
  stars.yIsophotal[i] = source.y
  stars.xMinimum[i] = source.x0
  stars.xMaximum[i] = source.x1
  stars.yMinimum[i] = source.y0
  stars.yMaximum[i] = source.y1
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
