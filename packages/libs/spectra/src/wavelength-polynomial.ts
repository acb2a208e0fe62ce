import { legendre, solve } from '@nightpipe/math'

/** m λ as a polynomial in pixel and order: what a grating gives changes little from order to order. Wavelengths in vacuum, Angstrom. */
export interface WavelengthPolynomial {
  /** columns of the detector: x from 0 to width − 1 is −1 to 1 of the polynomials */
  width: number
  /** diffraction order of index 0, and what to add for the next index (1 or −1) */
  firstOrder: number
  orderStep: number
  /** diffraction orders that are −1 and 1 of the polynomials */
  lowOrder: number
  highOrder: number
  /** degrees of the Legendre polynomials in x and in the order, of each term */
  terms: readonly (readonly [number, number])[]
  /** Angstrom */
  coefficients: Float64Array
  /** of the coefficients, Angstrom², row by row; absent where it is not known */
  covariance?: Float64Array
}

/** A measured line: where it is, and which it is. */
export interface WavelengthPoint {
  index: number
  x: number
  /** vacuum, Angstrom */
  wavelength: number
  /** one sigma of the wavelength at that place, Angstrom */
  error: number
}

/** All terms of degree up to `x` in pixels and `order` in orders, and of no higher degree together than `total`. */
export function termsUpTo(x: number, order: number, total = Math.max(x, order)): [number, number][] {
  const terms: [number, number][] = []
  for (let i = 0; i <= x; i++) for (let j = 0; j <= order && i + j <= total; j++) terms.push([i, j])
  return terms
}

export const diffractionOrder = (of: Pick<WavelengthPolynomial, 'firstOrder' | 'orderStep'>, index: number): number =>
  of.firstOrder + of.orderStep * index

/** Wavelength at a pixel (fractions too) of the order of this index. */
export function polynomialWavelength(of: WavelengthPolynomial, index: number, x: number): number {
  const terms = termValues(of, index, x)
  let sum = 0
  for (let k = 0; k < terms.length; k++) sum += of.coefficients[k] * terms[k]
  return sum / diffractionOrder(of, index)
}

/** One sigma of the wavelength at a pixel, from the covariance of the coefficients: of the fit, not of a single line. */
export function polynomialError(of: WavelengthPolynomial, index: number, x: number): number {
  if (!of.covariance) return Number.NaN
  const terms = termValues(of, index, x)
  let sum = 0
  for (let i = 0; i < terms.length; i++) {
    for (let j = 0; j < terms.length; j++) sum += terms[i] * terms[j] * of.covariance[i * terms.length + j]
  }
  return Math.sqrt(sum) / diffractionOrder(of, index)
}

/** Angstrom per pixel at a place. */
export function polynomialDispersion(of: WavelengthPolynomial, index: number, x: number): number {
  return polynomialWavelength(of, index, x + 0.5) - polynomialWavelength(of, index, x - 0.5)
}

type Frame = Pick<WavelengthPolynomial, 'width' | 'firstOrder' | 'orderStep' | 'lowOrder' | 'highOrder' | 'terms'>

/** The polynomials of all terms at a place. */
export function termValues(of: Frame, index: number, x: number): Float64Array {
  let highX = 0
  let highOrder = 0
  for (const [i, j] of of.terms) {
    if (i > highX) highX = i
    if (j > highOrder) highOrder = j
  }
  const middle = (of.width - 1) / 2
  const alongX = legendre((x - middle) / middle, new Float64Array(highX + 1))
  const half = (of.highOrder - of.lowOrder) / 2 || 1
  const across = (diffractionOrder(of, index) - (of.highOrder + of.lowOrder) / 2) / half
  const acrossOrders = legendre(across, new Float64Array(highOrder + 1))
  const out = new Float64Array(of.terms.length)
  for (let k = 0; k < out.length; k++) out[k] = alongX[of.terms[k][0]] * acrossOrders[of.terms[k][1]]
  return out
}

/** The polynomial nearest to the points by least squares; undefined where they do not determine it. */
export function fitWavelengthPolynomial(
  points: readonly WavelengthPoint[],
  frame: Frame,
): WavelengthPolynomial | undefined {
  const n = frame.terms.length
  if (points.length < n) return undefined
  const normal = new Float64Array(n * n)
  const right = new Float64Array(n)
  for (const { index, x, wavelength, error } of points) {
    const order = diffractionOrder(frame, index)
    const weight = 1 / (order * error) ** 2
    const values = termValues(frame, index, x)
    for (let i = 0; i < n; i++) {
      const v = values[i] * weight
      right[i] += v * order * wavelength
      for (let j = 0; j <= i; j++) normal[i * n + j] += v * values[j]
    }
  }
  try {
    return { ...frame, coefficients: solve(normal, right), covariance: inverse(normal, n) }
  } catch {
    return undefined
  }
}

function inverse(normal: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n)
  const unit = new Float64Array(n)
  for (let k = 0; k < n; k++) {
    unit.fill(0)
    unit[k] = 1
    out.set(solve(normal, unit), k * n)
  }
  return out
}
