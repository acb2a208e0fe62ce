import { TileError } from './error.js'
import { type Grid, product, tileGrid } from './grid.js'

export const ALGORITHMS = ['RICE_1', 'GZIP_1', 'GZIP_2', 'HCOMPRESS_1', 'PLIO_1', 'NOCOMPRESS'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

/** A keyword's value in the header of the table that holds the tiles. */
export type Lookup = (keyword: string) => string | number | bigint | boolean | undefined

/** A column of the table of tiles: where it begins in a row, and the type letter of its format. */
export interface TileColumn {
  offset: number
  type: string
  /** For variable-length columns: the type of the elements and the bytes of one. */
  element?: string
}

/** All that the header says of a tile-compressed image. */
export interface TileLayout {
  algorithm: Algorithm
  bitpix: number
  grid: Grid
  /** Bytes of one row of the image as if uncompressed, and the number of rows through all planes. */
  lineBytes: number
  lines: number
  /** RICE_1 */
  blockSize: number
  bytePix: number
  /** HCOMPRESS_1 */
  smooth: boolean
  /** PLIO_1: what was added to the stored values to make them positive. */
  offset: number
  /** Floats stored as scaled integers; not so, and losslessly, when false. */
  quantised: boolean
  dither: 0 | 1 | 2
  seed: number
  scale?: number
  zero?: number
  blank?: number
  columns: Record<'data' | 'plain' | 'gzipped' | 'scale' | 'zero' | 'blank', TileColumn | undefined>
  rowBytes: number
  rows: number
  heapStart: number
}

/** Reads and checks the description; whatever it says is checked against itself, and later against the data. */
export function tileLayout(lookup: Lookup): TileLayout {
  const bitpix = integer(lookup, 'ZBITPIX')
  if (![8, 16, 32, 64, -32, -64].includes(bitpix)) throw new TileError(`ZBITPIX is ${bitpix}`)
  const axisCount = integer(lookup, 'ZNAXIS', 0, 999)
  const axes: number[] = []
  for (let k = 1; k <= axisCount; k++) axes.push(integer(lookup, `ZNAXIS${k}`, 0, Number.MAX_SAFE_INTEGER))
  if (!Number.isSafeInteger(product(axes) * 8)) throw new TileError(`an image of ${axes.join('x')} pixels`)
  const algorithm = algorithmOf(lookup)
  const grid = tileGrid(axes, tileSizes(lookup, axes))
  const columns = tileColumns(lookup)
  const rows = integer(lookup, 'NAXIS2', 0, Number.MAX_SAFE_INTEGER)
  const rowBytes = integer(lookup, 'NAXIS1', 0, Number.MAX_SAFE_INTEGER)
  if (columns.rowBytes > rowBytes) throw new TileError(`columns of ${columns.rowBytes} bytes in rows of ${rowBytes}`)
  if (rows < grid.tiles) throw new TileError(`${rows} rows for ${grid.tiles} tiles`)
  const heapStart = integer(lookup, 'THEAP', 0, Number.MAX_SAFE_INTEGER, rowBytes * rows)
  if (heapStart < rowBytes * rows) throw new TileError(`THEAP ${heapStart} lies inside the table`)
  return {
    algorithm,
    bitpix,
    grid,
    lineBytes: ((axes[0] ?? 0) * Math.abs(bitpix)) / 8,
    lines: axes.length === 0 ? 0 : product(axes.slice(1)),
    blockSize: parameter(lookup, 'BLOCKSIZE', 32, 1, 2 ** 16),
    bytePix: parameter(lookup, 'BYTEPIX', 4, 1, 4),
    smooth: parameter(lookup, 'SMOOTH', 0, -Infinity, Infinity) !== 0,
    offset: plioOffset(algorithm, bitpix, optionalNumber(lookup, 'BZERO')),
    ...quantisation(lookup, algorithm, bitpix, columns.found.scale !== undefined),
    columns: columns.found,
    rowBytes,
    rows,
    heapStart,
  }
}

function algorithmOf(lookup: Lookup): Algorithm {
  const name = String(lookup('ZCMPTYPE') ?? '').trim()
  // RICE_ONE is what CFITSIO wrote for SUBTRACTIVE_DITHER_2, so that older readers would refuse it.
  if (name === 'RICE_ONE') return 'RICE_1'
  const known = ALGORITHMS.find((algorithm) => algorithm === name)
  if (!known) throw new TileError(`ZCMPTYPE '${name}' is not one of ${ALGORITHMS.join(', ')}`)
  return known
}

/** Line lists hold no negative values: of unsigned 16-bit images they hold the physical ones, as CFITSIO has it. */
export function plioOffset(algorithm: Algorithm, bitpix: number, zero: number | undefined): number {
  return algorithm === 'PLIO_1' && bitpix === 16 && zero === 32768 ? 32768 : 0
}

/** By default a tile is a row of the image. */
function tileSizes(lookup: Lookup, axes: number[]): number[] {
  return axes.map((length, k) =>
    integer(lookup, `ZTILE${k + 1}`, 1, Number.MAX_SAFE_INTEGER, k === 0 ? length || 1 : 1),
  )
}

function quantisation(lookup: Lookup, algorithm: Algorithm, bitpix: number, scaleColumn: boolean) {
  const method = String(lookup('ZQUANTIZ') ?? 'NO_DITHER')
    .trim()
    .toUpperCase()
  const none: { dither: 0 | 1 | 2; seed: number } = { dither: 0, seed: 1 }
  if (bitpix > 0 || method === 'NONE') return { quantised: false, ...none }
  const scale = optionalNumber(lookup, 'ZSCALE')
  // Rice, H-compress and PLIO know integers only; gzipped floats are quantised when there is a scale.
  const scaled = scaleColumn || scale !== undefined
  const quantised = scaled || ['RICE_1', 'HCOMPRESS_1', 'PLIO_1'].includes(algorithm)
  const dithers = { NO_DITHER: 0, SUBTRACTIVE_DITHER_1: 1, SUBTRACTIVE_DITHER_2: 2 } as const
  if (!(method in dithers)) throw new TileError(`ZQUANTIZ '${method}' is not known`)
  const dither = dithers[method as keyof typeof dithers]
  const seed = dither === 0 ? 1 : integer(lookup, 'ZDITHER0', 1, 10000, 1)
  const zero = optionalNumber(lookup, 'ZZERO')
  const blank = optionalNumber(lookup, 'ZBLANK')
  // No quantised value equals a ZBLANK of more than 32 bits.
  const possible = blank !== undefined && blank === (blank | 0)
  return { quantised, dither, seed, scale, zero, blank: possible ? blank : undefined }
}

/** The columns by name, and the bytes that all columns of a row take. */
function tileColumns(lookup: Lookup) {
  const names = {
    COMPRESSED_DATA: 'data',
    UNCOMPRESSED_DATA: 'plain',
    GZIP_COMPRESSED_DATA: 'gzipped',
    ZSCALE: 'scale',
    ZZERO: 'zero',
    ZBLANK: 'blank',
  } as const
  const found: TileLayout['columns'] = {
    data: undefined,
    plain: undefined,
    gzipped: undefined,
    scale: undefined,
    zero: undefined,
    blank: undefined,
  }
  const count = integer(lookup, 'TFIELDS', 0, 999)
  let rowBytes = 0
  for (let k = 1; k <= count; k++) {
    const format = String(lookup(`TFORM${k}`) ?? '').trim()
    const parts = /^(\d*)([LXABIJKEDCMPQ])(.?)/.exec(format)
    if (!parts) throw new TileError(`TFORM${k} is '${format}'`)
    const name = String(lookup(`TTYPE${k}`) ?? '')
      .trim()
      .toUpperCase()
    const column = { offset: rowBytes, type: parts[2], element: parts[3] }
    if (name in names && parts[1] !== '0') found[names[name as keyof typeof names]] = column
    const repeat = parts[1] === '' ? 1 : Number(parts[1])
    rowBytes += parts[2] === 'X' ? Math.ceil(repeat / 8) : repeat * BYTES[parts[2]]
  }
  for (const column of [found.data, found.plain, found.gzipped]) {
    if (column && !'PQ'.includes(column.type)) throw new TileError('a column of tiles is not of variable length')
    if (column && !((column.element ?? '') in BYTES)) throw new TileError(`elements of type '${column.element}'`)
  }
  if (!found.data && !found.plain && !found.gzipped) throw new TileError('no column COMPRESSED_DATA')
  return { found, rowBytes }
}

export const BYTES: Record<string, number> = {
  L: 1,
  X: 1,
  A: 1,
  B: 1,
  I: 2,
  J: 4,
  K: 8,
  E: 4,
  D: 8,
  C: 8,
  M: 16,
  P: 8,
  Q: 16,
}

/** A parameter of the algorithm: ZNAMEn says which, ZVALn its value. */
function parameter(lookup: Lookup, name: string, fallback: number, least: number, most: number): number {
  for (let k = 1; k <= 99; k++) {
    const found = lookup(`ZNAME${k}`)
    if (found === undefined) break
    if (String(found).trim().toUpperCase() === name) return integer(lookup, `ZVAL${k}`, least, most)
  }
  return fallback
}

function optionalNumber(lookup: Lookup, keyword: string): number | undefined {
  const value = lookup(keyword)
  return typeof value === 'number' ? value : undefined
}

function integer(lookup: Lookup, keyword: string, least = -Infinity, most = Infinity, fallback?: number): number {
  const found = lookup(keyword)
  const value = found === undefined ? fallback : typeof found === 'bigint' ? Number(found) : found
  if (typeof value !== 'number') throw new TileError(found === undefined ? `no ${keyword}` : `${keyword} is ${found}`)
  const whole = Math.abs(value) === Infinity || Number.isInteger(value)
  if (!whole || value < least || value > most) throw new TileError(`${keyword} is ${found}`)
  return value
}
