import { leastSquares, MAD_TO_SIGMA, medianOf, power } from '@nightpipe/math'
import { fieldTerms, termsOf } from '@nightpipe/stars'

/** Stars of a frame that the catalogue knows. */
export interface Matched {
  x: number[]
  y: number[]
  /** Instrumental magnitude, of one unit of the frame in a second, and its error. */
  instrumental: number[]
  error: number[]
  catalogue: number[]
  catalogueError: number[]
  /** NaN where the catalogue lacks a band. */
  colour: number[]
}

export interface ZeroPointOptions {
  width: number
  height: number
  /** `fit`, a known term, or no colours at all. */
  colourTerm: 'fit' | 'none' | number
  order: number
  clip: number
}

/** Catalogue magnitude = instrumental + value + colourTerm (colour - meanColour) + what varies over the field. */
export interface ZeroPoint {
  value: number
  /** One sigma of `value`, of the scatter that was seen. */
  error: number
  colourTerm: number
  colourTermError: number
  meanColour: number
  /** Spread of the colours of the stars: what a star of unknown colour may be off by, times the term. */
  colourSpread: number
  /** Magnitudes at a place over those in the middle. */
  spatial(x: number, y: number): number
  /** Robust scatter of single stars about the fit, and the part of it that their errors do not explain. */
  scatter: number
  intrinsic: number
  /** Stars in the fit, and of those that matched whether they are. */
  count: number
  used: boolean[]
  residual: number[]
}

const ROUNDS = 12
/** How far the sky under stars may be off, in the least error of a flux, one sigma: a twentieth of its noise over a circle. */
const SKY = 0.5

/**
 * The zero point of a frame, with colour and place, by least squares that weigh each star with its errors and the
 * intrinsic scatter that makes chi square what it should be; stars beyond `clip` sigma are set aside in turn, from a start
 * by medians. Undefined with fewer stars than unknowns.
 *
 * What the sky under all stars is off by makes faint ones too bright or too faint, by one over their flux: it is fitted
 * along, within what is likely, so that the many faint stars do not pull the zero point (2 mmag where stars crowd the sky).
 */
export function fitZeroPoint(matched: Matched, options: ZeroPointOptions): ZeroPoint | undefined {
  const { colourTerm, width, height, clip } = options
  const n = matched.x.length
  const all = Array.from({ length: n }, (_, i) => i)
  const fitted = colourTerm === 'fit' ? 1 : 0
  const able = all.filter(
    (i) =>
      Number.isFinite(matched.instrumental[i]! + matched.catalogue[i]!) &&
      (colourTerm === 'none' || Number.isFinite(matched.colour[i])),
  )
  let order = options.order
  while (order > 0 && able.length < 3 * (termsOf(order) + fitted)) order--
  const spatial = termsOf(order) - 1
  // the sky is held by what is likely: it takes no star to fit it
  const unknowns = 1 + fitted + spatial
  const columns = unknowns + 1
  if (able.length < unknowns + 1 || able.length < 3) return undefined
  const meanColour = colourTerm === 'none' ? 0 : medianOf(able.map((i) => matched.colour[i]!))
  const known = typeof colourTerm === 'number' ? colourTerm : 0
  const target = (i: number) =>
    matched.catalogue[i]! - matched.instrumental[i]! - (known ? known * (matched.colour[i]! - meanColour) : 0)
  const terms = new Float64Array(termsOf(order))
  const sky = skyTerms(matched, able)
  const row = (i: number) => {
    fieldTerms({ width, height }, matched.x[i]!, matched.y[i]!, order, terms)
    return [1, ...(fitted ? [matched.colour[i]! - meanColour] : []), ...terms.subarray(1), sky.get(i)!]
  }
  const rows = new Map(able.map((i) => [i, row(i)]))
  const variance = (i: number) => matched.error[i]! ** 2 + matched.catalogueError[i]! ** 2
  let solution = new Float64Array(columns)
  solution[0] = medianOf(able.map(target))
  const modelOf = (i: number) => rows.get(i)!.reduce((sum, term, k) => sum + term * solution[k]!, 0)
  let covariance = new Float64Array(columns * columns)
  let used = able
  let intrinsic = 0
  for (let round = 0; round < ROUNDS; round++) {
    const residual = (i: number) => target(i) - modelOf(i)
    intrinsic = intrinsicScatter(used.map(residual), used.map(variance), unknowns)
    const next = able.filter((i) => Math.abs(residual(i)) < clip * Math.sqrt(variance(i) + intrinsic ** 2))
    if (next.length < unknowns + 1) break
    const same = round > 2 && next.length === used.length && next.every((i, k) => i === used[k])
    used = next
    const weights = used.map((i) => 1 / Math.sqrt(variance(i) + intrinsic ** 2))
    const a = used.flatMap((i, k) => rows.get(i)!.map((term) => term * weights[k]!))
    a.push(...new Array<number>(columns - 1).fill(0), 1 / SKY)
    const fit = leastSquares(a, [...used.map((i, k) => target(i) * weights[k]!), 0], columns)
    solution = new Float64Array(fit.solution)
    covariance = new Float64Array(fit.covariance)
    if (same) break
  }
  const residuals = all.map((i) => (rows.has(i) ? target(i) - modelOf(i) : Number.NaN))
  const chosen = new Set(used)
  const place = new Float64Array(termsOf(order))
  return {
    ...{ value: solution[0]!, error: Math.sqrt(covariance[0]!), meanColour, intrinsic },
    colourTerm: fitted ? solution[1]! : known,
    colourTermError: fitted ? Math.sqrt(covariance[columns + 1]!) : 0,
    colourSpread:
      colourTerm === 'none' ? 0 : MAD_TO_SIGMA * medianOf(used.map((i) => Math.abs(matched.colour[i]! - meanColour))),
    spatial(x, y) {
      fieldTerms({ width, height }, x, y, order, place)
      let sum = 0
      for (let k = 0; k < spatial; k++) sum += solution[1 + fitted + k]! * place[1 + k]!
      return sum
    },
    scatter: MAD_TO_SIGMA * medianOf(used.map((i) => Math.abs(residuals[i]!))),
    ...{ count: used.length, used: all.map((i) => chosen.has(i)), residual: residuals },
  }
}

/** What an error of the sky does to the magnitude of each star: that of the least error among them, as a unit. */
function skyTerms({ instrumental, error }: Matched, able: readonly number[]): Map<number, number> {
  const flux = (i: number) => power(10, -0.4 * instrumental[i]!)
  const least = able.reduce((low, i) => Math.min(low, error[i]! * flux(i)), Number.POSITIVE_INFINITY)
  return new Map(able.map((i) => [i, least / flux(i)]))
}

/** The scatter beyond the errors that makes the robust chi square what it should be. */
function intrinsicScatter(residuals: readonly number[], variances: readonly number[], unknowns: number): number {
  const freedom = Math.sqrt(residuals.length / Math.max(1, residuals.length - unknowns))
  const chi = (extra: number) =>
    freedom *
    MAD_TO_SIGMA *
    medianOf(residuals.map((r, i) => Math.abs(r) / Math.sqrt(variances[i]! + extra * extra + 1e-12)))
  if (chi(0) <= 1) return 0
  let [low, high] = [0, 1]
  while (chi(high) > 1 && high < 100) high *= 2
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2
    if (chi(middle) > 1) low = middle
    else high = middle
  }
  return (low + high) / 2
}
