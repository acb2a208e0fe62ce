import { LIGHT_SPEED } from '@nightpipe/math'
import { type CombinedVelocity, combineVelocities } from './combine-velocities.js'
import { matchOrder, type OrderData, type Scratch, scratchFor } from './order-match.js'
import type { Velocity } from './velocity.js'

/** What one block of an order says: a redshift, and the continuum of the star over that of the template. */
export interface BlockVelocity {
  index: number
  block: number
  /** redshift against the template at rest; positive is red */
  z: number
  error: number
  /** factor of the template in the middle of the order, and its linear change over half the order */
  scale: number
  scaleError: number
  slope: number
  slopeError: number
  /** velocity that the photons of the block would allow, m/s (Bouchy et al. 2001) */
  limit: number
}

/** A step of 3 cm/s is the last: the next one would be a thousandth of it. */
const STILL = 1e-10

export interface BlockVelocities {
  blocks: BlockVelocity[]
  /** of the redshifts; undefined where no block could be measured */
  combined?: CombinedVelocity
}

/**
 * The velocity block by block: each order in `blocks` pieces of equal width, in each of which the template is scaled, tilted and
 * shifted to fit, from the velocity of all. Blocks without enough good pixels or lines are missing.
 */
export function blockVelocities(
  { data, z, added }: Pick<Velocity, 'data' | 'z' | 'added'>,
  width: number,
  blocks: number,
): BlockVelocities {
  const from = Math.log1p(z)
  const scratch = scratchFor(width)
  const found = data.flatMap((order) =>
    Array.from({ length: blocks }, (_, block) => blockOf(order, from, added, block, width / blocks, scratch)).filter(
      (one) => one !== undefined,
    ),
  )
  if (found.length === 0) return { blocks: [] }
  const combined = combineVelocities(
    found.map((one) => one.z),
    found.map(({ error }) => error),
  )
  return { blocks: found, combined }
}

function blockOf(
  order: OrderData,
  shift: number,
  added: boolean,
  block: number,
  width: number,
  scratch: Scratch,
): BlockVelocity | undefined {
  const [first, to] = [placeOf(order.column, block * width), placeOf(order.column, (block + 1) * width)]
  if (to - first < 30) return undefined
  const simple = { ...order, terms: 2, continuum: firstTwo(order) }
  let at = shift
  let match = matchOrder(simple, at, added, undefined, first, to, scratch)
  for (let round = 0; round < 10 && match && Math.abs(match.shift) > STILL; round++) {
    at += match.shift
    if (Math.abs(at - shift) > 3e-4) return undefined // it has wandered to other lines
    match = matchOrder(simple, at, added, match.solution, first, to, scratch)
  }
  if (!match) return undefined
  const [solution, errors] = [match.solution, match.errors]
  return {
    ...{
      index: order.index,
      block,
      z: Math.expm1(at),
      error: match.error * Math.exp(at),
      limit: match.limit * LIGHT_SPEED,
    },
    ...{ scale: solution[0]!, scaleError: errors[0]!, slope: solution[1]!, slopeError: errors[1]! },
  }
}

/** Where the columns from `x` on begin. */
function placeOf(column: Int32Array, x: number): number {
  let [low, high] = [0, column.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (column[middle]! < x) low = middle + 1
    else high = middle
  }
  return low
}

const packed = new WeakMap<OrderData, Float64Array>()

/** The constant and the linear term of the continuum. */
function firstTwo(order: OrderData): Float64Array {
  const known = packed.get(order)
  if (known) return known
  const out = new Float64Array(2 * order.column.length)
  for (let i = 0; i < order.column.length; i++) {
    out[2 * i] = order.continuum[i * order.terms]!
    out[2 * i + 1] = order.continuum[i * order.terms + 1]!
  }
  packed.set(order, out)
  return out
}
