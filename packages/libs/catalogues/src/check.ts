import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DataError } from '@nightpipe/files'
import { openFits, verifySums } from '@nightpipe/fits'
import { healpixOf } from '@nightpipe/sky'
import { readTable } from '@nightpipe/table'
import { digestOfTile, digestOfTiles, readFacts, type StoreFacts, tilePath } from './store.js'
import { decodeOpenStars } from './tile.js'
import { tileTable } from './tile-table.js'

/** What is wrong with a catalogue folder, one line for each problem. */
export function* checkCatalogue(folder: string): Generator<string> {
  const facts = readFacts(folder)
  if (!facts) throw new DataError(`${folder} is no catalogue`, 'make one with catalogue import or fetch')
  const tiles = join(folder, facts.tiles)
  if (!existsSync(tiles)) {
    yield `the folder of its tiles, ${facts.tiles}, is missing`
    return
  }
  let count = 0
  const digests = new Map<number, string>()
  for (const name of readdirSync(tiles, { recursive: true }).map(String).sort()) {
    const tile = Number(/Npix(\d+)\.fits$/.exec(name)?.[1])
    if (name !== tilePath(facts.order, tile)) continue
    const { problem, stars } = checkTile(join(tiles, name), facts.order, tile)
    if (problem) yield `${name}: ${problem}`
    digests.set(tile, digestOfTile(readFileSync(join(tiles, name))))
    count += stars
  }
  if (count !== facts.count) yield `it has ${count} stars, catalogue.json says ${facts.count}`
  if (facts.coverage === 'listed') yield* checkList(join(tiles, tileTable.name), facts, digests)
  else yield* checkDigest(facts, digests)
}

/** Against tiles.csv, where only the tiles that it lists are known. */
function* checkList(table: string, facts: StoreFacts, found: ReadonlyMap<number, string>): Generator<string> {
  const listed = new Map<number, string>()
  for (const { tile, stars, digest } of readTable(table, tileTable, { orEmpty: true })) {
    listed.set(tile, digest ?? '')
    const path = tilePath(facts.order, tile)
    if (stars > 0 && !found.has(tile)) yield `${path} with ${stars} stars is missing`
    else if (digest !== undefined && found.get(tile) !== digest) yield `${path} is not the tile that tiles.csv names`
  }
  yield* checkDigest(facts, listed)
}

function* checkDigest({ digest }: StoreFacts, tiles: Iterable<readonly [number, string]>): Generator<string> {
  if (digest !== undefined && digestOfTiles(tiles) !== digest) yield 'catalogue.json was written for other tiles'
}

function checkTile(path: string, order: number, pixel: number): { problem?: string; stars: number } {
  try {
    const file = openFits(path)
    try {
      const broken = verifySums(file).find(({ checksum, datasum }) => checksum === 'wrong' || datasum === 'wrong')
      if (broken) return { problem: `the sums of HDU ${broken.hdu} are wrong`, stars: 0 }
      const stars = decodeOpenStars(file)
      if (!stars) return { problem: 'it is no tile', stars: 0 }
      for (let k = 0; k < stars.count; k++) {
        if (healpixOf(order, stars.ra[k], stars.dec[k]) === pixel) continue
        return { problem: `star ${k + 1} belongs to another tile`, stars: stars.count }
      }
      return { stars: stars.count }
    } finally {
      file.close()
    }
  } catch (error) {
    return { problem: (error as Error).message, stars: 0 }
  }
}
