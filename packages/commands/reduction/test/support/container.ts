import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type CardValue, createHeader, type NewHdu, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { scratch } from '@nightpipe/testing'

export const GAIN = 2
export const READ_NOISE = 6
export const [WIDTH, HEIGHT, OVERSCAN] = [320, 256, 32]

/** Order centres, px: fibres 0 to 2 of each, from above. */
export const centre = (order: number, fibre: number, x: number) =>
  36 + 44 * order - 13 * (fibre - 1) + 6 * ((x - WIDTH / 2) / WIDTH) ** 2
export const ORDERS = 5

export interface Shot {
  type: 'BIAS' | 'DARK' | 'LAMPFLAT' | 'DOUBLE' | 'TARGET'
  letter: string
  objects?: string
  exposure?: number
  /** electrons of an order's peak row, by fibre */
  light?: (fibre: number, x: number) => number
  cards?: [string, CardValue][]
  camera?: string
}

/** A raw container of NRES: the image in the extension SPECTRUM (or, unpacked, the primary HDU) and its side tables. */
export function writeContainer(folder: string, number: number, shot: Shot, { packed = true, seed = 1 } = {}): string {
  const { type, letter, objects = 'none&none&none', exposure = 0, light, cards = [], camera = 'fa13' } = shot
  const { normal, poisson } = random(1000 * seed + number)
  const full = WIDTH + OVERSCAN
  const pixels = new Uint16Array(full * HEIGHT)
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < full; x++) {
      const electrons = x < WIDTH ? signal(x, y, light) + exposure * (isHot(x, y) ? 20 : 0.02) : 0
      const counts = 1000 + 0.02 * y + (poisson(electrons) + READ_NOISE * normal()) / GAIN
      pixels[y * full + x] = Math.min(65535, Math.max(0, Math.round(counts)))
    }
  }
  const name = `cptnrs03-${camera}-20190405-${String(number).padStart(4, '0')}-${letter}00`
  const own: [string, CardValue][] = [
    ...([
      ['OBSTYPE', type],
      ['OBJECTS', objects],
      ['EXPTIME', exposure],
      ['SITEID', 'cpt'],
    ] as [string, CardValue][]),
    ...([
      ['TELESCOP', 'nres03'],
      ['INSTRUME', camera],
      ['GAIN', GAIN],
      ['RDNOISE', READ_NOISE],
    ] as [string, CardValue][]),
    ...([
      ['MJD-OBS', 58578.5 + number / 1000],
      ['SATURATE', 60000],
    ] as [string, CardValue][]),
    ...([['BIASSEC', `[${WIDTH + 2}:${full},1:${HEIGHT}]`]] as [string, CardValue][]),
    ...([
      ['TRIMSEC', `[1:${WIDTH},1:${HEIGHT}]`],
      ['RLEVEL', 0],
    ] as [string, CardValue][]),
  ]
  const header = createHeader([...own.filter(([keyword]) => !cards.some(([said]) => said === keyword)), ...cards])
  const image: NewHdu = { kind: 'image', bitpix: 16, unsigned: true, axes: [full, HEIGHT], pixels, header }
  mkdirSync(folder, { recursive: true })
  const path = join(folder, packed ? `${name}.fits.fz` : `${name}.fits`)
  const front: NewHdu[] = packed
    ? [{ kind: 'empty' }, { ...image, name: 'SPECTRUM', compress: { type: 'RICE_1' } }]
    : [{ ...image, name: 'SPECTRUM' }]
  writeFits(path, [...front, ...sideTables()])
  return path
}

const isHot = (x: number, y: number) => (x * 7 + y * 13) % 997 === 0

function signal(x: number, y: number, light: Shot['light']): number {
  if (!light) return 0
  let sum = 0
  for (let order = 0; order < ORDERS; order++) {
    for (let fibre = 0; fibre < 3; fibre++) {
      const d = y - centre(order, fibre, x)
      if (Math.abs(d) < 8) sum += light(fibre, x) * Math.exp((-d * d) / (2 * 1.3 ** 2))
    }
  }
  return sum
}

function sideTables(): NewHdu[] {
  const telescope = (ra: string) =>
    createHeader([
      ['RA', ra, 'where it pointed'],
      ['LONGITUD', 20.81, 'east'],
    ])
  return [
    {
      kind: 'table',
      name: 'EXPOSURE_METER',
      rows: 2,
      columns: [
        { name: 'JD_START', unit: 'd', values: Float64Array.of(2458579.0001, 2458579.0002) },
        { name: 'FIB0COUNTS', values: Float32Array.of(100, 200) },
      ],
    },
    { kind: 'table', name: 'AGU_1', rows: 1, columns: [{ name: 'FILENAME', values: ['cpt1m010-g00.fits'] }] },
    { kind: 'empty', name: 'TELESCOPE_1', header: telescope('12:00:00') },
    { kind: 'empty', name: 'TELESCOPE_2', header: telescope('N/A') },
  ]
}

export const flatLight =
  (lit: readonly number[], peak = 8000) =>
  (fibre: number) =>
    lit.includes(fibre) ? peak : 0
export const arcLight =
  (lit: readonly number[], peak = 20000) =>
  (fibre: number, x: number) =>
    lit.includes(fibre) ? peak * Math.exp(-(((((x + 11 * fibre) % 40) - 20) / 1.5) ** 2) / 2) : 0

/** A night as it lies on the disk: biases, darks, flats of both pairs, arcs and two stars. */
export function containerNight(options: { packed?: boolean } = {}): { raw: string; folder: string } {
  const folder = scratch()
  const raw = join(folder, 'raw')
  let number = 0
  const take = (shot: Shot) => writeContainer(raw, ++number, shot, options)
  for (let k = 0; k < 5; k++) take({ type: 'BIAS', letter: 'b' })
  for (let k = 0; k < 3; k++) take({ type: 'DARK', letter: 'd', exposure: 600 })
  take({ type: 'LAMPFLAT', letter: 'w', objects: 'tung&tung&none', exposure: 10, light: flatLight([0, 1]) })
  take({ type: 'LAMPFLAT', letter: 'w', objects: 'none&tung&tung', exposure: 10, light: flatLight([1, 2]) })
  take({ type: 'DOUBLE', letter: 'a', objects: 'thar&thar&none', exposure: 30, light: arcLight([0, 1]) })
  const star = (fibre: number, x: number) => (fibre === 0 ? 900 : arcLight([1], 4000)(fibre, x))
  take({ type: 'TARGET', letter: 'e', objects: 'hd1461&thar&none', exposure: 600, light: star })
  return { raw, folder }
}

/** The same beside an empty tree, and the flags that name it. */
export function treeNight() {
  const night = containerNight()
  const reduced = join(night.folder, 'cpt/nres03/reduced')
  mkdirSync(join(reduced, 'csv'), { recursive: true })
  const flags = ['--root', night.folder, '--site', 'cpt', '--nres-instrument', 'nres03']
  return { ...night, reduced, flags }
}
