import { sizeOf } from './optics.js'
import type { Settings } from './schema.js'

/** Samples in a pixel of the fine grid along an order; odd, so that one of them is the middle of the pixel. */
export const FINE = 5
/** Pixels of the fine grid beyond each end of the order. */
export const MARGIN = 24

/** The image of a sharp line, a sum of Gaussians in pixels, at a pixel along the order. */
interface Spread {
  parts: { weight: number; shift: number; sigma: number }[]
}

const FWHM = 2 * Math.sqrt(2 * Math.log(2))

function spreadAt({ line }: Settings, along: number, pixel: number): Spread {
  const sigma = (line.fwhm + line.gradient * (pixel / along - 0.5)) / FWHM
  const { wings, asymmetry } = line
  return {
    parts: [
      // The centroid of the sum is zero.
      { weight: 1 - wings, shift: -wings * asymmetry * sigma, sigma: sigma * (1 - 0.4 * wings) },
      { weight: wings, shift: (1 - wings) * asymmetry * sigma, sigma: 1.6 * sigma },
    ],
  }
}

/** The error function, by its series or its continued fraction; good to 1e-12. */
export function erf(x: number): number {
  const a = Math.abs(x)
  if (a > 5.9) return Math.sign(x)
  if (a < 2.5) {
    let [sum, term] = [a, a]
    for (let n = 1; Math.abs(term) > 1e-16 * sum; n++) {
      term *= (-a * a) / n
      sum += term / (2 * n + 1)
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI)
  }
  let fraction = 0
  for (let k = 40; k > 0; k--) fraction = (0.5 * k) / (a + fraction)
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction))
}

const [TABLE_STEPS, TABLE_END] = [128, 6]
/** erf and its slope, so that cubics between the steps are good to 1e-12. */
const TABLE = Float64Array.from({ length: 2 * (TABLE_STEPS * TABLE_END + 2) }, (_, k) => {
  const x = (k >> 1) / TABLE_STEPS
  return k % 2 ? (2 / Math.sqrt(Math.PI) / TABLE_STEPS) * Math.exp(-x * x) : erf(x)
})

/** The error function from a table: a frame of lamps needs it some ten million times. */
export function tabulatedErf(x: number): number {
  const at = Math.abs(x) * TABLE_STEPS
  if (!(at < TABLE_STEPS * TABLE_END)) return Math.sign(x)
  const k = Math.floor(at)
  const u = at - k
  const [a, da, b, db] = [TABLE[2 * k]!, TABLE[2 * k + 1]!, TABLE[2 * k + 2]!, TABLE[2 * k + 3]!]
  const value = a + u * (da + u * (3 * (b - a) - 2 * da - db + u * (2 * (a - b) + da + db)))
  return x < 0 ? -value : value
}

/** The samples of the fine grid: how many, and the pixel of each. */
export const fineLength = (along: number) => (along + 2 * MARGIN) * FINE
export const finePixel = (j: number) => (j - (FINE - 1) / 2) / FINE - MARGIN

/**
 * Adds a sharp line of `light` electrons at `pixel` (fractional) to a fine grid whose samples are what a pixel centred
 * there would collect.
 */
export function addLine(fine: Float64Array, settings: Settings, pixel: number, light: number): void {
  const { along } = sizeOf(settings)
  for (const { weight, shift, sigma } of spreadAt(settings, along, pixel).parts) {
    const centre = pixel + shift
    const far = 5.5 * sigma + 0.5
    const from = Math.max(0, Math.ceil((centre - far + MARGIN) * FINE + (FINE - 1) / 2))
    const to = Math.min(fine.length - 1, Math.floor((centre + far + MARGIN) * FINE + (FINE - 1) / 2))
    const scale = 1 / (Math.SQRT2 * sigma)
    // Pixels that lie FINE samples apart share a border: each of the erf serves twice.
    const edges = new Float64Array(Math.max(0, to - from + 1) + FINE)
    for (let j = 0; j < edges.length; j++) edges[j] = tabulatedErf((finePixel(from + j) - 0.5 - centre) * scale)
    for (let j = from; j <= to; j++) fine[j]! += 0.5 * weight * light * (edges[j - from + FINE]! - edges[j - from]!)
  }
}

/** Places along an order with a kernel of their own. */
const KERNELS = 65

/** Kernels on the fine grid: the image of a line, seen by a pixel. */
export function kernelsOf(settings: Settings): Float64Array[] {
  const { along } = sizeOf(settings)
  return Array.from({ length: KERNELS }, (_, k) => {
    const { parts } = spreadAt(settings, along, (k / (KERNELS - 1)) * along)
    const widest = Math.max(...parts.map(({ sigma, shift }) => 5 * sigma + Math.abs(shift)))
    const half = Math.ceil((widest + 0.5) * FINE)
    const kernel = new Float64Array(2 * half + 1)
    for (let j = -half; j <= half; j++) {
      for (const { weight, shift, sigma } of parts) {
        const scale = 1 / (Math.SQRT2 * sigma)
        const [low, high] = [j / FINE - shift - 0.5, j / FINE - shift + 0.5]
        kernel[j + half]! += 0.5 * weight * (erf(high * scale) - erf(low * scale))
      }
    }
    return kernel
  })
}

/**
 * What pixels centred at the samples of the fine grid collect from a spectrum given on this grid in electrons per pixel.
 * `every`: all samples (true), or those in the middle of pixels only; the others are then left alone.
 */
export function spread(
  spectrum: Float64Array,
  kernels: readonly Float64Array[],
  along: number,
  every: boolean,
  out: Float64Array,
): void {
  const n = spectrum.length
  const step = every ? 1 : FINE
  for (let j = every ? 0 : (FINE - 1) / 2; j < n; j += step) {
    const place = Math.round((finePixel(j) / along) * (KERNELS - 1))
    const kernel = kernels[Math.min(Math.max(place, 0), KERNELS - 1)]!
    const half = (kernel.length - 1) / 2
    const from = Math.max(0, j - half)
    const to = Math.min(n - 1, j + half)
    let sum = 0
    // The light that reached this pixel from sample k went k - j samples back: the kernel is read backwards.
    for (let k = from; k <= to; k++) sum += spectrum[k]! * kernel[j - k + half]!
    out[j]! += sum / FINE
  }
}

/** The value of a fine grid at a pixel position, by a cubic through four samples. */
export function fineAt(fine: Float64Array, pixel: number): number {
  const at = (pixel + MARGIN) * FINE + (FINE - 1) / 2
  const k = Math.min(Math.max(Math.floor(at), 1), fine.length - 3)
  const u = at - k
  const [a, b, c, d] = [fine[k - 1]!, fine[k]!, fine[k + 1]!, fine[k + 2]!]
  const [m, p, q] = [u + 1, u - 1, u - 2]
  return (-a * u * p * q) / 6 + (b * m * p * q) / 2 - (c * m * u * q) / 2 + (d * m * u * p) / 6
}
