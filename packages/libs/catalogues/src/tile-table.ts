import { join } from 'node:path'
import { defineTable, readTable } from '@nightpipe/table'

/** The tiles of a catalogue that is fetched piece by piece: those in it are complete. */
export const tileTable = defineTable({
  name: 'tiles.csv',
  doc: 'the HEALPix tiles that a catalogue has, each of them whole',
  columns: [
    { name: 'tile', type: 'integer', doc: 'HEALPix number (nested) at the order of the catalogue', required: true },
    { name: 'stars', type: 'integer', doc: 'stars in it; a tile without any has no file', required: true },
    { name: 'digest', type: 'text', doc: 'SHA-256 of its file' },
  ],
  key: ['tile'],
})

/** The tiles that the table in a folder of tiles lists. */
export function knownTiles(folder: string): Set<number> {
  return new Set(readTable(join(folder, tileTable.name), tileTable, { orEmpty: true }).map(({ tile }) => tile))
}
