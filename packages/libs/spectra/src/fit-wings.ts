import { solve, solver } from '@nightpipe/math'
import type { FittedTrace, FlatImage } from './light-of-trace.js'
import { EVEN, type PartSums, sumParts } from './wing-sums.js'
import type { Wings } from './wings.js'

/** Orders and columns of a part of the frame whose wings are alike, about. */
const ORDERS = 8
const COLUMNS = 600
/** Each spline reaches so much further than the one before, about (logarithm). */
const STEP = 0.15

/** What may differ, as part of the wings, and by how much from one term to the next: sides, fibres, parts of the frame. */
const SIDES = { size: 1, change: 0.5 }
const FIBRES = { size: 0.3, change: 0.1 }
const PARTS = { size: 0.3, change: 0.1 }

/** Light further off than this is none of the wings', sigma. */
const CLIP = 5

/** First a few columns tell what stands out (cosmic rays, orders that nobody traced), then many what wings there are. */
const ROUNDS = [
  { clip: Number.POSITIVE_INFINITY, looked: 20 },
  { clip: CLIP, looked: 80 },
]

/** Where wings begin and end, rows from the centre; of how many orders and fibres; one column in `step` has a flux. */
export interface WingOptions {
  from: number
  to: number
  orders: number
  fibres: number
  width: number
  step: number
  /** distance of the two traces that are closest to one another, rows */
  open: number
}

/**
 * Wings of all fibres, from the light beyond the profiles and between the orders, together with an even light in each part
 * of the frame. What is seen of one side, fibre or part leads the others as far as they are silent. Undefined where
 * nothing is to be seen.
 */
export function fitWings(
  fitted: readonly FittedTrace[],
  images: readonly FlatImage[],
  { from, to, open, orders, fibres, width, step }: WingOptions,
): Wings | undefined {
  const terms = Math.max(4, Math.min(12, Math.round(Math.log(to / from) / STEP)))
  const unknowns = 2 * terms * fibres
  const [rows, columns] = [nodes(orders, ORDERS, 5), nodes(width, COLUMNS, 3)]
  const wings: Wings = { from, to, terms, fibres, orders: rows, columns, values: new Float64Array(0) }
  const count = rows.length * columns.length
  let before: PartSums[] | undefined
  for (const { clip, looked } of ROUNDS) {
    const sums = images.flatMap((image) =>
      sumParts(image, fitted, wings, { orders, width, step, clip, looked, before, open }),
    )
    const parts = Array.from({ length: count }, (_, k) =>
      together(
        sums.filter(({ part }) => part === k),
        unknowns,
      ),
    )
    const typical = sharedWings(together(parts, unknowns), terms, fibres)
    if (!typical) return undefined
    wings.values = solveParts(parts, typical, wings)
    before = sums
  }
  return wings
}

/** The middles of parts of about a size. */
function nodes(length: number, size: number, most: number): number[] {
  const count = Math.min(most, Math.max(1, Math.round(length / size)))
  return Array.from({ length: count }, (_, k) => ((k + 0.5) * length) / count - 0.5)
}

interface Equations {
  matrix: Float64Array
  right: Float64Array
}

/** The equations of some parts as one, whatever the even light in each of them. */
function together(
  parts: readonly (Equations & { even?: Equations & { cross: Float64Array } })[],
  n: number,
): Equations {
  const matrix = new Float64Array(n * n)
  const right = new Float64Array(n)
  for (const part of parts) {
    for (let k = 0; k < n * n; k++) matrix[k]! += part.matrix[k]!
    for (let k = 0; k < n; k++) right[k]! += part.right[k]!
    if (part.even) eliminate(part.even, n, matrix, right)
  }
  return { matrix, right }
}

