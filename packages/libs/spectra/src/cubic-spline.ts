/** A smooth curve through points: between neighbours a cubic, with continuous slope and curvature, straight at its ends. */
export interface CubicSpline {
  /** rising */
  x: Float64Array
  y: Float64Array
  /** second derivatives */
  bend: Float64Array
}

/** The natural cubic spline through points of rising x. RangeError below two points. */
export function cubicSpline(x: Float64Array, y: Float64Array): CubicSpline {
  const n = x.length
  if (n < 2) throw new RangeError(`a spline through ${n} points`)
  const bend = new Float64Array(n)
  const upper = new Float64Array(n)
  for (let i = 1; i < n - 1; i++) {
    const [before, after] = [x[i]! - x[i - 1]!, x[i + 1]! - x[i]!]
    const part = before / (before + after)
    const pivot = part * upper[i - 1]! + 2
    upper[i] = (part - 1) / pivot
    const turn = (y[i + 1]! - y[i]!) / after - (y[i]! - y[i - 1]!) / before
    bend[i] = ((6 * turn) / (before + after) - part * bend[i - 1]!) / pivot
  }
  for (let i = n - 2; i > 0; i--) bend[i]! += upper[i]! * bend[i + 1]!
  return { x, y, bend }
}

/**
 * Values and slopes of a spline at many places, rising or falling: `value[i]`, `slope[i]`. NaN outside the points, and in
 * gaps wider than `gap`.
 */
export function alongSpline(
  { x, y, bend }: CubicSpline,
  at: ArrayLike<number>,
  value: Float64Array,
  slope: Float64Array,
  gap = Number.POSITIVE_INFINITY,
): void {
  const last = x.length - 1
  let i = 0
  for (let p = 0; p < at.length; p++) {
    const here = at[p]!
    if (!(here >= x[0]! && here <= x[last]!)) {
      value[p] = slope[p] = Number.NaN
      continue
    }
    while (i > 0 && x[i]! > here) i--
    while (i < last - 1 && x[i + 1]! < here) i++
    const h = x[i + 1]! - x[i]!
    if (h > gap) {
      value[p] = slope[p] = Number.NaN
      continue
    }
    const b = (here - x[i]!) / h
    const a = 1 - b
    const [low, high] = [bend[i]!, bend[i + 1]!]
    value[p] = a * y[i]! + b * y[i + 1]! + (((a * a * a - a) * low + (b * b * b - b) * high) * h * h) / 6
    slope[p] = (y[i + 1]! - y[i]!) / h + (((1 - 3 * a * a) * low + (3 * b * b - 1) * high) * h) / 6
  }
}
