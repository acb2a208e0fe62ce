import { across, along, findFaintLines, type Line } from '@nightpipe/image'
import { MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import type { Candidate } from './candidates.js'
import type { Difference } from './difference.js'
import { UNUSABLE } from './side.js'
import type { Trails } from './trails.js'

/** Lines are looked for in cells of so many pixels at least, and in so many of these at most. */
const CELL = 4
const MOST_CELLS = 70_000
/** No pixel counts for more than this of the score. */
const MOST_OF_ONE = 4
/** A candidate so near to a line, in FWHM, is held against what the line has so far along it, px. */
const WIDE = 2
const STRETCH = 60
/** Fewer pixels than this do not tell what a line has. */
const FEWEST = 20
/** A line that adds less than this to scores, sigma, makes no candidates. */
const FAINTEST = 0.5

/** A line along which scores are higher, or lower, all along or in part. */
type Lit = Line & { sign: number }

/**
 * Whether a candidate is noise on the faint trail of a satellite, one that is seen in no pixel but adds some sigma to the
 * score all along, or where a bright one fades out: what the score has beyond the trail about it would not be a candidate.
 */
export function isOnFaintTrail(
  { difference: d, mask }: { difference: Difference; mask: Int16Array },
  { above, below }: Trails,
  threshold: number,
): (candidate: Candidate) => boolean {
  const lines = [
    ...faintLines(d, mask),
    ...above.map(({ line }) => ({ ...line, sign: 1 })),
    ...below.map(({ line }) => ({ ...line, sign: -1 })),
  ]
  return (candidate) =>
    lines.some(
      (line) =>
        line.sign === Math.sign(candidate.flux) &&
        Math.abs(across(line, candidate)) <= WIDE * d.seeing.fresh &&
        !standsOut(candidate, line, d, mask, threshold),
    )
}

function faintLines(d: Difference, mask: Int16Array): Lit[] {
  const cell = Math.max(CELL, Math.ceil(Math.sqrt((d.width * d.height) / MOST_CELLS)))
  const middle = (at: number) => cell * at + (cell - 1) / 2
  return findFaintLines(cellsOf(d, mask, cell)).map(({ x, y, cos, sin, strength }) => ({
    ...{ x: middle(x), y: middle(y), cos, sin },
    sign: Math.sign(strength),
  }))
}

/** Means of the score in cells, NaN where less than half is known. */
function cellsOf({ width, height, score }: Difference, mask: Int16Array, cell: number) {
  const [columns, rows] = [Math.floor(width / cell), Math.floor(height / cell)]
  const values = new Float32Array(columns * rows)
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      let [sum, n] = [0, 0]
      for (let y = j * cell; y < (j + 1) * cell; y++) {
        for (let p = y * width + i * cell; p < y * width + (i + 1) * cell; p++) {
          const value = score[p]!
          if ((mask[p]! & UNUSABLE) !== 0 || value - value !== 0) continue
          sum += Math.max(-MOST_OF_ONE, Math.min(MOST_OF_ONE, value))
          n++
        }
      }
      values[j * columns + i] = 2 * n >= cell * cell ? sum / n : Number.NaN
    }
  }
  return { values, columns, rows }
}

/** Whether it is as high above the line, where the line is as far from its middle, as candidates are above the sky. */
function standsOut(
  { x, y, score: height }: Candidate,
  line: Line,
  { width, height: rows, score, seeing }: Difference,
  mask: Int16Array,
  threshold: number,
): boolean {
  const [u, v] = [along(line, { x, y }), across(line, { x, y })]
  const own = 1.5 * seeing.fresh
  const there: number[] = []
  const reach = Math.ceil(STRETCH + 2)
  for (let q = Math.max(0, Math.round(y) - reach); q <= Math.min(rows - 1, Math.round(y) + reach); q++) {
    for (let p = Math.max(0, Math.round(x) - reach); p <= Math.min(width - 1, Math.round(x) + reach); p++) {
      const value = score[q * width + p]!
      if ((mask[q * width + p]! & UNUSABLE) !== 0 || value - value !== 0) continue
      const far = Math.abs(along(line, { x: p, y: q }) - u)
      if (far < own || far > STRETCH || Math.abs(across(line, { x: p, y: q }) - v) > 1) continue
      there.push(Math.sign(height) * value)
    }
  }
  if (there.length < FEWEST) return true
  const level = medianOf(there)
  if (level < FAINTEST) return true
  const scatter = Math.max(1, MAD_TO_SIGMA * mad(there))
  return Math.abs(height) - level > threshold * scatter
}
