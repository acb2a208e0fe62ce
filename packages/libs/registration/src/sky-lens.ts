import { solve } from '@nightpipe/math'
import { makeTan } from '@nightpipe/sky'
import { fillTerms, linearPart, type Plate, type PlatePairs, planePlaces, termCount } from './sky-plate.js'

/**
 * What is free in a plate: all terms of a polynomial, or with `lens` the linear ones and a few shapes that optics have
 * (indices of SHAPES), each with one number for both axes.
 */
export interface PlateModel {
  order: number
  lens?: readonly number[]
  /** Numbers that are fitted, both axes together. */
  numbers: number
}

export const polynomialModel = (order: number): PlateModel => ({
  order,
  numbers: order === 0 ? 4 : 2 * termCount(order),
})

type Term = [p: number, q: number, factor: number]

/** Shifts along x and y in pixels over `half`, as polynomials of u and v. */
interface LensShape {
  x: Term[]
  y: Term[]
}

// along the radius, as its third and fifth power (Brown 1971, Photogrammetric Engineering 37, 855)
const RADIAL: LensShape[] = [
  { x: terms([3, 0, 1], [1, 2, 1]), y: terms([2, 1, 1], [0, 3, 1]) },
  { x: terms([5, 0, 1], [3, 2, 2], [1, 4, 1]), y: terms([4, 1, 1], [2, 3, 2], [0, 5, 1]) },
]
// a detector that is tilted, or a projection about another point: z Re(c* z)
const TILT: LensShape[] = [
  { x: terms([2, 0, 1]), y: terms([1, 1, 1]) },
  { x: terms([1, 1, 1]), y: terms([0, 2, 1]) },
]
// a lens whose cubic distortion has its centre elsewhere: 2 |z|² c + z² c*
const CENTRE: LensShape[] = [
  { x: terms([2, 0, 3], [0, 2, 1]), y: terms([1, 1, 2]) },
  { x: terms([1, 1, 2]), y: terms([2, 0, 1], [0, 2, 3]) },
]
// what is left of the squares: c z*²
const REST: LensShape[] = [
  { x: terms([2, 0, 1], [0, 2, -1]), y: terms([1, 1, -2]) },
  { x: terms([1, 1, 2]), y: terms([2, 0, 1], [0, 2, -1]) },
]
const SHAPES = [...RADIAL, ...TILT, ...CENTRE, ...REST]
const LINEAR: LensShape[] = [
  { x: terms([0, 0, 1]), y: [] },
  { x: terms([1, 0, 1]), y: [] },
  { x: terms([0, 1, 1]), y: [] },
  { x: [], y: terms([0, 0, 1]) },
  { x: [], y: terms([1, 0, 1]) },
  { x: [], y: terms([0, 1, 1]) },
]

function terms(...list: Term[]): Term[] {
  return list
}

/** The lenses that a fit may choose from, those of the fewest numbers first. */
export const LENSES: readonly PlateModel[] = [[], [0], [0, 1]]
  .flatMap((radial) =>
    [[], [2, 3], [4, 5], [2, 3, 4, 5], [2, 3, 4, 5, 6, 7]].map((squares): PlateModel => {
      const lens = [...radial, ...squares]
      return { order: radial.length === 0 ? 2 : 2 * radial.length + 1, lens, numbers: 6 + lens.length }
    }),
  )
  // the first and the last without radial terms are the polynomials of order 1 and 2
  .filter(({ order, numbers }) => order > 2 || (numbers > 6 && numbers < 12))
  .sort((a, b) => a.numbers - b.numbers)

const columnsOf = (lens: readonly number[]) => [...LINEAR, ...lens.map((k) => SHAPES[k])]

const indexOf = (p: number, q: number) => (p + q === 0 ? 0 : termCount(p + q - 1) + q)

interface Normal {
  matrix: Float64Array
  right: Float64Array
  /** Sum of the squares of what is to be fitted. */
  squares: number
}

/**
 * Normal equations of the places on the plane, taken to pixels over `half` by the linear part of a plate, minus the pixels
 * themselves. The distortion is then one of pixels, as in SIP, once the linear part is right.
 */
