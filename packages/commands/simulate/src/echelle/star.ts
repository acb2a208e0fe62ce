import { readFileSync } from 'node:fs'
import { ConfigError } from '@nightpipe/command'
import { openFits, readTable } from '@nightpipe/fits'
import { LIGHT_SPEED, LIGHT_SPEED_KM, power } from '@nightpipe/math'
import { randomOf } from '../random.js'
import type { StarSettings } from './schema.js'

/** A stellar spectrum at rest on a grid of ln λ (vacuum, Angstrom): continuum times what the lines leave. */
export interface StarSpectrum {
  start: number
  step: number
  flux: Float64Array
}

/** 250 m/s: a tenth of the width of the sharpest line. */
const STEP = 250 / LIGHT_SPEED
/** Between these wavelengths the lines of a star are drawn by lot. */
const [BLUE, RED] = [3300, 10500]

/** Wavelengths that a spectrograph sees, and some beyond: velocities and line wings. */
export type Range = readonly [from: number, to: number]

function gridOf([from, to]: Range): { start: number; step: number; n: number } {
  const start = Math.log(from)
  return { start, step: STEP, n: Math.ceil((Math.log(to) - start) / STEP) }
}

/** Lines that every astronomer looks for: vacuum wavelength, depth and widths of Gaussian and Lorentz part in km/s. */
const STRONG: readonly (readonly [number, number, number, number])[] = [
  [3934.777, 6, 9, 70],
  [3969.591, 5, 9, 60],
  [4102.892, 1.1, 20, 25],
  [4227.918, 2.6, 6, 12],
  [4341.684, 1.3, 20, 25],
  [4862.683, 1.6, 20, 30],
  [5168.761, 2.6, 6, 8],
  [5174.125, 3, 6, 12],
  [5185.048, 3.4, 6, 14],
  [5891.583, 3.4, 5, 10],
  [5897.558, 2.8, 5, 8],
  [6564.61, 1.9, 22, 35],
  [8500.35, 1.8, 8, 20],
  [8544.44, 2.6, 8, 30],
  [8664.52, 2.3, 8, 26],
]

/** Planck's law in photons per Angstrom, against its value at 5500 Angstrom. */
export function planck(angstrom: number, kelvin: number): number {
  const x = (w: number) => 1.438777e8 / (w * kelvin)
  return (power(5500 / angstrom, 4) * Math.expm1(x(5500))) / Math.expm1(x(angstrom))
}

/** The spectrum of a star: its template, or thousands of lines from its name; broadened by its rotation. */
export function starSpectrum(seed: number, name: string, star: StarSettings, range: Range): StarSpectrum {
  const { start, n } = gridOf(range)
  const flux = star.template ? templateOn(star.template, start, n) : syntheticOn(seed, name, star, start, n)
  const spectrum = { start, step: STEP, flux }
  if (star.rotation > 0.3) rotate(spectrum, star.rotation)
  for (let k = 0; k < n; k++) flux[k]! *= planck(Math.exp(start + k * STEP), star.temperature)
  return spectrum
}

/** Optical depths of lines add up. Cool stars have many lines, hot stars few but broad lines of hydrogen. */
function syntheticOn(seed: number, name: string, star: StarSettings, start: number, n: number): Float64Array {
  const depth = new Float64Array(n)
  const cool = Math.min(3, Math.max(0.02, power(5800 / star.temperature, 4)))
  const random = randomOf(seed, 'star', name)
  const count = Math.round(9000 * cool)
  for (let k = 0; k < count; k++) {
    // Twice as many lines to the angstrom at 4000 as at 6000.
    const wavelength = BLUE * power(RED / BLUE, power(random.uniform(), 1.35))
    const tau = Math.min(3, 0.16 * power(random.exponential(), 1.6)) * Math.min(cool, 1.5) * star.lines
    addDepth(depth, start, Math.log(wavelength), tau, 2.4 + 0.8 * random.uniform(), 0.25 * tau)
  }
  for (const [wavelength, tau, gauss, lorentz] of STRONG) {
    const hydrogen = [4102.892, 4341.684, 4862.683, 6564.61].includes(wavelength)
    const strength = hydrogen ? 1 / Math.sqrt(cool) : Math.min(cool, 1.5)
    const wide = hydrogen ? Math.min(30, 1 / cool) : 1
    addDepth(depth, start, Math.log(wavelength), tau * strength * star.lines, gauss, lorentz * wide)
  }
  for (let k = 0; k < n; k++) depth[k] = Math.exp(-depth[k]!)
  return depth
}

/** Adds a line: `tau` in its centre, the widths (sigma; half width) in km/s. */
function addDepth(depth: Float64Array, start: number, centre: number, tau: number, gauss: number, lorentz: number) {
  const speed = (STEP * LIGHT_SPEED) / 1000
  const far = Math.max(6 * gauss, lorentz > 1 ? 40 * lorentz : 0) / speed
  const at = (centre - start) / STEP
  const part = lorentz / (lorentz + gauss)
  for (let k = Math.max(0, Math.ceil(at - far)); k <= Math.min(depth.length - 1, Math.floor(at + far)); k++) {
    const v = (k - at) * speed
    const core = (1 - part) * Math.exp(-0.5 * (v / gauss) ** 2)
    depth[k]! += tau * (core + (lorentz > 1 ? part / (1 + (v / lorentz) ** 2) : 0))
  }
}

