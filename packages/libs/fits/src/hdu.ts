import type { Header } from './header.js'
import type { Source } from './source.js'

export type HduKind = 'empty' | 'image' | 'table' | 'ascii' | 'groups' | 'other'

export interface FitsFile {
  /** What messages call it. */
  name: string
  path?: string
  hdus: readonly Hdu[]
  close(): void
}

/** One header and its data. A tile-compressed image shows itself as the image that it holds. */
export interface Hdu {
  file: FitsFile
  /** Counted from 0, the primary HDU. */
  index: number
  /** EXTNAME, upper case; '' when there is none. */
  name: string
  /** EXTVER, 1 when there is none. */
  version: number
  kind: HduKind
  compressed: boolean
  header: Header
  /** NAXIS1, NAXIS2, …: the first varies fastest. */
  axes: number[]
  bitpix: number
  /** First byte of the data, and their number without the fill of the last block. */
  dataStart: number
  dataBytes: number
}

/** What the readers of this package know besides. */
export interface StoredHdu extends Hdu {
  source: Source
  headerStart: number
  /** The header as it stands in the file: of a compressed image, the header of the table that holds it. */
  stored: Header
}

/** The inner side of an HDU that `openFits` made. */
export function storedHdu(hdu: Hdu): StoredHdu {
  if (!('source' in hdu)) throw new RangeError('this HDU does not come from openFits')
  return hdu as StoredHdu
}
