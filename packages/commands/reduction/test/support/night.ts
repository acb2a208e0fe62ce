import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type CardValue, createHeader, type FitsFrame, readFrame, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { call, scratch, set } from '@nightpipe/testing'

/** The executable, as a person meets it. */
export function reduction(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = call('reduction', args)
  return { code: status, stdout, stderr }
}

type Cards = [string, CardValue][]

export function writeImage(
  path: string,
  pixels: Float32Array,
  width: number,
  cards: Cards,
  extra: { error?: Float32Array; mask?: Int16Array; integers?: boolean } = {},
): string {
  const axes = [width, pixels.length / width]
  const { error, mask, integers } = extra
  const header = createHeader(cards)
  const stored = integers ? Int32Array.from(pixels, Math.round) : pixels
  writeFits(path, [
    integers
      ? { kind: 'image', bitpix: 32, axes, pixels: stored, header }
      : { kind: 'image', bitpix: -32, axes, pixels: stored, header },
    ...(error ? [{ kind: 'image' as const, name: 'ERR', bitpix: -32 as const, axes, pixels: error }] : []),
    ...(mask ? [{ kind: 'image' as const, name: 'MASK', bitpix: 16 as const, axes, pixels: mask }] : []),
  ])
  return path
}

export const CAMERA: Cards = [
  ['INSTRUME', 'CAM'],
  ['FILTER', 'r'],
]

export interface NightOptions {
  width?: number
  height?: number
  /** Mean light, electrons in the exposure. */
  light?: number
  gain?: number
  readNoise?: number
  exposure?: number
  /** Frames that each master is made of: their noise; 0 for masters without any. */
  deep?: number
  noise?: boolean
  seed?: number
  stars?: number
}

export interface Night {
  folder: string
  raw: string
  width: number
  height: number
  /** Light of each pixel, electrons. */
  truth: Float32Array
  masters: string[]
}

/** A raw frame with an overscan of 32 columns, its masters, and the truth; in a folder of its own. */
export function makeNight(options: NightOptions = {}): Night {
  const { width = 200, height = 160, light = 500, gain = 2, readNoise = 6, exposure = 30 } = options
  const { deep = 10, noise = true, seed = 1, stars = 20 } = options
  const { normal, poisson, uniform } = random(seed)
  const folder = scratch()
  mkdirSync(join(folder, 'raw'))
  const n = width * height
  const plane = (f: (x: number, y: number) => number) =>
    Float32Array.from({ length: n }, (_, p) => f(p % width, Math.floor(p / width)))
  const bias = plane((x, y) => 3 * Math.sin(x / 9) + y / 80)
  const dark = plane(() => 0.05 + (uniform() < 0.002 ? 8 : 0))
  const shade = plane((x, y) => 1.1 - 0.4 * (((x - width / 2) / width) ** 2 + ((y - height / 2) / height) ** 2))
  const flat = shade.map((v) => v * (1 + 0.01 * normal()))
  const truth = plane(() => light)
  for (let k = 0; k < stars; k++) {
    const [cx, cy, peak] = [uniform() * width, uniform() * height, light * 3 * uniform() ** 3]
    for (let p = 0; p < n; p++) {
      const r2 = ((p % width) - cx) ** 2 + (Math.floor(p / width) - cy) ** 2
      if (r2 < 100) truth[p] += peak * Math.exp(-r2 / 8)
    }
  }
  const full = width + 32
  const pixels = new Float32Array(full * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < full; x++) {
      const p = y * width + x
      const electrons = x < width ? truth[p] * flat[p] + dark[p] * exposure * gain : 0
      const seen = noise ? poisson(electrons) + readNoise * normal() : electrons
      const adu = 1000 + (x < width ? bias[p] : 0) + seen / gain
      pixels[y * full + x] = noise ? Math.round(adu) : adu
    }
  }
  const raw = join(folder, 'raw', 'm67.fits')
  const cards: Cards = [
    ...CAMERA,
    ['IMAGETYP', 'object'],
    ['OBJECT', 'M67'],
    ['EXPTIME', exposure],
    ['GAIN', gain],
    ['RDNOISE', readNoise],
    ['SATURATE', 60000],
    ['DATE-OBS', '2026-03-01T04:00:00'],
    ['RA', 132.85],
    ['DEC', 11.8],
    ['TRIMSEC', `[1:${width},1:${height}]`],
    ['BIASSEC', `[${width + 1}:${full},1:${height}]`],
  ]
  writeImage(raw, pixels, full, cards, { integers: noise })
  const masters = (['bias', 'dark', 'flat'] as const).map((type) => {
    const values = { bias, dark, flat }[type]
    // what averaging `deep` frames leaves: biases, darks of 100 s, flats of 40000 e
    const sigma =
      deep === 0 ? 0 : { bias: readNoise / gain, dark: readNoise / gain / 100, flat: 1 / 200 }[type] / Math.sqrt(deep)
    const noisy = values.map((v) => v + sigma * normal())
    const own: Cards = [
      ...CAMERA,
      ['IMAGETYP', `master ${type}`],
      ['BINNING', '1x1'],
      ['BUNIT', { bias: 'adu', dark: 'adu/s', flat: '' }[type]],
      ['EXPTIME', { bias: 0, dark: 1, flat: 5 }[type]],
      ['MJD-OBS', 61100],
    ]
    return writeImage(join(folder, `${type}.fits`), noisy, width, own, { error: new Float32Array(n).fill(sigma) })
  })
  return { folder, raw, width, height, truth, masters }
}

export const named = (night: Night) =>
  set(...['bias', 'dark', 'flat'].map((type, k) => `calibration.${type}=${night.masters[k]}`))

/** Reduces a night with its masters and reads the product. */
export function reduced(night: Night, ...settings: string[]): FitsFrame {
  const output = join(night.folder, `out${Math.random().toString(36).slice(2)}`)
  const { code, stderr } = reduction('-s', night.raw, '-r', output, ...named(night), ...set(...settings))
  if (code !== 0) throw new Error(`exit ${code}: ${stderr}`)
  return readFrame(join(output, 'm67.fits'))
}
