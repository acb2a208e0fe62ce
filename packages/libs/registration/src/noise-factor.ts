import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { type Interpolation, TAPS } from './interpolant.js'
import { forRuns, newRun, type RunMap } from './pixel-map.js'

/** Places, in each direction, at which the weights are looked at. */
const LOOKS = 64

/**
 * What the noise of a sum over many new pixels is, over that which the errors of the single ones give. Interpolation
 * smooths: a pixel has the noise of an old one times √Σw², but its neighbours share it, and over a large area nothing is
 * lost (Fruchter & Hook 2002, PASP 114, 144). 1 where nothing of the frame falls on the grid.
 */
export function noiseFactor(
  map: RunMap,
  grid: { width: number; height: number },
  frame: { width: number; height: number },
  method: Interpolation,
): number {
  const squares = squaresOf(method)
  let [sum, count] = [0, 0]
  const run = newRun()
  const step = Math.max(1, grid.width / LOOKS)
  for (let j = 0; j < LOOKS; j++) {
    const y = Math.floor((j * (grid.height - 1)) / Math.max(1, LOOKS - 1))
    forRuns(map, y, grid.width, run, ({ u, v, du, dv, count: length }) => {
      for (let k = 0; k < length; k += step) {
        const x = u + Math.floor(k) * du
        const z = v + Math.floor(k) * dv
        if (!(x >= 0 && z >= 0 && x <= frame.width - 1 && z <= frame.height - 1)) continue
        sum += between(squares, x - Math.floor(x)) * between(squares, z - Math.floor(z))
        count++
      }
    })
  }
  return count > 0 ? 1 / Math.sqrt(sum / count) : 1
}

/** Fractions of a pixel for which Σw² is tabled: straight between these to a part in a million. */
const PHASES = 512

function squaresOf(method: Interpolation): Float64Array {
  const squares = new Float64Array(PHASES + 2).fill(1)
  const taps = TAPS[method]
  if (taps === 2) for (let k = 0; k <= PHASES; k++) squares[k] = (1 - k / PHASES) ** 2 + (k / PHASES) ** 2
  if (taps <= 2) return squares
  scoped(() => {
    const table = allocate(Float64Array, PHASES + 1)
    kernels().lanczosTable(taps, PHASES, 0, table.byteOffset)
    squares.set(table)
  })
  return squares
}

function between(table: Float64Array, fraction: number): number {
  const phase = fraction * PHASES
  const k = Math.floor(phase)
  return table[k]! + (phase - k) * (table[k + 1]! - table[k]!)
}
