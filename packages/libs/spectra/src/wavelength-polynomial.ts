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
export const polynomialDispersion = (of: WavelengthPolynomial, index: number, x: number): number =>
  placeEvaluator(of)(index, x).dispersion

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

/** The weighted mean of polynomials of one frame, whatever terms each has; undefined where their frames differ. */
export function averagePolynomial(
  all: readonly { polynomial: WavelengthPolynomial; share: number }[],
): WavelengthPolynomial | undefined {
  const [first] = all
  const alike = (key: 'width' | 'firstOrder' | 'orderStep' | 'lowOrder' | 'highOrder') =>
    all.every(({ polynomial }) => polynomial[key] === first!.polynomial[key])
  const same = (['width', 'firstOrder', 'orderStep', 'lowOrder', 'highOrder'] as const).every(alike)
  if (!first || !same) return undefined
  const sums = new Map<string, { term: readonly [number, number]; sum: number }>()
  for (const { polynomial, share } of all) {
    polynomial.terms.forEach((term, k) => {
      const own = sums.get(term.join()) ?? { term, sum: 0 }
      own.sum += share * polynomial.coefficients[k]!
      sums.set(term.join(), own)
    })
  }
  const { covariance: _, ...frame } = first.polynomial
  const parts = [...sums.values()]
  return { ...frame, terms: parts.map(({ term }) => term), coefficients: Float64Array.from(parts, ({ sum }) => sum) }
}

/** Wavelengths at many places: best order by order, for the sum over the terms of an order is kept. */
export function wavelengthEvaluator(of: WavelengthPolynomial): (index: number, x: number) => number {
  const valueAt = placeEvaluator(of)
  return (index, x) => valueAt(index, x).wavelength
}

/** The same with the dispersion, Angstrom per pixel; what it gives is filled anew at each call. */
export function placeEvaluator(
  of: WavelengthPolynomial,
): (index: number, x: number) => { wavelength: number; dispersion: number } {
  const { terms, coefficients } = of
  const count = 1 + Math.max(...terms.map(([i]) => i))
  const acrossOrders = new Float64Array(1 + Math.max(...terms.map(([, j]) => j)))
  const along = new Float64Array(count)
  const middle = (of.width - 1) / 2
  const half = (of.highOrder - of.lowOrder) / 2 || 1
  const centre = (of.highOrder + of.lowOrder) / 2
  const out = { wavelength: Number.NaN, dispersion: Number.NaN }
  let kept = Number.NaN
  return (index, x) => {
    const order = diffractionOrder(of, index)
    if (index !== kept) {
      legendre((order - centre) / half, acrossOrders)
      along.fill(0)
      for (let k = 0; k < terms.length; k++) along[terms[k]![0]]! += coefficients[k]! * acrossOrders[terms[k]![1]]!
      kept = index
    }
    // Legendre polynomials and their slopes by recurrence
    const u = (x - middle) / middle
    let last = 0
    let now = 1
    let lastSlope = 0
    let slope = 0
    let sum = 0
    let rise = 0
    for (let n = 0; n < count; n++) {
      sum += along[n]! * now
      rise += along[n]! * slope
      const next = ((2 * n + 1) * u * now - n * last) / (n + 1)
      const nextSlope = lastSlope + (2 * n + 1) * now
      last = now
      lastSlope = slope
      now = next
      slope = nextSlope
    }
    out.wavelength = sum / order
    out.dispersion = rise / (middle * order)
    return out
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
  const { normal, right } = normalEquations(points, frame)
  if (precision) for (let i = 0; i < n; i++) normal[i * n + i] += precision[i]
  try {
    const coefficients = solve(normal, right)
    return covariance ? { ...frame, coefficients, covariance: inverse(normal, n) } : { ...frame, coefficients }
  } catch {
    return undefined
  }
}

/**
 * The normal equations of a polynomial through points, order by order: in one order only the polynomials in x change from point to point,
 * so that the sums over points are over these alone. The lower triangle is filled.
 */
export function normalEquations(
  points: readonly WavelengthPoint[],
  frame: Frame,
): { normal: Float64Array; right: Float64Array } {
  const { terms } = frame
  const n = terms.length
  const count = 1 + Math.max(...terms.map(([i]) => i))
  const [middle, half] = [(frame.width - 1) / 2, (frame.highOrder - frame.lowOrder) / 2 || 1]
  const along = new Float64Array(count)
  const across = new Float64Array(1 + Math.max(...terms.map(([, j]) => j)))
  const sums = new Map<number, { matrix: Float64Array; side: Float64Array }>()
  for (const { index, x, wavelength, error } of points) {
    let own = sums.get(index)
    if (!own) {
      own = { matrix: new Float64Array(count * count), side: new Float64Array(count) }
      sums.set(index, own)
    }
    const order = diffractionOrder(frame, index)
    const weight = 1 / (order * error) ** 2
    legendre((x - middle) / middle, along)
    for (let i = 0; i < count; i++) {
      const v = along[i]! * weight
      own.side[i]! += v * order * wavelength
      for (let j = 0; j <= i; j++) own.matrix[i * count + j]! += v * along[j]!
    }
  }
  const normal = new Float64Array(n * n)
  const right = new Float64Array(n)
  for (const [index, { matrix, side }] of sums) {
    legendre((diffractionOrder(frame, index) - (frame.highOrder + frame.lowOrder) / 2) / half, across)
    for (let a = 0; a < n; a++) {
      const [i, j] = terms[a]!
      const v = across[j]!
      right[a]! += v * side[i]!
      for (let b = 0; b <= a; b++) {
        const [k, l] = terms[b]!
        normal[a * n + b]! += v * across[l]! * matrix[i > k ? i * count + k : k * count + i]!
      }
    }
  }
  return { normal, right }
}
