import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { flushFolder, withLock, writeAtomically } from '@nightpipe/files'
import type { SkyStars } from './star.js'
import { bandsOf } from './star-lists.js'
import { FACTS_FILE, formatFacts, readFacts, type StoreFacts, tilePath } from './store.js'
import { encodeStars } from './tile.js'
import { fastestOf, orderFor, sliceStars, sortByTile } from './tile-order.js'

export interface BuildOptions {
  name: string
  /** Where the stars come from, for people. */
  source?: string
  /** HEALPix order of the tiles; by default as fine as the density of the stars asks. */
  order?: number
}

/**
 * Writes stars as a catalogue folder, in tiles. The tiles go to a new folder, and only then does `catalogue.json` name it:
 * whoever reads meanwhile, or when this is killed, has the old catalogue whole. The one before is removed afterwards.
 */
export async function buildCatalogue(folder: string, stars: SkyStars, options: BuildOptions): Promise<StoreFacts> {
  mkdirSync(folder, { recursive: true })
  return withLock(join(folder, FACTS_FILE), async () => {
    const before = readFacts(folder)
    const generation = nextGeneration(folder)
    const part = join(folder, `.${generation}.part`)
    rmSync(part, { recursive: true, force: true })
    const order = options.order ?? orderFor(stars)
    writeTiles(part, stars, order)
    renameSync(part, join(folder, generation))
    flushFolder(folder)
    const facts: StoreFacts = {
      ...{ format: 'nightpipe catalogue 1', name: options.name, source: options.source ?? '' },
      ...{ epoch: stars.epoch, bands: bandsOf(stars), count: stars.count, order, tiles: generation },
      ...{ fastest: fastestOf(stars), coverage: 'all' },
    }
    writeAtomically(join(folder, FACTS_FILE), formatFacts(facts))
    if (before && before.tiles !== generation) rmSync(join(folder, before.tiles), { recursive: true, force: true })
    return facts
  })
}

/** tiles-1, tiles-2, …: one more than the highest there is. */
export function nextGeneration(folder: string): string {
  const numbers = readdirSync(folder).map((name) => Number(/^\.?tiles-(\d+)(?:\.part)?$/.exec(name)?.[1] ?? 0))
  return `tiles-${Math.max(0, ...numbers) + 1}`
}

function writeTiles(folder: string, stars: SkyStars, order: number): void {
  const { sorted, pixels, starts } = sortByTile(stars, order)
  mkdirSync(folder, { recursive: true })
  for (const [k, pixel] of pixels.entries()) {
    const path = join(folder, tilePath(order, pixel))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, encodeStars(sliceStars(sorted, starts[k], starts[k + 1])), { flush: true })
  }
}
