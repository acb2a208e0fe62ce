import { evaluatePolynomial, leastSquares, power } from '@nightpipe/math'
import { emptyTraces, setColumnsOnDetector, type Traces } from './traces.js'

/** What a person read off a display. */
export interface HandTrace {
  comment: string
  /** the fibres that were traced, in the order of the rows */
  fibres: number[]
  /** columns, px from 0 */
  x: number[]
  /** for each order that was traced, y of each fibre in each column; sorted by index */
  orders: { index: number; y: number[][] }[]
  /** columns of the detector, and orders on it, where the file says */
  width?: number
  orderCount?: number
}

export interface HandTraceOptions {
  width: number
  height: number
  orders: number
  fibres: number
  /** of the polynomials in order number: this for the height, one less for the slope, two less for the curvature */
  degree: number
  rows: number
  blocks: number
}

export interface HandTraces {
  traces: Traces
  /** of the points of each row about their parabola, px */
  rms: number[]
}

/** Of the parabola in x. */
const TERMS = 3

/**
 * Traces of all orders and fibres from some traced by hand: a parabola through each, its terms as polynomials of the order
 * number (means of the fibres), and the distance of neighbouring fibres as a straight line in it; fibres that were not
 * traced lie as far on. Good to a pixel or two: a parabola describes an order poorly. The profiles are flat.
 */
export function tracesFromHand(hand: HandTrace, options: HandTraceOptions): HandTraces {
  const { width, orders, fibres, degree, rows } = options
  const basis = new Float64Array(hand.x.length * TERMS)
  hand.x.forEach((x, k) => {
    const u = (2 * (x - width / 2)) / width
    basis.set([1, u, (3 * u * u - 1) / 2], k * TERMS)
  })
  const fits = hand.orders.map(({ y }) => y.map((one) => leastSquares(basis, one, TERMS)))
  const numbers = hand.orders.map(({ index }) => index)
  const terms = [0, 1, 2].map((term) => {
    const ownDegree = Math.max(0, Math.min(degree - term, numbers.length - 1))
    const polynomials = hand.fibres.map((_, f) =>
      powerFit(
        numbers,
        fits.map((order) => order[f]!.solution[term]!),
        ownDegree,
      ),
    )
    return polynomials[0]!.map((_, k) => polynomials.reduce((sum, own) => sum + own[k]!, 0) / polynomials.length)
  })
  const distance = fibreDistance(
    hand,
    fits.map((order) => order.map((fit) => fit.solution[0]!)),
  )
  const middle = hand.fibres.reduce((sum, f) => sum + f, 0) / hand.fibres.length
  const traces = emptyTraces({ ...options, terms: TERMS })
  for (let order = 0; order < orders; order++) {
    const [c0, c1, c2] = terms.map((polynomial) => evaluatePolynomial(polynomial, order))
    for (let fibre = 0; fibre < fibres; fibre++) {
      if (hand.fibres.length === 1 && fibre !== hand.fibres[0]) continue // one traced fibre says nothing of the others
      const y = c0! + (fibre - middle) * evaluatePolynomial(distance, order)
      traces.coefficients.set([y, c1!, c2!], (order * fibres + fibre) * TERMS)
      setColumnsOnDetector(traces, order, fibre)
    }
  }
  traces.profiles.fill(1 / rows)
  return { traces, rms: fits.flat().map(({ chiSquare }) => Math.sqrt(chiSquare / hand.x.length)) }
}

/** Rows from one fibre to the next, as a straight line in order number. */
function fibreDistance(hand: HandTrace, heights: number[][]): Float64Array {
  const [a, b] = [0, hand.fibres.length - 1]
  if (b === 0) return Float64Array.of(0)
  const steps = hand.fibres[b]! - hand.fibres[a]!
  const numbers = hand.orders.map(({ index }) => index)
  return powerFit(
    numbers,
    heights.map((own) => (own[b]! - own[a]!) / steps),
    Math.min(1, numbers.length - 1),
  )
}

/** Coefficients of the powers of x, the constant first. */
function powerFit(x: readonly number[], y: readonly number[], degree: number): Float64Array {
  // in x / scale, so that the fifth power of 100 is no large number
  const scale = Math.max(1, ...x)
  const matrix = x.flatMap((one) => Array.from({ length: degree + 1 }, (_, k) => power(one / scale, k)))
  return leastSquares(matrix, y, degree + 1).solution.map((c, k) => c / power(scale, k))
}
