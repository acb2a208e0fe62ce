import type { OrderSpectrum } from './spectrum.js'

/** Sigma of white noise of unit sigma in each scale of the B3 spline wavelets (Starck & Murtagh 2002, table 1.1). */
const SCALE_NOISE = [0.723, 0.285, 0.178, 0.122, 0.0858] as const
/** A structure that stands so many sigma above the noise is the detector's, and stays as it is. */
const CERTAIN = 4

/**
 * Scales as wide as lines, waves of 4 to 16 columns: what is left in them moves lines. Pixels differ in them as in the finest, which
 * tells it best.
 */
const OF_LINES = [1, 2] as const

interface Flat {
  blaze: Float64Array
  blazeError: Float64Array
}

type Plain = Float64Array<ArrayBuffer>
type Known = Float64Array | undefined

/** A response without the noise of its flat. */
export interface QuietFlat {
  response: Float64Array
  /** one sigma of what is still wrong with it, as part of it; undefined where the flat does not tell its errors */
  left?: Float64Array
}

/** Responses of late: all exposures of a night have those of one flat. At most so many orders of so many flats. */
const REMEMBERED = 256
const remembered = new Map<number, (Flat & { seen: Known; quiet: Required<QuietFlat> })[]>()
let count = 0

/**
 * The response of an order without the noise of its flat. All exposures divided by one flat share its noise, column by column:
 * it holds the lines of a template to the columns they fell on, and velocities of spectra that drift follow by a part of the
 * drift (0.01 for a flat of signal to noise 350). What columns really differ by is kept: in each scale, the scatter beyond the
 * known errors tells how much (a Wiener filter on wavelets), and single columns that stand out stay. Without errors the
 * response is returned as it is.
 *
 * `seen` is what the light of stars has told of the same columns (0 where nothing): if the flat differs from it by less than
 * from a smooth curve, only the difference is noise or news, and is judged in the same way.
 */
export function quietFlat(
  { blaze, blazeError }: Pick<OrderSpectrum, 'blaze' | 'blazeError'>,
  seen?: Float64Array,
): QuietFlat | undefined {
  if (!blaze || !blazeError?.some((one) => one > 0)) return blaze && { response: blaze }
  const key = blaze[blaze.length >> 1]!
  const alike = remembered.get(key) ?? []
  const before = alike.find((one) => one.seen === seen && same(one.blaze, blaze) && same(one.blazeError, blazeError))
  if (before) return copied(before.quiet)
  if (count++ % REMEMBERED === 0) remembered.clear()
  const flat = { blaze, blazeError }
  const quiet = (seen && besideSeen(flat, seen)) ?? withoutNoise(flat)
  remembered.set(key, [...alike, { blaze: blaze.slice(), blazeError: blazeError.slice(), seen, quiet: copied(quiet) }])
  return quiet
}

/** The response alone. */
export const quietResponse = (flat: Pick<OrderSpectrum, 'blaze' | 'blazeError'>, seen?: Float64Array) =>
  quietFlat(flat, seen)?.response

/** Whoever has it may change it. */
const copied = ({ response, left }: Required<QuietFlat>) => ({ response: response.slice(), left: left.slice() })

/** What is seen, times the difference of the flat from it without its noise; undefined where the flat speaks against it. */
function besideSeen({ blaze, blazeError }: Flat, seen: Float64Array): Required<QuietFlat> | undefined {
  if (seen.length !== blaze.length) return undefined
  const both = (x: number) => blaze[x]! > 0 && seen[x]! > 0
  const divided = (values: Float64Array) => values.map((value, x) => (both(x) ? value / seen[x]! : 0))
  const ratio = { blaze: divided(blaze), blazeError: divided(blazeError) }
  if (!(roughness(ratio, both) < roughness({ blaze, blazeError }, both))) return undefined
  const [change, alone] = [withoutNoise(ratio), withoutNoise({ blaze, blazeError })]
  return {
    response: alone.response.map((value, x) => (both(x) ? change.response[x]! * seen[x]! : value)),
    left: alone.left.map((value, x) => (both(x) ? change.left[x]! : value)),
  }
}

