import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DataError, withLock, writeAtomically } from '@nightpipe/files'
import { readTable, upsertRows } from '@nightpipe/table'
import { nextGeneration } from './build.js'
import type { SkyStars } from './star.js'
import { digestOfTile, digestOfTiles, FACTS_FILE, formatFacts, readFacts, type StoreFacts, tilePath } from './store.js'
import { encodeStars } from './tile.js'
import { fastestOf } from './tile-order.js'
import { tileTable } from './tile-table.js'

/** A catalogue folder that is filled tile by tile. */
export interface GrowingCatalogue {
  facts(): StoreFacts
  has(tile: number): boolean
  /** Adds a tile whole, for good: its file, then its row in tiles.csv, then catalogue.json. */
  add(tile: number, stars: SkyStars): Promise<void>
}

/** What tells one catalogue from another: tiles of two kinds must not lie in one folder. */
export type GrowOptions = Pick<StoreFacts, 'name' | 'source' | 'epoch' | 'bands' | 'order'>

/** Opens a folder to be filled, and makes it where there is none. */
export function growCatalogue(folder: string, options: GrowOptions): GrowingCatalogue {
  const before = readFacts(folder)
  if (before) requireSame(folder, before, options)
  let facts: StoreFacts = before ?? startFolder(folder, options)
  const tiles = join(folder, facts.tiles)
  const table = join(tiles, tileTable.name)
  let have = tilesIn(table)
  return {
    facts: () => facts,
    has: (tile) => have.has(tile),
    async add(tile, stars) {
      const path = join(tiles, tilePath(facts.order, tile))
      const bytes = stars.count > 0 ? encodeStars(stars) : undefined
      if (bytes) {
        mkdirSync(dirname(path), { recursive: true })
        writeAtomically(path, bytes)
      } else rmSync(path, { force: true })
      // Another process may add tiles to the same folder at the same time.
      await withLock(join(folder, FACTS_FILE), async () => {
        const known = readFacts(folder) ?? facts
        // Searches widen their circle by the fastest star: it must be known before the tile counts as there.
        facts = { ...known, fastest: Math.max(known.fastest, fastestOf(stars)) }
        writeAtomically(join(folder, FACTS_FILE), formatFacts(facts))
        await upsertRows(table, tileTable, [{ tile, stars: stars.count, digest: bytes && digestOfTile(bytes) }])
        have = tilesIn(table)
        const rows = [...have.values()]
        const digest = digestOfTiles(rows.map((row) => [row.tile, row.digest ?? '']))
        facts = { ...facts, count: rows.reduce((sum, row) => sum + row.stars, 0), digest }
        writeAtomically(join(folder, FACTS_FILE), formatFacts(facts))
      })
    },
  }
}

const tilesIn = (table: string) => new Map(readTable(table, tileTable, { orEmpty: true }).map((row) => [row.tile, row]))

function startFolder(folder: string, options: GrowOptions): StoreFacts {
  mkdirSync(folder, { recursive: true })
  const facts: StoreFacts = {
    ...{ format: 'nightpipe catalogue 1', ...options, count: 0, tiles: nextGeneration(folder) },
    ...{ fastest: 0, coverage: 'listed' },
  }
  mkdirSync(join(folder, facts.tiles))
  writeAtomically(join(folder, FACTS_FILE), formatFacts(facts))
  return facts
}

function requireSame(folder: string, before: StoreFacts, options: GrowOptions): void {
  if (before.coverage === 'all') {
    throw new DataError(`${folder} is a catalogue that was imported whole`, 'fetch into another folder')
  }
  for (const key of ['source', 'epoch', 'order'] as const) {
    if (before[key] === options[key]) continue
    const problem = `${folder} holds tiles of another kind (${key} ${before[key]}, now ${options[key]})`
    throw new DataError(problem, 'fetch into another folder')
  }
}
