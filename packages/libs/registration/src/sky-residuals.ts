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

/**
 * What must be added, in quadrature, to the errors that the stars claim, pixels: references, proper motions and the air
 * have errors too. It makes the median of the squared residuals what it should be.
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
  const ratios = new Float64Array(n)
  const medianOver = (extra: number) => {
    for (let k = 0; k < n; k++) ratios[k] = squares[k] / ((claimed ? claimed[k] ** 2 : 0) + extra)
    return select(ratios, n >> 1)
  }
  if (claimed && medianOver(1e-12) <= MEDIAN_CHI_SQUARE) return 0
  if (!claimed) return Math.sqrt(medianOver(1) / MEDIAN_CHI_SQUARE)
  let [low, high] = [1e-12, 1e6]
  while (high > 1.001 * low) {
    const middle = Math.sqrt(low * high)
    if (medianOver(middle) > MEDIAN_CHI_SQUARE) low = middle
    else high = middle
  }
  return Math.sqrt(Math.sqrt(low * high))
}
