/** A polynomial of two variables: `terms[p][q]` belongs to u^p v^q; `radial[k]` to r^(2k+1) with r² = u² + v² (TPV). */
export interface PlanePolynomial {
  terms: readonly (readonly number[])[]
  radial?: readonly number[]
}

/** A map of the plane onto itself, and back. Results are left in `out`, so that nothing is allocated per point. */
export interface PlaneMap {
  apply(u: number, v: number, out: Float64Array): void
  /** The u, v whose image is U, V, searched from the guess that `out` holds; false where there is none near it. */
  invert(imageU: number, imageV: number, out: Float64Array): boolean
  /** The area that a unit area has after the map, with its sign, at a point. */
  areaAt(u: number, v: number): number
}

/** More steps than this means that the polynomial has folded over: no inverse there. */
const MOST_STEPS = 30

/** The map (u, v) → (first(u, v), second(u, v)) and its inverse by Newton's method. */
export function planeMap(first: PlanePolynomial, second: PlanePolynomial): PlaneMap {
  const f = evaluator(first)
  const g = evaluator(second)
  const [a, b] = [new Float64Array(3), new Float64Array(3)]

  function apply(u: number, v: number, out: Float64Array): void {
    f(u, v, a)
    g(u, v, b)
    out[0] = a[0]
    out[1] = b[0]
  }

  function invert(imageU: number, imageV: number, out: Float64Array): boolean {
    let [u, v] = [out[0], out[1]]
    let last = Number.POSITIVE_INFINITY
    for (let step = 0; step < MOST_STEPS; step++) {
      f(u, v, a)
      g(u, v, b)
      const [du, dv] = [imageU - a[0], imageV - b[0]]
      const area = a[1] * b[2] - a[2] * b[1]
      if (!(Math.abs(area) > 0)) return false
      const [su, sv] = [(b[2] * du - a[2] * dv) / area, (a[1] * dv - b[1] * du) / area]
      u += su
      v += sv
      const size = Math.hypot(su, sv)
      // The steps shrink quadratically until rounding stops them: the last one counts for nothing.
      if (
        size <= 1e-13 * (1 + Math.hypot(u, v)) ||
        (step > 2 && size >= last && size < 1e-9 * (1 + Math.hypot(u, v)))
      ) {
        out[0] = u
        out[1] = v
        return true
      }
      last = size
    }
    return false
  }

  function areaAt(u: number, v: number): number {
    f(u, v, a)
    g(u, v, b)
    return a[1] * b[2] - a[2] * b[1]
  }
  return { apply, invert, areaAt }
}

/** Writes value, d/du and d/dv of a polynomial into `out`, by Horner's rule in both variables. */
function evaluator({ terms, radial }: PlanePolynomial): (u: number, v: number, out: Float64Array) => void {
  const start: number[] = []
  const flat: number[] = []
  for (const row of terms) {
    start.push(flat.length)
    flat.push(...row)
  }
  start.push(flat.length)
  const values = Float64Array.from(flat)
  const rows = terms.length
  const odd = radial?.some((value) => value !== 0) ? Float64Array.from(radial) : undefined
  return (u, v, out) => {
    let [sum, alongU, alongV] = [0, 0, 0]
    for (let p = rows - 1; p >= 0; p--) {
      let [inner, slope] = [0, 0]
      for (let k = start[p + 1] - 1; k >= start[p]; k--) {
        slope = slope * v + inner
        inner = inner * v + values[k]
      }
      alongU = alongU * u + sum
      sum = sum * u + inner
      alongV = alongV * u + slope
    }
    out[0] = sum
    out[1] = alongU
    out[2] = alongV
    if (odd) addRadial(odd, u, v, out)
  }
}

function addRadial(odd: Float64Array, u: number, v: number, out: Float64Array): void {
  const r = Math.hypot(u, v)
  if (r === 0) return
  let power = 1 / r // r^(2k - 1)
  for (let k = 0; k < odd.length; k++) {
    out[0] += odd[k] * power * r * r
    const slope = odd[k] * (2 * k + 1) * power
    out[1] += slope * u
    out[2] += slope * v
    power *= r * r
  }
}
