import { type OrderSpectrum, SpectrumBit } from './spectrum.js'

/** Columns of the running median, and of the running mean of the squares about it. */
const MEDIAN_WIDTH = 11
const NOISE_WIDTH = 51
/** Columns this far from that median, in its scatter, are not believed. */
const CLIP = 5
/** A response below this, or known worse than this, is none. */
const LOWEST = 0.01
const LEAST_SIGNAL_TO_NOISE = 3

/** The response of an order in a flat: the flux over its highest, 0 where there is none. */
export interface FlatResponse {
  response: Float64Array
  /** one sigma */
  error: Float64Array
  /** flux at response 1 */
  amplitude: number
}

/**
 * The flux of a flat over the highest of its running median (11 columns) away from the 51 columns at either edge. Columns
 * above that median by more than five times the scatter about it (the root of the mean square of 51 columns), and such
 * below it as were hit by a cosmic ray, get the median: a dip without one is the detector's, and is what flats are for.
 * After the flats of the NRES pipeline, which compared with the mean square itself, and rejected next to nothing.
 */
export function flatResponse({
  flux,
  uncertainty,
  mask,
}: Pick<OrderSpectrum, 'flux' | 'uncertainty' | 'mask'>): FlatResponse {
  const n = flux.length
  const usable = (x: number) => Number.isFinite(flux[x]) && (mask[x]! & SpectrumBit.noData) === 0
  const middle = runningMedian(flux, usable, MEDIAN_WIDTH)
  const scatter = runningScatter(flux, middle, usable)
  let amplitude = 0
  const edge = Math.min(NOISE_WIDTH, Math.floor(n / 4))
  for (let x = edge; x < n - edge; x++) if (middle[x]! > amplitude) amplitude = middle[x]!
  const [response, error] = [new Float64Array(n), new Float64Array(n)]
  if (!(amplitude > 0)) return { response, error, amplitude: 0 }
  for (let x = 0; x < n; x++) {
    if (!usable(x)) continue
    const limit = CLIP * Math.max(scatter[x]!, uncertainty[x]!)
    const hit = (mask[x]! & (SpectrumBit.cosmicRay | SpectrumBit.interpolated)) !== 0
    const off = flux[x]! - middle[x]! > limit || (hit && middle[x]! - flux[x]! > limit)
    const value = (off ? middle[x]! : flux[x]!) / amplitude
    const sigma = uncertainty[x]! / amplitude
    if (value <= LOWEST || !(value > LEAST_SIGNAL_TO_NOISE * sigma)) continue
    response[x] = value
    error[x] = sigma
  }
  return { response, error, amplitude }
}

/** The median of the usable values of so many columns about each, from one sorted window that moves along. */
export function runningMedian(flux: Float64Array, usable: (x: number) => boolean, width: number): Float64Array {
  const [n, half] = [flux.length, width >> 1]
  const good = new Uint8Array(n)
  for (let x = 0; x < n; x++) good[x] = usable(x) ? 1 : 0
  const sorted = new Float64Array(width + 1)
  const middle = new Float64Array(n).fill(Number.NaN)
  let count = 0
  for (let x = -half; x < n; x++) {
    const [coming, going] = [x + half, x - half - 1]
    if (going >= 0 && good[going] === 1) {
      let at = 0
      while (sorted[at] !== flux[going]) at++
      for (count--; at < count; at++) sorted[at] = sorted[at + 1]!
    }
    if (coming < n && good[coming] === 1) {
      let at = count++
      for (; at > 0 && sorted[at - 1]! > flux[coming]!; at--) sorted[at] = sorted[at - 1]!
      sorted[at] = flux[coming]!
    }
    if (x >= 0 && count > 0) middle[x] = sorted[(count - 1) >> 1]! / 2 + sorted[count >> 1]! / 2
  }
  return middle
}

