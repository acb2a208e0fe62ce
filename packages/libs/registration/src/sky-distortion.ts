import { power, solve } from '@nightpipe/math'
import { type Distortion, makeWcs, type Wcs } from '@nightpipe/sky'
import { fillTerms, linearPart, type Plate, powers, termCount } from './sky-plate.js'

/** A plate as the plate solution of a header: TAN, and where its order is above one with SIP or TPV coefficients. */
export function wcsOfPlate(plate: Plate, kind: 'SIP' | 'TPV', size?: { width: number; height: number }): Wcs {
  const linear = linearPart(plate)
  if (plate.order <= 1) return makeWcs({ linear })
  const distortion = kind === 'SIP' ? sipOf(plate, size) : tpvOf(plate)
  return makeWcs({ linear, projection: 'TAN', distortion })
}

function sipOf(plate: Plate, size?: { width: number; height: number }): Distortion {
  const { order, half, first, second } = plate
  const [c11, c12, c21, c22] = linearPart(plate).matrix
  const determinant = c11 * c22 - c12 * c21
  const [a, b] = [square(order), square(order)]
  for (const [k, [p, q]] of powers(order).entries()) {
    if (p + q < 2) continue
    const unit = power(half, p + q)
    a[p][q] = (c22 * first[k] - c12 * second[k]) / determinant / unit
    b[p][q] = (c11 * second[k] - c21 * first[k]) / determinant / unit
  }
  if (!size) return { kind: 'SIP', a, b }
  return { kind: 'SIP', a, b, ...inverseOf(a, b, plate, size) }
}

const square = (order: number) => Array.from({ length: order + 1 }, (_, p) => new Array<number>(order + 1 - p).fill(0))

/** The inverse that other tools want: fitted on a net of pixels over the frame, one order higher than what it inverts. */
function inverseOf(
  a: number[][],
  b: number[][],
  { pixel, half, order }: Plate,
  { width, height }: { width: number; height: number },
): { ap: number[][]; bp: number[][] } {
  const degree = Math.min(order + 2, 9)
  const [from, to1, to2]: [[number, number][], number[], number[]] = [[], [], []]
  const steps = 30
  for (let i = 0; i <= steps; i++) {
    for (let j = 0; j <= steps; j++) {
      const [u, v] = [(width * i) / steps - pixel[0], (height * j) / steps - pixel[1]]
      let [du, dv] = [0, 0]
      for (const [p, q] of powers(order)) {
        const term = power(u, p) * power(v, q)
        du += (a[p][q] ?? 0) * term
        dv += (b[p][q] ?? 0) * term
      }
      from.push([(u + du) / half, (v + dv) / half])
      to1.push(-du)
      to2.push(-dv)
    }
  }
  const [first, second] = fitSeries(from, [to1, to2], degree)
  const [ap, bp] = [square(degree), square(degree)]
  for (const [k, [p, q]] of powers(degree).entries()) {
    ap[p][q] = first[k] / power(half, p + q)
    bp[p][q] = second[k] / power(half, p + q)
  }
  return { ap, bp }
}

/** Polynomials for several sets of values at the same points. */
function fitSeries(
  at: readonly (readonly [number, number])[],
  sets: readonly (readonly number[])[],
  order: number,
): Float64Array[] {
  const exponents = powers(order)
  const terms = exponents.length
  const rights = sets.map(() => new Float64Array(terms))
  // a product of two terms is a term of up to twice the order: there are fewer of those than products
  const row = new Float64Array(termCount(2 * order))
  const moments = new Float64Array(row.length)
  for (const [k, [u, v]] of at.entries()) {
    fillTerms(row, u, v, 2 * order)
    for (let i = 0; i < row.length; i++) moments[i] += row[i]
    for (let s = 0; s < sets.length; s++) for (let i = 0; i < terms; i++) rights[s][i] += row[i] * sets[s][k]
  }
  const normal = new Float64Array(terms * terms)
  for (const [i, [p, q]] of exponents.entries()) {
    for (let j = 0; j <= i; j++) {
      const [sum, second] = [p + q + exponents[j][0] + exponents[j][1], q + exponents[j][1]]
      normal[i * terms + j] = moments[(sum * (sum + 1)) / 2 + second]
    }
  }
  return rights.map((right) => solve(normal, right))
}

/** Where the 40 coefficients of TPV put u^p v^q: the terms of odd powers of the radius lie between the orders. */
function tpvIndex(p: number, q: number): number {
  const sum = p + q
  const before = termCount(sum - 1) + Math.floor(sum / 2)
  return before + q
}

/**
 * The same polynomials as functions of the degrees that the matrix gives (which makes them of the same order), fitted on a
 * net of points: exact but for rounding.
 */
function tpvOf(plate: Plate): Distortion {
  const { order, half, first, second } = plate
  const [c11, c12, c21, c22] = linearPart(plate).matrix
  const scale = half * Math.sqrt(Math.abs(c11 * c22 - c12 * c21))
  const at: [number, number][] = []
  const [values1, values2]: [number[], number[]] = [[], []]
  const row = new Float64Array(termCount(order))
  for (let i = -10; i <= 10; i++) {
    for (let j = -10; j <= 10; j++) {
      const [u, v] = [i / 10, j / 10]
      fillTerms(row, u, v, order)
      at.push([((c11 * u + c12 * v) * half) / scale, ((c21 * u + c22 * v) * half) / scale])
      values1.push(first.reduce((sum, value, k) => sum + value * row[k], 0))
      values2.push(second.reduce((sum, value, k) => sum + value * row[k], 0))
    }
  }
  const [east, north] = fitSeries(at, [values1, values2], order)
  const [pv1, pv2]: [number[], number[]] = [
    [0, 1],
    [0, 1],
  ]
  for (const [k, [p, q]] of powers(order).entries()) {
    if (p + q < 2) continue
    put(pv1, tpvIndex(p, q), east[k] / power(scale, p + q))
    put(pv2, tpvIndex(q, p), north[k] / power(scale, p + q))
  }
  return { kind: 'TPV', first: pv1, second: pv2 }
}

function put(values: number[], at: number, value: number): void {
  while (values.length <= at) values.push(0)
  values[at] = value
}
