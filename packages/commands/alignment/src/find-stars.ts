import { readCat } from '@nightpipe/catalogues'
import { DataError } from '@nightpipe/command'
import { companion, frameHdu, openFits, readIntegers, readPixels } from '@nightpipe/fits'
import { allocate, scoped } from '@nightpipe/kernels'
import { type BrightStars, brightStars } from '@nightpipe/registration'
import { StarFlag } from '@nightpipe/stars'
import type { FrameInfo } from './frames.js'
import type { AlignmentConfig } from './schema.js'

export interface FindArgs {
  frame: FrameInfo
  catalogue?: string
  options: Pick<AlignmentConfig['stars'], 'most' | 'threshold'>
  /** Only those of the middle of the frame, which tell its seeing and its sky, where there are enough. */
  middle?: boolean
}

export interface Unreadable {
  unreadable: string
}

/** The brightest stars of a frame, found in its pixels or read from its catalogue. */
export function findStarsOf({ frame, catalogue, options, middle }: FindArgs): BrightStars | Unreadable {
  try {
    if (catalogue) return fromCatalogue(catalogue, options.most)
    const some = middle ? fromPixels(frame, options, rowsOfMiddle(frame)) : undefined
    return some && some.count >= ENOUGH ? some : fromPixels(frame, options, [0, frame.height])
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    return { unreadable: error.advice ? `${error.message} (${error.advice})` : error.message }
  }
}

/** Pixels of the middle, and the least number of rows; so many stars are enough. */
const MIDDLE = 2 ** 20
const FEWEST_ROWS = 256
const ENOUGH = 20

function rowsOfMiddle({ width, height }: FrameInfo): readonly [first: number, rows: number] {
  const rows = Math.min(height, Math.max(FEWEST_ROWS, Math.ceil(MIDDLE / width)))
  return [Math.floor((height - rows) / 2), rows]
}

function fromPixels(
  { path, width, gain, saturation }: FrameInfo,
  options: FindArgs['options'],
  [firstRow, height]: readonly [first: number, rows: number],
): BrightStars {
  const file = openFits(path)
  try {
    const image = frameHdu(file)
    const mask = companion(file, image, 'MASK')
    return scoped(() => {
      const n = width * height
      const range = { plane: 0, firstRow, rows: height }
      const pixels = readPixels(image, { ...range, into: allocate(Float32Array, n) })
      const bits = mask && readIntegers(mask, { ...range, into: allocate(Int16Array, n) })
      const found = brightStars({ pixels, width, height, mask: bits }, { ...options, saturation, gain: gain ?? 1 })
      return { ...found, y: found.y.map((y) => y + firstRow) }
    })
  } finally {
    file.close()
  }
}

const ROUGH = StarFlag.saturated | StarFlag.truncated | StarFlag.masked | StarFlag.cosmicRay

function fromCatalogue(path: string, most: number): BrightStars {
  const stars = readCat(path)
  const all = Int32Array.from({ length: stars.count }, (_, k) => k)
  const order = all
    .filter(
      (k) => Number.isFinite(stars.x[k] + stars.y[k] + stars.flux[k]) && (stars.flags[k] & StarFlag.cosmicRay) === 0,
    )
    .sort((i, j) => stars.flux[j] - stars.flux[i] || i - j)
    .subarray(0, most)
  const of = (values: ArrayLike<number> | undefined) => Float64Array.from(order, (k) => values?.[k] ?? Number.NaN)
  const error = Float64Array.from(order, (k) => {
    const own = Math.hypot(stars.xError?.[k] ?? Number.NaN, stars.yError?.[k] ?? Number.NaN) / Math.SQRT2
    const known = Number.isFinite(own) && own > 0 ? own : 0.05
    return (stars.flags[k] & ROUGH) === 0 ? known : Math.max(0.3, known)
  })
  const fact = (keyword: string) =>
    Number(stars.header.cards.find((card) => card.keyword === keyword)?.value ?? Number.NaN)
  return {
    ...{ count: order.length, x: of(stars.x), y: of(stars.y), error, flux: of(stars.flux) },
    ...{ fluxError: of(stars.fluxError), fwhm: of(stars.fwhm) },
    rough: Uint8Array.from(order, (k) => ((stars.flags[k] & ROUGH) === 0 ? 0 : 1)),
    ...{ seeing: fact('SEEING'), ellipticity: fact('ELLIPTIC'), sky: fact('SKYLEV'), skySigma: fact('SKYSIG') },
  }
}
