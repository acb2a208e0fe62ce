import { DataError } from '@nightpipe/files'

/** Where in a file something is wrong. */
export interface Place {
  /** The file, as messages call it. */
  file: string
  /** Which HDU, counted from 0 as DS9 and astropy do. */
  hdu?: number
  /** Offset from the start of the file (of the inflated file, for a .gz), counted from 0. */
  byte?: number
}

/** The file is not FITS, or is damaged. The message names the file, the HDU and the byte. */
export class FitsError extends DataError {
  override readonly name: string = 'FitsError'
  readonly file: string
  readonly hdu: number | undefined
  readonly byte: number | undefined
  constructor(place: Place, problem: string, advice?: string, options?: ErrorOptions) {
    const hdu = place.hdu === undefined ? '' : `, HDU ${place.hdu}`
    const byte = place.byte === undefined ? '' : `, byte ${place.byte}`
    super(`${place.file}${hdu}${byte}: ${oneLine(problem)}`, advice, options)
    this.file = place.file
    this.hdu = place.hdu
    this.byte = place.byte
  }
}

/** What is quoted from a damaged file may hold anything, and any amount of it. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const line = text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?')
  return line.length <= 300 ? line : `${line.slice(0, 300)}…`
}