function normalEquations(
  { x, y, weight }: PlatePairs,
  { east, north }: { east: Float64Array; north: Float64Array },
  { pixel, half, scale }: { pixel: readonly [number, number]; half: number; scale: readonly number[] },
  columns: readonly LensShape[],
  order: number,
): Normal {
  const size = columns.length
  const indexed = columns.map((column) => [column.x, column.y].map((list) => list.map(([p, q]) => indexOf(p, q))))
  const [a, b, c, d] = scale
  const determinant = a * d - b * c
  const matrix = new Float64Array(size * size)
  const right = new Float64Array(size)
  const row = new Float64Array(termCount(order))
  const values = new Float64Array(size)
  let squares = 0
  for (let k = 0; k < x.length; k++) {
    const w = weight ? weight[k] : 1
    if (w === 0) continue
    const [u, v] = [(x[k] - pixel[0]) / half, (y[k] - pixel[1]) / half]
    fillTerms(row, u, v, order)
    const left = [(d * east[k] - b * north[k]) / determinant - u, (a * north[k] - c * east[k]) / determinant - v]
    for (let axis = 0; axis < 2; axis++) {
      for (let i = 0; i < size; i++) {
        const list = axis === 0 ? columns[i].x : columns[i].y
        const at = indexed[i][axis]
        let value = 0
        for (let t = 0; t < list.length; t++) value += list[t][2] * row[at[t]]
        values[i] = value
        if (value === 0) continue
        right[i] += w * value * left[axis]
        for (let j = 0; j <= i; j++) matrix[i * size + j] += w * value * values[j]
      }
      squares += w * left[axis] ** 2
    }
  }
  return { matrix, right, squares }
}

/** Degrees of the plane for one unit of u and of v. */
const scaleOf = (plate: Plate, half: number) => linearPart(plate).matrix.map((value) => value * half)

/**
 * Chi-square that each of these lenses leaves, with weights 1 over variance in pixels, about a plate that is nearly right:
 * one pass over the stars for all.
 */
export function lensChiSquares(pairs: PlatePairs, plate: Plate, lenses: readonly PlateModel[]): number[] {
  const { half, pixel } = plate
  const all = [...new Set(lenses.flatMap(({ lens }) => lens!))].sort((a, b) => a - b)
  const order = Math.max(1, ...lenses.map((lens) => lens.order))
  const scale = scaleOf(plate, half)
  const whole = columnsOf(all)
  const size = whole.length
  const { matrix, right, squares } = normalEquations(
    pairs,
    planePlaces(pairs, plate.sky),
    { pixel, half, scale },
    whole,
    order,
  )
  return lenses.map(({ lens }) => {
    const chosen = Int32Array.of(0, 1, 2, 3, 4, 5, ...lens!.map((shape) => 6 + all.indexOf(shape)))
    const n = chosen.length
    const part = Float64Array.from(chosen, (i) => right[i])
    const block = new Float64Array(n * n)
    // the order of the shapes is the same in all lenses: the lower triangle stays the lower one
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) block[i * n + j] = matrix[chosen[i] * size + chosen[j]]
    const values = solve(block, part)
    return half * half * (squares - values.reduce((sum, value, i) => sum + value * part[i], 0))
  })
}

/** Like `fitPlate`, with the linear terms and the shapes of this lens only. The plate that comes is a polynomial as any. */
export function fitLens(pairs: PlatePairs, start: Plate, { lens, order }: PlateModel, half: number, turns = 4): Plate {
  const { pixel } = start
  const columns = columnsOf(lens!)
  let plate = start
  let scale = scaleOf(start, half)
  let plane = planePlaces(pairs, start.sky)
  // the shapes are those of pixels when the linear part has become that of the turn before
  for (let turn = 0; turn < Math.max(2, turns); turn++) {
    const { matrix, right } = normalEquations(pairs, plane, { pixel, half, scale }, columns, order)
    plate = plateOf(solve(matrix, right), columns, { ...start, sky: plate.sky, order, half }, scale)
    scale = scaleOf(plate, half)
    if (turns === 0) continue
    const { first, second } = plate
    const sky = makeTan({ pixel: [0, 0], sky: plate.sky, matrix: [1, 0, 0, 1] }).toSky(first[0], second[0])
    const done = turn > 0 && Math.hypot(first[0], second[0]) < 1e-13
    first[0] = second[0] = 0
    plate = { ...plate, sky }
    if (done) break
    plane = planePlaces(pairs, sky)
  }
  return plate
}

function plateOf(
  values: Float64Array,
  columns: readonly LensShape[],
  { pixel, sky, order, half }: Plate,
  [a, b, c, d]: readonly number[],
): Plate {
  const [x, y] = [new Float64Array(termCount(order)), new Float64Array(termCount(order))]
  x[indexOf(1, 0)] = y[indexOf(0, 1)] = 1
  for (const [k, column] of columns.entries()) {
    for (const [p, q, factor] of column.x) x[indexOf(p, q)] += values[k] * factor
    for (const [p, q, factor] of column.y) y[indexOf(p, q)] += values[k] * factor
  }
  const first = x.map((value, k) => a * value + b * y[k])
  const second = x.map((value, k) => c * value + d * y[k])
  return { pixel: [pixel[0], pixel[1]], sky, order, half, first, second }
}
