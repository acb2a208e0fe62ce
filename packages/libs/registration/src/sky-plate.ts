import { solve } from '@nightpipe/math'
import { makeTan, type TanSolution } from '@nightpipe/sky'

const RADIANS = Math.PI / 180

/** Stars of a frame and the directions that they have on the sky: pixels from 0, degrees; `weight` is 1 over variance. */
export interface PlatePairs {
  x: Float64Array
  y: Float64Array
  ra: Float64Array
  dec: Float64Array
  weight?: Float64Array
}

/** Degrees of the tangent plane as polynomials of pixels: `first[k]` belongs to (u/half)^p (v/half)^q of `powers(order)[k]`. */
export interface Plate {
  pixel: [x: number, y: number]
  sky: [ra: number, dec: number]
  order: number
  /** Pixels from the reference that count as one in the polynomials. */
  half: number
  first: Float64Array
  second: Float64Array
}

/** The powers of the terms of a polynomial of two variables, the constant first, then the two linear ones. */
export function powers(order: number): [p: number, q: number][] {
  const list: [number, number][] = []
  for (let sum = 0; sum <= order; sum++) for (let q = 0; q <= sum; q++) list.push([sum - q, q])
  return list
}

export const termCount = (order: number) => ((order + 1) * (order + 2)) / 2

/**
 * The plate solution that fits the pairs best (least squares on the tangent plane) with a polynomial of this order; order 0
 * stands for four numbers only, which turn, shift and scale. The reference direction moves until the constant is zero, or
 * `turns` times; without a move it stays, and the constants say how far off it is.
 */
export function fitPlate(
  pairs: PlatePairs,
  start: Pick<TanSolution, 'pixel' | 'sky' | 'matrix'>,
  order: number,
  half: number,
  turns = 4,
): Plate {
  let sky: [number, number] = [start.sky[0], start.sky[1]]
  let plate: Plate | undefined
  for (let turn = 0; turn < Math.max(1, turns); turn++) {
    const plane = planePlaces(pairs, sky)
    const [first, second] =
      order === 0 ? fitSimilarity(pairs, plane, start, half) : fitPolynomials(pairs, plane, start.pixel, order, half)
    plate = { pixel: [start.pixel[0], start.pixel[1]], sky, order: Math.max(1, order), half, first, second }
    const [east, north] = [first[0], second[0]]
    if (turns === 0 || Math.hypot(east, north) < 1e-13) break
    sky = makeTan({ pixel: [0, 0], sky, matrix: [1, 0, 0, 1] }).toSky(east, north)
    first[0] = second[0] = 0
    plate = { ...plate, sky }
  }
  return plate!
}

/** Degrees on the plane that touches the sky at `sky`. */
export function planePlaces(
  { ra, dec }: PlatePairs,
  [a0, d0]: readonly [number, number],
): { east: Float64Array; north: Float64Array } {
  const n = ra.length
  const [east, north] = [new Float64Array(n), new Float64Array(n)]
  const [s0, c0] = [Math.sin(d0 * RADIANS), Math.cos(d0 * RADIANS)]
  for (let k = 0; k < n; k++) {
    const [s, c] = [Math.sin(dec[k] * RADIANS), Math.cos(dec[k] * RADIANS)]
    const angle = (ra[k] - a0) * RADIANS
    const depth = s * s0 + c * c0 * Math.cos(angle)
    east[k] = (c * Math.sin(angle)) / depth / RADIANS
    north[k] = (s * c0 - c * s0 * Math.cos(angle)) / depth / RADIANS
  }
  return { east, north }
}

function fitPolynomials(
  { x, y, weight }: PlatePairs,
  plane: { east: Float64Array; north: Float64Array },
  pixel: readonly [number, number],
  order: number,
  half: number,
): [Float64Array, Float64Array] {
  const terms = termCount(order)
  const normal = new Float64Array(terms * terms)
  const [right1, right2] = [new Float64Array(terms), new Float64Array(terms)]
  const row = new Float64Array(terms)
  for (let k = 0; k < x.length; k++) {
    fillTerms(row, (x[k] - pixel[0]) / half, (y[k] - pixel[1]) / half, order)
    const w = weight ? weight[k] : 1
    for (let i = 0; i < terms; i++) {
      const wi = w * row[i]
      right1[i] += wi * plane.east[k]
      right2[i] += wi * plane.north[k]
      for (let j = 0; j <= i; j++) normal[i * terms + j] += wi * row[j]
    }
  }
  return [solve(normal, right1), solve(normal, right2)]
}

/** u^p v^q of every term, in the order of `powers`. */
export function fillTerms(row: Float64Array, u: number, v: number, order: number): void {
  row[0] = 1
  let at = 1
  for (let sum = 1; sum <= order; sum++) {
    // every term of the order before times u, then its last one times v
    const before = at - sum
    for (let q = 0; q < sum; q++) row[at + q] = row[before + q] * u
    row[at + sum] = row[before + sum - 1] * v
    at += sum + 1
  }
}

/** Four numbers: a scale, a turn and a shift, with the hand of the start kept. */
function fitSimilarity(
  { x, y, weight }: PlatePairs,
  { east, north }: { east: Float64Array; north: Float64Array },
  { pixel, matrix }: Pick<TanSolution, 'pixel' | 'matrix'>,
  half: number,
): [Float64Array, Float64Array] {
  const hand = matrix[0] * matrix[3] - matrix[1] * matrix[2] > 0 ? 1 : -1
  const normal = new Float64Array(16)
  const right = new Float64Array(4)
  const add = (row: readonly number[], value: number, w: number) => {
    for (let i = 0; i < 4; i++) {
      right[i] += w * row[i] * value
      for (let j = 0; j <= i; j++) normal[4 * i + j] += w * row[i] * row[j]
    }
  }
  for (let k = 0; k < x.length; k++) {
    const [u, v] = [(hand * (x[k] - pixel[0])) / half, (y[k] - pixel[1]) / half]
    const w = weight ? weight[k] : 1
    add([u, -v, 1, 0], east[k], w)
    add([v, u, 0, 1], north[k], w)
  }
  const [c, s, e, n] = solve(normal, right)
  return [Float64Array.of(e, hand * c, -s), Float64Array.of(n, hand * s, c)]
}

/** The linear part of a plate, as degrees per pixel. */
export function linearPart({ pixel, sky, half, first, second }: Plate): TanSolution {
  const matrix: TanSolution['matrix'] = [first[1] / half, first[2] / half, second[1] / half, second[2] / half]
  return { pixel, sky, matrix, radesys: 'ICRS' }
}
