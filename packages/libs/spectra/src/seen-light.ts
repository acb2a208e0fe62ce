import { median } from '@nightpipe/math'
import { closestTraces, type Light, lightAt } from './start-profiles.js'
import { type Traces, traceY } from './traces.js'

/** The light near a trace. */
export interface SeenLight {
  /** of its columns those in which there is some, as part; NaN where none of its columns lies on the detector */
  lit: number
  /** rows from the trace to the brightest row near it (median of the columns that have light) */
  offset: number
  /** above the darkest row near it, in the unit of the frame (median) */
  height: number
}

/** Columns of a trace that are looked at, and those on either side that are averaged. */
const COLUMNS = 15
const BESIDE = 3
/** Rows on either side of a trace that are looked at, at most. */
const REACH = 8
/** Light is what stands this far above the noise. */
const SURE = 8

/** How far from a trace light is looked for: not so far that it is a neighbour's. */
export function reachOfLook(lit: readonly (readonly number[])[], traces: Traces): number {
  return Math.max(2, Math.min(REACH, Math.floor(0.45 * closestTraces(lit, traces))))
}

type NoisyLight = Light & { dark: number; perLight: number }

/** What a few columns side by side must have above the darkest row near them to be light, where there is hardly any. */
export const faintestLight = ({ dark, perLight }: NoisyLight, level = 0): number =>
  SURE * Math.sqrt((dark + perLight * Math.max(0, level)) / (2 * BESIDE + 1))

/** Looks for light along a line of the frame, `y` of a column. */
export function lightAlong(image: NoisyLight, y: (x: number) => number, reach: number): SeenLight {
  const offsets: number[] = []
  const heights: number[] = []
  const values = new Float64Array(2 * reach + 1)
  let looked = 0
  for (let k = 0; k < COLUMNS; k++) {
    const x = Math.round(((k + 0.5) * image.width) / COLUMNS)
    if (!(y(x) >= reach && y(x) < image.height - reach - 1)) continue
    looked++
    for (let r = -reach; r <= reach; r++) values[r + reach] = meanOfColumns(image, y, x, r)
    const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY)
    const top = values.reduce((best, value, at) => (value > values[best]! ? at : best), 0)
    const height = values[top]! - low
    if (!(height > faintestLight(image, values[top]))) continue
    offsets.push(top - reach)
    heights.push(height)
  }
  const typical = (list: number[]) => (list.length > 0 ? median(list) : Number.NaN)
  return { lit: looked > 0 ? offsets.length / looked : Number.NaN, offset: typical(offsets), height: typical(heights) }
}

/** A few columns side by side, each at so many rows from the line; NaN where none is good. */
function meanOfColumns(image: Light, y: (x: number) => number, x: number, row: number): number {
  let [sum, n] = [0, 0]
  for (let column = x - BESIDE; column <= x + BESIDE; column++) {
    const value = column >= 0 && column < image.width ? lightAt(image, column, y(column) + row) : Number.NaN
    if (Number.isNaN(value)) continue
    sum += value
    n++
  }
  return n > 0 ? sum / n : Number.NaN
}

/** The same along a trace. */
export const lightOnTrace = (
  image: NoisyLight,
  traces: Traces,
  order: number,
  fibre: number,
  moved: number,
  reach: number,
): SeenLight => lightAlong(image, (x) => traceY(traces, order, fibre, x) + moved, reach)
