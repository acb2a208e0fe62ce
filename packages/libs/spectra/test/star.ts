import { type Random, random } from '@nightpipe/math'
import type { OrderSpectrum } from '../src/index.js'

const C = 299792458

/** A star of many lines: centre (Angstrom), depth, width (velocity, m/s; one sigma, with that of the spectrograph). */
export interface Star {
  centre: Float64Array
  depth: Float64Array
  width: Float64Array
}

/** Lines at random between two wavelengths, `spacing` Angstrom apart on average. */
export function randomStar(from: number, to: number, spacing: number, seed: number, width = 3500): Star {
  const { uniform } = random(seed)
  const n = Math.round((to - from) / spacing)
  const centre = Float64Array.from({ length: n }, () => from + (to - from) * uniform()).sort()
  const depth = centre.map(() => 0.75 * uniform() ** 2 + 0.02)
  return { centre, depth, width: centre.map(() => width * (0.9 + 0.5 * uniform())) }
}

/** The spectrum of a star at rest, 1 for the continuum, at a vacuum wavelength. */
export function starAt({ centre, depth, width }: Star, lambda: number): number {
  let [low, high] = [0, centre.length]
  const from = lambda * (1 - 1.5e-4)
  while (low < high) {
    const middle = (low + high) >> 1
    if (centre[middle]! < from) low = middle + 1
    else high = middle
  }
  let flux = 1
  for (let k = low; k < centre.length && centre[k]! < lambda * (1 + 1.5e-4); k++) {
    const x = ((lambda / centre[k]! - 1) * C) / width[k]!
    flux *= 1 - depth[k]! * Math.exp(-0.5 * x * x)
  }
  return flux
}

export interface Exposure {
  /** measured redshift of the star */
  z: number
  /** electrons in a pixel of the continuum at the top of the blaze */
  electrons: number
  readNoise?: number
  seed: number
  /** the continuum of this exposure, as a factor of the column in -1..1 */
  tilt?: (x: number) => number
  fibre?: number
  noise?: boolean
  /** columns that the image has moved by; the wavelengths know it */
  drift?: number
  /** columns whose response the flat has wrong, as a factor of it by order and column */
  flat?: (index: number, x: number) => number
  /** what is said of that: one sigma of the factor */
  flatError?: number
  /** what columns truly make of light, as a factor */
  columns?: (index: number, x: number) => number
}

export interface Layout {
  width: number
  orders: number
  first: number
}

/** Vacuum wavelength of a column: m λ = const, 1.45 km/s a pixel. */
export function wavelengthOf({ first, width }: Layout, index: number, x: number): number {
  const centre = 466950 / (first + index)
  return centre * (1 + ((x - width / 2) * 1450) / C + 1e-8 * (x - width / 2) ** 2 * 0.01)
}

/** The orders of an exposure of a star: electrons with photon and read noise, a blaze, wavelengths. */
export function expose(star: Star, layout: Layout, exposure: Exposure): OrderSpectrum[] {
  const draw = random(exposure.seed)
  return Array.from({ length: layout.orders }, (_, index) => exposeOrder(star, layout, exposure, index, draw))
}

function exposeOrder(star: Star, layout: Layout, exposure: Exposure, index: number, draw: Random): OrderSpectrum {
  const { z, electrons, readNoise = 8, tilt = () => 1, fibre = 0, noise = true, drift = 0, flat, flatError } = exposure
  const { columns = () => 1 } = exposure
  const { width } = layout
  const array = () => new Float64Array(width)
  const [flux, uncertainty, blaze, wavelength] = [array(), array(), array(), array()]
  for (let x = 0; x < width; x++) {
    const u = (2 * x) / (width - 1) - 1
    wavelength[x] = wavelengthOf(layout, index, x - drift)
    blaze[x] = Math.max(0.05, 1 - 0.85 * u * u) * columns(index, x)
    const light = electrons * blaze[x]! * tilt(u) * starAt(star, wavelength[x]! / (1 + z))
    uncertainty[x] = Math.sqrt(light + readNoise ** 2)
    if (flat) blaze[x]! *= flat(index, x)
    flux[x] = noise ? light + uncertainty[x]! * draw.normal() : light
  }
  return {
    index,
    order: layout.first + index,
    fibre,
    flux,
    uncertainty,
    blaze,
    ...(flatError && { blazeError: blaze.map((one) => one * flatError) }),
    mask: new Int32Array(width),
    wavelength,
  }
}
