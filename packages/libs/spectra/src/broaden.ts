import { LIGHT_SPEED } from '@nightpipe/math'

/** A spectrum on equal steps of the logarithm of the wavelength (vacuum, Angstrom). */
export interface LogSpectrum {
  /** logarithm of the first wavelength, and the step */
  first: number
  step: number
  flux: Float64Array
}

/**
 * The profile of a rotating star on steps of `step` in ln wavelength: the disc with linear limb darkening (Gray 2005, The
 * Observation and Analysis of Stellar Photospheres, eq. 18.14). `vsini` in m/s.
 */
export function rotationKernel(vsini: number, step: number, limbDarkening = 0.6): Float64Array {
  const width = vsini / LIGHT_SPEED / step
  const half = Math.floor(width)
  if (half < 1) return Float64Array.of(1)
  const kernel = Float64Array.from({ length: 2 * half + 1 }, (_, k) => {
    const y = 1 - ((k - half) / width) ** 2
    return y > 0 ? 2 * (1 - limbDarkening) * Math.sqrt(y) + 0.5 * Math.PI * limbDarkening * y : 0
  })
  return normalised(kernel)
}

/**
 * A Gaussian of a resolving power λ / FWHM, where a spectrum already has another (infinite where left out) and was averaged over
 * a width in ln wavelength, in two steps perhaps: `averaged` is the sum of their squares.
 */
export function resolutionKernel(
  wanted: number,
  step: number,
  has = Number.POSITIVE_INFINITY,
  averaged = 0,
): Float64Array {
  const variance = ((1 / wanted ** 2 - 1 / has ** 2) / (8 * Math.LN2) - averaged / 12) / step ** 2
  if (!(variance > 0.01)) return Float64Array.of(1)
  const sigma = Math.sqrt(variance)
  const half = Math.ceil(4 * sigma)
  return normalised(Float64Array.from({ length: 2 * half + 1 }, (_, k) => Math.exp(-0.5 * ((k - half) / sigma) ** 2)))
}

function normalised(kernel: Float64Array): Float64Array {
  const sum = kernel.reduce((a, b) => a + b, 0)
  return kernel.map((one) => one / sum)
}

/** A spectrum convolved with a kernel of odd length; at the ends the kernel is cut. */
export function broadened({ first, step, flux }: LogSpectrum, kernel: Float64Array): LogSpectrum {
  const half = kernel.length >> 1
  if (half === 0) return { first, step, flux }
  const out = new Float64Array(flux.length)
  for (let k = 0; k < flux.length; k++) {
    const [from, to] = [Math.max(0, k - half), Math.min(flux.length - 1, k + half)]
    let [sum, weight] = [0, 0]
    for (let j = from; j <= to; j++) {
      const w = kernel[j - k + half]!
      sum += w * flux[j]!
      weight += w
    }
    out[k] = sum / weight
  }
  return { first, step, flux: out }
}

/**
 * A spectrum of any sampling (rising wavelengths) on equal steps of ln wavelength, by the mean of its curve in each step. The curve
 * is cubic between points (Catmull & Rom 1974): straight lines would widen the lines of a star by a sixth of the square of the sampling.
 */
export function onLogGrid(
  wavelength: ArrayLike<number>,
  flux: ArrayLike<number>,
  from: number,
  to: number,
  step: number,
): LogSpectrum {
  const n = wavelength.length
  const rise = slopesOf(wavelength, flux)
  const area = new Float64Array(n) // of the curve, up to each point
  for (let k = 1; k < n; k++) {
    const h = wavelength[k]! - wavelength[k - 1]!
    area[k] = area[k - 1]! + 0.5 * h * (flux[k]! + flux[k - 1]!) + (h * h * (rise[k - 1]! - rise[k]!)) / 12
  }
  let at = 0
  const upTo = (w: number) => {
    while (at < n - 2 && wavelength[at + 1]! < w) at++
    const h = wavelength[at + 1]! - wavelength[at]!
    const t = (w - wavelength[at]!) / h
    const [f, g, up] = [h * rise[at]!, h * rise[at + 1]!, flux[at + 1]! - flux[at]!]
    return area[at]! + h * t * (flux[at]! + t * (f / 2 + t * ((3 * up - 2 * f - g) / 3 + (t * (f + g - 2 * up)) / 4)))
  }
  // on whole steps, so that spectra of any range share their grid
  const low = step * Math.ceil(Math.max(Math.log(from), Math.log(wavelength[0]!) + step) / step)
  const high = Math.min(Math.log(to), Math.log(wavelength[n - 1]!) - step)
  const count = Math.max(0, Math.floor((high - low) / step) + 1)
  const out = new Float64Array(count)
  let edge = Math.exp(low - step / 2)
  let before = count > 0 ? upTo(edge) : 0
  for (let k = 0; k < count; k++) {
    const next = Math.exp(low + (k + 0.5) * step)
    const now = upTo(next)
    out[k] = (now - before) / (next - edge)
    edge = next
    before = now
  }
  return { first: low, step, flux: out }
}

/** The slope at each point: of the parabola through it and its neighbours. */
function slopesOf(x: ArrayLike<number>, y: ArrayLike<number>): Float64Array {
  const n = x.length
  const out = new Float64Array(n)
  for (let k = 1; k < n - 1; k++) {
    const [a, b] = [x[k]! - x[k - 1]!, x[k + 1]! - x[k]!]
    out[k] = ((y[k]! - y[k - 1]!) * b * b + (y[k + 1]! - y[k]!) * a * a) / (a * b * (a + b))
  }
  if (n > 1) {
    out[0] = (y[1]! - y[0]!) / (x[1]! - x[0]!)
    out[n - 1] = (y[n - 1]! - y[n - 2]!) / (x[n - 1]! - x[n - 2]!)
  }
  return out
}
