import type { Frame } from '@nightpipe/image'
import { allocate } from '@nightpipe/kernels'
import { FitsError } from './errors.js'
import type { FitsFile, Hdu } from './hdu.js'
import type { Header } from './header.js'
import { frameHdu, span } from './image.js'
import { readIntegers, readPixels } from './read-pixels.js'
import { withFits } from './with-fits.js'

export interface FitsFrame extends Frame {
  header: Header
  /** Empty for a frame that was read from memory. */
  path: string
}

/** Which rows of a frame; all when absent. */
export interface FrameRows {
  firstRow?: number
  rows?: number
}

/** Where the planes of a frame are put. */
export interface FramePlace {
  /** In kernel memory, for kernels to work on where they lie: until the caller's `scoped` ends. */
  lent?: boolean
}

/** The image of a file, with the ERR and MASK extensions where it has them. A cube is refused. */
export function readFrame(source: string | FitsFile, options: FrameRows & FramePlace = {}): FitsFrame {
  return withFits(source, (file) => readFrameRows(file, options))
}

/** Rows of a frame from an open file: `height` is their number. */
export function readFrameRows(file: FitsFile, { lent, ...rows }: FrameRows & FramePlace = {}): FitsFrame {
  const image = frameHdu(file)
  const range = { ...rows, plane: 0 }
  const { count } = span(image, range)
  const floats = () => ({ ...range, ...(lent ? { into: allocate(Float32Array, count) } : {}) })
  const pixels = readPixels(image, floats())
  const width = image.axes[0]!
  const error = companion(file, image, 'ERR')
  const mask = companion(file, image, 'MASK')
  return {
    ...{ name: file.name, path: file.path ?? '', width, height: pixels.length / width, pixels, header: image.header },
    ...(error && { error: readPixels(error, floats()) }),
    ...(mask && {
      mask: readIntegers(mask, { ...range, into: lent ? allocate(Int16Array, count) : new Int16Array(count) }),
    }),
  }
}

/** The extension of this name that goes with the image: it must have the same shape. */
export function companion(file: FitsFile, image: Hdu, name: 'ERR' | 'MASK'): Hdu | undefined {
  const found = file.hdus.find((hdu) => hdu !== image && hdu.kind === 'image' && hdu.name === name)
  if (!found) return undefined
  if (found.axes[0] === image.axes[0] && found.axes[1] === image.axes[1]) return found
  const shapes = `${found.axes.join('x')} but the image is ${image.axes.join('x')}`
  throw new FitsError({ file: file.name, hdu: found.index }, `${name} is ${shapes}`)
}
