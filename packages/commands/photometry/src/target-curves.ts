import { instrumental, MAG } from './calibrate.js'
import type { Curves } from './light-curves.js'
import type { Linked } from './link-stars.js'
import type { SeriesFrame } from './read-product.js'

/** One point of a light curve: a magnitude, or an upper limit, never both. */
export interface Point {
  frame: number
  magnitude?: number
  error?: number
  limit?: number
  flags: number
}

/** The numbers of the stars that are targets: the nearest within reach in the frame that sees it best. */
export function nameStars(frames: readonly SeriesFrame[], linked: Linked): Map<string, number> {
  const found = new Map<string, { star: number; distance: number }>()
  frames.forEach((frame, k) => {
    for (const { name, x, y } of frame.targets) {
      linked.rows[k]!.forEach((row, star) => {
        if (row < 0) return
        const distance = Math.hypot(frame.x[row]! - x, frame.y[row]! - y)
        if (distance < frame.seeing && distance < (found.get(name)?.distance ?? Number.POSITIVE_INFINITY)) {
          found.set(name, { star, distance })
        }
      })
    }
  })
  return new Map([...found].map(([name, { star }]) => [name, star]))
}

/** The points of a star: where it was not seen, though within the frame, the limit of the frame. */
export function pointsOf(star: number, curves: Curves, frames: readonly SeriesFrame[], linked: Linked): Point[] {
  const many = curves.frames.length
  return curves.frames.flatMap((k, i): Point[] => {
    const row = linked.rows[k]![star]!
    const [value, error] = [curves.value[star * many + i]!, curves.error[star * many + i]!]
    if (row >= 0 && Number.isFinite(value)) {
      return [{ frame: k, magnitude: value, error, flags: frames[k]!.flags[row]! }]
    }
    const limit = limitOf(k, i, curves, frames)
    return row === -2 || limit === undefined ? [] : [{ frame: k, limit, flags: 0 }]
  })
}

/** The limit of a frame on the scale of the light curves. */
function limitOf(
  k: number,
  i: number,
  { ensemble, offset }: Curves,
  frames: readonly SeriesFrame[],
): number | undefined {
  const frame = frames[k]!
  const plain = frame.limit - (Number.isFinite(frame.zero) ? frame.zero : 0)
  const limit = plain - ensemble.zero[i]! + offset
  return Number.isFinite(limit) ? limit : undefined
}

/** The points of a target by its forced photometry, on the same scale as the stars. */
export function forcedPoints(
  name: string,
  curves: Curves,
  frames: readonly SeriesFrame[],
  significance: number,
): Point[] {
  return curves.frames.flatMap((k, i): Point[] => {
    const frame = frames[k]!
    const target = frame.targets.find((one) => one.name === name)
    const zero = curves.offset - curves.ensemble.zero[i]!
    if (!target || !Number.isFinite(target.flux + zero)) return []
    const { flux, fluxError } = target
    if (flux >= significance * fluxError) {
      const error = Math.hypot((MAG * fluxError) / flux, curves.ensemble.zeroError[i]!)
      return [{ frame: k, magnitude: zero + instrumental(flux, frame.exposure), error, flags: 0 }]
    }
    return [
      { frame: k, limit: zero + instrumental(Math.max(0, flux) + significance * fluxError, frame.exposure), flags: 0 },
    ]
  })
}
