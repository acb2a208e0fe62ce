// Sources measured one after the other, each on a stamp of its own.
import {
  centroidErrorX, centroidErrorY, centroidGood, centroidX, centroidY, fullWidth, windowedCentroid, windowXX, windowXY, windowYY,
} from './centroid'
import { radiusHolding, roughRadius, steppedRadius, sumCircle, sumFlux, sumVariance } from './circle'
import {
  Ellipse, kronRadius, strangeAll, strangeForeign, strangeMasked, strangeOutside, sumEllipse,
  varianceWithIsophote, varianceWithKron,
} from './kron'
import { Source } from './isophote'
import { seat } from './seat'
import { cutStamp, Scene, Stamp } from './stamp'

@unmanaged
class Options {
  kronFactor: f64
  kronMinimum: f64
  /** The Kron radius is measured within so many semi-axes. */
  kronReach: f64
  /** Points along a pixel of circles, 0 for exact areas; above 0, ellipses take pixels whole, as SExtractor does. */
  grid: f64
  /** Neighbours are replaced by what stands opposite. */
  mirror: f64
  /** Sigma of the stars of the frame, 0 when it tells nothing; and the limit of sources in noise of the filtered image. */
  star: f64
  isophote: f64
}

@unmanaged
class Result {
  kron: f64
  flux: f64
  variance: f64
  x: f64
  y: f64
  errorX: f64
  errorY: f64
  good: f64
  halfLight: f64
  fwhm: f64
  outside: f64
  masked: f64
  foreign: f64
  all: f64
  /** Sigma of the window, and the second moments under it. */
  window: f64
  windowXX: f64
  windowYY: f64
  windowXY: f64
}
const RESULT_BYTES: usize = 144
/** Full width at half maximum of a Gaussian over its sigma. */
const SIGMA_TO_WIDTH: f64 = 2.3548200450309493

/**
 * Measures `count` sources of a scene. `stamps` and `scratches` are addresses, one for each thread: of a stamp that has its
 * arrays set, large enough for the largest half, and of room for 8 (half + 4) float64. A result of 18 float64 each is followed by flux and variance in each of `apertures` circles.
 */
export function measureSources(
  scene: Scene, stamps: usize, sources: usize, count: i32, options: Options, radii: usize, apertures: i32,
  scratches: usize, results: usize,
): void {
  const stamp = changetype<Stamp>(<usize>load<u32>(stamps + ((<usize>seat) << 2)))
  const scratch = <usize>load<u32>(scratches + ((<usize>seat) << 2))
  const step = RESULT_BYTES + ((<usize>apertures) << 4)
  for (let i: usize = 0; i < <usize>count; i++) {
    const result = results + i * step
    measureSource(
      scene, stamp, changetype<Source>(sources + i * offsetof<Source>()), options, radii, apertures, scratch,
      changetype<Result>(result), result + RESULT_BYTES,
    )
  }
}

/** The variance of the total flux: of its pixels, and of the radius that they are summed within. */
function totalVariance(source: Source, kron: f64, firstMoment: f64, radius: f64): f64 {
  if (kron == radius) return varianceWithKron(sumVariance, firstMoment)
  const moment = source.a * source.a + source.b * source.b
  return varianceWithIsophote(sumVariance, moment, source.area, source.sky, source.filteredFlux)
}

/** A narrower window, px, falls between the pixels: its balance then depends on where in its pixel a star is. */
const LEAST: f64 = 1
/** At this significance the light of a source may be twice as wide, or half as wide, as that of a star. */
const TOLD: f64 = 20

/**
 * Sigma of the window of a source: that of its light, as far as this can be told. The width of a faint source is mostly
 * noise, or a neighbour's, and a window that is too wide lets its centre go there: its window is that of a star.
 */
function windowFor(source: Source, own: f64, options: Options): f64 {
  if (!(options.star > 0)) return max<f64>(LEAST, own)
  const freedom = 1 + (options.isophote * source.filteredPeak) / (source.limit * TOLD)
  return max<f64>(LEAST, min<f64>(max<f64>(own, options.star / freedom), options.star * freedom))
}

function measureSource(
  scene: Scene, stamp: Stamp, source: Source, options: Options, radii: usize, apertures: i32, scratch: usize,
  result: Result, sums: usize,
): void {
  const half = <i32>source.half
  const grid = <i32>options.grid
  cutStamp(stamp, scene, <i32>source.number, source.x, source.y, half, source.sky, options.mirror > 0)
  const cx = source.x - stamp.x0
  const cy = source.y - stamp.y0
  store<f64>(scratch, source.xx)
  store<f64>(scratch, source.yy, 8)
  store<f64>(scratch, source.xy, 16)
  store<f64>(scratch, source.b, 24)
  const ellipse = changetype<Ellipse>(scratch)
  const lines = scratch + 32
  const radius = options.kronFactor * kronRadius(stamp, cx, cy, ellipse, options.kronReach)
  const largest = grid > 0 ? f64.MAX_VALUE : (<f64>half - 1) / source.a
  result.kron = min<f64>(max<f64>(radius, options.kronMinimum), largest)
  sumEllipse(stamp, cx, cy, ellipse, result.kron, grid > 0)
  result.flux = sumFlux
  result.variance = grid > 0 ? sumVariance : totalVariance(source, result.kron, radius / options.kronFactor, radius)
  result.outside = strangeOutside
  result.masked = strangeMasked
  result.foreign = strangeForeign
  result.all = strangeAll
  const total = result.flux
  const reach = min<f64>(half, grid > 0 ? options.kronReach * source.a : result.kron * source.a + 1)
  let rough = total > 0 ? roughRadius(stamp, cx, cy, total / 2, reach, lines) : source.a
  if (grid > 0 && total > 0) rough = steppedRadius(stamp, cx, cy, total / 2, rough, reach, grid)
  result.window = grid > 0 ? (2 * rough) / 2.35 : windowFor(source, (2 * rough) / SIGMA_TO_WIDTH, options)
  windowedCentroid(stamp, cx, cy, result.window, lines, grid > 0)
  result.windowXX = windowXX
  result.windowYY = windowYY
  result.windowXY = windowXY
  const x = centroidX
  const y = centroidY
  result.x = x + stamp.x0
  result.y = y + stamp.y0
  result.errorX = centroidErrorX
  result.errorY = centroidErrorY
  result.good = centroidGood ? 1 : 0
  if (total > 0) result.halfLight = grid > 0 ? rough : radiusHolding(stamp, x, y, total / 2, rough, half)
  else result.halfLight = NaN
  result.fwhm = fullWidth(stamp, x, y, min<f64>(half, 3 * source.a + 2))
  for (let k = 0; k < apertures; k++) {
    sumCircle(stamp, grid > 0 ? cx : x, grid > 0 ? cy : y, load<f64>(radii + ((<usize>k) << 3)), grid)
    store<f64>(sums + ((<usize>k) << 4), sumFlux)
    store<f64>(sums + ((<usize>k) << 4), sumVariance, 8)
  }
}
