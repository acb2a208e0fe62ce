import { solve } from '@nightpipe/math'

/** Least squares with errors, by the normal equations; undefined where they do not determine the unknowns. */
export function weightedFit(
  rows: readonly (readonly number[])[],
  right: readonly number[],
  errors: readonly number[],
): Float64Array | undefined {
  const n = rows[0]?.length ?? 0
  const normal = new Float64Array(n * n)
  const vector = new Float64Array(n)
  rows.forEach((row, k) => {
    const weight = 1 / errors[k] ** 2
    for (let i = 0; i < n; i++) {
      vector[i] += weight * row[i] * right[k]
      for (let j = 0; j <= i; j++) normal[i * n + j] += weight * row[i] * row[j]
    }
  })
  // Unit diagonal: the unknowns have units of their own.
  const scale = Float64Array.from({ length: n }, (_, i) => 1 / Math.sqrt(normal[i * n + i] || 1))
  for (let i = 0; i < n; i++) {
    vector[i] *= scale[i]
    for (let j = 0; j <= i; j++) normal[i * n + j] *= scale[i] * scale[j]
    normal[i * n + i] += 1e-11 // holds what the lines do not determine
  }
  try {
    return solve(normal, vector).map((value, i) => value * scale[i])
  } catch {
    return undefined
  }
}
