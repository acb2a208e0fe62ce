import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createHeader, type NewHdu, setCard, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { call } from '@nightpipe/testing'

export const BIN = fileURLToPath(new URL('../../../bin/subtraction.js', import.meta.url))

/** The executable as a person calls it. */
export const run = (args: readonly string[], cwd: string) => call('subtraction', [...args, '--quiet'], { cwd })

/** The report, a record for each input, by file name. */
export function report(path: string): Map<string, Record<string, string>> {
  const [head, ...lines] = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','))
  return new Map(
    lines.map((cells) => [cells[0]!.split('/').at(-1)!, Object.fromEntries(head!.map((h, k) => [h, cells[k]!]))]),
  )
}

export interface Star {
  x: number
  y: number
  flux: number
}

export interface FieldOptions {
  width: number
  height: number
  /** Of the Moffat profile (beta 3.5), px. */
  fwhm: number
  /** Stars are stretched along x by this. */
  stretch?: number
  sky: number
  gain: number
  readNoise: number
  seed: number
  /** The grid lies so far to the right and up, px, and is turned by so many degrees. */
  shift?: readonly [number, number]
  turn?: number
  /** All stars are so much brighter. */
  scale?: number
  more?: readonly Star[]
  cards?: readonly [string, string | number][]
  error?: boolean
}

/** Stars that are the same for every seed: a field. */
export function starsOf(
  count: number,
  width: number,
  height: number,
  fluxes: readonly [number, number],
  seed = 1,
): Star[] {
  const { uniform } = random(seed, 99)
  return Array.from({ length: count }, () => ({
    x: (1.2 * uniform() - 0.1) * width,
    y: (1.2 * uniform() - 0.1) * height,
    flux: fluxes[1] * (fluxes[0] / fluxes[1]) ** (uniform() ** 2),
  }))
}

/** A frame of the field, in ADU, with photon and read noise. */
export function writeField(path: string, stars: readonly Star[], o: FieldOptions): void {
  const { width, height } = o
  const light = new Float64Array(width * height).fill(o.sky)
  for (const star of stars) addStar(light, place(star, o, o.scale ?? 1), o)
  for (const star of o.more ?? []) addStar(light, place(star, o, 1), o)
  const { normal, poisson } = random(o.seed)
  const pixels = Float32Array.from(
    light,
    (value) => poisson(value * o.gain) / o.gain + (o.readNoise / o.gain) * normal(),
  )
  const header = createHeader([
    ['BUNIT', 'adu'],
    ['GAIN', o.gain],
    ['RDNOISE', o.readNoise],
    ['SATURATE', 60000],
    ['FILTER', 'r'],
    ['OBJECT', 'field'],
  ])
  for (const [keyword, value] of o.cards ?? []) setCard(header, keyword, value)
  const axes = [width, height]
  const image: NewHdu = { kind: 'image', header, bitpix: -32, axes, pixels }
  const error = light.map((value) => Math.sqrt(value / o.gain + (o.readNoise / o.gain) ** 2))
  const plane: NewHdu = { kind: 'image', name: 'ERR', bitpix: -32, axes, pixels: Float32Array.from(error) }
  writeFits(path, o.error ? [image, plane] : [image])
}

function place({ x, y, flux }: Star, { shift = [0, 0], turn = 0, width, height }: FieldOptions, scale: number): Star {
  const angle = (turn * Math.PI) / 180
  const [u, v] = [x - width / 2 - shift[0], y - height / 2 - shift[1]]
  return {
    x: Math.cos(angle) * u - Math.sin(angle) * v + width / 2,
    y: Math.sin(angle) * u + Math.cos(angle) * v + height / 2,
    flux: flux * scale,
  }
}

/** A Moffat star, integrated over pixels by 3 x 3 points. */
function addStar(light: Float64Array, { x: cx, y: cy, flux }: Star, o: FieldOptions): void {
  const beta = 3.5
  const alpha = o.fwhm / 2 / Math.sqrt(2 ** (1 / beta) - 1)
  const stretch = o.stretch ?? 1
  const peak = (flux * (beta - 1)) / (Math.PI * alpha * alpha * stretch)
  const reach = Math.ceil(flux > 2e4 ? 12 * alpha : 6 * alpha)
  for (let y = Math.max(0, Math.round(cy) - reach); y <= Math.min(o.height - 1, Math.round(cy) + reach); y++) {
    for (let x = Math.max(0, Math.round(cx) - reach); x <= Math.min(o.width - 1, Math.round(cx) + reach); x++) {
      let sum = 0
      for (let k = 0; k < 9; k++) {
        const [u, v] = [x - cx + ((k % 3) - 1) / 3, y - cy + (Math.floor(k / 3) - 1) / 3]
        sum += (1 + ((u / stretch) ** 2 + v * v) / (alpha * alpha)) ** -beta
      }
      light[y * o.width + x]! += (peak * sum) / 9
    }
  }
}
