import { solve } from '@nightpipe/math'
import type { CommonFrame } from './sky-common.js'
import { fillTerms, linearPart, type Plate, planePlaces, termCount } from './sky-plate.js'

/** One star on one frame: what the model leaves, in units of `half` pixels, and how that changes when the star moves. */
interface Observation {
  frame: number
  pair: number
  /** On how many frames the star is. */
  seen: number
  weight: number
  terms: Float64Array
  left: [number, number]
  /** Change of the residuals for a degree to the east and to the north: four numbers. */
  move: [number, number, number, number]
}

/** The linear equations of a common fit. Unknowns: the shared terms along x, along y, then six numbers for each frame. */
export interface CommonEquations {
  observations: Observation[]
  /** Observations of each star, as indices. */
  stars: number[][]
  /** Terms of the distortion along one axis, and unknowns altogether. */
  shared: number
  unknowns: number
  order: number
  half: number
}

const STEP = 1e-5 // degrees, for derivatives

export function commonEquations(
  frames: readonly CommonFrame[],
  plates: readonly Plate[],
  used: readonly Uint8Array[],
  sigma: readonly Float64Array[],
  { order, half }: { order: number; half: number },
): CommonEquations {
  const shared = termCount(order) - 3
  const observations: Observation[] = []
  const byStar = new Map<number, number[]>()
  for (const [f, { pairs, star }] of frames.entries()) {
    const plate = plates[f]
    const [a, b, c, d] = linearPart(plate).matrix
    const determinant = (a * d - b * c) * half
    const back = (e: number, n: number): [number, number] => [
      (d * e - b * n) / determinant,
      (a * n - c * e) / determinant,
    ]
    const places = planePlaces(pairs, plate.sky)
    const east = planePlaces(
      { ...pairs, ra: pairs.ra.map((ra, k) => ra + STEP / Math.cos((pairs.dec[k] * Math.PI) / 180)) },
      plate.sky,
    )
    const north = planePlaces({ ...pairs, dec: pairs.dec.map((dec) => dec - STEP) }, plate.sky)
    for (let k = 0; k < pairs.x.length; k++) {
      const terms = new Float64Array(termCount(order))
      const [u, v] = [(pairs.x[k] - plate.pixel[0]) / half, (pairs.y[k] - plate.pixel[1]) / half]
      fillTerms(terms, u, v, order)
      const [x, y] = back(places.east[k], places.north[k])
      const [ex, ey] = back((east.east[k] - places.east[k]) / STEP, (east.north[k] - places.north[k]) / STEP)
      const [nx, ny] = back((places.east[k] - north.east[k]) / STEP, (places.north[k] - north.north[k]) / STEP)
      const members = byStar.get(star[k]) ?? []
      byStar.set(star[k], members)
      members.push(observations.length)
      observations.push({
        ...{ frame: f, pair: k, seen: 0, terms, left: [x - u, y - v], move: [ex, ey, nx, ny] },
        weight: used[f][k] ? (half / sigma[f][k]) ** 2 : 0,
      })
    }
  }
  const stars = [...byStar.values()]
  for (const members of stars) {
    const seen = members.reduce((sum, o) => sum + (observations[o].weight > 0 ? 1 : 0), 0)
    for (const o of members) observations[o].seen = seen
  }
  return { observations, stars, shared, unknowns: 2 * shared + 6 * frames.length, order, half }
}

/** Where the unknowns of an observation stand along one axis: the shared terms, then its frame's three. */
function columnsOf({ frame }: Observation, axis: 0 | 1, shared: number): Int32Array {
  const columns = new Int32Array(shared + 3)
  for (let i = 0; i < shared; i++) columns[3 + i] = axis * shared + i
  for (let i = 0; i < 3; i++) columns[i] = 2 * shared + 6 * frame + 3 * axis + i
  return columns
}

export interface CommonSolution {
  values: Float64Array
  /** What is left of each observation after the solution and the move of its star, two numbers each. */
  left: Float64Array
  /** Error of a reference along an axis that fits the moves of the stars, degrees. */
  reference: number
}

/**
 * The unknowns and the moves of the stars, which are eliminated one by one (Schur complement): each star adds what its
 * observations say of the unknowns once its own two numbers, kept near zero by the error of the references, are free.
 */
