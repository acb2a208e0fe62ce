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
  const [f, fValue] = evaluators(first)
  const [g, gValue] = evaluators(second)
  const [a, b] = [new Float64Array(3), new Float64Array(3)]

  function apply(u: number, v: number, out: Float64Array): void {
    const image = fValue(u, v)
    out[1] = gValue(u, v)
    out[0] = image
  }

  function invert(imageU: number, imageV: number, out: Float64Array): boolean {
    let [u, v] = [out[0], out[1]]
    for (let step = 0; step < MOST_STEPS; step++) {
      f(u, v, a)
      g(u, v, b)
      const [du, dv] = [imageU - a[0], imageV - b[0]]
      const area = a[1] * b[2] - a[2] * b[1]
      if (!(Math.abs(area) > 0)) return false
      const [su, sv] = [(b[2] * du - a[2] * dv) / area, (a[1] * dv - b[1] * du) / area]
      u += su
      v += sv
      // Newton's steps shrink quadratically: after one as small as this, what is left is below the rounding.
      if (Math.abs(su) + Math.abs(sv) <= 1e-7 * (1 + Math.abs(u) + Math.abs(v))) {
        out[0] = u
        out[1] = v
        return true
      }
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

type WithSlopes = (u: number, v: number, out: Float64Array) => void
type ValueAlone = (u: number, v: number) => number

/** A polynomial by Horner's rule in both variables: with d/du and d/dv, which go into `out`, and without. */
function evaluators({ terms, radial }: PlanePolynomial): [WithSlopes, ValueAlone] {
  const rows = terms.length
  // A rectangle of terms, so that the loops need no table of where rows begin.
  const wide = Math.max(1, ...terms.map((row) => row.length))
  const values = new Float64Array(Math.max(1, rows) * wide)
  for (const [p, row] of terms.entries()) for (const [q, value] of row.entries()) values[p * wide + q] = value ?? 0
  const lengths = Int32Array.from(terms, (row) => row.length)
  const odd = radial?.some((value) => value !== 0) ? Float64Array.from(radial) : undefined
  const withSlopes: WithSlopes = (u, v, out) => {
    let [sum, alongU, alongV] = [0, 0, 0]
    for (let p = rows - 1; p >= 0; p--) {
      let inner = 0
      let slope = 0
      for (let k = p * wide + lengths[p] - 1; k >= p * wide; k--) {
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
  const scratch = new Float64Array(3)
  const valueAlone: ValueAlone = (u, v) => {
    let sum = 0
    for (let p = rows - 1; p >= 0; p--) {
      let inner = 0
      for (let k = p * wide + lengths[p] - 1; k >= p * wide; k--) inner = inner * v + values[k]
      sum = sum * u + inner
    }
    if (!odd) return sum
    scratch[0] = sum
    addRadial(odd, u, v, scratch)
    return scratch[0]
  }
  return [withSlopes, valueAlone]
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
