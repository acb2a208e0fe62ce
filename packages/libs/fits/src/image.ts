import { FitsError } from './errors.js'
import { type FitsFile, type Hdu, storedHdu } from './hdu.js'
import { type StoredArray, scaleInto, storedValues } from './pixels.js'
import { scalingOf } from './scaling.js'
import { readStoredRows } from './tiles.js'

/** Which pixels: `rows` rows from `firstRow` (0 is the first of the file, the bottom one on a display) of one plane. */
export interface PixelRange {
  firstRow?: number
  rows?: number
  /** Of a cube: which plane, counted from 0 through all higher axes. All rows of all planes when it is absent. */
  plane?: number
}

/** Pixels are converted by strips of this many bytes, which stay in the processor's cache. */
const STRIP = 1 << 19
/** One call gives at most this many pixels (1 GiB of floats): larger images are read by rows. */
const MOST_PIXELS = 2 ** 28

/** The first HDU that holds a two-dimensional image, or the named one (EXTNAME in any case, or an index from 0). */
export function imageHdu(file: FitsFile, nameOrIndex?: string | number): Hdu {
  if (typeof nameOrIndex === 'number') return requireImage(file, file.hdus[nameOrIndex], `HDU ${nameOrIndex}`)
  if (nameOrIndex !== undefined) {
    const wanted = nameOrIndex.trim().toUpperCase()
    return requireImage(
      file,
      file.hdus.find((hdu) => hdu.name === wanted),
      wanted,
    )
  }
  const first = file.hdus.find((hdu) => hdu.kind === 'image' && isTwoDimensional(hdu.axes))
  if (first) return first
  throw new FitsError({ file: file.name }, 'holds no two-dimensional image')
}

function requireImage(file: FitsFile, hdu: Hdu | undefined, what: string): Hdu {
  if (!hdu) throw new FitsError({ file: file.name }, `has no ${what}`)
  if (hdu.kind === 'image') return hdu
  throw new FitsError({ file: file.name, hdu: hdu.index }, `${what} is not an image (${hdu.kind})`)
}

function isTwoDimensional(axes: readonly number[]): boolean {
  return axes.length >= 2 && axes.every((length) => length > 0)
}

/**
 * Physical values as float32: BZERO + BSCALE * stored, BLANK as NaN, computed in float64 and rounded once. `into` may lie in kernel memory, and must
 * have room for the pixels asked for; what is returned is the part of it that was filled.
 */
export function readPixels(hdu: Hdu, options: PixelRange & { into?: Float32Array } = {}): Float32Array {
  const { first, count } = span(hdu, options)
  const out = room(hdu, options.into, count, Float32Array)
  readInto(hdu, first, out)
  return out
}

/** The same as float64: what 32 and 64-bit pixels need to keep their digits. */
export function readPixels64(hdu: Hdu, options: PixelRange & { into?: Float64Array } = {}): Float64Array {
  const { first, count } = span(hdu, options)
  const out = room(hdu, options.into, count, Float64Array)
  readInto(hdu, first, out)
  return out
}

/** First element and number of elements that a range means; refuses ranges outside the image. */
function span(hdu: Hdu, { firstRow, rows, plane }: PixelRange): { first: number; count: number } {
  if (hdu.kind !== 'image')
    throw new FitsError({ file: hdu.file.name, hdu: hdu.index }, `is not an image (${hdu.kind})`)
  const width = hdu.axes[0] ?? 0
  const total = hdu.axes.reduce((product, length) => product * length, 1)
  const allRows = width === 0 ? 0 : total / width
  const planeRows = plane === undefined ? allRows : (hdu.axes[1] ?? 1)
  const base = (plane ?? 0) * planeRows
  const from = firstRow ?? 0
  const wanted = rows ?? planeRows - from
  const whole = [base, from, wanted].every((n) => Number.isInteger(n) && n >= 0)
  if (!whole || from + wanted > planeRows || base + planeRows > allRows) {
    throw new RangeError(`rows ${from} to ${from + wanted} of plane ${plane ?? 0} of an image ${hdu.axes.join(' x ')}`)
  }
  return { first: (base + from) * width, count: wanted * width }
}

function room<T extends Float32Array | Float64Array | Int16Array | Int32Array>(
  hdu: Hdu,
  into: T | undefined,
  count: number,
  type: new (length: number) => T,
): T {
  if (into) {
    if (into.length < count) throw new RangeError(`room for ${into.length} pixels, ${count} wanted`)
    return into.length === count ? into : (into.subarray(0, count) as T)
  }
  if (count <= MOST_PIXELS) return new type(count)
  throw new FitsError(
    { file: hdu.file.name, hdu: hdu.index },
    `${count} pixels at once are too many`,
    'read it by rows',
  )
}

/** Stored values strip by strip: the array given to `use` is good only during the call. */
export function eachStrip(
  hdu: Hdu,
  first: number,
  count: number,
  use: (stored: StoredArray, at: number) => void,
): void {
  const inside = storedHdu(hdu)
  const size = Math.abs(hdu.bitpix) / 8
  const width = hdu.axes[0] ?? 1
  // Tiles hold whole rows.
  const perStrip = hdu.compressed ? width * Math.max(1, Math.floor(STRIP / size / width)) : STRIP / size
  const strip = new Uint8Array(Math.min(perStrip, count) * size)
  for (let at = 0; at < count; at += perStrip) {
    const n = Math.min(perStrip, count - at)
    const bytes = strip.subarray(0, n * size)
    if (hdu.compressed) readStoredRows(inside, (first + at) / width, n / width, bytes)
    else inside.source.read(inside.dataStart + (first + at) * size, bytes)
    use(storedValues(bytes, hdu.bitpix), at)
  }
}

function readInto(hdu: Hdu, first: number, out: Float32Array | Float64Array): void {
  const scaling = scalingOf(hdu)
  eachStrip(hdu, first, out.length, (stored, at) => scaleInto(stored, scaling, out, at))
}

/**
 * Integer pixels as they are meant: the unsigned conventions (BZERO 32768 and the like) applied, BLANK left as it is
 * stored. Refuses images that are not integer, or whose values do not fit in `into` (Int32Array when it is absent).
 */
export function readIntegers<T extends Int16Array | Int32Array = Int32Array>(
  hdu: Hdu,
  options: PixelRange & { into?: T } = {},
): T {
  const { first, count } = span(hdu, options)
  const out = room<Int16Array | Int32Array>(hdu, options.into, count, Int32Array)
  const { scale, zero } = scalingOf(hdu)
  const place = { file: hdu.file.name, hdu: hdu.index }
  if (hdu.bitpix < 0 || scale !== 1 || !Number.isInteger(zero))
    throw new FitsError(place, 'the pixels are not integers')
  eachStrip(hdu, first, count, (stored, at) => {
    if (zero === 0 && stored.BYTES_PER_ELEMENT <= out.BYTES_PER_ELEMENT) out.set(stored as Int32Array, at)
    else
      copyIntegers(
        hdu,
        Float64Array.from(stored as Int32Array, (value) => Number(value) + zero),
        out,
        at,
      )
  })
  return out as T
}

function copyIntegers(hdu: Hdu, values: Float64Array, out: Int16Array | Int32Array, at: number): void {
  for (let i = 0; i < values.length; i++) {
    out[at + i] = values[i]!
    if (out[at + i] === values[i]) continue
    const place = { file: hdu.file.name, hdu: hdu.index }
    throw new FitsError(place, `pixel value ${values[i]} does not fit in ${8 * out.BYTES_PER_ELEMENT} bits`)
  }
}
