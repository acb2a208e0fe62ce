import { TRUTH_BIT } from './truth-bits.js'

/**
 * Charge beyond full well runs along its column, half of it each way, into the first pixels that have room, and out at the
 * ends. Charge is kept: whole electrons stay whole. Marks in the mask what is full and what took in charge of others;
 * returns the electrons that ran out.
 */
export function bleedInPlace(charge: Float32Array, width: number, fullWell: number, mask: Uint8Array): number {
  if (!Number.isFinite(fullWell)) return 0
  const over = new Uint8Array(width)
  for (let p = 0, x = 0; p < charge.length; p++) {
    if (charge[p]! > fullWell) over[x] = 1
    if (++x === width) x = 0
  }
  let lost = 0
  for (let x = 0; x < width; x++) if (over[x]) lost += bleedColumn(charge, width, x, Math.floor(fullWell), mask)
  return lost
}

function bleedColumn(charge: Float32Array, width: number, x: number, fullWell: number, mask: Uint8Array): number {
  const height = charge.length / width
  const column = new Float64Array(height)
  const up = new Float64Array(height)
  const down = new Float64Array(height)
  for (let y = 0; y < height; y++) {
    column[y] = charge[y * width + x]!
    const excess = column[y]! - fullWell
    if (excess <= 0) continue
    up[y] = Math.floor(excess / 2)
    down[y] = excess - up[y]!
    column[y] = fullWell
  }
  const took = new Uint8Array(height)
  const lost = pour(column, up, took, fullWell, 0, 1) + pour(column, down, took, fullWell, height - 1, -1)
  for (let y = 0; y < height; y++) {
    const p = y * width + x
    charge[p] = column[y]!
    mask[p]! |= (column[y]! >= fullWell ? TRUTH_BIT.saturated : 0) | (took[y] ? TRUTH_BIT.bleed : 0)
  }
  return lost
}

/** Charge on its way along a column: each pixel takes what it has room for, and adds its own. Returns what is left. */
function pour(column: Float64Array, own: Float64Array, took: Uint8Array, fullWell: number, from: number, step: number) {
  let carried = 0
  for (let y = from; y >= 0 && y < column.length; y += step) {
    const room = Math.min(carried, fullWell - column[y]!)
    if (room > 0) {
      column[y]! += room
      carried -= room
      took[y] = 1
    }
    carried += own[y]!
  }
  return carried
}
