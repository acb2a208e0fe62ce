import { fitPolynomial } from '@nightpipe/math'
import { type Candidate, type DispersionShape, type OrderLines, type VoteScratch, voteForOrder } from './line-votes.js'
import { bestPath, type OrderCandidates, type OrderPath } from './order-path.js'
import {
  fitWavelengthPolynomial,
  termsUpTo,
  type WavelengthPoint,
  type WavelengthPolynomial,
} from './wavelength-polynomial.js'

/** How orders are numbered. */
export interface Numbering {
  firstOrder: number
  orderStep: number
}

/** Where to look for a solution. */
export interface SearchRange {
  /** ln λ from the middle to the end of an order; both signs are listed where the direction is not known */
  shapes: DispersionShape[]
  /** steps of the grid of shapes */
  step: { s: number; q: number }
  /** central ln λ of the order of this index */
  centre: (index: number) => { from: number; to: number }
  numberings: Numbering[]
  /** as many neighbouring orders, those with most lines, take part in the search over shapes */
  orders: number
}

/** A guess that many lines agree with. */
export interface Hypothesis {
  score: number
  shape: DispersionShape
  numbering: Numbering
  path: OrderPath
}

/** Width of a bin of the votes, of s: half a step of the grid of shapes moves the ends of an order by as much. */
const BIN = 0.005
/** How much m λ may change from order to order, of s: 0.02 is 1 % of the length of the order. */
const SLACK = 0.02
/** Candidates of an order. */
const KEEP = 10
/** Shapes that are looked at with all numberings, and guesses that are polished. */
const SHAPES = 200
const GUESSES = 8

/** The most promising shapes of dispersion and places of orders, the best first; `list` are logarithms of wavelengths, rising. */
export function searchShapes(orders: readonly OrderLines[], list: Float64Array, range: SearchRange): Hypothesis[] {
  const scratch = { bins: new Uint16Array(0) }
  const some = richest(orders, range.orders)
  const shapes: { score: number; shape: DispersionShape; candidates: OrderCandidates[] }[] = []
  for (const shape of range.shapes) {
    const candidates = some.map((order) => ({
      index: order.index,
      candidates: voteForOrder(order, list, shape, range.centre(order.index), BIN * Math.abs(shape.s), KEEP, scratch),
    }))
    const score = candidates.reduce((sum, one) => sum + (one.candidates[0]?.score ?? 0), 0)
    keepBest(shapes, { score, shape, candidates }, SHAPES)
  }
  const guesses: Hypothesis[] = []
  for (const { shape, candidates } of shapes) {
    for (const numbering of range.numberings) {
      const path = bestPath(candidates, numberOf(numbering), SLACK * Math.abs(shape.s))
      if (path.places.length > 0) keepBest(guesses, { score: path.score, shape, numbering, path }, GUESSES)
    }
  }
  return guesses
}

/** The run of neighbouring orders with most lines. */
function richest(orders: readonly OrderLines[], count: number): readonly OrderLines[] {
  let best = 0
  let most = -1
  for (let first = 0; first + count <= orders.length; first++) {
    const lines = orders.slice(first, first + count).reduce((sum, { u }) => sum + u.length, 0)
    if (lines > most) [best, most] = [first, lines]
  }
  return orders.slice(best, best + count)
}

const numberOf = (numbering: Numbering) => (index: number) => numbering.firstOrder + numbering.orderStep * index

/** Keeps the best few, sorted. */
function keepBest<T extends { score: number }>(best: T[], one: T, keep: number): void {
  if (best.length === keep && one.score <= best[keep - 1].score) return
  let at = best.length
  while (at > 0 && best[at - 1].score < one.score) at--
  best.splice(at, 0, one)
  if (best.length > keep) best.pop()
}

