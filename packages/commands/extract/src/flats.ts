import { DataError, runMemory } from '@nightpipe/command'
import { FitsError, type Header, numberOf } from '@nightpipe/fits'
import { type OrderImage, readOrderImage } from '@nightpipe/spectrographs'

/** Responses with one sigma of each; NaN where a flat does not say. */
export interface MeanFlat extends OrderImage {
  errors: Float64Array
}

/** The flats of a thread, read once. */
const known = runMemory<string, MeanFlat>()

/** Flats as one image: each fibre is the mean of those in which it has light. */
export function flatsOf(paths: readonly string[], width: number, orders: number): MeanFlat {
  const key = paths.join('\n')
  const found = known.get(key)
  if (found) return found
  const flats = paths.map((path) => readFlat(path, width, orders))
  const planes = Math.max(...flats.map((flat) => flat.planes))
  const size = width * orders
  const mean = {
    width,
    orders,
    planes,
    values: new Float64Array(size * planes),
    errors: new Float64Array(size * planes),
  }
  for (let plane = 0; plane < planes; plane++) {
    const [from, to] = [plane * size, (plane + 1) * size]
    const lit = flats.filter(({ values }) => values.subarray(from, to).some((value) => value !== 0))
    for (const { values, errors } of lit) {
      for (let p = from; p < to; p++) {
        mean.values[p]! += values[p]! / lit.length
        mean.errors[p]! += (errors[p]! / lit.length) ** 2
      }
    }
    for (let p = from; p < to; p++) mean.errors[p] = Math.sqrt(mean.errors[p]!)
  }
  known.set(key, mean)
  return mean
}

/** A flat; errors that it does not bear are those of the photons, where it says how many there were. */
function readFlat(path: string, width: number, orders: number): MeanFlat {
  try {
    const flat = readOrderImage(path)
    if (flat.width === width && flat.orders === orders) return { ...flat, errors: flat.errors ?? photonErrors(flat) }
    const shape = `${flat.width} columns and ${flat.orders} orders`
    throw new DataError(`the flat ${path} has ${shape}, but the traces ${width} and ${orders}`, 'extract the flat anew')
  } catch (error) {
    if (!(error instanceof FitsError || error instanceof RangeError)) throw error
    throw new DataError(`the flat ${path} cannot be read: ${error.message}`, 'extract makes it of a calibrated flat')
  }
}

function photonErrors({ width, orders, values, header }: OrderImage & { header: Header }): Float64Array {
  const amplitudes = new Map<number, number | undefined>()
  return Float64Array.from(values, (value, p) => {
    const row = Math.floor(p / width)
    const [fibre, order] = [Math.floor(row / orders), row % orders]
    if (!amplitudes.has(row)) amplitudes.set(row, numberOf(header, amplitudeCard(fibre, order)))
    return Math.sqrt(Math.max(0, value) / (amplitudes.get(row) ?? Number.NaN))
  })
}

/** The card that says how many electrons a flat has at response 1. */
export const amplitudeCard = (fibre: number, order: number) => `AMPFL${fibre}${String(order).padStart(2, '0')}`