/** Schur's complement: A − C B⁻¹ Cᵀ. */
function eliminate(
  even: Equations & { cross: Float64Array },
  n: number,
  matrix: Float64Array,
  right: Float64Array,
): void {
  const { cross } = even
  const line = new Float64Array(EVEN)
  const solved = solver(even.matrix, EVEN)
  const levels = solved(even.right)
  for (let i = 0; i < n; i++) {
    for (let e = 0; e < EVEN; e++) line[e] = cross[i * EVEN + e]!
    if (line.every((value) => value === 0)) continue
    const through = solved(line)
    for (let j = i; j < n; j++) {
      for (let e = 0; e < EVEN; e++) matrix[j * n + i]! -= cross[j * EVEN + e]! * through[e]!
    }
    for (let e = 0; e < EVEN; e++) right[i]! -= cross[i * EVEN + e]! * levels[e]!
  }
}

/** How large each term is, sides and fibres taken for one. Undefined where nothing is seen. */
function sharedWings({ matrix, right }: Equations, terms: number, fibres: number): Float64Array | undefined {
  const n = 2 * terms * fibres
  const shared = new Float64Array(terms * terms)
  const sums = new Float64Array(terms)
  for (let i = 0; i < n; i++) {
    sums[i % terms]! += right[i]!
    for (let j = 0; j < n; j++) {
      shared[(i % terms) * terms + (j % terms)]! += matrix[Math.max(i, j) * n + Math.min(i, j)]!
    }
  }
  let most = 0
  for (let k = 0; k < terms; k++) most = Math.max(most, shared[k * (terms + 1)]!)
  if (!(most > 0)) return undefined
  for (let k = 0; k < terms; k++) shared[k * (terms + 1)]! += 1e-6 * most
  const size = solve(shared, sums).map(Math.abs)
  const floor = 0.02 * Math.max(...size) + Number.MIN_VALUE
  return size.map((value) => value + floor)
}

/** The wings of all parts at once, sides, fibres and neighbouring parts being alike. */
function solveParts(parts: readonly Equations[], typical: Float64Array, { fibres, columns }: Wings): Float64Array {
  const terms = typical.length
  const own = 2 * terms * fibres
  const n = parts.length * own
  const sum = { matrix: new Float64Array(n * n), right: new Float64Array(n) }
  for (const [p, { matrix, right }] of parts.entries()) {
    sum.right.set(right, p * own)
    for (let k = 0; k < own; k++) sum.matrix.set(matrix.subarray(k * own, k * own + k + 1), (p * own + k) * n + p * own)
    for (let side = 0; side < 2 * fibres; side++) {
      const at = p * own + side * terms
      if (side % 2 === 1) alike(sum, typical, SIDES, at, at - terms)
      if (side > 1) alike(sum, typical, FIBRES, at, at - 2 * terms)
      if (p % columns.length > 0) alike(sum, typical, PARTS, at, at - own)
      if (p >= columns.length) alike(sum, typical, PARTS, at, at - columns.length * own)
      for (let k = 0; k < terms; k++) sum.matrix[(at + k) * (n + 1)]! += 1e-4 / typical[k]! ** 2
    }
  }
  return solve(sum.matrix, sum.right)
}

/**
 * A side of a wing differs from another one by a part of it that changes slowly outwards: where it is seen it tells how bright
 * it is where it is not.
 */
function alike(
  { matrix, right }: Equations,
  typical: Float64Array,
  { size, change }: { size: number; change: number },
  at: number,
  other: number,
): void {
  const n = right.length
  const add = (places: readonly number[], factors: readonly number[], sigma: number) => {
    for (const [i, a] of places.entries()) {
      for (const [j, b] of places.entries()) if (b <= a) matrix[a * n + b]! += (factors[i]! * factors[j]!) / sigma ** 2
    }
  }
  for (let k = 0; k < typical.length; k++) {
    const one = 1 / typical[k]!
    add([at + k, other + k], [one, -one], size)
    if (k + 1 === typical.length) break
    const next = 1 / typical[k + 1]!
    add([at + k, at + k + 1, other + k, other + k + 1], [one, -next, -one, next], change)
  }
}
