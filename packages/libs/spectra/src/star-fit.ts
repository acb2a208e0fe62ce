import { type Scattered, solve } from '@nightpipe/math'
import { rotationKernels } from './rotation.js'
import { type OrderEquations, orderEquations } from './star-order.js'
import type { StarOrder } from './star-start.js'

/** Linear limb darkening of the rotating disc: of stars like the Sun in the middle of the visible (Claret 2000). */
export const LIMB_DARKENING = 0.6

/** The members around a star, and how spectra are mixed of them. */
export interface Surroundings {
  /** which members of the set */
  members: number[]
  /** their coordinates, and how far a fit may go on each axis: a little beyond the whole set */
  places: Float64Array[]
  low: Float64Array
  high: Float64Array
  mixing: Scattered
}

/** Coordinates between the members, the square of v sin i in steps, the logarithm of the redshift. */
export interface StarPoint {
  place: Float64Array
  turn: number
  shift: number
}

export interface StarFit extends StarPoint {
  chiSquare: number
  pixels: number
  orders: OrderEquations[]
  /** [unknown][unknown], summed over the orders: axes, turn, shift */
  matrix: Float64Array
  /** of each axis: where the set ends before chi square is least */
  ends: ('below' | 'above' | undefined)[]
  rounds: number
}

/** Lines may come out narrower than those of the set by so much (squares of steps), by noise. */
const LEAST_TURN = -12

/** Where chi square changes by less, every unknown is known to a thirtieth of its error. */
const SMALL_GAIN = 1e-3

/** Rounds at most; a star converges in five to ten. */
const ROUNDS = 30

/** Gauss and Newton over all orders at once, each with its own continuum, from a first guess; never beyond the ends of the set. */
export function fitStar(orders: readonly StarOrder[], around: Surroundings, start: StarPoint): StarFit {
  let now = judge(orders, around, start)
  let rounds = 1
  let part = 1
  for (; rounds < ROUNDS; rounds++) {
    const { step, small } = stepFrom(now, around, part)
    if (small) break
    const next = judge(orders, around, step)
    const gain = now.chiSquare - next.chiSquare
    if (gain >= 0) now = next
    if (Math.abs(gain) < SMALL_GAIN || part < 0.01) break
    part = gain >= 0 ? Math.min(1, 4 * part) : part / 4
  }
  return { ...now, rounds }
}

/** The model at a point, and what all orders want of it. */
function judge(orders: readonly StarOrder[], around: Surroundings, point: StarPoint): StarFit {
  const { weights, slopes } = around.mixing.at(point.place)
  const { taps, slope } = rotationKernels(point.turn, LIMB_DARKENING)
  const model = { mix: { members: around.members, weights, slopes }, taps, slope, shift: point.shift }
  const all = orders.map((order) => orderEquations(order, model))
  const sum = (of: (one: OrderEquations) => number) => all.reduce((total, one) => total + of(one), 0)
  const matrix = all[0]!.matrix.map((_, k) => sum((one) => one.matrix[k]!))
  return {
    ...{ ...point, orders: all, matrix, rounds: 0, ends: endsOf(all, around, point) },
    ...{ chiSquare: sum((one) => one.chiSquare), pixels: sum((one) => one.pixels) },
  }
}

/** The axes at whose end the star lies, and wants to go on. */
function endsOf(all: readonly OrderEquations[], { low, high }: Surroundings, { place }: StarPoint) {
  return [...place].map((at, axis) => {
    const pull = all.reduce((total, one) => total + one.right[axis]!, 0)
    if (at <= low[axis]! + 1e-9 && pull < 0) return 'below' as const
    return at >= high[axis]! - 1e-9 && pull > 0 ? ('above' as const) : undefined
  })
}

/** The next point: axes that are held at an end of the set stay there, others go at most one step of the set. */
function stepFrom({ place, turn, shift, matrix, ends, orders }: StarFit, { low, high }: Surroundings, part: number) {
  const size = place.length + 2
  const right = Float64Array.from({ length: size }, (_, k) => orders.reduce((sum, one) => sum + one.right[k]!, 0))
  const [turning, moving] = [place.length, place.length + 1]
  const free = [...right.keys()].filter(
    (k) => ends[k] === undefined && !(k === turning && turn <= LEAST_TURN && right[k]! < 0),
  )
  const found = solved(matrix, right, free, size)
  const most = Math.max(30, Math.abs(turn))
  const limits = right.map((_, k) => (k < turning ? 1 : k === turning ? most : 1e-4))
  // all together, so that the direction stays
  const scale = part * Math.min(1, ...free.map((k) => limits[k]! / Math.max(limits[k]!, Math.abs(found[k]!))))
  const errors = right.map((_, k) => 1 / Math.sqrt(matrix[k * size + k]! || 1))
  const small = free.every((k) => Math.abs(found[k]!) < 0.003 * errors[k]!)
  const moved = place.map((at, k) => Math.max(low[k]!, Math.min(high[k]!, at + scale * found[k]!)))
  const step = {
    ...{ place: moved, shift: shift + scale * found[moving]! },
    turn: Math.max(LEAST_TURN, turn + scale * found[turning]!),
  }
  return { step, small }
}

/** The unknowns that are free, the others 0; where the data do not tell them apart, each by itself. */
function solved(matrix: Float64Array, right: Float64Array, free: readonly number[], size: number): Float64Array {
  const out = new Float64Array(size)
  const own = Float64Array.from(free.flatMap((k) => free.map((j) => matrix[k * size + j]!)))
  free.forEach((k, n) => {
    own[n * free.length + n]! *= 1 + 1e-9
    out[k] = right[k]! / (matrix[k * size + k]! || 1)
  })
  try {
    const found = solve(
      own,
      Float64Array.from(free, (k) => right[k]!),
    )
    free.forEach((k, n) => {
      out[k] = found[n]!
    })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  return out
}
