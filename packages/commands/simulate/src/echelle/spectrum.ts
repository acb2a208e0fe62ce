import { randomOf } from '../random.js'
import type { Drift, Motion } from './conditions.js'
import { addLine, FINE, fineLength, finePixel, MARGIN, spread } from './line-spread.js'
import { type Exposure, type Light, starOf } from './night.js'
import { nth } from './schema.js'
import { planck, starAt } from './star.js'
import type { Studio } from './studio.js'

/** What the light of a frame is like, beside the frame itself. */
export interface Scene {
  frame: Exposure
  drift: Drift
  motion?: Motion
  /** part of the star's light that clouds leave */
  through: number
  /** of the lamps, against the settings */
  lamp: number
}

/** One order of one fibre on the detector. */
export interface OrderLight {
  index: number
  fibre: number
  light: Light
  /** vacuum, Angstrom, in the middle of each pixel along the order, drift included */
  wavelength: Float64Array
  /** across the dispersion, drift included */
  trace: Float64Array
  /** what pixels centred at the samples of the fine grid collect; only whole pixels unless lines are tilted */
  fine: Float64Array
}

/** The wavelength at a pixel of this frame: the image of the spectrum has moved. */
export function driftedWavelength(studio: Studio, drift: Drift, index: number, fibre: number) {
  const still = studio.wavelength(index, fibre)
  const half = studio.along / 2
  const fixed = drift.along + (drift.fibres[fibre] ?? 0)
  return (pixel: number) => still(pixel - fixed - drift.stretch * (pixel / half - 1))
}

/** The light of an order before it meets the detector; undefined where there is none. */
export function orderLight(studio: Studio, scene: Scene, index: number, fibre: number): OrderLight | undefined {
  const { settings, along } = studio
  const light = scene.frame.light[fibre]!
  if (light === 'none') return undefined
  const wavelengthAt = driftedWavelength(studio, scene.drift, index, fibre)
  const traceAt = studio.trace(index, fibre)
  const wavelength = Float64Array.from({ length: along }, (_, p) => wavelengthAt(p))
  const trace = Float64Array.from({ length: along }, (_, p) => traceAt(p) + scene.drift.across)
  const tilted = settings.line.tilt !== 0 || settings.line.curvature !== 0
  const fine = new Float64Array(fineLength(along))
  if (light === 'thar') addLamp(fine, studio, scene, index, fibre, wavelengthAt)
  else addContinuum(fine, studio, scene, index, fibre, light, wavelengthAt, tilted)
  return { index, fibre, light, wavelength, trace, fine }
}

/** Wavelengths at every sample of the fine grid: exact at whole pixels, cubic between them. */
function fineWavelengths(along: number, wavelengthAt: (pixel: number) => number): Float64Array {
  const coarse = Float64Array.from({ length: along + 2 * MARGIN + 5 }, (_, k) => wavelengthAt(k - MARGIN - 2))
  return Float64Array.from({ length: fineLength(along) }, (_, j) => {
    const at = finePixel(j) + MARGIN + 2
    const k = Math.floor(at)
    const u = at - k
    const [m, p, q] = [u + 1, u - 1, u - 2]
    const outer = (coarse[k + 2]! * m * u * p - coarse[k - 1]! * u * p * q) / 6
    return outer + (coarse[k]! * m * p * q - coarse[k + 1]! * m * u * q) / 2
  })
}

function addContinuum(
  fine: Float64Array,
  studio: Studio,
  { frame, motion, through, lamp }: Scene,
  index: number,
  fibre: number,
  light: 'tung' | 'star',
  wavelengthAt: (pixel: number) => number,
  tilted: boolean,
): void {
  const { settings, along } = studio
  const waves = fineWavelengths(along, wavelengthAt)
  const response = studio.response(index)
  const star = light === 'star' ? starOf(settings, frame.star!) : undefined
  const temperature = star?.temperature ?? settings.flat.temperature
  const peak = star ? star.peak * through : settings.flat.peak * lamp
  const scale = (peak * nth(settings.fibres.throughput, fibre)) / studio.brightest(temperature)
  const shape = star ? studio.star(frame.star!) : undefined
  const air = star ? studio.air() : undefined
  const shift = Math.log(motion?.stretch ?? 1)
  const spectrum = new Float64Array(fine.length)
  for (let j = 0; j < fine.length; j++) {
    const wave = waves[j]!
    const [a, b] = [waves[Math.max(0, j - 1)]!, waves[Math.min(fine.length - 1, j + 1)]!]
    const width = (Math.abs(b - a) * FINE) / (j === 0 || j === fine.length - 1 ? 1 : 2)
    const ln = Math.log(wave)
    const flux = shape ? starAt(shape, ln - shift) * (air ? starAt(air, ln) : 1) : planck(wave, temperature)
    spectrum[j] = scale * response(wave) * width * flux
  }
  spread(spectrum, studio.kernels(), along, tilted, fine)
}

/** The lines of the lamp, and its faint continuum. */
function addLamp(
  fine: Float64Array,
  studio: Studio,
  { frame, lamp }: Scene,
  index: number,
  fibre: number,
  wavelengthAt: (pixel: number) => number,
): void {
  const { settings, along } = studio
  const response = studio.response(index)
  const level =
    nth(settings.fibres.throughput, fibre) * lamp * (frame.type === 'object' ? settings.arc.simultaneous : 1)
  const [first, last] = [wavelengthAt(-MARGIN / 2), wavelengthAt(along + MARGIN / 2)]
  for (const { wavelength, electrons } of studio.lamp()) {
    if (wavelength < Math.min(first, last) || wavelength > Math.max(first, last)) continue
    addLine(fine, settings, pixelOf(wavelengthAt, wavelength, along), electrons * level * response(wavelength))
  }
  const faint = settings.arc.continuum * level
  if (faint > 0) for (let j = 0; j < fine.length; j++) fine[j]! += faint
}

/** The pixel that sees a wavelength: the secant method on a nearly straight function. */
export function pixelOf(wavelengthAt: (pixel: number) => number, wavelength: number, along: number): number {
  let [a, b] = [0, along - 1]
  let [fa, fb] = [wavelengthAt(a) - wavelength, wavelengthAt(b) - wavelength]
  for (let step = 0; step < 30 && Math.abs(b - a) > 1e-9; step++) {
    const next = b - (fb * (b - a)) / (fb - fa)
    a = b
    fa = fb
    b = next
    fb = wavelengthAt(b) - wavelength
    if (fb === fa) break
  }
  return b
}

/** How bright the lamps are in a frame. */
export function lampLevel({ settings }: Studio, frame: Exposure): number {
  if (frame.fault === 'lamp off') return 0
  if (frame.fault === 'saturated arc') return 3000
  const { variation } = settings.flat
  return frame.type === 'flat' ? 1 + variation * randomOf(settings.random.seed, 'lamp', frame.name).between(-1, 1) : 1
}