export function solveCommon(equations: CommonEquations, reference: number): CommonSolution {
  const { observations, stars, shared, unknowns } = equations
  const normal = new Float64Array(unknowns * unknowns)
  const right = new Float64Array(unknowns)
  const columns = observations.map((o) => [columnsOf(o, 0, shared), columnsOf(o, 1, shared)])
  const cross = [new Float64Array(unknowns), new Float64Array(unknowns)]
  for (const members of stars) {
    const own = ownEquations(members, observations, reference)
    const touched = new Set<number>()
    for (const o of members) {
      const { weight, terms, left, move } = observations[o]
      if (weight === 0) continue
      for (const axis of [0, 1] as const) {
        const at = columns[o][axis]
        for (let i = 0; i < at.length; i++) {
          const w = weight * terms[i]
          right[at[i]] += w * left[axis]
          cross[0][at[i]] -= w * move[axis]
          cross[1][at[i]] -= w * move[2 + axis]
          touched.add(at[i])
          for (let j = 0; j < at.length; j++) if (at[j] <= at[i]) normal[at[i] * unknowns + at[j]] += w * terms[j]
        }
      }
    }
    eliminate(normal, right, cross, [...touched], own)
  }
  // frames whose stars do not say enough keep what they have
  for (let i = 0; i < unknowns; i++) normal[i * unknowns + i] *= 1 + 1e-12
  const values = solve(normal, right)
  return { values, ...movesOf(equations, columns, values, reference) }
}

/** The two equations of a star's move: inverse of its normal matrix, and its right-hand side. */
function ownEquations(members: readonly number[], observations: readonly Observation[], reference: number) {
  const prior = 1 / reference ** 2
  let [ee, en, nn, re, rn] = [prior, 0, prior, 0, 0]
  for (const o of members) {
    const { weight, left, move } = observations[o]
    const [ex, ey, nx, ny] = move
    ee += weight * (ex * ex + ey * ey)
    en += weight * (ex * nx + ey * ny)
    nn += weight * (nx * nx + ny * ny)
    re -= weight * (ex * left[0] + ey * left[1])
    rn -= weight * (nx * left[0] + ny * left[1])
  }
  const determinant = ee * nn - en * en
  return { inverse: [nn / determinant, -en / determinant, ee / determinant] as const, right: [re, rn] as const }
}

function eliminate(
  normal: Float64Array,
  right: Float64Array,
  [e, n]: readonly Float64Array[],
  touched: readonly number[],
  own: ReturnType<typeof ownEquations>,
): void {
  const [p, q, r] = own.inverse
  const unknowns = right.length
  for (const i of touched) {
    const [first, second] = [p * e[i] + q * n[i], q * e[i] + r * n[i]]
    right[i] -= first * own.right[0] + second * own.right[1]
    for (const j of touched) if (j <= i) normal[i * unknowns + j] -= first * e[j] + second * n[j]
  }
  for (const i of touched) e[i] = n[i] = 0
}

function movesOf(
  { observations, stars }: CommonEquations,
  columns: readonly Int32Array[][],
  values: Float64Array,
  reference: number,
): Pick<CommonSolution, 'left' | 'reference'> {
  const left = new Float64Array(2 * observations.length)
  for (const [o, { terms, left: before }] of observations.entries()) {
    for (const axis of [0, 1] as const) {
      let rest = before[axis]
      for (const [i, at] of columns[o][axis].entries()) rest -= terms[i] * values[at]
      left[2 * o + axis] = rest
    }
  }
  let [squares, count] = [0, 0]
  for (const members of stars) {
    const after = members.map((o) => ({ ...observations[o], left: [left[2 * o], left[2 * o + 1]] as [number, number] }))
    const own = ownEquations(
      members.map((_, k) => k),
      after,
      reference,
    )
    const [p, q, r] = own.inverse
    const [east, north] = [p * own.right[0] + q * own.right[1], q * own.right[0] + r * own.right[1]]
    if (after.filter(({ weight }) => weight > 0).length > 1) {
      // expected square of the move, given what the frames say (Dempster, Laird & Rubin 1977)
      squares += east * east + north * north + p + r
      count += 2
    }
    for (const [k, o] of members.entries()) {
      const [ex, ey, nx, ny] = after[k].move
      left[2 * o] += ex * east + nx * north
      left[2 * o + 1] += ey * east + ny * north
    }
  }
  return { left, reference: count > 20 ? Math.sqrt(squares / count) : reference }
}
