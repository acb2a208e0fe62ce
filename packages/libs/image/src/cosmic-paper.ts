import { type CosmicWork, laplacian, mediansAt } from './cosmic-work.js'

/**
 * S' of van Dokkum (2001, eq. 13 and section 3.2): the Laplacian over twice the noise, less its 5 x 5 median. The noise
 * is the 5 x 5 median of the frame's own errors.
 */
export function significanceAt(work: CosmicWork, positions: readonly number[]): Float64Array {
  // the window medians of S need S at the 25 pixels about each position
  const index = new Map<number, number>()
  const needed: number[] = []
  const windows = new Int32Array(25 * positions.length)
  for (let k = 0; k < positions.length; k++) {
    const around = windowOf(work, positions[k])
    for (let j = 0; j < 25; j++) {
      let at = index.get(around[j])
      if (at === undefined) {
        at = needed.length
        index.set(around[j], at)
        needed.push(around[j])
      }
      windows[25 * k + j] = at
    }
  }
  const noise = mediansAt(work, work.error, needed, 2)
  const s = needed.map((p, k) => Math.fround(laplacian(work, p) / (2 * noise[k])))
  const window = new Float64Array(25)
  return Float64Array.from(positions, (_, k) => {
    for (let j = 0; j < 25; j++) window[j] = s[windows[25 * k + j]]
    return s[windows[25 * k + 12]] - window.sort()[12]
  })
}

/** F of van Dokkum (2001, eq. 14) over the noise: the 3 x 3 median less its own 7 x 7 median; at least 0.01. */
export function fineStructureAt(work: CosmicWork, positions: readonly number[]): Float64Array {
  const { width, height } = work
  const noise = mediansAt(work, work.error, positions, 2)
  const window = new Float64Array(49)
  return Float64Array.from(positions, (p, k) => {
    const x = p % width
    const y = (p - x) / width
    const around: number[] = []
    for (let v = -3; v <= 3; v++) {
      const row = Math.min(height - 1, Math.max(0, y + v)) * width
      for (let u = -3; u <= 3; u++) around.push(row + Math.min(width - 1, Math.max(0, x + u)))
    }
    window.set(mediansAt(work, work.pixels, around, 1))
    const centre = window[24]
    return Math.max(0.01, (centre - window.sort()[24]) / noise[k])
  })
}

function windowOf({ width, height }: CosmicWork, p: number): number[] {
  const x = p % width
  const y = (p - x) / width
  const window: number[] = []
  for (let v = -2; v <= 2; v++) {
    const row = Math.min(height - 1, Math.max(0, y + v)) * width
    for (let u = -2; u <= 2; u++) window.push(row + Math.min(width - 1, Math.max(0, x + u)))
  }
  return window
}
