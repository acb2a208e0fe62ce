import { solve } from '@nightpipe/math'
import { diffractionOrder, type Frame, termEvaluator, termsUpTo } from './wavelength-polynomial.js'

/** A line as the choice of degrees wants it. */
export interface WeighedLine {
  index: number
  x: number
  /** vacuum, Angstrom, and one sigma of it */
  wavelength: number
  sigma: number
}

/** Parts of the lines that are left out in turn. */
const PARTS = 5
/** A line further than this from a fit that it had no part in counts as so far, sigma. */
const FAR = 4
/** Lines that a term needs. */
const LINES_PER_TERM = 4

/** All frames within the limits: degrees in x and in order, and of both together one more than the higher of them. */
const termsOf = (x: number, order: number) => termsUpTo(x, order, Math.max(x, order) + 1)

/**
 * The degrees that predict best: of all within the limits, the fewest terms whose fifths, left out in turn, come out as well as any. The
 * normal equations of the richest frame hold those of all others, so that each costs no more than to be solved.
 */
export function bestFrame(
  lines: readonly WeighedLine[],
  before: Frame,
  limits: { degreeX: number; degreeOrder: number },
): Frame | undefined {
  const orders = new Set(lines.map((line) => line.index)).size
  const degreeOrder = Math.min(limits.degreeOrder, orders - 1)
  const all = termsOf(limits.degreeX, degreeOrder)
  const equations = equationsOf(lines, { ...before, terms: all })
  let best: { frame: Frame; scatter: number } | undefined
  for (let x = 2; x <= limits.degreeX; x++) {
    for (let order = 1; order <= degreeOrder; order++) {
      const terms = termsOf(x, order)
      if (lines.length < LINES_PER_TERM * terms.length) continue
      const chosen = terms.map(([i, j]) => all.findIndex(([a, b]) => a === i && b === j))
      const scatter = unseenScatter(equations, Int32Array.from(chosen))
      const least = best ? 0.995 * best.scatter : Number.POSITIVE_INFINITY
      if (scatter < least) best = { frame: { ...before, terms }, scatter }
    }
  }
  return best?.frame
}

/** The equations of all lines, row by row, divided by their sigma; and the normal equations of all but each part of them. */
interface Equations {
  count: number
  terms: number
  rows: Float64Array
  right: Float64Array
  normal: Float64Array[]
  product: Float64Array[]
}

function equationsOf(lines: readonly WeighedLine[], frame: Frame): Equations {
  const [count, terms] = [lines.length, frame.terms.length]
  const rows = new Float64Array(count * terms)
  const right = new Float64Array(count)
  const valuesAt = termEvaluator(frame)
  const empty = (size: number) => Array.from({ length: PARTS + 1 }, () => new Float64Array(size))
  const [normal, product] = [empty(terms * terms), empty(terms)]
  lines.forEach(({ index, x, wavelength, sigma }, k) => {
    const order = diffractionOrder(frame, index)
    const weight = 1 / (order * sigma)
    const values = valuesAt(index, x)
    const [of, to] = [normal[k % PARTS]!, product[k % PARTS]!]
    const from = k * terms
    const y = order * wavelength * weight
    right[k] = y
    for (let i = 0; i < terms; i++) rows[from + i] = values[i]! * weight
    for (let i = 0; i < terms; i++) {
      const v = rows[from + i]!
      to[i]! += v * y
      for (let j = 0; j <= i; j++) of[i * terms + j]! += v * rows[from + j]!
    }
  })
  // each part by itself so far: of all, then of all without it
  for (const parts of [normal, product]) {
    const whole = parts[PARTS]!
    for (let part = 0; part < PARTS; part++) for (let i = 0; i < whole.length; i++) whole[i]! += parts[part]![i]!
    for (let part = 0; part < PARTS; part++) {
      const one = parts[part]!
      for (let i = 0; i < whole.length; i++) one[i] = whole[i]! - one[i]!
    }
  }
  return { count, terms, rows, right, normal, product }
}

/** How far lines lie from fits that they had no part in, in units of their errors; far ones count as 4. */
function unseenScatter({ count, terms, rows, right, normal, product }: Equations, chosen: Int32Array): number {
  const n = chosen.length
  let squares = 0
  const matrix = new Float64Array(n * n)
  const side = new Float64Array(n)
  for (let part = 0; part < PARTS; part++) {
    for (let i = 0; i < n; i++) {
      side[i] = product[part]![chosen[i]!]!
      // lower triangles: of the chosen terms the order is that of all
      for (let j = 0; j <= i; j++) matrix[i * n + j] = normal[part]![chosen[i]! * terms + chosen[j]!]!
    }
    let solution: Float64Array
    try {
      solution = solve(matrix, side)
    } catch {
      return Number.POSITIVE_INFINITY
    }
    for (let k = part; k < count; k += PARTS) {
      let miss = -right[k]!
      for (let i = 0; i < n; i++) miss += rows[k * terms + chosen[i]!]! * solution[i]!
      squares += Math.min(FAR * FAR, miss * miss)
    }
  }
  return Math.sqrt(squares / count)
}
