import { type ColumnFit, PixelState } from './column-fit.js'
import type { GroupWork, SpectralFrame } from './group-work.js'

/**
 * Marks the pixels that are not believed: those too far from the model for noise, that of the model itself included.
 * A pixel that took part pulled the model towards itself, by its leverage P² σ²(f) / V. Returns how many, weighted by
 * their rows, so that two different sets are not taken for the same.
 */
export function rejectPixels(
  { frame, noise, rejected, half, group }: GroupWork,
  fit: ColumnFit,
  x: number,
  bottom: number,
  again: boolean,
  solved: boolean,
): number {
  const { span, start, profile, data, model, inverse, state, error, rows } = fit
  const { blur = 0, tilt = 0 } = noise
  let sum = 0
  for (let a = 0; a < fit.traces; a++) {
    const y = group[a]!.y[x]!
    const from = Math.max(0, Math.ceil(y - half) - bottom)
    const to = Math.min(rows - 1, Math.floor(y + half) - bottom)
    const flux2 = solved ? error[a]! * error[a]! || 0 : 0
    for (let row = from; row <= to; row++) {
      const was = state[row]!
      if ((was & ~PixelState.rejected) !== 0) continue
      const residual = data[row]! - model[row]!
      const square = residual * residual * inverse[row]!
      // two thirds of all pixels are nearer than anything that could matter
      if (square < NEAR && was === 0) continue
      const p = profile[a * span + row - start[a]!]!
      const leverage = Math.min(0.9, p * p * flux2 * inverse[row]!)
      const known = noise.accuracy * model[row]! + blur * fit.flux[a]!
      const expected = (was === 0 ? 1 - leverage : 1 + leverage) + known * known * inverse[row]!
      const sharp = residual > 0 && again && besideHit(frame, rejected, x, row + bottom)
      const limit = residual > 0 ? (sharp ? noise.near : noise.high) : noise.low
      let off = square > limit * limit * expected
      if (off && tilt > 0) {
        const leaning = tilt * Math.abs(row + bottom - y) * slopeAt(frame, x, row + bottom)
        const lean = known + Math.min(leaning, LEAN * Math.max(0, model[row]!))
        off = square > limit * limit * (expected + (lean * lean - known * known) * inverse[row]!)
      }
      state[row] = off ? PixelState.rejected : PixelState.used
      if (off) sum += row + 1
    }
  }
  return sum
}

/** The most that a tilt can do, as a fraction of the light in a pixel. */
const LEAN = 0.25

/** By how much the light rises or falls steadily through a column: 0 in peaks, as of cosmic rays, and in dips. */
function slopeAt({ width, pixels }: SpectralFrame, x: number, y: number): number {
  if (x === 0 || x === width - 1) return 0
  const at = y * width + x
  const [before, after] = [pixels[at]! - pixels[at - 1]!, pixels[at + 1]! - pixels[at]!]
  return before * after > 0 ? Math.min(Math.abs(before), Math.abs(after)) : 0
}

/** Pixels as near as this to the model are never rejected, in sigma squared: leverage is 0.9 at most, and limits 1 at least. */
const NEAR = 0.1

/** Writes what was rejected in a column into the map of the frame. */
export function noteHits({ frame, rejected }: GroupWork, { rows, state }: ColumnFit, x: number, bottom: number): void {
  for (let row = 0; row < rows; row++) {
    if ((state[row]! & PixelState.outside) === 0) {
      rejected[(row + bottom) * frame.width + x] = state[row] === PixelState.rejected ? 1 : 0
    }
  }
}

/** Whether a pixel touches one that was not believed. */
function besideHit({ width, height }: SpectralFrame, rejected: Uint8Array, x: number, y: number): boolean {
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
      if (rejected[v * width + u] && (u !== x || v !== y)) return true
    }
  }
  return false
}
