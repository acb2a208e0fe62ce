import { DataError, type Job } from '@nightpipe/command'
import { linearityCard } from '@nightpipe/config'
import { medianOf } from '@nightpipe/math'
import { type Combined, HISTOGRAM_BINS } from './combine-rows.js'
import type { Detector } from './detector.js'
import type { MasterTools, Used } from './make-master.js'
import type { MasterFacts } from './master-header.js'
import type { MasterJob } from './plan.js'
import type { Measured } from './transfer.js'

/** What is known of a master before its pixels are. */
export function factsOf(
  job: Job<MasterJob>,
  used: readonly Used[],
  { readNoiseAdu, gain, measured }: Detector,
  { config }: MasterTools,
): MasterFacts {
  const { type } = job.params.group
  const first = used[0].frame
  const seconds = used.map(({ frame }) => frame.depthSeconds ?? frame.facts.exposureSeconds ?? 0)
  const scaled = type === 'dark' && config.dark.scale
  const known = gain.every((g) => g !== undefined)
  const gains = measured.gain ?? (known ? gain.map((g) => ({ value: g as number, error: Number.NaN })) : undefined)
  const noises = measured.readNoiseAdu ?? readNoiseAdu.map((value) => ({ value, error: Number.NaN }))
  const electrons = noises.map(({ value, error }, k): Measured => {
    const g = gains?.[k] ?? { value: Number.NaN, error: Number.NaN }
    return { value: value * g.value, error: value * g.value * Math.hypot(error / value, (g.error || 0) / g.value) }
  })
  // the mean of n frames has the photons of all
  const lamps = type === 'lamp' ? used.length : 1
  const times = (one: Measured | undefined, factor: number) =>
    one && { value: one.value * factor, error: one.error * factor }
  return {
    ...{ type, first, frames: used.length, unit: type === 'flat' ? '' : scaled ? 'adu/s' : 'adu' },
    exposure: scaled ? 1 : type === 'dark' ? medianOf(seconds) : type === 'bias' ? 0 : undefined,
    depth: type === 'bias' ? 0 : seconds.reduce((sum, s) => sum + s, 0),
    ...{ gains, gain: times(gains && meanOf(gains), lamps), readNoisesAdu: measured.readNoiseAdu },
    ...{
      readNoise: times(readable(meanOf(electrons)), Math.sqrt(lamps)),
      readNoiseAdu: measured.readNoiseAdu && meanOf(measured.readNoiseAdu),
    },
    linearity: linearityCard(first.geometry.amplifiers.map(({ linearity }) => linearity)),
    ...(type === 'lamp' && { saturated: saturatedIn(used) }),
    ...{ mean: 0, median: 0, rms: 0, rejected: 0, hot: 0, bad: 0, low: 0, noData: 0 },
  }
}

/** Saturated pixels of some frames together, as a sample of their rows tells. */
function saturatedIn(used: readonly Used[]): number {
  const { width, height } = used[0].frame.geometry
  return Math.round(used.reduce((sum, { look }) => sum + look.statistics.saturatedFraction * width * height, 0))
}

const readable = (value: Measured) => (value.value > 0 ? value : undefined)

function meanOf(values: readonly Measured[]): Measured {
  const n = values.length
  return {
    value: values.reduce((sum, { value }) => sum + value, 0) / n,
    error: Math.sqrt(values.reduce((sum, { error }) => sum + error ** 2, 0)) / n,
  }
}

/** What the pixels of a master tell. */
export type Tally = Pick<MasterFacts, 'mean' | 'median' | 'rms' | 'rejected' | 'hot' | 'bad' | 'low' | 'noData'>

/** Statistics of the whole from those of its parts, which come in a fixed order. */
export function summarise(parts: readonly Combined[], bounds: { low: number; high: number }, pixels: number): Tally {
  const [good, total, squares] = [0, 1, 2].map((k) => parts.reduce((sum, part) => sum + part.moments[k], 0))
  if (good === 0) {
    throw new DataError(`none of the ${pixels} pixels of the master is good`, 'look at the frames, or relax [mask]')
  }
  const histogram = new Float64Array(HISTOGRAM_BINS)
  for (const part of parts) for (let b = 0; b < HISTOGRAM_BINS; b++) histogram[b] += part.histogram[b]
  const count = (of: (part: Combined) => number) => parts.reduce((sum, part) => sum + of(part), 0)
  return {
    mean: (bounds.low + bounds.high) / 2 + total / good,
    median: medianOfHistogram(histogram, good, bounds),
    rms: Math.sqrt(Math.max(0, squares / good - (total / good) ** 2)),
    rejected: count((part) => part.rejected),
    hot: count(({ counts }) => counts.hot),
    bad: count(({ counts }) => counts.bad),
    low: count(({ counts }) => counts.low),
    noData: count(({ counts }) => counts.noData),
  }
}

/** The median of `count` values in even bins, as if those of one bin were spread evenly over it. */
export function medianOfHistogram(
  histogram: ArrayLike<number>,
  count: number,
  { low, high }: { low: number; high: number },
): number {
  let below = 0
  for (let b = 0; b < histogram.length; b++) {
    if (below + histogram[b] >= count / 2) {
      return low + ((high - low) * (b + (count / 2 - below) / histogram[b])) / histogram.length
    }
    below += histogram[b]
  }
  return high
}
