import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DataError, explainSystemError, systemCode } from '@nightpipe/files'

/** What `catalogue.json` in the folder of a catalogue says. */
export interface StoreFacts {
  format: 'nightpipe catalogue 1'
  name: string
  /** Where the stars come from, for people. */
  source: string
  epoch: number
  bands: string[]
  count: number
  /** HEALPix order of the tiles. */
  order: number
  /** The folder of the tiles in force: a new import makes another one, and then changes this name. */
  tiles: string
  /** mas/yr: no star moves faster. */
  fastest: number
  /** 'all': a tile that is not there has no stars. 'listed': only the tiles of tiles.csv are known. */
  coverage: 'all' | 'listed'
  /** Of all its tiles: catalogues with one digest hold the same stars. Those of before this was kept have none. */
  digest?: string
}

export const FACTS_FILE = 'catalogue.json'

/** The path of a tile inside the folder of tiles, as HiPS and HATS lay them out. */
export const tilePath = (order: number, pixel: number): string =>
  join(`Norder${order}`, `Dir${Math.floor(pixel / 10000) * 10000}`, `Npix${pixel}.fits`)

/** The digest of a tile's file. */
export const digestOfTile = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** The digest of a catalogue from those of its tiles, in any order; a tile without stars has none. */
export function digestOfTiles(tiles: Iterable<readonly [tile: number, digest: string]>): string {
  const hash = createHash('sha256')
  for (const [tile, digest] of [...tiles].sort((a, b) => a[0] - b[0])) hash.update(`${tile} ${digest}\n`)
  return hash.digest('hex')
}

/** Reads `catalogue.json` of a folder; undefined where there is none. */
export function readFacts(folder: string): StoreFacts | undefined {
  const path = join(folder, FACTS_FILE)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined
    throw explainSystemError(error, 'read', path)
  }
  try {
    return checkFacts(JSON.parse(text), path)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new DataError(`${path} is damaged: ${error.message}`, 'import the catalogue again', { cause: error })
  }
}

function checkFacts(value: unknown, path: string): StoreFacts {
  const facts = value as StoreFacts
  if (facts?.format !== 'nightpipe catalogue 1') {
    throw new DataError(`${path} is not of a catalogue that this version reads`, 'import the catalogue again')
  }
  const whole = typeof facts.tiles === 'string' && /^[\w-]+$/.test(facts.tiles) && Array.isArray(facts.bands)
  if (!whole || ![facts.order, facts.epoch, facts.count, facts.fastest].every(Number.isFinite)) {
    throw new DataError(`${path} is not complete`, 'import the catalogue again')
  }
  return facts
}

/** The text of `catalogue.json`. */
export const formatFacts = (facts: StoreFacts): string => `${JSON.stringify(facts, undefined, 2)}\n`
