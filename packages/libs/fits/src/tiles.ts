import { FitsError } from './errors.js'
import type { StoredHdu } from './hdu.js'

/** Physical values of a tile-compressed image, from element `first` on, into `out`. */
export function compressedValues(hdu: StoredHdu, _first: number, _out: Float32Array | Float64Array): void {
  const type = hdu.stored.cards.find((card) => card.keyword === 'ZCMPTYPE')?.value
  throw new FitsError(
    { file: hdu.file.name, hdu: hdu.index },
    `tile compression ${type} is not supported`,
    'run funpack on it first',
  )
}
