import { existsSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { DataError, explainSystemError, systemCode } from '@nightpipe/files'
import { healpixDisc } from '@nightpipe/sky'
import { readStarFile } from './read-star-file.js'
import { type ConeOptions, searchCone, type TileSource } from './search.js'
import type { SkyStars } from './star.js'
import { FACTS_FILE, readFacts, type StoreFacts, tilePath } from './store.js'
import { decodeStars } from './tile.js'
import { tileStars } from './tile-order.js'
import { knownTiles } from './tile-table.js'

/** A catalogue of reference stars, in the order of the sky. */
export interface Catalogue {
  name: string
  /** What its magnitudes are called; the first one orders by brightness where no other is asked for. */
  bands: readonly string[]
  /** Julian year of the positions. */
  epoch: number
  count: number
  /** The stars within so many degrees of a direction, brightest first, moved to `toEpoch` where it is given. */
  cone(raDeg: number, decDeg: number, radiusDeg: number, options?: ConeOptions): SkyStars
  /** Whether all of a circle is in the catalogue: one that is fetched piece by piece may lack some. */
  covers(raDeg: number, decDeg: number, radiusDeg: number): boolean
}

/** Opens the folder of an imported or fetched catalogue, or reads one file of stars whole (FITS, CSV, VOTable). */
export function openCatalogue(path: string): Catalogue {
  const isFolder = lookAt(path)
  if (!isFolder) return catalogueOf(readStarFile(path), basename(path))
  const facts = readFacts(path)
  if (facts) return openStore(path, facts)
  throw new DataError(`${path} is no catalogue: it has no ${FACTS_FILE}`, 'make one with catalogue import or fetch')
}

function lookAt(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw explainSystemError(error, 'open', path)
    throw new DataError(`there is no catalogue ${path}`, 'make one with catalogue import or fetch', { cause: error })
  }
}

/** A list of stars in memory as a catalogue. */
export function catalogueOf(stars: SkyStars, name: string): Catalogue {
  const source = tileStars(stars)
  return {
    ...{ name, bands: source.bands, epoch: stars.epoch, count: stars.count },
    cone: (ra, dec, radius, options) => searchCone(source, ra, dec, radius, options),
    covers: () => true,
  }
}

/** Tiles that were read stay in memory up to this many stars. */
const STARS_KEPT = 500_000

function openStore(folder: string, facts: StoreFacts): Catalogue {
  const { order, bands, epoch, fastest, count } = facts
  const tiles = resolve(folder, facts.tiles)
  const source: TileSource = { order, bands, epoch, fastest, tile: remember((pixel) => readTile(tiles, order, pixel)) }
  let known: Set<number> | undefined
  return {
    ...{ name: facts.name, bands, epoch, count },
    cone: (ra, dec, radius, options) => searchCone(source, ra, dec, radius, options),
    covers(ra, dec, radius) {
      if (facts.coverage === 'all') return true
      known ??= knownTiles(tiles)
      return healpixDisc(order, ra, dec, radius).every((pixel) => known!.has(pixel))
    },
  }
}

function readTile(tiles: string, order: number, pixel: number): SkyStars | undefined {
  const path = join(tiles, tilePath(order, pixel))
  try {
    const stars = decodeStars(path)
    if (stars) return stars
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode((error as Error).cause) !== 'ENOENT') throw error
    // A tile without stars has no file; but where the folder has gone, nothing is known.
    if (existsSync(tiles)) return undefined
    throw new DataError(`${tiles} is gone: the catalogue was replaced meanwhile`, 'run it again')
  }
  throw new DataError(`${path} is not a tile of a catalogue`, 'check it with catalogue check, or import it again')
}

/** Keeps the tiles used last. */
function remember(read: (pixel: number) => SkyStars | undefined): (pixel: number) => SkyStars | undefined {
  const kept = new Map<number, SkyStars | undefined>()
  let stars = 0
  return (pixel) => {
    const tile = kept.has(pixel) ? kept.get(pixel) : read(pixel)
    if (!kept.delete(pixel)) stars += tile?.count ?? 0
    kept.set(pixel, tile)
    for (const [oldest, old] of kept) {
      if (stars <= STARS_KEPT || oldest === pixel) break
      kept.delete(oldest)
      stars -= old?.count ?? 0
    }
    return tile
  }
}
