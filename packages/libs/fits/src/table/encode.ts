import type { Card } from '../header.js'
import type { NewTable } from '../new-hdu.js'

/** The cards and the data, heap included, of a binary table. */
export function encodeTable(_table: NewTable): { cards: Card[]; bytes: Uint8Array } {
  throw new RangeError('tables are not written yet')
}
