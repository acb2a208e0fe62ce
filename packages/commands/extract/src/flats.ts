import { DataError } from '@nightpipe/command'
import { FitsError } from '@nightpipe/fits'
import { type OrderImage, readOrderImage } from '@nightpipe/spectrographs'

/** The flats of a thread, read once. */
const known = new Map<string, OrderImage>()

/** Flats as one image: each fibre is the mean of those in which it has light. */
export function flatsOf(paths: readonly string[], width: number, orders: number): OrderImage {
  const key = paths.join('\n')
  const found = known.get(key)
  if (found) return found
  const flats = paths.map((path) => readFlat(path, width, orders))
  const planes = Math.max(...flats.map((flat) => flat.planes))
  const size = width * orders
  const mean = { width, orders, planes, values: new Float64Array(size * planes) }
  for (let plane = 0; plane < planes; plane++) {
    const lit = flats
      .map(({ values }) => values.subarray(plane * size, (plane + 1) * size))
      .filter((values) => values.some((value) => value !== 0))
    for (const values of lit) {
      for (let p = 0; p < size; p++) mean.values[plane * size + p]! += values[p]! / lit.length
    }
  }
  known.set(key, mean)
  return mean
}

function readFlat(path: string, width: number, orders: number): OrderImage {
  try {
    const flat = readOrderImage(path)
    if (flat.width === width && flat.orders === orders) return flat
    const shape = `${flat.width} columns and ${flat.orders} orders`
    throw new DataError(`the flat ${path} has ${shape}, but the traces ${width} and ${orders}`, 'extract the flat anew')
  } catch (error) {
    if (!(error instanceof FitsError || error instanceof RangeError)) throw error
    throw new DataError(`the flat ${path} cannot be read: ${error.message}`, 'extract makes it of a calibrated flat')
  }
}
