import { MAD_TO_SIGMA, medianOf } from '@nightpipe/math'

/** How restless a star is. */
export interface Indices {
  points: number
  mean: number
  /** Error of the mean. */
  error: number
  /** Standard deviation, and the robust one. */
  deviation: number
  scatter: number
  /** Median error of a point. */
  expected: number
  chiSquare: number
  /** Mean squared difference of successive points over the variance (von Neumann 1941): 2 for noise, less for a course. */
  neumann: number
  /** J of Stetson (1996, PASP 108, 851) over successive points: 0 for noise. */
  stetson: number
  /** From the brightest tenth to the faintest. */
  amplitude: number
}

/** Of the points of a light curve in the order of time; those that are not finite are left out. */
export function indicesOf(value: ArrayLike<number>, error: ArrayLike<number>): Indices {
  const [v, e]: [number[], number[]] = [[], []]
  for (let i = 0; i < value.length; i++) {
    if (!Number.isFinite(value[i]) || !(error[i]! > 0)) continue
    v.push(value[i]!)
    e.push(error[i]!)
  }
  const n = v.length
  const nothing = Number.NaN
  if (n === 0) {
    const blank = { mean: nothing, error: nothing, deviation: nothing, scatter: nothing, expected: nothing }
    return { points: 0, ...blank, chiSquare: nothing, neumann: nothing, stetson: nothing, amplitude: nothing }
  }
  const weights = e.map((sigma) => 1 / sigma ** 2)
  const total = weights.reduce((a, b) => a + b, 0)
  const mean = v.reduce((sum, value, i) => sum + value * weights[i]!, 0) / total
  const left = v.map((value) => value - mean)
  const square = left.reduce((sum, d) => sum + d * d, 0)
  const middle = medianOf(v)
  const steps = left.slice(1).reduce((sum, d, i) => sum + (d - left[i]!) ** 2, 0)
  const normal = left.map((d, i) => (Math.sqrt(n / Math.max(1, n - 1)) * d) / e[i]!)
  const products = normal.slice(1).map((d, i) => d * normal[i]!)
  const sorted = [...v].sort((a, b) => a - b)
  const tenth = Math.floor(n / 10)
  return {
    ...{ points: n, mean, error: Math.sqrt(1 / total), expected: medianOf(e) },
    deviation: n > 1 ? Math.sqrt(square / (n - 1)) : nothing,
    scatter:
      n > 1 ? MAD_TO_SIGMA * medianOf(v.map((value) => Math.abs(value - middle))) * Math.sqrt(n / (n - 1)) : nothing,
    chiSquare: n > 1 ? normal.reduce((sum, d) => sum + d * d, 0) / n : nothing,
    neumann: n > 2 && square > 0 ? steps / (n - 1) / (square / n) : nothing,
    stetson:
      n > 1 ? products.reduce((sum, p) => sum + Math.sign(p) * Math.sqrt(Math.abs(p)), 0) / products.length : nothing,
    amplitude: n > 1 ? sorted[n - 1 - tenth]! - sorted[tenth]! : nothing,
  }
}

/**
 * Each star's scatter over that of stars as bright as it: the median of the nearest in magnitude, 1 for a quiet star. A
 * star among fewer than five others has the ratio to its errors.
 */
export function restlessness(list: readonly Indices[]): number[] {
  const order = list.map((_, j) => j).filter((j) => Number.isFinite(list[j]!.scatter) && list[j]!.scatter > 0)
  order.sort((a, b) => list[a]!.mean - list[b]!.mean || a - b)
  const out = list.map(() => Number.NaN)
  order.forEach((j, k) => {
    const reach = 12
    const near = order.slice(Math.max(0, k - reach), k + reach + 1).filter((other) => other !== j)
    const ratios = near.map((other) => list[other]!.scatter / list[other]!.expected)
    const usual = near.length >= 5 ? Math.max(1, medianOf(ratios)) : 1
    out[j] = list[j]!.scatter / (usual * list[j]!.expected)
  })
  return out
}
