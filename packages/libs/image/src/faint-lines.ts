import { MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import { across, along, type Line } from './line.js'

/** A plane of cells; NaN where nothing is known. */
export interface Cells {
  values: Float32Array
  columns: number
  rows: number
}

/** A straight line right across a plane, in cells from the middle of the first. */
export interface FaintLine extends Line {
  /** How far the line stands out of its surroundings, in what lines scatter by; below 0 it is dark. */
  strength: number
}

/** Lines are so wide, cells, and compared with those so many widths beside them. */
const STRIPE = 1.5
const BESIDE = 4
/** A line goes through so many cells at least, and none of these counts for more than this, sigma. */
const FEWEST = 15
const MOST_OF_ONE = 6
/** Of the 100 000 lines of a frame chance makes none so strong. */
const STRONG = 7
const MOST_LINES = 8

/**
 * Straight lines that are too faint to be seen in any of their cells: sums along all of them (Radon 1917; for trails in
 * frames Nir et al. 2018, AJ 156, 229), less those beside.
 */
export function findFaintLines(cells: Cells): FaintLine[] {
  const known = knownCells(cells)
  const lines: FaintLine[] = []
  while (lines.length < MOST_LINES) {
    const best = strongest(known)
    if (!best || Math.abs(best.strength) < STRONG) break
    const line = { ...straightened(known, best), strength: best.strength }
    lines.push(line)
    // a line is found once
    for (let p = 0; p < known.values.length; p++) {
      if (Math.abs(across(line, placeOf(known, p))) < 2 * STRIPE) known.values[p] = 0
    }
  }
  return lines
}

/** Values in sigma of all, the brightest ones cut; 0, and none counted, where nothing is known. */
interface Known extends Cells {
  counts: Uint8Array
}

const placeOf = ({ columns }: Cells, p: number) => ({ x: p % columns, y: Math.floor(p / columns) })

function knownCells({ values, columns, rows }: Cells): Known {
  const finite = values.filter((value) => Number.isFinite(value))
  const middle = finite.length > 0 ? medianOf(finite) : 0
  const sigma = finite.length > 0 ? MAD_TO_SIGMA * mad(finite) : 0
  const cut = (value: number) => Math.max(-MOST_OF_ONE, Math.min(MOST_OF_ONE, (value - middle) / (sigma || 1)))
  return {
    ...{ columns, rows, values: values.map((value) => (Number.isFinite(value) ? cut(value) : 0)) },
    counts: Uint8Array.from(values, (value) => (Number.isFinite(value) ? 1 : 0)),
  }
}

/** The line that stands out most, of all directions and places. */
function strongest(known: Known): FaintLine | undefined {
  const { columns, rows } = known
  const [cx, cy] = [(columns - 1) / 2, (rows - 1) / 2]
  const half = Math.sqrt(columns * columns + rows * rows) / 2
  const stripes = 2 * Math.ceil(half / STRIPE) + 1
  const shift = stripes / 2
  const directions = Math.ceil((Math.PI * half) / STRIPE)
  const [sums, counts] = [new Float64Array(stripes), new Int32Array(stripes)]
  const all: number[] = []
  let best: FaintLine | undefined
  for (let d = 0; d < directions; d++) {
    const angle = (d * Math.PI) / directions
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
    addUp(known, sums, counts, (cx * sin - cy * cos) / STRIPE + shift, cos / STRIPE, -sin / STRIPE)
    for (let s = 0; s < stripes; s++) {
      if (counts[s] < FEWEST) continue
      const root = Math.sqrt(counts[s])
      const strength = contrast(sums, counts, s) * root
      all.push(Math.abs(sums[s]) / root)
      if (best && Math.abs(strength) <= Math.abs(best.strength)) continue
      const away = (s + 0.5 - shift) * STRIPE
      best = { x: cx - away * sin, y: cy + away * cos, cos, sin, strength }
    }
  }
  // neighbouring cells share noise: what sums scatter by is seen, not reckoned
  return best && { ...best, strength: best.strength / (MAD_TO_SIGMA * medianOf(all) || 1) }
}

/** Sums and numbers of the cells of each stripe: the first cell lies in stripe `start`, further ones so much on. */
function addUp(
  { values, counts: known, columns, rows }: Known,
  sums: Float64Array,
  counts: Int32Array,
  start: number,
  perRow: number,
  perColumn: number,
): void {
  sums.fill(0)
  counts.fill(0)
  for (let y = 0; y < rows; y++) {
    let at = start + y * perRow
    for (let p = y * columns; p < (y + 1) * columns; p++) {
      const stripe = at | 0 // never below 0
      sums[stripe] += values[p]
      counts[stripe] += known[p]
      at += perColumn
    }
  }
}

/** How much brighter a stripe is than those on both sides, or darker: what is beside something bright is not dark. */
function contrast(sums: Float64Array, counts: Int32Array, s: number): number {
  const own = sums[s] / counts[s]
  const [a, b] = [s - BESIDE, s + BESIDE].map((one) => (counts[one] >= FEWEST ? own - sums[one] / counts[one] : own))
  if (a > 0 && b > 0) return Math.min(a, b)
  return a < 0 && b < 0 ? Math.max(a, b) : 0
}

/** Ends of a line are moved by up to so many cells, in such steps. */
const FURTHEST = 1.5
const STEP = 0.25

/** The line near this one with the most in it. */
function straightened(known: Known, line: FaintLine): Line {
  const half = Math.sqrt(known.columns ** 2 + known.rows ** 2) / 2
  const near: { u: number; v: number; value: number }[] = []
  for (let p = 0; p < known.values.length; p++) {
    const place = placeOf(known, p)
    const v = across(line, place)
    if (Math.abs(v) <= FURTHEST + STRIPE) near.push({ u: along(line, place) / half, v, value: known.values[p] })
  }
  const sign = Math.sign(line.strength)
  let [most, offset, slope] = [Number.NEGATIVE_INFINITY, 0, 0]
  for (let first = -FURTHEST; first <= FURTHEST; first += STEP) {
    for (let last = -FURTHEST; last <= FURTHEST; last += STEP) {
      const [a, b] = [(first + last) / 2, (last - first) / 2]
      let sum = 0
      for (const one of near) {
        const weight = STRIPE / 2 - Math.abs(one.v - a - b * one.u)
        if (weight > 0) sum += sign * weight * one.value
      }
      if (sum > most) [most, offset, slope] = [sum, a, b]
    }
  }
  const angle = Math.atan2(line.sin, line.cos) + Math.atan2(slope, half)
  return {
    ...{ x: line.x - offset * line.sin, y: line.y + offset * line.cos },
    ...{ cos: Math.cos(angle), sin: Math.sin(angle) },
  }
}
