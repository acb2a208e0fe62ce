import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHeader, writeFits } from '@nightpipe/fits'
import { parseCsv } from '@nightpipe/table'
import { type Called, call, shellEnvironment } from '@nightpipe/testing'

export const bin = fileURLToPath(new URL('../../bin/pipeline.js', import.meta.url))

/** The executable as a person calls it. */
export const run = (...args: string[]): Called => call('pipeline', args, { env: shellEnvironment() })

export const command = (name: string, ...args: string[]): Called => call(name, args, { env: shellEnvironment() })

const SIDE = 64
/** Numbers between -1 and 1 that look random and are the same every time. */
const noise = (k: number) => 2 * (Math.abs(Math.sin(k * 12.9898 + 4.1) * 43758.5453) % 1) - 1

type Cards = Record<string, string | number>

/** A raw frame with a few stars, as a camera writes it. */
export function writeRaw(path: string, cards: Cards, level: number, seed = 0, side = SIDE): void {
  mkdirSync(dirname(path), { recursive: true })
  const star = (p: number) => {
    const [x, y] = [p % side, Math.floor(p / side)]
    return [10, 33, 50].reduce((sum, c, k) => sum + 3000 * Math.exp(-((x - c) ** 2 + (y - 20 - 13 * k) ** 2) / 4), 0)
  }
  const light = cards.IMAGETYP === 'object' ? star : () => 0
  const pixels = Float64Array.from({ length: side * side }, (_, p) =>
    Math.round(level + light(p) + 10 * noise(p + 7919 * seed + level)),
  )
  const header = createHeader([
    ...Object.entries({ INSTRUME: 'cam', GAIN: 1.5, RDNOISE: 9, SATURATE: 60000, ...cards }),
  ] as [string, string | number][])
  writeFits(path, [{ kind: 'image', bitpix: 16, unsigned: true, axes: [side, side], pixels, header }])
}

/** Biases and flats, and three frames in each of two filters of one object. */
export function writeNight(folder: string): string {
  const day = '2026-01-01'
  for (let k = 0; k < 3; k++) {
    writeRaw(join(folder, `bias${k}.fits`), { IMAGETYP: 'bias', EXPTIME: 0, 'DATE-OBS': `${day}T18:0${k}:00` }, 1000, k)
    for (const FILTER of ['g', 'r']) {
      const facts = { FILTER, EXPTIME: 10 }
      const flat = { ...facts, IMAGETYP: 'flat', 'DATE-OBS': `${day}T19:0${k}:00` }
      writeRaw(join(folder, `flat-${FILTER}${k}.fits`), flat, 20000 + 500 * k, 10 + k)
      const object = { ...facts, IMAGETYP: 'object', OBJECT: 'M 67', 'DATE-OBS': `${day}T20:0${k}:00` }
      writeRaw(join(folder, `m67-${FILTER}${k}.fits`), object, 1200, 20 + k)
    }
  }
  return folder
}

/** A folder of configurations with pipeline.cfg and modules beside it. */
export function writeConfigs(
  folder: string,
  structure = 'reduction = yes',
  modules: Record<string, string> = {},
): string {
  mkdirSync(folder, { recursive: true })
  const text = `[Workspace]\nheaders = TRGID,INSTRUME,FILTER\n[Structure of pipeline]\n${structure}\n[Strategy processing]\nmode = standard\t\n`
  writeFileSync(join(folder, 'pipeline.cfg'), text)
  const all = { reduction: '[Calibration]\ndark = none\n[Cosmic rays]\nmethod = none\n', ...modules }
  for (const [name, ini] of Object.entries(all)) writeFileSync(join(folder, `${name}.cfg`), ini)
  return folder
}

/** All FITS below a folder, by path, with their bytes. */
export function products(folder: string): Map<string, string> {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((one) =>
    one.name.endsWith('.fits'),
  )
  const paths = files.map((one) => join(one.parentPath ?? one.path, one.name)).sort()
  return new Map(paths.map((path) => [relative(folder, path), readFileSync(path, 'base64')]))
}

/** The rows of a table as records. */
export function rows(path: string): Record<string, string>[] {
  const [head, ...lines] = parseCsv(readFileSync(path, 'utf8'), path).map(({ cells }) => cells)
  return lines.map((cells) => Object.fromEntries(head!.map((name, k) => [name, cells[k] ?? ''])))
}

/** A night, its configurations, and where its products go. */
export const setUp = (cwd: string, structure = 'reduction = yes', modules = {}) => ({
  raw: writeNight(join(cwd, 'raw')),
  configs: writeConfigs(join(cwd, 'cfg'), structure, modules),
  out: join(cwd, 'out'),
})