/** Convolves with the profile of a rotating disc (Gray 2005, eq. 18.14, limb darkening 0.6). */
function rotate({ flux }: StarSpectrum, vsini: number): void {
  const half = Math.ceil((vsini * 1000) / (STEP * LIGHT_SPEED))
  const kernel = new Float64Array(2 * half + 1)
  let sum = 0
  for (let k = -half; k <= half; k++) {
    const x = 1 - ((k * STEP * LIGHT_SPEED_KM) / vsini) ** 2
    kernel[k + half] = x > 0 ? 2 * 0.4 * Math.sqrt(x) + 0.5 * Math.PI * 0.6 * x : 0
    sum += kernel[k + half]!
  }
  const before = flux.slice()
  for (let k = 0; k < flux.length; k++) {
    let [value, weight] = [0, 0]
    for (let j = Math.max(0, k - half); j <= Math.min(flux.length - 1, k + half); j++) {
      value += before[j]! * kernel[j - k + half]!
      weight += kernel[j - k + half]!
    }
    flux[k] = value / (weight || sum)
  }
}

/** Bands of oxygen (sharp, strong) and water: from, to, lines, mean optical depth in dry air. */
const BANDS: readonly (readonly [number, number, number, number])[] = [
  [5885, 6000, 90, 0.05],
  [6278, 6318, 40, 0.25],
  [6460, 6600, 80, 0.06],
  [6869, 6955, 70, 1.2],
  [6960, 7060, 60, 0.1],
  [7165, 7400, 220, 0.35],
  [7596, 7715, 90, 2.2],
  [8100, 8400, 260, 0.3],
  [8930, 9600, 500, 0.8],
]

/** What the air lets through, on the grid of the stars. The lines of the Earth are the same for every seed. */
export function airSpectrum(strength: number, range: Range): StarSpectrum {
  const { start, n } = gridOf(range)
  const flux = new Float64Array(n)
  for (const [from, to, count, depth] of BANDS) {
    const random = randomOf(0, 'air', from)
    for (let k = 0; k < count; k++) {
      const tau = strength * depth * random.exponential()
      addDepth(flux, start, Math.log(random.between(from, to)), tau, 0.9, 0)
    }
  }
  for (let k = 0; k < n; k++) flux[k] = Math.exp(-flux[k]!)
  return { start, step: STEP, flux }
}

/** A table of wavelength_angstrom and flux, linearly interpolated, its 95th percentile made 1. */
function templateOn(file: string, start: number, n: number): Float64Array {
  const { wavelengths, fluxes } = file.endsWith('.csv') ? readCsv(file) : readFitsTable(file)
  if (wavelengths.length < 2) throw new ConfigError(`[star] template: ${file} has no wavelength_angstrom and flux`)
  const top = Float64Array.from(fluxes).sort()[Math.floor(0.95 * fluxes.length)]!
  const out = new Float64Array(n)
  for (let k = 0, i = 0; k < n; k++) {
    const w = Math.exp(start + k * STEP)
    while (i < wavelengths.length - 2 && wavelengths[i + 1]! <= w) i++
    const [a, b] = [wavelengths[i]!, wavelengths[i + 1]!]
    const u = Math.min(Math.max((w - a) / (b - a), 0), 1)
    out[k] = (fluxes[i]! + u * (fluxes[i + 1]! - fluxes[i]!)) / top
  }
  return out
}

function readCsv(file: string) {
  const [head = '', ...rows] = readFileSync(file, 'utf8').trim().split(/\r?\n/)
  const names = head.split(',').map((name) => name.trim())
  const cells = rows.map((row) => row.split(',').map(Number))
  const take = (name: string) => Float64Array.from(cells, (row) => row[names.indexOf(name)] ?? Number.NaN)
  return { wavelengths: take('wavelength_angstrom'), fluxes: take('flux') }
}

function readFitsTable(file: string) {
  const hdu = openFits(file).hdus.find(({ kind }) => kind === 'table')
  if (!hdu) throw new ConfigError(`[star] template: ${file} has no table`)
  const { columns } = readTable(hdu)
  const take = (name: string) => {
    const values = columns.find((one) => one.name.toLowerCase() === name)?.values
    return Float64Array.from((values ?? []) as ArrayLike<number>)
  }
  return { wavelengths: take('wavelength_angstrom'), fluxes: take('flux') }
}

/** The flux at a wavelength of the frame at rest, by a cubic through four points. */
export function starAt({ start, step, flux }: StarSpectrum, ln: number): number {
  const at = (ln - start) / step
  const k = Math.floor(at)
  if (k < 1 || k >= flux.length - 2) return 0
  const u = at - k
  const [m, p, q] = [u + 1, u - 1, u - 2]
  const outer = (flux[k + 2]! * m * u * p - flux[k - 1]! * u * p * q) / 6
  return outer + (flux[k]! * m * p * q - flux[k + 1]! * m * u * q) / 2
}