/** The root of the mean square about the running median, over 51 columns. */
function runningScatter(flux: Float64Array, middle: Float64Array, usable: (x: number) => boolean): Float64Array {
  const n = flux.length
  const [sums, counts] = [new Float64Array(n + 1), new Float64Array(n + 1)]
  for (let x = 0; x < n; x++) {
    const good = usable(x)
    sums[x + 1] = sums[x]! + (good ? (flux[x]! - middle[x]!) ** 2 : 0)
    counts[x + 1] = counts[x]! + (good ? 1 : 0)
  }
  const half = NOISE_WIDTH >> 1
  const scatter = new Float64Array(n)
  for (let x = 0; x < n; x++) {
    const [from, to] = [Math.max(0, x - half), Math.min(n, x + half + 1)]
    scatter[x] = Math.sqrt((sums[to]! - sums[from]!) / Math.max(1, counts[to]! - counts[from]!))
  }
  return scatter
}

/** Where the response is too small for a ratio, as the old files have it. */
export const RANGE = 0.1

/** The first and last column of the stretch about the middle in which the response is above a tenth; the middle half if there is none. */
export function flatRange(response: ArrayLike<number>): [number, number] {
  const n = response.length
  const middle = n >> 1
  let [first, last] = [middle, middle]
  if (response[middle]! > RANGE) {
    while (first > 0 && response[first - 1]! > RANGE) first--
    while (last < n - 1 && response[last + 1]! > RANGE) last++
  }
  return last > first ? [first, last] : [n >> 2, n - 1 - (n >> 2)]
}

/** A spectrum beside its flat, as the files EXTR, SPEC and BLAZ have it; 0 outside of the range of the flat. */
export interface FlatDivided {
  extracted: Float64Array
  /** over the flat; columns that are masked are filled from their neighbours */
  ratio: Float64Array
  /** less `amplitude` times the flat */
  difference: Float64Array
  amplitude: number
}

/** What nres.md calls EXTR, SPEC and BLAZ of a star; `unusable` are the bits of columns that are kept out of the amplitude. */
export function divideByFlat(
  { flux, mask }: Pick<OrderSpectrum, 'flux' | 'mask'>,
  response: Float64Array,
  unusable: number,
): FlatDivided {
  const n = flux.length
  const [first, last] = flatRange(response)
  const good = (x: number) => (mask[x]! & unusable) === 0 && Number.isFinite(flux[x]) && response[x]! > 0
  const quarter = (last - first) >> 2
  let [cross, square] = [0, 0]
  for (let x = first + quarter; x <= last - quarter; x++) {
    if (!good(x)) continue
    cross += flux[x]! * response[x]!
    square += response[x]! ** 2
  }
  const amplitude = square > 0 ? cross / square : 0
  const out = { extracted: new Float64Array(n), ratio: new Float64Array(n), difference: new Float64Array(n), amplitude }
  for (let x = first; x <= last; x++) {
    if (!Number.isFinite(flux[x])) continue
    out.extracted[x] = flux[x]!
    out.difference[x] = flux[x]! - amplitude * response[x]!
    out.ratio[x] = response[x]! > 0 ? flux[x]! / response[x]! : 0
  }
  for (let x = first; x <= last; x++) if (!good(x)) out.ratio[x] = aroundOf(out.ratio, x, first, last, good)
  return out
}

/** Columns on either side that a filled one is the mean of. */
const AROUND = 10

function aroundOf(ratio: Float64Array, x: number, first: number, last: number, good: (x: number) => boolean): number {
  let [sum, count] = [0, 0]
  for (let k = Math.max(first, x - AROUND); k <= Math.min(last, x + AROUND); k++) {
    if (!good(k)) continue
    sum += ratio[k]!
    count++
  }
  return count > 0 ? sum / count : 0
}

/** A lamp over the flat: nothing is cut off, and no response counts as less than a tenth. */
export function divideLamp({ flux }: Pick<OrderSpectrum, 'flux'>, response: ArrayLike<number>): Float64Array {
  return flux.map((value, x) => (Number.isFinite(value) ? value / Math.max(response[x]!, RANGE) : 0))
}
