import type { Kernel } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import type { Scene } from './scene.js'

/** Pixels further apart than this are taken for independent, px; and pixels so far apart are. */
const LAGS = 4
const FAR = 6
/** Half of the side of the square whose light tells an empty place, and the step between its pixels. */
const REACH = 4
const STEP = 2
/** So many places are looked at for evidence, and for the figures; the emptiest third of them counts. */
const PLACES = 9000
const MANY_PLACES = 90000
/** They are no further apart than this along rows, since memory is read so. */
const PITCH = 5
const EMPTIEST = 0.35
/** With fewer empty ones nothing is said. */
const FEWEST = 1500
/**
 * Squares of side 1 scatter by less than this part of those of side 2: independent noise does so in less than one of ten
 * thousand frames.
 */
const EVIDENCE = 0.9

/** How the noise of pixels is correlated, where a frame was resampled, smoothed, or stacked of such frames. */
export interface NoiseCorrelation {
  /** Noise of an image filtered with a kernel, over that of independent pixels of the noise of the meshes. */
  filtered(kernel: Kernel): number
  /** Noise of the sum of so many pixels that lie together, over that of independent ones. */
  summed(pixels: number): number
}

/**
 * The correlation of the noise of neighbouring pixels, or undefined where pixels are independent. Whatever the noise of a
 * pixel is, the differences over a square of side 1 and of side 2 scatter alike if pixels are independent. They are taken
 * where the sky is emptiest, since the light of stars and nebulae makes neighbours alike as well.
 */
export function noiseCorrelation(scene: Scene): NoiseCorrelation | undefined {
  return scoped(() => {
    const { width } = scene
    if (!isEvident(scene, emptyPlaces(scene, PLACES))) return undefined
    const places = emptyPlaces(scene, MANY_PLACES)
    const along = (pitch: number) => {
      const pair = (lag: number) => {
        const before = Math.ceil(lag / 2)
        return spread(scene, places, [-before * pitch, (lag - before) * pitch], [1, -1]) / Math.SQRT2
      }
      const far = pair(FAR)
      return { far, lags: Array.from({ length: LAGS + 1 }, (_, lag) => (lag ? 1 - (pair(lag) / far) ** 2 : 1)) }
    }
    const [x, y] = [along(1), along(width)]
    return correlationOf(x.lags, y.lags, Math.sqrt(x.far * y.far))
  })
}

/**
 * The variance of a sum whose pixels share their noise, by that of independent ones and the factor of their noise. Photons
 * of the source came before the pixels were mixed: `perUnit` times its light is their variance, 0 with an error plane,
 * whose pixels have it mixed in.
 */
export function varianceTogether(variance: number, factor: number, light: number, perUnit: number): number {
  if (factor === 1) return variance // to the last bit
  const photons = Math.min(variance, Math.max(0, perUnit * light))
  return factor ** 2 * (variance - photons) + photons
}

function isEvident(scene: Scene, places: Places): boolean {
  if (places.places.length < FEWEST) return false
  const { width } = scene
  const square = (side: number) => spread(scene, places, [0, side, width * side, (width + 1) * side], [1, -1, -1, 1])
  return square(1) < EVIDENCE * square(2)
}

/** Of correlations along x and y at lags from 0 on, and the noise of empty places over that of the meshes. */
function correlationOf(x: number[], y: number[], quiet: number): NoiseCorrelation {
  const factor = (variance: number) => Math.max(1, Math.sqrt(Math.max(0, variance)))
  return {
    filtered: (kernel) => {
      let variance = 0
      for (let j = -LAGS; j <= LAGS; j++) {
        for (let i = -LAGS; i <= LAGS; i++) {
          variance += x[Math.abs(i)] * y[Math.abs(j)] * autocorrelation(kernel, i, j)
        }
      }
      return factor((quiet ** 2 * variance) / autocorrelation(kernel, 0, 0))
    },
    summed: (pixels) => {
      const side = Math.sqrt(Math.max(1, pixels))
      const line = (lags: number[]) =>
        lags.reduce((sum, value, lag) => sum + (lag ? 2 : 1) * value * Math.max(0, 1 - lag / side), 0)
      return factor(line(x) * line(y))
    },
  }
}

