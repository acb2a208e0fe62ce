import type { Section } from '@nightpipe/image'
import { medianOf } from '@nightpipe/math'
import type { FrameStatistics } from './judge.js'
import { measureRows, sampledRows } from './measure.js'
import { openSource, readRows, type Source } from './source.js'

/** What lies under the signal of one amplifier: a level, or one for each row of its data. */
export interface Pedestal {
  data: Section
  level: number
  rows?: Float32Array
}

export interface ExamineArgs {
  path: string
  hdu: number
  width: number
  height: number
  data: Section
  amplifiers: { data: Section; overscan?: Section }[]
  method: 'median' | 'mean' | 'rows' | 'none'
  smooth: number
  saturation?: number
  output: string
}

export interface Examined {
  source: Source
  pedestals: Pedestal[]
  statistics: FrameStatistics
  /** Sampled rows, trimmed and above the pedestal: what pairs of frames are compared on. */
  sample: Float32Array
}

/** First look at a frame: its overscan, and what a sample of its rows tells. */
export function examineFrame(args: ExamineArgs): Examined {
  const source = openSource(args.path, args.hdu, args.output)
  const pedestals = args.amplifiers.map(({ data, overscan }) => pedestalOf(source, data, overscan, args))
  const { data, width } = args
  const columns = data.x1 - data.x0
  const rows = sampledRows(columns, data.y1 - data.y0)
  const sample = new Float32Array(rows.length * columns)
  const row = new Float32Array(width)
  let saturated = 0
  const limit = args.saturation ?? Number.POSITIVE_INFINITY
  let top = Number.NEGATIVE_INFINITY
  for (const [k, y] of rows.entries()) {
    readRows(source, data.y0 + y, 1, row)
    for (let x = 0; x < columns; x++) {
      const value = row[data.x0 + x]
      if (value > top) top = value
      if (value >= limit) saturated++
      sample[k * columns + x] = value
    }
  }
  if (args.saturation === undefined) saturated = atRail(sample, top) * sample.length
  for (const [k, y] of rows.entries()) {
    const line = sample.subarray(k * columns, (k + 1) * columns)
    subtractPedestal(line, data, data.y0 + y, pedestals, limit)
  }
  const statistics = measureRows(sample, columns, saturated / sample.length)
  return { source, pedestals, statistics, sample }
}

/** The top counts of converters of 12 to 16 bits, signed and not. */
const RAILS = [4095, 8191, 16383, 32767, 65535]

/** Without a saturation from header or profile: the fraction of samples that stand at the top count of a converter. */
function atRail(values: Float32Array, top: number): number {
  if (!RAILS.includes(top)) return 0
  let count = 0
  for (let k = 0; k < values.length; k++) if (values[k] === top) count++
  return count / values.length
}

function pedestalOf(source: Source, data: Section, overscan: Section | undefined, args: ExamineArgs): Pedestal {
  if (!overscan || args.method === 'none') return { data, level: 0 }
  const columns = overscan.x1 - overscan.x0
  const all = new Float32Array(columns * (overscan.y1 - overscan.y0))
  const row = new Float32Array(args.width)
  for (let y = overscan.y0; y < overscan.y1; y++) {
    readRows(source, y, 1, row)
    all.set(row.subarray(overscan.x0, overscan.x1), (y - overscan.y0) * columns)
  }
  if (args.method === 'mean') return { data, level: mean(all) }
  const level = medianMean(all)
  const besideData = overscan.y0 <= data.y0 && overscan.y1 >= data.y1
  if (args.method === 'median' || !besideData) return { data, level }
  return { data, level, rows: smoothRows(all, columns, data.y0 - overscan.y0, data.y1 - data.y0, args.smooth) }
}

const mean = (values: Float32Array) => values.reduce((sum, v) => sum + v, 0) / values.length

/** The mean of the values within 3 counts-or-sigma of their median: no digit is lost, as the median of integers loses it. */
function medianMean(values: Float32Array): number {
  const centre = medianOf(values)
  const deviation = medianOf(values.map((v) => Math.abs(v - centre)))
  const limit = Math.max(3, 4.5 * deviation)
  let sum = 0
  let n = 0
  for (const value of values) {
    if (!(Math.abs(value - centre) <= limit)) continue
    sum += value
    n++
  }
  return n > 0 ? sum / n : centre
}

/** Median of each row's overscan, then a running mean over `window` rows: its noise would go into every pixel. */
function smoothRows(all: Float32Array, columns: number, first: number, rows: number, window: number): Float32Array {
  const medians = Float32Array.from({ length: rows }, (_, y) =>
    medianMean(all.subarray((first + y) * columns, (first + y + 1) * columns)),
  )
  const half = window >> 1
  return medians.map((_, y) => mean(medians.subarray(Math.max(0, y - half), Math.min(rows, y + half + 1))))
}

/** In place, one row of the data section: saturated samples become NaN. */
function subtractPedestal(line: Float32Array, data: Section, y: number, pedestals: Pedestal[], limit: number): void {
  for (const { data: part, level, rows } of pedestals) {
    if (y < part.y0 || y >= part.y1) continue
    const pedestal = rows ? rows[y - part.y0] : level
    for (let x = part.x0 - data.x0; x < part.x1 - data.x0; x++)
      line[x] = line[x] >= limit ? Number.NaN : line[x] - pedestal
  }
}
