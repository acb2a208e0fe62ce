import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { bleedInPlace } from '../imaging/bleed.js'
import { cosmicsOf, type Hit } from '../imaging/cosmics.js'
import { type Defect, defectsOf } from '../imaging/maps.js'
import { fillNormal, PURPOSE } from '../imaging/rows.js'
import { keyOf, randomOf, smoothOf } from '../random.js'
import type { Exposure } from './night.js'
import type { Settings } from './schema.js'

/** The detector as it is, without noise. */
export interface Maps {
  /** ADU, without the level */
  bias: Float32Array
  /** electrons per second */
  dark: Float32Array
  /** to light, 1 on average */
  response: Float32Array
  defects: readonly Defect[]
}

export interface Exposed {
  raw: Uint16Array
  rawWidth: number
  hits: Hit[]
  /** bits of TRUTH_BIT */
  mask: Uint8Array
}

export function mapsOf(settings: Settings): Maps {
  const { detector, random } = settings
  const { width, height } = detector
  const make = (purpose: number, name: string) => {
    const image = new Float32Array(width * height)
    fillNormal(image, width, purpose, keyOf(random.seed, name))
    return image
  }
  const bias = make(PURPOSE.pattern, 'bias')
  const columns = Array.from({ length: width }, (_, x) => randomOf(random.seed, 'bias column', x).normal())
  const dark = make(PURPOSE.dark, 'dark')
  const response = make(PURPOSE.response, 'response')
  for (let y = 0, p = 0; y < height; y++) {
    const wave = 0.5 * Math.sin((9 * y) / height)
    for (let x = 0; x < width; x++, p++) {
      bias[p] = detector['bias structure'] * (0.25 * bias[p]! + 0.6 * columns[x]! + wave)
      dark[p] = detector.dark * Math.max(0.2, 1 + 0.12 * dark[p]! + (0.3 * y) / height)
      response[p] = 1 + detector['pixel response'] * response[p]!
    }
  }
  const defects = defectsOf(settings)
  for (const { kind, x, y, value } of defects) {
    if (kind === 'hot') dark[y * width + x]! += value
    else if (kind === 'dead') response[y * width + x]! *= value
    else for (let row = y; row < height; row++) response[row * width + x]! *= value
  }
  return { bias, dark, response, defects }
}

/** The electrons that light brings to every pixel become what the camera writes: charge, particles, bleeding, readout. */
export function expose(settings: Settings, maps: Maps, frame: Exposure, light: Float32Array): Exposed {
  const { detector, noise } = settings
  const charge = collect(settings, maps, frame, light)
  const mask = new Uint8Array(charge.length)
  const hits = noise.noise
    ? cosmicsOf(randomOf(settings.random.seed, 'cosmic rays', frame.name), settings, frame.seconds)
    : []
  for (const { pixels } of hits) {
    for (const [p, electrons] of pixels) {
      charge[p]! += electrons
      mask[p]! |= 4
    }
  }
  bleedInPlace(charge, detector.width, detector['full well'], mask)
  return { ...readOut(settings, maps, frame, charge), hits, mask }
}

/** Light and dark current, with the noise of their electrons. */
function collect({ detector, random, noise }: Settings, maps: Maps, frame: Exposure, light: Float32Array) {
  const { width, height } = detector
  const charge = new Float32Array(width * height)
  const key = keyOf(random.seed, 'photons', frame.name)
  scoped(() => {
    const [lightRow, darkRow, flatRow, out] = [0, 1, 2, 3].map(() => allocate(Float32Array, width))
    for (let y = 0; y < height; y++) {
      const [from, to] = [y * width, (y + 1) * width]
      lightRow!.set(light.subarray(from, to))
      flatRow!.set(maps.response.subarray(from, to))
      for (let x = 0; x < width; x++) darkRow![x] = maps.dark[from + x]! * frame.seconds
      const rows = [lightRow!.byteOffset, darkRow!.byteOffset, flatRow!.byteOffset] as const
      kernels().simulateCharge(...rows, width, 1, noise.noise ? 1 : 0, y, PURPOSE.photons, ...key, out!.byteOffset)
      charge.set(out!, from)
    }
  })
  return charge
}

/** The converter: level, structure, gain, read noise, whole numbers to 65535; the overscan has no charge. */
function readOut({ detector, random, noise }: Settings, maps: Maps, frame: Exposure, charge: Float32Array) {
  const { width, height, gain } = detector
  const rawWidth = width + (detector.overscan > 0 ? detector.unused + detector.overscan : 0)
  const raw = new Uint16Array(rawWidth * height)
  const key = keyOf(random.seed, 'read noise', frame.name)
  const night = smoothOf(random.seed, 'bias level')(frame.mjd * 12)
  const within = smoothOf(random.seed, 'row level', frame.name)
  const sigma = noise.noise ? detector['read noise'] / gain : 0
  scoped(() => {
    const [chargeRow, biasRow, out] = [0, 1, 2].map(() => allocate(Float32Array, rawWidth).fill(0))
    for (let y = 0; y < height; y++) {
      chargeRow!.set(charge.subarray(y * width, (y + 1) * width))
      biasRow!.set(maps.bias.subarray(y * width, (y + 1) * width))
      const level = detector['bias level'] + detector['bias drift'] * night + detector['row drift'] * within(y / 160)
      const rows = [chargeRow!.byteOffset, biasRow!.byteOffset] as const
      const amplifier = [rawWidth, level, gain, 0, sigma, 65535] as const
      kernels().simulateReadout(...rows, ...amplifier, y, PURPOSE.readout, ...key, out!.byteOffset)
      raw.set(out!, y * rawWidth)
    }
  })
  return { raw, rawWidth }
}
