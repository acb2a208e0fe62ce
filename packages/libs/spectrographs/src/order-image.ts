import { type FitsFile, type Header, imageHdu, type NewHdu, openFits, readPixels64 } from '@nightpipe/fits'
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
export function readOrderImage(source: string | FitsFile): OrderImage & { header: Header } {
  if (typeof source !== 'string') return readOpen(source)
  const file = openFits(source)
  try {
    return readOpen(file)
  } finally {
    file.close()
  }
}

function readOpen(file: FitsFile): OrderImage & { header: Header } {
  const image = imageHdu(file)
  const [width = 0, orders = 1, planes = 1] = image.axes
  if (image.axes.length > 3) throw new RangeError(`${file.name} has ${image.axes.length} axes; 2 or 3 are expected`)
  return { width, orders, planes, values: readPixels64(image), header: image.header }
}

/** The HDU of such a file. */
export function orderImageHdus({ width, orders, planes, values }: OrderImage, header: Header): NewHdu[] {
  const bitpix = values instanceof Float64Array ? -64 : -32
  return [{ kind: 'image', header, bitpix, axes: [width, orders, planes], pixels: values }]
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
    for (let x = 0; x < width; x++) into[x] = Number.isFinite(from[x]) ? from[x]! : 0
  }
  return image
}