/** Finer and finer shapes around a hypothesis, with the orders held near the smooth course of its path. */
export function polish(
  start: Hypothesis,
  orders: readonly OrderLines[],
  list: Float64Array,
  step: { s: number; q: number },
): Hypothesis {
  const scratch = { bins: new Uint16Array(0) }
  let shape = start.shape
  let course = courseOf(start.path, start.numbering)
  let best = { score: 0, path: start.path }
  const known = within(orders, start.path)
  for (const part of [1, 1 / 2, 1 / 4]) {
    const bin = BIN * Math.abs(shape.s) * Math.max(part, 0.4)
    const reach = 3 * BIN * Math.abs(shape.s) + bin
    const worth = (tried: DispersionShape) => placesNear(known, list, tried, course, reach, bin, scratch)
    best = worth(shape)
    for (let climb = 0; climb < 12; climb++) {
      const before = shape
      for (const [ds, dq] of NEIGHBOURS) {
        const tried = { s: before.s + ds * part * step.s, q: before.q + dq * part * step.q }
        const next = worth(tried)
        if (next.score > best.score) [best, shape] = [next, tried]
      }
      if (shape === before) break
      course = courseOf(best.path, start.numbering)
      best = worth(shape)
    }
  }
  return { ...start, score: best.score, shape, path: best.path }
}

const NEIGHBOURS = [-1, 0, 1]
  .flatMap((ds) => [-1, 0, 1].map((dq) => [ds, dq] as const))
  .filter(([ds, dq]) => ds !== 0 || dq !== 0)

/** The orders between the first and the last of a path. */
function within(orders: readonly OrderLines[], path: OrderPath): OrderLines[] {
  const indices = path.places.map(({ index }) => index)
  const [low, high] = [Math.min(...indices), Math.max(...indices)]
  return orders.filter(({ index }) => index >= low && index <= high)
}

/** The best place of each order near a course, and what they are worth together. */
function placesNear(
  orders: readonly OrderLines[],
  list: Float64Array,
  shape: DispersionShape,
  course: (index: number) => number,
  reach: number,
  bin: number,
  scratch: VoteScratch,
): { score: number; path: OrderPath } {
  let score = 0
  const places: OrderPath['places'] = []
  for (const order of orders) {
    const centre = course(order.index)
    const range = { from: centre - 10 * reach, to: centre + 10 * reach }
    const near = voteForOrder(order, list, shape, range, bin, KEEP, scratch).filter(
      ({ t }) => Math.abs(t - centre) < reach,
    )
    const best = near.reduce<Candidate | undefined>((a, b) => (a && a.score >= b.score ? a : b), undefined)
    if (!best) continue
    score += best.score
    places.push({ index: order.index, t: best.t })
  }
  return { score, path: { score, places } }
}

/** Central ln λ of any order, from a path: ln (m λ) as a polynomial of the index, without what lies beside it. */
function courseOf(path: OrderPath, numbering: Numbering): (index: number) => number {
  const number = numberOf(numbering)
  const x = path.places.map(({ index }) => index)
  const y = path.places.map(({ index, t }) => t + Math.log(number(index)))
  const degree = x.length >= 30 ? 3 : x.length >= 8 ? 2 : x.length >= 3 ? 1 : 0
  const fit = fitPolynomial(x, y, degree, { clip: 3 })
  return (index) => fit.at(index) - Math.log(number(index))
}

/** The wavelengths that a hypothesis means. */
export function startFrom(
  hypothesis: Hypothesis,
  width: number,
  indices: readonly number[],
): WavelengthPolynomial | undefined {
  const { shape, numbering, path } = hypothesis
  const number = numberOf(numbering)
  if (indices.some((index) => !(number(index) > 0))) return undefined
  const course = courseOf(path, numbering)
  const points: WavelengthPoint[] = []
  for (const index of indices) {
    for (const u of [-1, -0.6, -0.2, 0.2, 0.6, 1]) {
      const x = ((u + 1) / 2) * (width - 1)
      points.push({ index, x, wavelength: Math.exp(course(index) + shape.s * (u + shape.q * u * u)), error: 1e-3 })
    }
  }
  const numbers = indices.map(number)
  const frame = { width, ...numbering, lowOrder: Math.min(...numbers), highOrder: Math.max(...numbers) }
  return fitWavelengthPolynomial(points, { ...frame, terms: termsUpTo(3, Math.min(3, indices.length - 1), 3) })
}
