import { MAD_TO_SIGMA, medianOf } from '@nightpipe/math'

/** What a sample of a frame's rows tells about it, in ADU; levels are above the overscan where there is one. */
export interface FrameStatistics {
  /** Median of the sampled pixels. */
  level: number
  /** Pixel-to-pixel noise: clipped deviation of the differences of neighbours, over the square root of 2. */
  noise: number
  /** Fraction of the pixels at or above saturation, or at the top value where saturation is not known. */
  saturatedFraction: number
  /** Fraction of the pixels that are not finite. */
  invalidFraction: number
  /** Fraction of the pixels that stand out above their surroundings as stars do. */
  starFraction: number
  /** Medians over a grid of boxes, row by row: how the frame is illuminated. */
  boxes: number[]
}

/** The rules of [reject] and [flat], in ADU. */
export interface Rules {
  saturated: number
  level: number
  noise: number
  gradient: number
  stars: number
  low: number
  high: number
  saturation?: number
}

/**
 * Why a frame must not enter its master, or undefined. Levels, noise and illumination are judged against the group,
 * so that rules need no knowledge of the camera; of a group of two, neither can be told to be the odd one.
 */
export function judgeGroup(type: string, frames: readonly FrameStatistics[], rules: Rules): (string | undefined)[] {
  const reasons = frames.map((frame) => judgeAlone(type, frame, rules))
  const good = frames.filter((_, k) => reasons[k] === undefined)
  if (good.length < 3) return reasons
  const noises = medianOf(good.map((f) => f.noise))
  const levels = medianOf(good.map((f) => f.level))
  const scatter = MAD_TO_SIGMA * medianOf(good.map((f) => Math.abs(f.level - levels)))
  // A level differs for good when it does by the scatter of the group, and by a part of the noise that one pixel has.
  const allowed = rules.level * Math.max(scatter, noises / 10)
  const pattern = typicalPattern(good)
  return frames.map((frame, k) => {
    if (reasons[k]) return reasons[k]
    if (type !== 'flat' && Math.abs(frame.level - levels) > allowed) {
      return `level ${frame.level.toFixed(1)} adu, the others have ${levels.toFixed(1)}`
    }
    if (frame.noise === 0 && noises > 0) {
      return `no noise at all at ${frame.level.toFixed(0)} adu: saturated, or not a picture`
    }
    // Photon noise grows with the root of the level, the pixels' own response with the level.
    const brighter = frame.level / levels
    const expected = type === 'flat' ? noises * Math.max(brighter, Math.sqrt(brighter)) : noises
    if (frame.noise > rules.noise * expected) {
      return `noise ${frame.noise.toFixed(2)} adu, ${expected.toFixed(2)} expected from the others`
    }
    if (type !== 'flat') return undefined
    const tilt = unevenness(frame, pattern)
    if (tilt > rules.gradient) return `gradient of ${percent(tilt)} against the others`
    return undefined
  })
}

function judgeAlone(type: string, frame: FrameStatistics, rules: Rules): string | undefined {
  if (frame.invalidFraction > 0.5) return `${percent(frame.invalidFraction)} of the pixels hold no number`
  if (frame.saturatedFraction > rules.saturated) return `${percent(frame.saturatedFraction)} of the pixels saturated`
  if (type !== 'flat') return undefined
  const high = rules.high || 0.9 * (rules.saturation ?? Infinity)
  const low = rules.low || 0.05 * (rules.saturation ?? 0)
  if (frame.level > high) return `level ${frame.level.toFixed(0)} adu, above ${high.toFixed(0)}`
  if (!(frame.level > low)) return `level ${frame.level.toFixed(0)} adu, below ${low.toFixed(0)}`
  if (frame.starFraction > rules.stars) return `stars on ${percent(frame.starFraction)} of the pixels`
  return undefined
}

const percent = (fraction: number) => `${(100 * fraction).toFixed(fraction < 0.1 ? 1 : 0)} %`

/** Median over the frames of their illumination, each divided by its own level. */
function typicalPattern(frames: readonly FrameStatistics[]): number[] {
  return frames[0].boxes.map((_, b) => medianOf(frames.map((f) => f.boxes[b] / f.level)))
}

/** Peak to peak, over the boxes, of a frame's illumination relative to the typical one. */
function unevenness(frame: FrameStatistics, pattern: readonly number[]): number {
  const ratios = frame.boxes.map((box, b) => box / frame.level / pattern[b]).filter(Number.isFinite)
  return ratios.length ? Math.max(...ratios) - Math.min(...ratios) : 0
}

/** The largest difference, over frames and boxes, between a frame's illumination and the typical one. */
export function variationOf(frames: readonly FrameStatistics[]): number {
  const pattern = typicalPattern(frames)
  const differences = frames.flatMap(({ boxes, level }) =>
    boxes.map((box, b) => Math.abs(box / level / pattern[b] - 1)),
  )
  return Math.max(0, ...differences.filter(Number.isFinite))
}
