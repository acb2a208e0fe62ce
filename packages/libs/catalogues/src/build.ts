import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { flushFolder, withLock, writeAtomically } from '@nightpipe/files'
import type { SkyStars } from './star.js'
import { bandsOf } from './star-lists.js'
import { digestOfTile, digestOfTiles, FACTS_FILE, formatFacts, readFacts, type StoreFacts, tilePath } from './store.js'
import { encodeStars } from './tile.js'
import { fastestOf, sliceStars, sortByTile, type TiledStars } from './tile-order.js'

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
    removeLeftovers(folder, before)
    const generation = nextGeneration(folder)
    const part = join(folder, `.${generation}.part`)
    const tiled = sortByTile(stars, options.order)
    const { paths, digest } = writeTiles(part, tiled)
    await flushAll(paths)
    renameSync(part, join(folder, generation))
    flushFolder(folder)
    const facts: StoreFacts = {
      ...{ format: 'nightpipe catalogue 1', name: options.name, source: options.source ?? '' },
      ...{ epoch: stars.epoch, bands: bandsOf(stars), count: stars.count, order: tiled.order, tiles: generation },
      ...{ fastest: fastestOf(stars), coverage: 'all', digest },
    }
    writeAtomically(join(folder, FACTS_FILE), formatFacts(facts))
    if (before && before.tiles !== generation) rmSync(join(folder, before.tiles), { recursive: true, force: true })
    return facts
  })
}

/** What an import that was killed has left. Called under the lock: nobody else is at it. */
function removeLeftovers(folder: string, before: StoreFacts | undefined): void {
  for (const name of readdirSync(folder)) {
    const unnamed = before !== undefined && /^tiles-\d+$/.test(name) && name !== before.tiles
    if (unnamed || /^\.tiles-\d+\.part$/.test(name)) rmSync(join(folder, name), { recursive: true, force: true })
  }
}

/** tiles-1, tiles-2, …: one more than the highest there is. */
export function nextGeneration(folder: string): string {
  const numbers = readdirSync(folder).map((name) => Number(/^\.?tiles-(\d+)(?:\.part)?$/.exec(name)?.[1] ?? 0))
  return `tiles-${Math.max(0, ...numbers) + 1}`
}

function writeTiles(
  folder: string,
  { order, sorted, pixels, starts }: TiledStars,
): { paths: string[]; digest: string } {
  mkdirSync(folder, { recursive: true })
  const digests: [number, string][] = []
  const paths = pixels.map((pixel, k) => {
    const path = join(folder, tilePath(order, pixel))
    mkdirSync(dirname(path), { recursive: true })
    const bytes = encodeStars(sliceStars(sorted, starts[k], starts[k + 1]))
    writeFileSync(path, bytes)
    digests.push([pixel, digestOfTile(bytes)])
    return path
  })
  return { paths, digest: digestOfTiles(digests) }
}

/** How many files are flushed at once: the disk does them together. */
const AT_ONCE = 32

async function flushAll(paths: readonly string[]): Promise<void> {
  for (let k = 0; k < paths.length; k += AT_ONCE) {
    await Promise.all(
      paths.slice(k, k + AT_ONCE).map(async (path) => {
        const file = await open(path, 'r')
        await file.sync().finally(() => file.close())
      }),
    )
  }
}
