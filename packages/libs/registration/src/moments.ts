import type { Affine } from './affine.js'

/** Second moments xx, yy, xy of a profile or a window, px²: a symmetric matrix. */
export type Moments = readonly [xx: number, yy: number, xy: number]

export const determinant = ([xx, yy, xy]: Moments) => xx * yy - xy * xy
export const plus = (a: Moments, b: Moments): Moments => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
export const minus = (a: Moments, b: Moments): Moments => [a[0] - b[0], a[1] - b[1], a[2] - b[2]]

export function inverse(moments: Moments): Moments {
  const det = determinant(moments)
  return [moments[1] / det, moments[0] / det, -moments[2] / det]
}

/** Of two symmetric matrices: four numbers, row by row. */
export const product = (a: Moments, b: Moments) => [
  a[0] * b[0] + a[2] * b[2],
  a[0] * b[2] + a[2] * b[1],
  a[2] * b[0] + a[1] * b[2],
  a[2] * b[2] + a[1] * b[1],
]

/** What becomes of moments where places are transformed. */
export function moved([xx, yy, xy]: Moments, [a, b, , c, d]: Affine): Moments {
  return [
    a * a * xx + 2 * a * b * xy + b * b * yy,
    c * c * xx + 2 * c * d * xy + d * d * yy,
    a * c * xx + (a * d + b * c) * xy + b * d * yy,
  ]
}

/** The first with what the second has more, in the directions in which it has: as wide as both in each. */
export function envelope(first: Moments, second: Moments): Moments {
  const [xx, yy, xy] = minus(second, first)
  const [mean, half] = [(xx + yy) / 2, Math.hypot((xx - yy) / 2, xy)]
  const angle = Math.atan2(2 * xy, xx - yy) / 2
  const [long, short] = [Math.max(0, mean + half), Math.max(0, mean - half)]
  const [c, s] = [Math.cos(angle), Math.sin(angle)]
  return plus(first, [long * c * c + short * s * s, long * s * s + short * c * c, (long - short) * c * s])
}