function autocorrelation({ width, height, values }: Kernel, i: number, j: number): number {
  let sum = 0
  for (let v = Math.max(0, -j); v < Math.min(height, height - j); v++) {
    for (let u = Math.max(0, -i); u < Math.min(width, width - i); u++) {
      sum += values[v * width + u] * values[(v + j) * width + u + i]
    }
  }
  return sum
}

/** Pixels, and the noise of the meshes there; in kernel memory. */
interface Places {
  places: Int32Array
  sigmas: Float32Array
}

/** The places with the least light about them. */
function emptyPlaces(scene: Scene, most: number): Places {
  const { width, height } = scene
  const { map, columns, rows } = scene.noise
  const edge = REACH + FAR
  const [across, along] = [Math.max(0, width - 2 * edge), Math.max(0, height - 2 * edge)]
  // odd pitches: even ones might see one phase only of pixels that were doubled
  const odd = (pitch: number) => 1 + 2 * Math.floor(Math.max(0, pitch - 1) / 2)
  const pitchX = Math.min(PITCH, odd(Math.sqrt((across * along) / most)))
  const pitchY = odd((across * along) / most / pitchX)
  const room = Math.ceil(across / pitchX) * Math.ceil(along / pitchY)
  const [places, sigmas] = [allocate(Int32Array, room), allocate(Float32Array, room)]
  let n = 0
  for (let y = edge; y < height - edge; y += pitchY) {
    const row = Math.floor((y * rows) / height) * columns
    for (let x = edge; x < width - edge; x += pitchX) {
      sigmas[n] = map[row + Math.floor((x * columns) / width)]
      places[n++] = y * width + x
    }
  }
  const steps = Array.from({ length: (2 * REACH) / STEP + 1 }, (_, k) => k * STEP - REACH)
  const square = steps.flatMap((v) => steps.map((u) => v * width + u))
  const light = sumsAbout(scene, { places, sigmas }, square, new Float64Array(square.length).fill(1))
  const limit = partOf(light.slice().sort(), EMPTIEST)
  let kept = 0
  for (let k = 0; k < n; k++) {
    if (!(light[k] <= limit)) continue
    places[kept] = places[k]
    sigmas[kept++] = sigmas[k]
  }
  return { places: places.subarray(0, kept), sigmas: sigmas.subarray(0, kept) }
}

/** Sums of pixels at offsets from places, each times its sign, over the noise. */
function sumsAbout({ net }: Scene, { places, sigmas }: Places, offsets: number[], signs: ArrayLike<number>) {
  return scoped(() => {
    const n = offsets.length
    const [at, factors] = [allocate(Int32Array, n), allocate(Float64Array, n)]
    at.set(offsets)
    factors.set(signs)
    const out = allocate(Float64Array, places.length)
    const [image, from, noise] = [net.byteOffset, places.byteOffset, sigmas.byteOffset]
    kernels().sumsAbout(image, from, noise, places.length, at.byteOffset, factors.byteOffset, n, out.byteOffset)
    return out.slice()
  })
}

/** Half of what the middle 68 % of such sums span. */
function spread(scene: Scene, places: Places, offsets: number[], signs: number[]): number {
  const sorted = sumsAbout(scene, places, offsets, signs).sort()
  return (partOf(sorted, 0.8413) - partOf(sorted, 0.1587)) / 2
}

/** The value that this part of sorted ones lies below; those that are unknown stand last. */
function partOf(sorted: Float64Array, part: number): number {
  let known = sorted.length
  while (known > 0 && Number.isNaN(sorted[known - 1])) known--
  return sorted[Math.round(part * (known - 1))]
}