/** How columns differ from their neighbours, in errors; defects count as CERTAIN. */
function roughness({ blaze, blazeError }: Flat, told: (x: number) => boolean): number {
  let sum = 0
  for (let x = 1; x < blaze.length - 1; x++) {
    if (!(told(x - 1) && told(x) && told(x + 1))) continue
    const off = blaze[x]! - (blaze[x - 1]! + blaze[x + 1]!) / 2
    sum += Math.min(CERTAIN ** 2, off ** 2 / (1.5 * blazeError[x]! ** 2))
  }
  return sum
}

const same = (a: Float64Array, b: Float64Array) => {
  if (a.length !== b.length) return false
  for (let x = 0; x < a.length; x++) if (a[x] !== b[x] && !(Number.isNaN(a[x]) && Number.isNaN(b[x]))) return false
  return true
}

function withoutNoise({ blaze, blazeError }: Flat): Required<QuietFlat> {
  const n = blaze.length
  const smooth = [blaze]
  for (let scale = 0; scale < SCALE_NOISE.length; scale++) smooth.push(smoothed(smooth[scale]!, 1 << scale))
  const level = smooth.at(-1)!
  const out = level.slice()
  const [detail, sigma, finest, kept] = [0, 0, 0, 0].map(() => new Float64Array(n)) as [Plain, Plain, Plain, Plain]
  SCALE_NOISE.forEach((noise, scale) => {
    const [fine, coarse] = [smooth[scale]!, smooth[scale + 1]!]
    for (let x = 0; x < n; x++) {
      detail[x] = (fine[x]! - coarse[x]!) / level[x]!
      sigma[x] = (noise * blazeError[x]!) / level[x]!
    }
    const ofLines = OF_LINES.some((one) => one === scale)
    const real = realVariance(detail, sigma, 2 ** scale)
    for (let x = 0; x < n; x++) {
      const uncertain = Math.abs(detail[x]!) <= CERTAIN * sigma[x]! // false, too, where the error is not known
      const part = uncertain ? real / (real + sigma[x]! ** 2) : 1
      out[x]! += (fine[x]! - coarse[x]!) * part
      if (scale === 0) finest[x] = part
      else if (ofLines) kept[x]! += Math.max(part, finest[x]!) / OF_LINES.length
    }
  })
  // what such a filter leaves has the same part of the variance of the noise as it keeps of the values
  const left = kept.map((part, x) => (out[x]! > 0 ? (blazeError[x]! / out[x]!) * Math.sqrt(part) || 0 : 0))
  return { response: out, left }
}

/**
 * The B3 spline with holes: a mean over columns `hole` and `2 hole` away, of those with a response; of both sides or of none,
 * as one side alone would lean with the slope.
 */
function smoothed(values: Float64Array, hole: number): Float64Array {
  const out = new Float64Array(values.length)
  for (let x = 0; x < values.length; x++) {
    if (!(values[x]! > 0)) continue
    let [sum, total] = [6 * values[x]!, 6]
    const [a, b, c, d] = [values[x - 2 * hole]!, values[x - hole]!, values[x + hole]!, values[x + 2 * hole]!]
    if (b > 0 && c > 0) {
      sum += 4 * (b + c)
      total += 8
    }
    if (a > 0 && d > 0) {
      sum += a + d
      total += 2
    }
    out[x] = sum / total
  }
  return out
}

/** The variance of the details that their errors do not explain, defects left out; 0 while chance does (two sigma of chi square). */
function realVariance(detail: Float64Array, sigma: Float64Array, correlated: number): number {
  let real = 0
  for (let round = 0; round < 10; round++) {
    let [chi, n, sum, total] = [0, 0, 0, 0]
    for (let x = 0; x < detail.length; x++) {
      const variance = sigma[x]! * sigma[x]!
      const square = detail[x]! * detail[x]!
      const all = variance + real
      if (!(square <= CERTAIN ** 2 * all)) continue
      const weight = 1 / (all * all)
      chi += square / variance
      sum += weight * (square - variance)
      total += weight
      n++
    }
    const before = real
    const chance = 2 * Math.sqrt((2 * correlated) / Math.max(1, n))
    real = n > 0 && chi / n > 1 + chance ? Math.max(0, sum / total) : 0
    if (Math.abs(real - before) <= 0.01 * real) break
  }
  return real
}
