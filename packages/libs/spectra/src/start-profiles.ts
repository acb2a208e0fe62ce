import { median } from '@nightpipe/math'
import type { FlatImage, ProfileGrid } from './light-of-trace.js'
import { type Traces, traceY } from './traces.js'

/** Columns from one to the next that are looked at. */
const STEP = 12

/** Light, and which pixels are not good. */
export type Light = Pick<FlatImage, 'width' | 'height' | 'rest'> & { bad: ArrayLike<number> }

/** Columns of all lit traces, here and there. */
function eachColumn<T extends Light>(
  images: readonly T[],
  lit: readonly (readonly number[])[],
  traces: Traces,
  use: (image: T, x: number, y: number) => void,
): void {
  images.forEach((image, k) => {
    for (const fibre of lit[k]!) {
      for (let order = 0; order < traces.orders; order++) {
        const at = order * traces.fibres + fibre
        for (let x = traces.first[at]!; x <= traces.last[at]!; x += STEP) use(image, x, traceY(traces, order, fibre, x))
      }
    }
  })
}

/** The value of a column at a height between rows; NaN beside the detector and where a pixel is bad. */
export function lightAt(image: Light, x: number, y: number): number {
  const row = Math.floor(y)
  if (row < 0 || row + 1 >= image.height) return Number.NaN
  const p = row * image.width + x
  if (image.bad[p] !== 0 || image.bad[p + image.width] !== 0) return Number.NaN
  return (1 - y + row) * image.rest[p]! + (y - row) * image.rest[p + image.width]!
}

/** How far the image has moved across the orders since the traces were made: where they meet the most light. */
export function startShift(
  images: readonly Light[],
  lit: readonly (readonly number[])[],
  traces: Traces,
  search: number,
): number {
  const most = Math.min(search, 0.45 * closestTraces(lit, traces))
  const steps = Math.floor(most / 0.5)
  if (steps < 1) return 0
  const sums = new Float64Array(2 * steps + 1)
  const line = new Float64Array(2 * steps + 1)
  eachColumn(images, lit, traces, (image, x, y) => {
    let top = 0
    for (let k = -steps; k <= steps; k++) {
      line[k + steps] = lightAt(image, x, y + 0.5 * k)
      top = Math.max(top, Math.abs(line[k + steps]!))
    }
    // every column counts alike: a bright line must not outvote the orders
    if (Number.isFinite(top) && top > 0) for (let k = 0; k < line.length; k++) sums[k]! += (line[k]! || 0) / top
  })
  let best = 0
  for (let k = 1; k < sums.length; k++) if (sums[k]! > sums[best]!) best = k
  if (best === 0 || best === sums.length - 1) return 0.5 * (best - steps)
  const [a, b, c] = [sums[best - 1]!, sums[best]!, sums[best + 1]!]
  return 0.5 * (best - steps + (a - c) / (2 * (a - 2 * b + c)))
}

/** The distance of the two lit traces that are closest to one another, in the middle column. */
export function closestTraces(lit: readonly (readonly number[])[], traces: Traces): number {
  let least = Number.POSITIVE_INFINITY
  for (const fibres of lit) {
    const rows = fibres.flatMap((fibre) =>
      Array.from({ length: traces.orders }, (_, order) => traceY(traces, order, fibre, traces.width >> 1)),
    )
    rows.sort((a, b) => a - b)
    for (let k = 1; k < rows.length; k++) if (rows[k]! > rows[k - 1]!) least = Math.min(least, rows[k]! - rows[k - 1]!)
  }
  return least
}

/** How wide orders are, and the Gaussian that stands for their profiles at first. */
export function startProfiles(
  images: readonly FlatImage[],
  lit: readonly (readonly number[])[],
  traces: Traces,
  moved: number,
): { fwhm: number; sigma(grid: ProfileGrid): { profile: Float32Array; slope: Float32Array } } {
  const reach = Math.max(3, Math.ceil(traces.rows / 2))
  const widths: number[] = []
  eachColumn(images, lit, traces, (image, x, y) => {
    const width = widthOf(image, x, y + moved, reach)
    if (width !== undefined) widths.push(width)
  })
  // a quarter of a row of the square is the pixel's; orders that are lit flatly are wider than their sigma says
  const fwhm = widths.length ? median(widths) : traces.rows / 2
  return { fwhm, sigma: (grid) => gaussian(grid, fwhm / 2.3548) }
}

/** Full width at half maximum of a column about a height. */
function widthOf(image: FlatImage, x: number, y: number, reach: number): number | undefined {
  const step = 0.25
  const n = Math.round(reach / step)
  const values: number[] = []
  for (let k = -n; k <= n; k++) values.push(lightAt(image, x, y + k * step))
  const base = Math.min(...values)
  let top = n
  for (let k = 0; k < values.length; k++) if (values[k]! > values[top]!) top = k
  const peak = values[top]! - base
  if (!(peak > 8 * Math.sqrt(image.dark + image.perLight * Math.max(0, values[top]!)))) return undefined
  const edge = (way: 1 | -1) => {
    for (let k = top; k >= 0 && k < values.length; k += way)
      if (values[k]! - base < peak / 2) return Math.abs(k - top) * step
    return Number.NaN
  }
  const width = edge(1) + edge(-1) - step
  return Number.isFinite(width) ? width : undefined
}

/** Of sum 1 in rows, with its slope per row. */
function gaussian({ samples, perRow }: ProfileGrid, sigma: number): { profile: Float32Array; slope: Float32Array } {
  const middle = (samples - 1) / 2
  const profile = Float32Array.from({ length: samples }, (_, k) => {
    const t = (k - middle) / perRow / sigma
    return Math.exp(-0.5 * t * t) / (sigma * Math.sqrt(2 * Math.PI))
  })
  const slope = profile.map((value, k) => (-value * (k - middle)) / perRow / sigma ** 2)
  return { profile, slope }
}
