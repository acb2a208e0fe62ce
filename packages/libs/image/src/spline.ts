/**
 * Natural cubic spline through `values` at the places 0, 1, 2 …: the second derivatives there, into `out`.
 * `scratch` has the length of `values`.
 */
export function splineCurvature(values: Float64Array, out: Float64Array, scratch: Float64Array): void {
  const n = values.length
  out[0] = 0
  scratch[0] = 0
  for (let i = 1; i < n - 1; i++) {
    const p = out[i - 1] / 2 + 2
    out[i] = -1 / (2 * p)
    scratch[i] = (3 * (values[i + 1] - 2 * values[i] + values[i - 1]) - scratch[i - 1] / 2) / p
  }
  out[n - 1] = 0
  for (let i = n - 2; i > 0; i--) out[i] = out[i] * out[i + 1] + scratch[i]
}

/**
 * What the spline at `b` of the way from one place to the next is made of: weights of the values and of the second
 * derivatives at the two, into `out`. Before the one and beyond the other the spline goes on straight.
 */
export function splineWeights(b: number, out: Float64Array): Float64Array {
  const a = 1 - b
  out[0] = a
  out[1] = b
  out[2] = b < 0 ? -b / 3 : b > 1 ? (b - 1) / 6 : (a * a * a - a) / 6
  out[3] = b < 0 ? -b / 6 : b > 1 ? (b - 1) / 3 : (b * b * b - b) / 6
  return out
}

const four = new Float64Array(4)

/** The spline at place `t`. */
export function splineAt(values: Float64Array, curvature: Float64Array, t: number): number {
  const n = values.length
  if (n === 1) return values[0]
  const i = Math.min(n - 2, Math.max(0, Math.floor(t)))
  splineWeights(t - i, four)
  return four[0] * values[i] + four[1] * values[i + 1] + four[2] * curvature[i] + four[3] * curvature[i + 1]
}
