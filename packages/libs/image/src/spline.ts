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
  for (let i = n - 2; i >= 0; i--) out[i] = out[i] * out[i + 1] + scratch[i]
}

/** The spline at place `t`; beyond the ends it goes on straight. */
export function splineAt(values: Float64Array, curvature: Float64Array, t: number): number {
  const n = values.length
  if (n === 1) return values[0]
  const i = Math.min(n - 2, Math.max(0, Math.floor(t)))
  const b = t - i
  const a = 1 - b
  const straight = a * values[i] + b * values[i + 1]
  if (b < 0 || a < 0) {
    const end = b < 0 ? -curvature[1] / 6 : curvature[n - 2] / 6
    const slope = values[i + 1] - values[i] + end
    return b < 0 ? values[i] + b * slope : values[i + 1] - a * slope
  }
  return straight + ((a * a * a - a) * curvature[i] + (b * b * b - b) * curvature[i + 1]) / 6
}
