import { normalBelow, random } from '@nightpipe/math'
import type { OrderSpectrum, Spectra } from '../src/index.js'

/** A grating spectrograph made for tests: the equation of the grating, none of the code under test. */
export interface MadeSpectrograph {
  width: number
  orders: number
  firstOrder: number
  orderStep: number
  /** Angstrom: m λ in the middle of the detector */
  constant: number
  /** sine of the angle of diffraction in the middle, and half the detector over the focal length; negative: λ falls with x */
  sine: number
  opening: number
  /** px, of lines */
  fwhm: number
  /** px by which each order lies beside the one before */
  skew: number
}

export const MADE: MadeSpectrograph = {
  ...{ width: 1024, orders: 14, firstOrder: 80, orderStep: 1, constant: 466000 },
  ...{ sine: 0.9, opening: 0.024, fwhm: 3.2, skew: 0.8 },
}

/** Angstrom at a pixel of an order; `shift` px is how far the image has moved along x. */
export function madeWavelength(of: MadeSpectrograph, index: number, x: number, shift = 0): number {
  const along = x - shift - of.skew * index - (of.width - 1) / 2
  const beta = Math.asin(of.sine) + Math.atan((along / (of.width / 2)) * of.opening)
  return (of.constant * (0.95 + Math.sin(beta))) / (0.95 + of.sine) / (of.firstOrder + of.orderStep * index)
}

/** The spectra of a lamp through fibres that lie `fibreShift` px apart along x, with photon and read noise. */
export function madeArc(
  of: MadeSpectrograph,
  lamp: { wavelength: ArrayLike<number>; light: ArrayLike<number> },
  options: { seed: number; fibres?: readonly number[]; shift?: number; fibreShift?: number },
): Spectra {
  const { seed, fibres = [0], shift = 0, fibreShift = 3.3 } = options
  const orders: OrderSpectrum[] = []
  for (const fibre of fibres) {
    for (let index = 0; index < of.orders; index++)
      orders.push(madeOrder(of, lamp, index, fibre, shift + fibre * fibreShift, seed))
  }
  return { width: of.width, orders }
}

function madeOrder(
  of: MadeSpectrograph,
  { wavelength, light }: { wavelength: ArrayLike<number>; light: ArrayLike<number> },
  index: number,
  fibre: number,
  shift: number,
  seed: number,
): OrderSpectrum {
  const draw = random(seed, index, fibre)
  const flux = new Float64Array(of.width).fill(20)
  const sigma = of.fwhm / 2.3548200450309493
  for (let k = 0; k < wavelength.length; k++) {
    const x = placeOf(of, index, wavelength[k], shift)
    if (!(x > -10 && x < of.width + 10)) continue
    for (let at = Math.max(0, Math.floor(x - 12)); at < Math.min(of.width, x + 12); at++) {
      flux[at] += light[k] * (normalBelow((at + 0.5 - x) / sigma) - normalBelow((at - 0.5 - x) / sigma))
    }
  }
  const uncertainty = flux.map((value) => Math.sqrt(value + 25))
  const noisy = flux.map((value, x) => value + uncertainty[x] * draw.normal())
  return { index, order: 0, fibre, flux: noisy, uncertainty, mask: new Int32Array(of.width) }
}

/** The pixel of a wavelength in an order, by bisection; NaN beyond the detector. */
function placeOf(of: MadeSpectrograph, index: number, wavelength: number, shift: number): number {
  let [low, high] = [-20, of.width + 20]
  const rises = madeWavelength(of, index, high, shift) > madeWavelength(of, index, low, shift)
  const below = (x: number) => madeWavelength(of, index, x, shift) < wavelength === rises
  if (!below(low) || below(high)) return Number.NaN
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2
    if (below(middle)) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** A lamp: lines at random places, of brightness that spans four powers of ten, most of them faint. */
export function madeLamp(seed: number, count = 2400, from = 4300, to = 6000) {
  const draw = random(seed)
  const lines = Array.from({ length: count }, () => ({
    wavelength: from * (to / from) ** draw.uniform(),
    light: 300 / (draw.uniform() + 1e-4) ** 0.9,
  })).sort((a, b) => a.wavelength - b.wavelength)
  const pick = (name: 'wavelength' | 'light') => Float64Array.from(lines, (line) => line[name])
  return { wavelength: pick('wavelength'), light: pick('light') }
}
