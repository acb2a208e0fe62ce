/** What bleeding did to a frame. */
export interface Bled {
  /** charge that ran out at the two ends of its column */
  lost: number
  /** pixels at full well, and pixels that took in charge of others, by index */
  full: number[]
  filled: number[]
}

/**
 * Charge beyond full well runs along its column, half of it each way, into the first pixels that have room, and out at the
 * ends. Charge is kept: whole electrons stay whole.
 */
export function bleedInPlace(charge: Float32Array, width: number, fullWell: number): Bled {
  const bled: Bled = { lost: 0, full: [], filled: [] }
  if (!Number.isFinite(fullWell)) return bled
  const over = new Uint8Array(width)
  for (let p = 0, x = 0; p < charge.length; p++) {
    if (charge[p]! > fullWell) over[x] = 1
    if (++x === width) x = 0
  }
  for (let x = 0; x < width; x++) if (over[x]) bleedColumn(charge, width, x, Math.floor(fullWell), bled)
  return bled
}

function bleedColumn(charge: Float32Array, width: number, x: number, fullWell: number, bled: Bled): void {
  const height = charge.length / width
  const up = new Float64Array(height)
  const down = new Float64Array(height)
  const took = new Uint8Array(height)
  for (let y = 0; y < height; y++) {
    const excess = charge[y * width + x]! - fullWell
    if (excess <= 0) continue
    up[y] = Math.floor(excess / 2)
    down[y] = excess - up[y]!
    charge[y * width + x] = fullWell
    bled.full.push(y * width + x)
  }
  const flow = (own: Float64Array, from: number, step: number) => {
    let carried = 0
    for (let y = from; y >= 0 && y < height; y += step) {
      const p = y * width + x
      if (carried > 0) {
        const room = Math.min(carried, fullWell - charge[p]!)
        if (room > 0) {
          charge[p]! += room
          carried -= room
          took[y] = 1
        }
      }
      carried += own[y]!
    }
    bled.lost += carried
  }
  flow(up, 0, 1)
  flow(down, height - 1, -1)
  for (let y = 0; y < height; y++) {
    if (!took[y]) continue
    bled.filled.push(y * width + x)
    if (charge[y * width + x]! >= fullWell) bled.full.push(y * width + x)
  }
}
