import { solve } from '@nightpipe/math'
import type { OrderSpectrum } from './spectrum.js'

/** Full width at half maximum of a Gaussian over its sigma. */
const FWHM = 2 * Math.sqrt(2 * Math.LN2)

/** The response of an order without its columns: terms of the polynomial. */
const TERMS = 9

/** The response counts as no less than this of its highest: a polynomial may dip below 0 in the dark. */
const DARK = 0.05

/**
 * An order with the wavelengths of the star's light in its columns. A column collects light of a line's width about its own
 * wavelength; where the response rises, more of it comes from that side, so that its centre lies σ² d(ln response)/d(ln λ) further
 * there (in ln λ; σ of a sharp line as the spectrograph shows it). As a star moves along its orders, its velocity is drawn by that: by
 * 0.08 to 0.11 m/s for each km/s at a resolution of 14000, a twelfth of it at 50000. Lines of a lamp, which are sharp, know nothing of it.
 * Without a response or without wavelengths the order is returned as it is.
 */
export function atCentreOfLight(one: OrderSpectrum, resolution: number): OrderSpectrum {
  const { blaze, wavelength } = one
  if (!blaze || !wavelength || !(resolution > 0)) return one
  const slope = slopeOf(blaze)
  if (!slope) return one
  const variance = (1 / (resolution * FWHM)) ** 2
  const last = wavelength.length - 1
  const moved = wavelength.map((here, x) => {
    const [from, to] = [Math.max(0, x - 1), Math.min(last, x + 1)]
    const step = Math.log(wavelength[to]! / wavelength[from]!) / (to - from)
    const shift = (variance * slope[x]!) / step
    return Number.isFinite(shift) ? here * Math.exp(shift) : here
  })
  return { ...one, wavelength: moved }
}

/** Of the logarithm of the response, per column: of a polynomial through it. Undefined where too few columns have one. */
function slopeOf(blaze: Float64Array): Float64Array | undefined {
  const half = (blaze.length - 1) / 2
  const [matrix, right] = [new Float64Array(TERMS * TERMS), new Float64Array(TERMS)]
  const [value, change] = [new Float64Array(TERMS), new Float64Array(TERMS)]
  let columns = 0
  for (let x = 0; x < blaze.length; x++) {
    if (!(blaze[x]! > 0)) continue
    legendre(x / half - 1, value, change)
    columns++
    for (let k = 0; k < TERMS; k++) {
      right[k]! += value[k]! * blaze[x]!
      for (let j = 0; j <= k; j++) matrix[k * TERMS + j]! += value[k]! * value[j]!
    }
  }
  if (columns < blaze.length / 2 || columns < 10 * TERMS) return undefined
  const terms = solve(matrix, right)
  return blaze.map((_, x) => {
    legendre(x / half - 1, value, change)
    let [sum, rise] = [0, 0]
    for (let k = 0; k < TERMS; k++) {
      sum += terms[k]! * value[k]!
      rise += (terms[k]! * change[k]!) / half
    }
    return rise / Math.max(sum, DARK)
  })
}

/** Legendre polynomials and their slopes at a place. */
function legendre(at: number, value: Float64Array, change: Float64Array): void {
  value[0] = 1
  value[1] = at
  change[0] = 0
  change[1] = 1
  for (let k = 1; k + 1 < value.length; k++) {
    value[k + 1] = ((2 * k + 1) * at * value[k]! - k * value[k - 1]!) / (k + 1)
    change[k + 1] = change[k - 1]! + (2 * k + 1) * value[k]!
  }
}
