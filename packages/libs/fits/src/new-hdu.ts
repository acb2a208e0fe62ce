import type { Hdu } from './hdu.js'
import type { Header } from './header.js'

export type PixelArray =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array

export interface Compression {
  type: 'RICE_1' | 'GZIP_1' | 'GZIP_2' | 'HCOMPRESS_1' | 'PLIO_1'
  /** Size of a tile along each axis. By default a row; for HCOMPRESS_1, about 16 rows. */
  tile?: number[]
  /** RICE_1: pixels in a block, 32 by default. */
  blockSize?: number
  /** HCOMPRESS_1: what is lost is about this many units. By default, and at 0 or 1, nothing is. */
  scale?: number
  /** Of floats; without it they are compressed as they are (GZIP only). */
  quantize?: {
    /** Step: the noise of the tile over `level`; when negative, the step itself. */
    level: number
    dither: 'none' | 'SUBTRACTIVE_DITHER_1' | 'SUBTRACTIVE_DITHER_2'
    /** 1 to 10000, the start in the table of random numbers. */
    seed: number
  }
}

/** An image to be written. Pixels are physical values, `axes[0]` fastest. */
export interface NewImage {
  kind: 'image'
  /** EXTNAME. */
  name?: string
  /** Cards to go with it: those that describe the layout are made anew, and EXTNAME when `name` is given. */
  header?: Header
  bitpix: 8 | 16 | 32 | 64 | -32 | -64
  axes: number[]
  /** May be absent only for `createFits`. */
  pixels?: PixelArray
  /** Instead of `pixels`: those of an open HDU as they are stored there, never all of them in memory. See `imageOf`. */
  stored?: Hdu
  /** Integers above half the range: BZERO 32768 and the like (BZERO -128, signed, for 8 bits). */
  unsigned?: boolean
  /** Of integers: stored = (physical - bzero) / bscale, rounded. */
  bscale?: number
  bzero?: number
  /** Of integers: what NaN is stored as. Without it a NaN is refused. */
  blank?: number
  compress?: Compression
}

/** A column of a binary table. */
export interface NewColumn {
  name: string
  unit?: string
  comment?: string
  /** TFORM, as `J`, `3E`, `16A`, `8X`, `C`; made from `values` when absent. */
  format?: string
  /**
   * As many per row as the format repeats. An array of arrays makes a variable-length column; strings, booleans and
   * (undefined for undefined) booleans are written as such.
   */
  values: ColumnValues
  /** TDIM: the shape of one cell. */
  dim?: number[]
  /** TNULL: the integer that means no value. */
  nullValue?: number | bigint
  /** 1 where an integer has no value; NaN counts as well. */
  nulls?: Uint8Array
  /** TSCAL and TZERO: values are physical, stored = (physical - zero) / scale. Unsigned arrays set it by themselves. */
  scale?: number
  zero?: number
}

export type ColumnValues =
  | PixelArray
  | readonly string[]
  | readonly number[]
  | readonly (boolean | undefined)[]
  | readonly (PixelArray | string | readonly (boolean | undefined)[])[]

export interface NewTable {
  kind: 'table'
  name?: string
  header?: Header
  columns: NewColumn[]
  rows: number
}

export interface NewEmpty {
  kind: 'empty'
  name?: string
  header?: Header
}

export type NewHdu = NewImage | NewTable | NewEmpty
