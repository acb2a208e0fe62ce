import { inverse, legendre, solve } from '@nightpipe/math'

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
export const polynomialWavelength = (of: WavelengthPolynomial, index: number, x: number): number =>
  wavelengthEvaluator(of)(index, x)

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
  const wavelengthAt = wavelengthEvaluator(of)
  return wavelengthAt(index, x + 0.5) - wavelengthAt(index, x - 0.5)
}

/** A polynomial without its coefficients. */
export type Frame = Pick<
  WavelengthPolynomial,
  'width' | 'firstOrder' | 'orderStep' | 'lowOrder' | 'highOrder' | 'terms'
>

/** The polynomials of all terms at a place. */
export const termValues = (of: Frame, index: number, x: number): Float64Array => termEvaluator(of)(index, x)

/** The same for many places: the array that it gives is filled anew at each call. */
export function termEvaluator(of: Frame): (index: number, x: number) => Float64Array {
  const { terms } = of
  const alongX = new Float64Array(1 + Math.max(...terms.map(([i]) => i)))
  const acrossOrders = new Float64Array(1 + Math.max(...terms.map(([, j]) => j)))
  const middle = (of.width - 1) / 2
  const half = (of.highOrder - of.lowOrder) / 2 || 1
  const centre = (of.highOrder + of.lowOrder) / 2
  const degreeX = Int32Array.from(terms, ([i]) => i)
  const degreeOrder = Int32Array.from(terms, ([, j]) => j)
  const out = new Float64Array(terms.length)
  return (index, x) => {
    legendre((x - middle) / middle, alongX)
    legendre((diffractionOrder(of, index) - centre) / half, acrossOrders)
    for (let k = 0; k < out.length; k++) out[k] = alongX[degreeX[k]] * acrossOrders[degreeOrder[k]]
    return out
  }
}

/** Wavelengths at many places. */
export function wavelengthEvaluator(of: WavelengthPolynomial): (index: number, x: number) => number {
  const valuesAt = termEvaluator(of)
  const { coefficients } = of
  return (index, x) => {
    const values = valuesAt(index, x)
    let sum = 0
    for (let k = 0; k < values.length; k++) sum += coefficients[k] * values[k]
    return sum / diffractionOrder(of, index)
  }
}

/**
 * The polynomial nearest to the points by least squares; undefined where they do not determine it. The covariance where it is wanted;
 * `precision` is 1 / sigma² of the coefficients, by what is known of them beforehand: they are nearly 0.
 */
export function fitWavelengthPolynomial(
  points: readonly WavelengthPoint[],
  frame: Frame,
  { covariance = true, precision }: { covariance?: boolean; precision?: ArrayLike<number> } = {},
): WavelengthPolynomial | undefined {
  const n = frame.terms.length
  if (points.length < n) return undefined
  const normal = new Float64Array(n * n)
  const right = new Float64Array(n)
  const valuesAt = termEvaluator(frame)
  for (const { index, x, wavelength, error } of points) {
    const order = diffractionOrder(frame, index)
    const weight = 1 / (order * error) ** 2
    const values = valuesAt(index, x)
    for (let i = 0; i < n; i++) {
      const v = values[i] * weight
      right[i] += v * order * wavelength
      for (let j = 0; j <= i; j++) normal[i * n + j] += v * values[j]
    }
  }
  if (precision) for (let i = 0; i < n; i++) normal[i * n + i] += precision[i]
  try {
    const coefficients = solve(normal, right)
    return covariance ? { ...frame, coefficients, covariance: inverse(normal, n) } : { ...frame, coefficients }
  } catch {
    return undefined
  }
}
