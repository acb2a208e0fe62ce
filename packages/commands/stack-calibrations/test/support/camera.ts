import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { writeFits } from '@nightpipe/fits'
import { type Random, random } from '@nightpipe/math'

/** A camera whose truth is known. It shares no code with what is tested but the writing of FITS and the dice. */
export interface Camera {
  width: number
  height: number
  /** Electrons per ADU, and electrons, for each amplifier; the data are shared evenly between them, left to right. */
  gain: number[]
  readNoise: number[]
  /** ADU under the signal of each amplifier, and how it drifts from row to row. */
  pedestal: number[]
  drift: number
  /** Columns of overscan that follow the data of each amplifier. */
  overscan: number
  /** ADU at which samples end. */
  saturation: number
  /** Structure of the bias, ADU; dark current, ADU/s; response to light, mean 1. */
  bias: Float32Array
  dark: Float32Array
  flat: Float32Array
  /** Samples per frame that a cosmic ray hits. */
  cosmics: number
  /** The true signal of an amplifier is net (1 + curve net), in ADU; 0 where counts are proportional to light. */
  curve: number[]
  instrument: string
}

export function camera(more: Partial<Camera> = {}): Camera {
  const { width = 128, height = 96 } = more
  const r = random(7)
  const map = (f: (x: number, y: number) => number) =>
    Float32Array.from({ length: width * height }, (_, p) => f(p % width, Math.floor(p / width)))
  const vignetting = (x: number, y: number) => 1 - 0.25 * ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2)
  const flat = map((x, y) => vignetting(x, y) * (1 + 0.01 * r.normal()))
  const mean = flat.reduce((sum, v) => sum + v, 0) / flat.length
  return {
    ...{ width, height, gain: [1.6], readNoise: [8], pedestal: [1000], drift: 0, overscan: 0, saturation: 60000 },
    bias: map((x) => 3 * Math.sin(x / 9)),
    dark: map((x, y) => 0.05 + 0.02 * Math.exp(-((x - 5) ** 2 + y ** 2) / 400)),
    flat: flat.map((v) => v / mean),
    ...{ cosmics: 0, curve: [], instrument: 'cam1' },
    ...more,
  }
}

export interface Exposure {
  type: 'bias' | 'dark' | 'flat' | 'object'
  seconds?: number
  /** ADU of light where the response is 1. */
  light?: number
  /** In place of even light: what each pixel gets, ADU. */
  scene?: (x: number, y: number) => number
  filter?: string
  cards?: [string, string | number | boolean, string?][]
}

/** Raw pixels of one exposure, rounded and cut off as a converter does. */
export function expose(camera: Camera, exposure: Exposure, r: Random): { pixels: Float32Array; width: number } {
  const { width, height, gain, overscan } = camera
  const amplifiers = gain.length
  const part = width / amplifiers
  const rawWidth = width + amplifiers * overscan
  const pixels = new Float32Array(rawWidth * height)
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < amplifiers; k++) {
      const start = y * rawWidth + k * (part + overscan)
      for (let x = 0; x < part + overscan; x++) {
        const signal = x < part ? signalOf(camera, exposure, k * part + x, y) : { electrons: 0, bias: 0 }
        const photons = signal.electrons > 0 ? r.poisson(signal.electrons) : 0
        const noise = camera.readNoise[k] * r.normal()
        const level = camera.pedestal[k] + camera.drift * Math.sin(y / 11) + signal.bias
        pixels[start + x] = toCounts(level + (bent(photons / gain[k], camera.curve[k] ?? 0) + noise / gain[k]), camera)
      }
    }
  }
  hit(pixels, rawWidth, camera, r)
  return { pixels, width: rawWidth }
}

/** The net counts of a signal, both ADU. */
const bent = (signal: number, curve: number) => (curve ? (Math.sqrt(1 + 4 * curve * signal) - 1) / (2 * curve) : signal)

function signalOf({ width, gain, bias, dark, flat }: Camera, exposure: Exposure, x: number, y: number) {
  const p = y * width + x
  const k = Math.floor((x * gain.length) / width)
  const { seconds = 0, light = 0, scene } = exposure
  const adu = dark[p] * seconds + (scene ? scene(x, y) : light) * flat[p]
  return { electrons: adu * gain[k], bias: bias[p] }
}

const toCounts = (value: number, { saturation }: Camera) => Math.max(0, Math.min(saturation, Math.round(value)))

/** Cosmic rays add from 50 to 5000 ADU. */
function hit(pixels: Float32Array, rawWidth: number, camera: Camera, r: Random): void {
  for (let n = 0; n < camera.cosmics; n++) {
    const y = Math.floor(camera.height * r.uniform())
    const x = Math.floor((camera.width / camera.gain.length) * r.uniform())
    const p = y * rawWidth + x
    pixels[p] = toCounts(pixels[p] + 50 * 100 ** r.uniform(), camera)
  }
}

/** Writes a raw frame as a camera would: unsigned 16-bit integers, its sections in the header. */
export function writeRaw(
  path: string,
  camera: Camera,
  exposure: Exposure,
  frame: { pixels: Float32Array; width: number },
): void {
  const { gain, readNoise, saturation, height, instrument } = camera
  const { type, seconds = 0, filter, cards = [] } = exposure
  const header: [string, string | number | boolean, string?][] = [
    ['IMAGETYP', type],
    ['INSTRUME', instrument],
    ['EXPTIME', seconds],
    ['GAIN', gain[0]],
    ['RDNOISE', readNoise[0]],
    ['SATURATE', saturation],
    ...(filter ? [['FILTER', filter] as [string, string]] : []),
    ...sections(camera),
    ...cards,
  ]
  const rows = frame.pixels.length / frame.width
  writeFits(path, [
    {
      ...{ kind: 'image', bitpix: 16, unsigned: true, axes: [frame.width, rows || height], pixels: frame.pixels },
      header: { cards: header.map(([keyword, value, comment = '']) => ({ keyword, value, comment })) },
    },
  ])
}

function sections({ width, height, gain, overscan }: Camera): [string, string][] {
  if (overscan === 0) return []
  const part = width / gain.length
  const text = (x0: number, x1: number) => `[${x0 + 1}:${x1},1:${height}]`
  if (gain.length === 1) {
    return [
      ['DATASEC', text(0, width)],
      ['BIASSEC', text(width, width + overscan)],
    ]
  }
  return gain.flatMap((_, k) => {
    const start = k * (part + overscan)
    return [
      [`DSEC${k + 1}`, text(start, start + part)],
      [`BSEC${k + 1}`, text(start + part, start + part + overscan)],
    ] as [string, string][]
  })
}

/** A series of frames of one kind, `name-0.fits` and on, a minute apart. */
export function series(
  folder: string,
  name: string,
  count: number,
  camera: Camera,
  exposure: Exposure | ((k: number) => Exposure),
  seed = 1,
): string[] {
  mkdirSync(folder, { recursive: true })
  return Array.from({ length: count }, (_, k) => {
    const one = typeof exposure === 'function' ? exposure(k) : exposure
    const path = join(folder, `${name}-${k}.fits`)
    const minute = String(k % 60).padStart(2, '0')
    const hour = { bias: '01', dark: '02', flat: '03', object: '04' }[one.type]
    const date: [string, string] = ['DATE-OBS', `2026-11-21T${hour}:${minute}:00`]
    writeRaw(path, camera, { ...one, cards: [date, ...(one.cards ?? [])] }, expose(camera, one, random(seed, k)))
    return path
  })
}
