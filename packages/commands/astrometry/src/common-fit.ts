import { type CommonFrame, fitCommon, fitPlate, type Plate } from '@nightpipe/registration'
import type { AstrometryConfig } from './schema.js'
import type { Solved } from './solve.js'

/** Frames with fewer partners keep the plate of their own. */
const FEWEST = 6

/** One distortion for all frames of a group; those that are solved come back with it, the others as they are. */
export function withCommonDistortion(frames: readonly Solved[], config: AstrometryConfig): Solved[] {
  const good = frames.filter(({ matched }) => matched >= FEWEST)
  if (good.length < 2) return [...frames]
  const order = config.fit.distortion === 'none' ? 1 : config.fit.order || 3
  const stars = new Map<string, number>()
  const input = good.map((frame) => commonFrame(frame, order, stars))
  const fit = fitCommon(input, { order, referenceError: config.catalogue.error, clip: config.fit.clip })
  const together = new Map(
    good.map((frame, f) => {
      const { dx, dy, used } = fit.residuals[f]!
      const kept = [...used.keys()].filter((k) => used[k] === 1)
      const rms = Math.sqrt(kept.reduce((sum, k) => sum + dx[k]! ** 2 + dy[k]! ** 2, 0) / Math.max(1, 2 * kept.length))
      return [frame, { ...frame, plate: fit.plates[f]!, dx, dy, used, rms, extra: fit.extra, matched: kept.length }]
    }),
  )
  return frames.map((frame) => together.get(frame) ?? frame)
}

/** The pairs of a frame; a star of the sky is known by its place in the catalogue, the same in all frames of a night. */
function commonFrame({ plate, x, y, ra, dec, error }: Solved, order: number, stars: Map<string, number>): CommonFrame {
  const { first, second, pixel, sky, half } = plate
  const matrix: [number, number, number, number] = [first[1]!, first[2]!, second[1]!, second[2]!]
  const enough = (n: number) => x.length >= n
  const own = enough(12) ? plate.order : 1
  const start: Plate = fitPlate({ x, y, ra, dec }, { pixel, sky, matrix }, Math.min(own, order), half)
  const star = Int32Array.from(ra, (value, k) => {
    // proper motions move a star by less than this between frames that belong together
    const key = `${(value * 1e4).toFixed(0)} ${(dec[k]! * 1e4).toFixed(0)}`
    const known = stars.get(key) ?? stars.size
    stars.set(key, known)
    return known
  })
  return { start, pairs: { x, y, ra, dec }, star, error }
}
