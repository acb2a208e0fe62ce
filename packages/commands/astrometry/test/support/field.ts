import { writeFileSync } from 'node:fs'
import { createHeader, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { makeWcs, type Wcs } from '@nightpipe/sky'

export const SIZE = 512
export const SKY: [number, number] = [201.3, -42.7]

export interface Star {
  ra: number
  dec: number
  mag: number
  pmRa: number
  pmDec: number
}

/** Stars of a piece of sky of 1.2 degrees; every fifth moves. */
export function starsOfSky(seed = 1, count = 900): Star[] {
  const dice = random(seed)
  return Array.from({ length: count }, (_, k) => ({
    ra: SKY[0] + (dice.uniform() - 0.5) * 1.6,
    dec: SKY[1] + (dice.uniform() - 0.5) * 1.2,
    mag: 15 + Math.log10(1 - dice.uniform()) / 0.4,
    pmRa: k % 5 === 0 ? 200 : 0,
    pmDec: k % 5 === 0 ? -100 : 0,
  }))
}

export function writeCatalogue(path: string, stars: readonly Star[]): void {
  const rows = stars.map(({ ra, dec, mag, pmRa, pmDec }) => [ra, dec, mag, pmRa, pmDec].join(','))
  writeFileSync(path, `${['ra,dec,r,pmra,pmdec', ...rows].join('\n')}\n`)
}

const SCALE = 2.5 / 3600

/** A camera with 2.5 arcsec pixels, turned, bent, mirrored as asked for. */
export function camera({
  turn = 0.4,
  hand = -1,
  bend = 0,
  sky = SKY,
}: {
  turn?: number
  hand?: 1 | -1
  bend?: number
  sky?: [number, number]
} = {}): Wcs {
  const [c, s] = [Math.cos(turn) * SCALE, Math.sin(turn) * SCALE]
  const linear = {
    pixel: [255.5, 255.5] as [number, number],
    sky,
    matrix: [hand * c, -s, hand * s, c] as [number, number, number, number],
  }
  if (bend === 0) return makeWcs({ linear })
  return makeWcs({
    linear,
    distortion: {
      kind: 'SIP',
      a: [[0, 0, 0, 0], [0, 0, bend], [0, 0], [bend]],
      b: [[0, 0, 0, bend], [0, 0, 0], [0, bend], [0]],
    },
  })
}

export interface FrameOptions {
  wcs: Wcs
  stars: readonly Star[]
  cards?: [string, string | number][]
  /** Julian year. */
  epoch?: number
  seed?: number
}

/** A frame of those stars, as a calibrated image in electrons with its error. */
export function writeFrame(path: string, { wcs, stars, cards = [], epoch = 2000, seed = 5 }: FrameOptions): void {
  const dice = random(seed)
  const pixels = new Float32Array(SIZE * SIZE)
  for (const { ra, dec, mag, pmRa, pmDec } of stars) {
    const years = epoch - 2000
    const at = wcs.toPixel(ra + (pmRa * years) / 3.6e6 / Math.cos((dec * Math.PI) / 180), dec + (pmDec * years) / 3.6e6)
    if (!at || at[0] < -8 || at[1] < -8 || at[0] > SIZE + 8 || at[1] > SIZE + 8) continue
    addStar(pixels, at[0], at[1], 10 ** (-0.4 * (mag - 21)))
  }
  const error = new Float32Array(pixels.length)
  for (let p = 0; p < pixels.length; p++) {
    const level = pixels[p]! + 100
    error[p] = Math.sqrt(level + 25)
    pixels[p] = level + error[p]! * dice.normal()
  }
  const header = createHeader([['BUNIT', 'electron'], ['INSTRUME', 'TEST'], ...cards])
  const axes = [SIZE, SIZE]
  writeFits(path, [
    { kind: 'image', header, bitpix: -32, axes, pixels },
    { kind: 'image', name: 'ERR', bitpix: -32, axes, pixels: error },
  ])
}

const SIGMA = 1.3

function addStar(pixels: Float32Array, x: number, y: number, flux: number): void {
  const peak = flux / (2 * Math.PI * SIGMA * SIGMA)
  for (let j = Math.max(0, Math.floor(y) - 8); j <= Math.min(SIZE - 1, Math.floor(y) + 9); j++) {
    for (let i = Math.max(0, Math.floor(x) - 8); i <= Math.min(SIZE - 1, Math.floor(x) + 9); i++) {
      pixels[j * SIZE + i] += peak * Math.exp(-((i - x) ** 2 + (j - y) ** 2) / (2 * SIGMA * SIGMA))
    }
  }
}

/** Root mean square distance, pixels, between where two plates put the same pixels. */
export function apart(found: { toPixel: Wcs['toPixel'] }, truth: Wcs): number {
  let [sum, n] = [0, 0]
  for (let x = 0; x < SIZE; x += 30) {
    for (let y = 0; y < SIZE; y += 30) {
      const at = found.toPixel(...truth.toSky(x, y))
      sum += at ? (at[0] - x) ** 2 + (at[1] - y) ** 2 : 1e6
      n++
    }
  }
  return Math.sqrt(sum / n)
}
