import { FitsError } from './errors.js'
import type { FitsFile, Hdu } from './hdu.js'

/** Which pixels: `rows` rows from `firstRow` (0 is the first of the file, the bottom one on a display) of one plane. */
export interface PixelRange {
  firstRow?: number
  rows?: number
  /** Of a cube: which plane, counted from 0 through all higher axes. All rows of all planes when it is absent. */
  plane?: number
}

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

/**
 * The image of a frame: the first one of a file, or the one asked for, of one plane. Axes of length 1 beyond the second say
 * nothing; a cube is refused, for which of its planes is meant only its owner knows.
 */
export function frameHdu(file: FitsFile, nameOrIndex?: string | number): Hdu {
  const image = imageHdu(file, nameOrIndex)
  if (image.axes.slice(2).every((planes) => planes === 1)) return image
  throw new FitsError(
    { file: file.name },
    `is a cube of ${image.axes.join(' x ')}, not one frame`,
    'split it into its planes',
  )
}

function requireImage(file: FitsFile, hdu: Hdu | undefined, what: string): Hdu {
  if (!hdu) throw new FitsError({ file: file.name }, `has no ${what}`)
  if (hdu.kind === 'image') return hdu
  throw new FitsError({ file: file.name, hdu: hdu.index }, `${what} is not an image (${hdu.kind})`)
}

function isTwoDimensional(axes: readonly number[]): boolean {
  return axes.length >= 2 && axes.every((length) => length > 0)
}

/** First element and number of elements that a range means; refuses ranges outside the image. */
export function span(hdu: Hdu, { firstRow, rows, plane }: PixelRange): { first: number; count: number } {
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

/** The array to fill: part of the given one, or a new one of reasonable size. */
export function room<T extends Float32Array | Float64Array | Int16Array | Int32Array>(
  hdu: Hdu,
  into: T | undefined,
  count: number,
  type: new (length: number) => T,
): T {
  if (into) {
    if (into.length < count) throw new RangeError(`room for ${into.length} pixels, ${count} wanted`)
    return into.length === count ? into : (into.subarray(0, count) as T)
  }
  // A small file can hold a huge constant image: compressed, it is trusted with the memory of an ordinary one.
  const trusted = hdu.compressed ? Math.max(2 ** 26, 64 * hdu.dataBytes) : MOST_PIXELS
  if (count <= Math.min(MOST_PIXELS, trusted)) return new type(count)
  throw new FitsError(
    { file: hdu.file.name, hdu: hdu.index },
    `${count} pixels at once are too many`,
    'read it by rows',
  )
}
