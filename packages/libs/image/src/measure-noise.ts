import { robustStatistics } from '@nightpipe/math'
import type { CombineOptions } from './combine.js'
import type { NoiseModel } from './noise.js'
import { isRaw, type Plane, planeLength } from './raw-plane.js'

/** Differences of neighbours in the list, at most so many in all: the noise is then known to about 0.3 %. */
const ENOUGH = 200_000

/** Integers make a clip near 3 sigma take a step of the distribution too many or too few: 1 % of sigma. Not at 4. */
const CLIP = 4

/** Levels are sorted into at most so many groups of equal size, of at least so many differences. */
const GROUPS = 64
const FEWEST = 100

interface Differences {
  level: Float64Array
  /** Difference of two planes divided by sqrt(scale² + scale²): its variance is that of one sample. */
  difference: Float64Array
  n: number
}

/**
 * The noise of a stack of planes of the same scene, from the planes themselves: the scatter of the differences of each
 * plane and the next, free of outliers, against the level (the photon transfer method). A slope is claimed only where
 * levels differ enough to show it at 4 sigma. What the planes do not share (a drifting level) must be in `offset`
 * and `scale` first. Planes may be a sample of the rows of frames; the same sample gives the same model.
 */
export function measureNoise(
  planes: readonly Plane[],
  options: Pick<CombineOptions, 'scale' | 'offset' | 'background' | 'masks' | 'maskBits'> = {},
): NoiseModel {
  if (planes.length < 2) throw new RangeError('the noise shows in the difference of two planes, and there is one')
  const differences = takeDifferences(planes, options)
  const groups = groupByLevel(differences)
  if (groups.length === 0) throw new RangeError('no good pixels to measure the noise from')
  return fitModel(groups)
}

function takeDifferences(planes: readonly Plane[], options: Parameters<typeof measureNoise>[1] = {}): Differences {
  const { scale, offset, background, masks, maskBits = -1 } = options
  const length = planeLength(planes[0])
  const values = planes.map(reader)
  const pairs = planes.length - 1
  const step = Math.max(1, Math.floor((length * pairs) / ENOUGH))
  const level = new Float64Array(Math.ceil((length * pairs) / step))
  const difference = new Float64Array(level.length)
  let n = 0
  for (let i = 0; i < length * pairs; i += step) {
    const p = Math.floor(i / pairs)
    const k = i % pairs
    const masked = ((masks?.[k]?.[p] ?? 0) | (masks?.[k + 1]?.[p] ?? 0)) & maskBits
    const [a, b] = [scale?.[k] ?? 1, scale?.[k + 1] ?? 1]
    const first = values[k](p) - (offset?.[k] ?? 0)
    const second = values[k + 1](p) - (offset?.[k + 1] ?? 0)
    if (masked !== 0 || !Number.isFinite(first) || !Number.isFinite(second)) continue
    const share = (a * a) / (a * a + b * b)
    level[n] = share * (first + (background?.[k] ?? 0)) + (1 - share) * (second + (background?.[k + 1] ?? 0))
    difference[n++] = (a * first - b * second) / Math.sqrt(a * a + b * b)
  }
  return { level, difference, n }
}

function reader(plane: Plane): (p: number) => number {
  if (!isRaw(plane)) return (p) => plane[p]
  const view = new DataView(plane.bytes.buffer, plane.bytes.byteOffset, plane.bytes.length)
  const { zero = 0, blank } = plane
  return (p) => {
    const stored = view.getInt16(2 * p)
    return stored === blank ? Number.NaN : stored + zero
  }
}

/** The part of the differences whose level lies in one range. */
interface Group {
  level: Float64Array
  difference: Float64Array
  middle: number
}

function groupByLevel({ level, difference, n }: Differences): Group[] {
  const sorted = level.slice(0, n).sort()
  const count = Math.min(GROUPS, Math.max(1, Math.floor(n / FEWEST)))
  const edges = Array.from({ length: count - 1 }, (_, i) => sorted[Math.floor(((i + 1) * n) / count)])
  const members: number[][] = Array.from({ length: count }, () => [])
  for (let i = 0; i < n; i++) {
    let group = 0
    for (let half = 32; half > 0; half >>= 1) if (edges[group + half - 1] <= level[i]) group += half
    members[group].push(i)
  }
  return members
    .filter((list) => list.length >= FEWEST / 2)
    .map((list) => {
      const levels = Float64Array.from(list, (i) => level[i])
      return {
        level: levels,
        difference: Float64Array.from(list, (i) => difference[i]),
        middle: robustStatistics(levels).mean,
      }
    })
}

/** Variance against level as a straight line that is negative nowhere. */
function fitModel(groups: Group[]): NoiseModel {
  let model: NoiseModel = { variance0: 1, variancePerUnit: 0 }
  for (let round = 0; round < 3; round++) {
    const at = (level: number) => Math.max(model.variance0 + model.variancePerUnit * level, 1e-30)
    // in units of the model so far: noise that changes within a group would not be Gaussian, and the clip would err
    const points = groups.map(({ level, difference, middle }) => {
      const { sigma, count } = robustStatistics(
        difference.map((d, i) => d / Math.sqrt(at(level[i]))),
        { clip: CLIP },
      )
      return { level: middle, variance: sigma ** 2 * at(middle), weight: count / (2 * at(middle) ** 2) }
    })
    model = fitVariances(points)
  }
  return model
}

function fitVariances(points: { level: number; variance: number; weight: number }[]): NoiseModel {
  let [s, sx, sy, sxx, sxy] = [0, 0, 0, 0, 0]
  for (const { level, variance, weight } of points) {
    s += weight
    sx += weight * level
    sy += weight * variance
    sxx += weight * level * level
    sxy += weight * level * variance
  }
  const determinant = s * sxx - sx * sx
  const slope = (s * sxy - sx * sy) / determinant
  const variance0 = (sy - slope * sx) / s
  const shown = determinant > 1e-12 * s * sxx && slope > 4 * Math.sqrt(s / determinant)
  if (!shown) return { variance0: sy / s, variancePerUnit: 0 }
  return variance0 < 0 ? { variance0: 0, variancePerUnit: sxy / sxx } : { variance0, variancePerUnit: slope }
}
