import { leastSquares, power } from '@nightpipe/math'
import type { PointPairs } from './fit-affine.js'

/** Polynomials in both coordinates, of which `middle` and `half` make numbers between -1 and 1. Plain data. */
export interface PolynomialMap {
  order: number
  middle: readonly [x: number, y: number]
  half: number
  /** Coefficients of x^i y^j, i + j at most `order`: 1, x, y, x², xy, y² … for each coordinate. */
  u: number[]
  v: number[]
}

export interface PolynomialMapFit {
  map: PolynomialMap
  /** Weighted root mean square distance of the pairs, degrees of freedom taken off; px. */
  rms: number
  chiSquare: number
}

/** Coefficients of each coordinate. */
export const termsOf = (order: number) => ((order + 1) * (order + 2)) / 2

/** The polynomials that bring `from` nearest to `to`; `weights` are 1 / sigma² of a pair. */
export function fitPolynomialMap(
  { from, to }: PointPairs,
  order: number,
  weights: ArrayLike<number> = new Float64Array(from.x.length).fill(1),
): PolynomialMapFit {
  const n = from.x.length
  const terms = termsOf(order)
  const { middle, half } = frameOf(from.x, from.y)
  const rows = new Float64Array(n * terms)
  const [u, v] = [new Float64Array(n), new Float64Array(n)]
  const line = new Float64Array(terms)
  let total = 0
  for (let k = 0; k < n; k++) {
    const root = Math.sqrt(weights[k])
    powers((from.x[k] - middle[0]) / half, (from.y[k] - middle[1]) / half, order, line)
    for (let t = 0; t < terms; t++) rows[k * terms + t] = root * line[t]
    u[k] = root * to.x[k]
    v[k] = root * to.y[k]
    total += weights[k]
  }
  const [ofU, ofV] = [leastSquares(rows, u, terms), leastSquares(rows, v, terms)]
  const chiSquare = ofU.chiSquare + ofV.chiSquare
  return {
    map: { order, middle, half, u: Array.from(ofU.solution), v: Array.from(ofV.solution) },
    rms: Math.sqrt((chiSquare / total) * (n / Math.max(1, n - terms))),
    chiSquare,
  }
}

/** Where a point goes. */
export function polynomialAt({ order, middle, half, u, v }: PolynomialMap, x: number, y: number): [number, number] {
  const line = new Float64Array(u.length)
  powers((x - middle[0]) / half, (y - middle[1]) / half, order, line)
  let [a, b] = [0, 0]
  for (let t = 0; t < u.length; t++) {
    a += u[t] * line[t]
    b += v[t] * line[t]
  }
  return [a, b]
}

function powers(x: number, y: number, order: number, out: Float64Array): void {
  let t = 0
  for (let sum = 0; sum <= order; sum++) {
    for (let j = 0; j <= sum; j++) out[t++] = power(x, sum - j) * power(y, j)
  }
}

function frameOf(x: ArrayLike<number>, y: ArrayLike<number>): { middle: [number, number]; half: number } {
  const range = (values: ArrayLike<number>) => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (let k = 0; k < values.length; k++) {
      low = Math.min(low, values[k])
      high = Math.max(high, values[k])
    }
    return [low, high]
  }
  const [[x0, x1], [y0, y1]] = [range(x), range(y)]
  return { middle: [(x0 + x1) / 2, (y0 + y1) / 2], half: Math.max(x1 - x0, y1 - y0, 1e-9) / 2 }
}
