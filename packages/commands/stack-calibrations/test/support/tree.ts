import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'

export const [WIDTH, HEIGHT, OVERSCAN] = [128, 96, 16]
export const GAIN = 2
export const READ_NOISE = 6
/** 2019-04-05 12:00 */
export const NOON = 58578.5

export interface Shot {
  type: 'BIAS' | 'DARK' | 'LAMPFLAT'
  /** days after NOON */
  at: number
  exposure?: number
  noise?: number
  camera?: string
  site?: string
}

/** The tree of a spectrograph without anything in it, below a folder of all sites. */
export function emptyTree(folder: string) {
  const instrument = join(folder, 'cpt/nres03')
  const reduced = join(instrument, 'reduced')
  mkdirSync(join(reduced, 'csv'), { recursive: true })
  return { instrument, reduced, flags: ['--root', folder, '--site', 'cpt', '--nres-instrument', 'nres03'] }
}

/** Dark current of a pixel, electrons a second: some are hot. */
export const current = (p: number) => (p % 311 === 5 ? 4 : 0.05)
export const biasLevel = (p: number) => 3 * Math.sin(p / 7)

/** A raw container of the image only; where the archive has it, below its day. */
export function writeShot(instrument: string, number: number, { type, at, ...more }: Shot): string {
  const { exposure = 0, noise = READ_NOISE, camera = 'fa13', site = 'cpt' } = more
  const { normal, poisson } = random(number)
  const full = WIDTH + OVERSCAN
  const pixels = new Uint16Array(full * HEIGHT)
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < full; x++) {
      const p = y * WIDTH + x
      const light = x < WIDTH ? poisson(exposure * current(p)) : 0
      pixels[y * full + x] = Math.round(1000 + (x < WIDTH ? biasLevel(p) : 0) + (light + noise * normal()) / GAIN)
    }
  }
  const day = new Date((NOON + at - 40587) * 86400000).toISOString().slice(0, 10).replaceAll('-', '')
  const folder = join(instrument, day, 'raw')
  mkdirSync(folder, { recursive: true })
  const header = createHeader([
    ...([
      ['OBSTYPE', type],
      ['OBJECTS', 'none&none&none'],
      ['EXPTIME', exposure],
      ['SITEID', site],
    ] as const),
    ...([
      ['TELESCOP', 'nres03'],
      ['INSTRUME', camera],
      ['GAIN', GAIN],
      ['RDNOISE', READ_NOISE],
    ] as const),
    ...([
      ['MJD-OBS', NOON + at],
      ['DAY-OBS', day],
      ['BIASSEC', `[${WIDTH + 1}:${full},1:${HEIGHT}]`],
    ] as const),
    ...([['TRIMSEC', `[1:${WIDTH},1:${HEIGHT}]`]] as const),
  ])
  const name = `cptnrs03-${camera}-${day}-${String(number).padStart(4, '0')}-${type === 'BIAS' ? 'b' : 'd'}00.fits.fz`
  const path = join(folder, name)
  const image = { kind: 'image', name: 'SPECTRUM', bitpix: 16, unsigned: true, compress: { type: 'RICE_1' } } as const
  writeFits(path, [{ kind: 'empty' }, { ...image, axes: [full, HEIGHT], pixels, header }])
  return path
}

export const standards = (reduced: string) =>
  readFileSync(join(reduced, 'csv/standards.csv'), 'utf8').trim().split('\n').slice(1)
