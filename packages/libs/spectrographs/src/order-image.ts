import {
  createHeader,
  type FitsFile,
  type Header,
  imageHdu,
  type NewHdu,
  readPixels64,
  textOf,
  withFits,
} from '@nightpipe/fits'
import type { OrderSpectrum, Spectra } from '@nightpipe/spectra'

/** The spectra of the legacy files EXTR, SPEC, BLAZ, FLAT, DBLE: a value per column, order and fibre, the column fastest. */
export interface OrderImage {
  width: number
  orders: number
  /** planes: of the lit fibres (EXTR, SPEC, BLAZ, DBLE), or of all (FLAT) */
  planes: number
  /** [plane][order][x] */
  values: Float32Array | Float64Array
}

/** One order of a plane: a view. */
export const orderOf = ({ width, orders, values }: OrderImage, plane: number, order: number) =>
  values.subarray((plane * orders + order) * width, (plane * orders + order + 1) * width)

/** Reads EXTR, SPEC, BLAZ, FLAT, DBLE or TRIP: an image of (nx, nord, planes); one without the last axis has one plane. */
export function readOrderImage(source: string | FitsFile): OrderImage & { header: Header; errors?: Float64Array } {
  return withFits(source, readOpen)
}

function readOpen(file: FitsFile): OrderImage & { header: Header; errors?: Float64Array } {
  const image = imageHdu(file)
  const [width = 0, orders = 1, planes = 1] = image.axes
  if (image.axes.length > 3) throw new RangeError(`${file.name} has ${image.axes.length} axes; 2 or 3 are expected`)
  const values = readPixels64(image)
  const error = file.hdus.find(({ name }) => name === ERRORS)
  if (error && error.axes.join() !== image.axes.join()) throw new RangeError(`${file.name}: ERR is not of its shape`)
  return { width, orders, planes, values, header: image.header, ...(error && { errors: readPixels64(error) }) }
}

/** The image extension with one sigma of each value. */
const ERRORS = 'ERR'

/** The HDUs of such a file: the values; and one sigma of each (0 where there is none), where `errors` has them. */
export function orderImageHdus(image: OrderImage, header: Header, errors?: OrderImage): NewHdu[] {
  const { width, orders, planes, values } = image
  const bitpix = values instanceof Float64Array ? -64 : -32
  const hdu: NewHdu = { kind: 'image', header, bitpix, axes: [width, orders, planes], pixels: values }
  return errors ? [hdu, orderErrors(errors, ERRORS, textOf(header, 'BUNIT') ?? '')] : [hdu]
}

/** An image extension of the shape of such a file. */
export function orderErrors({ width, orders, planes, values }: OrderImage, name: string, unit: string): NewHdu {
  const header = createHeader([['BUNIT', unit, 'unit of the values']])
  return { kind: 'image', name, header, bitpix: -32, axes: [width, orders, planes], pixels: values }
}

/**
 * Spectra as an image: `value` gives an order's values; fibres that are not among `fibres` are left out, orders and fibres
 * without a spectrum are 0, as the old files have it. NaN becomes 0 too: these files know no missing values.
 */
export function toOrderImage(
  spectra: Spectra,
  orders: number,
  fibres: readonly number[],
  value: (one: OrderSpectrum) => ArrayLike<number> | undefined,
): OrderImage {
  const { width } = spectra
  const image = { width, orders, planes: fibres.length, values: new Float32Array(width * orders * fibres.length) }
  for (const one of spectra.orders) {
    const plane = fibres.indexOf(one.fibre)
    const from = plane < 0 ? undefined : value(one)
    if (!from) continue
    const into = orderOf(image, plane, one.index)
    for (let x = 0; x < width; x++) {
      const one = from[x]!
      into[x] = one - one === 0 ? one : 0
    }
  }
  return image
}
