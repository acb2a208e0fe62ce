import { select } from '@nightpipe/math'
import { fillTerms, type Plate, type PlatePairs, planePlaces, termCount } from './sky-plate.js'

/**
 * Residuals of pairs in pixels, along x and y: where the sky puts the star minus where the frame has it, taken through the
 * linear part of the plate. The distortion changes a residual by its own size times the residual: nothing.
 */
export function residualsOf(plate: Plate, pairs: PlatePairs): { dx: Float64Array; dy: Float64Array } {
  const { pixel, sky, half, order, first, second } = plate
  const { east, north } = planePlaces(pairs, sky)
  const determinant = first[1] * second[2] - first[2] * second[1]
  const n = pairs.x.length
  const [dx, dy] = [new Float64Array(n), new Float64Array(n)]
  const row = new Float64Array(termCount(order))
  for (let k = 0; k < n; k++) {
    fillTerms(row, (pairs.x[k] - pixel[0]) / half, (pairs.y[k] - pixel[1]) / half, order)
    let [e, t] = [east[k], north[k]]
    for (let i = 0; i < row.length; i++) {
      e -= first[i] * row[i]
      t -= second[i] * row[i]
    }
    dx[k] = ((second[2] * e - first[2] * t) / determinant) * half
    dy[k] = ((first[1] * t - second[1] * e) / determinant) * half
  }
  return { dx, dy }
}

/** Median of the squares of two residuals over their variance: that of a chi-square of two degrees of freedom. */
const MEDIAN_CHI_SQUARE = 2 * Math.LN2
/** Squares over their variance count as no more than this: outliers; and their mean then, 2 (1 - e^(-MOST / 2)). */
const MOST = 9
const MEAN_CHI_SQUARE = 2 * (1 - Math.exp(-MOST / 2))
/** Extra noise is looked for up to this, px. */
const MOST_EXTRA = 1e3
/** No star counts as much better than the others: extra noise is at least this part of their median error. */
const LEAST_PART = 0.25

/**
 * What must be added, in quadrature, to the errors that the stars claim, pixels: references, proper motions and the air
 * have errors too. The value of highest likelihood: stars tell it by their weight, so that faint ones, whose own errors
 * hide it, do not deny what the bright ones show.
 */
export function extraNoise(
  dx: Float64Array,
  dy: Float64Array,
  claimed: Float64Array | undefined,
  fitted: number,
): number {
  const n = dx.length
  if (n === 0) return 0
  // residuals are smaller than errors by what the fit took
  const grow = n > fitted / 2 ? (2 * n) / (2 * n - fitted) : 1
  const squares = Float64Array.from(dx, (value, k) => (value * value + dy[k] * dy[k]) * grow)
  if (!claimed) return Math.sqrt(select(squares, n >> 1) / MEDIAN_CHI_SQUARE)
  // the slope of the likelihood: positive while the noise is larger than assumed
  const slope = (extra: number) => {
    let sum = 0
    for (let k = 0; k < n; k++) {
      const variance = claimed[k] ** 2 + extra ** 2
      sum += (Math.min(squares[k] / variance, MOST) - MEAN_CHI_SQUARE) / variance
    }
    return sum
  }
  const least = LEAST_PART * select(claimed.slice(), n >> 1)
  let [low, high] = [MOST_EXTRA, MOST_EXTRA]
  while (low > least && !(slope(low) > 0)) [low, high] = [low / 1.3, low]
  if (low <= least) return least
  while (high > 1.001 * low) {
    const middle = Math.sqrt(low * high)
    if (slope(middle) > 0) low = middle
    else high = middle
  }
  return Math.sqrt(low * high)
}
