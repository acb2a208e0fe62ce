import { goodColumns } from './good-pixels.js'
import { quietFlat } from './quiet-response.js'
import type { OrderSpectrum } from './spectrum.js'

/** The good samples of one order of one exposure, in the rest frame. */
export interface Samples {
  source: OrderSpectrum
  /** of its flat, without noise; undefined without a flat */
  response: Float64Array | undefined
  /** what to add to the logarithm of a wavelength */
  toRest: number
  u: Float64Array
  /** flux over the response of the flat, and 1 / sigma squared of it */
  y: Float64Array
  weight: Float64Array
  /** one sigma of the response there, as part of it; undefined where it is not known */
  flatError: Float64Array | undefined
  column: Int32Array
  /** Legendre polynomials of the columns, those of each beside one another */
  basis: Float64Array
  total: number
}

/** Undefined where too few columns are good; `seen` is the response of the columns, as the star has shown it. */
export function samplesOf(
  source: OrderSpectrum,
  toRest: number,
  { blazed, terms, seen }: { blazed: boolean; terms: number; seen: Float64Array | undefined },
): Samples | undefined {
  const column = goodColumns(source, blazed ? 0.02 : undefined)
  if (column.length < 100) return undefined
  const flat = blazed ? quietFlat(source, seen) : undefined
  const n = column.length
  const [u, y, weight] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)]
  let total = 0
  for (let i = 0; i < n; i++) {
    const x = column[i]!
    const response = flat?.response[x] ?? 1
    u[i] = Math.log(source.wavelength![x]!) + toRest
    y[i] = source.flux[x]! / response
    weight[i] = (response / source.uncertainty[x]!) ** 2
    total += y[i]!
  }
  return {
    source,
    response: flat?.response,
    flatError: flat?.left && Float64Array.from(column, (x) => flat.left![x]!),
    toRest,
    column,
    u,
    y,
    weight,
    total,
    basis: basisOf(column, source.flux.length, terms),
  }
}

function basisOf(column: Int32Array, width: number, terms: number): Float64Array {
  const out = new Float64Array(terms * column.length)
  for (let i = 0; i < column.length; i++) {
    const x = (2 * column[i]!) / (width - 1) - 1
    let [last, now] = [0, 1]
    for (let k = 0; k < terms; k++) {
      out[terms * i + k] = now
      const next = ((2 * k + 1) * x * now - k * last) / (k + 1)
      last = now
      now = next
    }
  }
  return out
}
