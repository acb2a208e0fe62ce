import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DataError } from '@nightpipe/files'
import { openFits, verifySums } from '@nightpipe/fits'
import { healpixOf } from '@nightpipe/sky'
import { readTable } from '@nightpipe/table'
import { readFacts, tilePath } from './store.js'
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
  for (const name of readdirSync(tiles, { recursive: true }).map(String).sort()) {
    const number = /Npix(\d+)\.fits$/.exec(name)?.[1]
    if (number === undefined || name !== tilePath(facts.order, Number(number))) continue
    const { problem, stars } = checkTile(join(tiles, name), facts.order, Number(number))
    if (problem) yield `${name}: ${problem}`
    count += stars
  }
  if (count !== facts.count) yield `it has ${count} stars, catalogue.json says ${facts.count}`
  if (facts.coverage !== 'listed') return
  for (const { tile, stars } of readTable(join(tiles, tileTable.name), tileTable, { orEmpty: true })) {
    const path = tilePath(facts.order, tile)
    if (stars > 0 && !existsSync(join(tiles, path))) yield `${path} with ${stars} stars is missing`
  }
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
