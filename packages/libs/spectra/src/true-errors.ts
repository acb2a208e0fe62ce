import { MAD_TO_SIGMA, median } from '@nightpipe/math'
import type { FittedLine } from './wavelength-fit.js'

/** What makes the errors of a group of lines true: they are multiplied by `scale`, and `floor` (px) is added in square. */
export interface TrueErrors {
  scale: number
  floor: number
}

export const trueSigma = ({ sigma, dispersion }: FittedLine, { scale, floor }: TrueErrors) =>
  Math.hypot(scale * sigma, floor * dispersion)

/**
 * Most lines lie where the list has them to what their light allows; some are drawn aside by neighbours that nobody knows, by any amount. That is a
 * distribution of Student with few degrees of freedom, and this is the weight of a line in it (Lange, Little & Taylor 1989, JASA 84, 881).
 */
const FREEDOM = 4
export const weightOf = (pull: number): number => (FREEDOM + 1) / (FREEDOM + pull * pull)

/** Chi square with these weights, and what the errors of the coefficients are too small by, in square (Huber 1981, eq. 6.5). */
export function qualityOf(pulls: readonly number[], terms: number): { chiSquare: number; excess: number } {
  let [weight, square, slope, all] = [0, 0, 0, 0]
  for (const pull of pulls) {
    const w = weightOf(pull)
    weight += w
    all += w * pull * pull
    square += (w * pull) ** 2
    slope += (w * (FREEDOM - pull * pull)) / (FREEDOM + pull * pull)
  }
  const free = Math.max(1, pulls.length - terms)
  return { chiSquare: all / free, excess: (square * weight * pulls.length) / (slope * slope * free) }
}

/** Lines in four groups of brightness (their light over its error), the faintest first: faint ones suffer more from unseen neighbours. */
export function groupsOf(lines: readonly FittedLine[]): { of: Int32Array; count: number } {
  const count = Math.max(1, Math.min(4, Math.floor(lines.length / 40)))
  const of = new Int32Array(lines.length)
  const worth = Float64Array.from(lines, ({ flux, fluxError }) => flux / fluxError)
  const ranked = new Int32Array(lines.keys()).sort((a, b) => worth[a] - worth[b])
  ranked.forEach((k, rank) => {
    of[k] = Math.min(count - 1, Math.floor((rank * count) / lines.length))
  })
  return { of, count }
}

/**
 * For each group what makes half of its lines lie within 0.6745 sigma: errors that are too small get a floor (px), those that are too large
 * (neighbours were feared that most lines do not have) a scale below 1.
 */
export function trueErrors(
  lines: readonly FittedLine[],
  residuals: readonly number[],
  { of, count }: ReturnType<typeof groupsOf>,
): TrueErrors[] {
  return Array.from({ length: count }, (_, group): TrueErrors => {
    const members = [...lines.keys()].filter((k) => of[k] === group)
    const typical = MAD_TO_SIGMA * median(members.map((k) => Math.abs(residuals[k]) / lines[k].sigma))
    if (!(typical > 1)) return { scale: Math.max(LEAST_SCALE, typical), floor: 0 }
    let [low, high] = [1e-4, 1]
    for (let step = 0; step < 14; step++) {
      const floor = Math.sqrt(low * high)
      const pulls = members.map((k) => Math.abs(residuals[k]) / trueSigma(lines[k], { scale: 1, floor }))
      if (MAD_TO_SIGMA * median(pulls) > 1) low = floor
      else high = floor
    }
    return { scale: 1, floor: Math.sqrt(low * high) }
  })
}

/** With few lines to a group chance alone may make them lie closely. */
const LEAST_SCALE = 0.3
