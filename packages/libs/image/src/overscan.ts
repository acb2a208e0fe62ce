import { fitPolynomial, MAD_TO_SIGMA, median } from '@nightpipe/math'
import type { Section } from './section.js'
import { type SmoothLevels, smoothedWell } from './smooth-levels.js'
import { splineAt, splineCurvature } from './spline.js'

export interface OverscanOptions {
  /**
   * `median`, `mean`: one level for the amplifier. `rows`, `columns`: one for each row (or column) of the data, from the
   * overscan beside it (or above or below it), smoothed.
   */
  method: 'median' | 'mean' | 'rows' | 'columns' | 'none'
  /** How the levels of rows or columns are smoothed: the noise of 32 columns would go into every pixel of the row. */
  fit: 'none' | 'smooth' | 'polynomial' | 'spline'
  /** Rows over which `smooth` averages at most (fewer where the level changes faster), and between the knots of `spline`. */
  window: number
  /** Degree of `polynomial`. */
  order: number
}

/** The level under the signal of an amplifier, in the unit of the frame. */
export interface OverscanLevel {
  method: OverscanOptions['method']
  /** The level as a whole, and its one-sigma error. */
  level: number
  error: number
  /** Pixel-to-pixel noise of the overscan: read noise and rounding. */
  noise: number
  /** A level for each row of the data section, or for each column, and its error. */
  rows?: Float32Array
  columns?: Float32Array
  lineError?: number
}

/**
 * The overscan of one amplifier. Values further than 4.5 scaled MADs from the median are left out (cosmic rays, and the
 * charge that trails behind saturated rows); the median is refined to the mean of what is left, so that integers lose
 * no digit. Rows or columns need an overscan that reaches along the whole data section: otherwise one level is taken.
 */
export function overscanLevel(
  raw: Float32Array,
  width: number,
  overscan: Section,
  data: Section,
  { method, fit, window, order }: OverscanOptions,
): OverscanLevel {
  const all = sectionValues(raw, width, overscan)
  const whole = method === 'mean' ? plainMean(all) : clippedMean(all)
  const result: OverscanLevel = { method, ...whole }
  const byRows = method === 'rows' && overscan.y0 <= data.y0 && overscan.y1 >= data.y1
  const byColumns = method === 'columns' && overscan.x0 <= data.x0 && overscan.x1 >= data.x1
  if (!byRows && !byColumns) return { ...result, method: method === 'mean' ? 'mean' : 'median' }
  const [from, to] = byRows ? [data.y0, data.y1] : [data.x0, data.x1]
  const { lines, noise } = lineLevels(raw, width, overscan, byRows, from, to, whole)
  const many = byRows ? overscan.x1 - overscan.x0 : overscan.y1 - overscan.y0
  const { rows: levels, window: shared } = smoothLines(lines, noise / Math.sqrt(many), { fit, window, order })
  const lineError = noise / Math.sqrt(many * Math.min(shared, lines.length))
  return { ...result, noise, lineError, ...(byRows ? { rows: levels } : { columns: levels }) }
}

function sectionValues(raw: Float32Array, width: number, { x0, y0, x1, y1 }: Section): Float64Array {
  const values = new Float64Array((x1 - x0) * (y1 - y0))
  let n = 0
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const value = raw[y * width + x]
      if (Number.isFinite(value)) values[n++] = value
    }
  }
  return values.subarray(0, n)
}

/**
 * The level of each line of the overscan, and the noise within lines: a drift of the level from line to line is no noise.
 * Values are clipped about the level of the line before; a line that has moved away from it is judged on its own.
 */
function lineLevels(
  raw: Float32Array,
  width: number,
  overscan: Section,
  byRows: boolean,
  from: number,
  to: number,
  whole: Level,
): { lines: Float64Array; noise: number } {
  const lines = new Float64Array(to - from)
  const limit = Math.max(1.5, 4.5 * whole.noise)
  const [along, first, last] = byRows ? [1, overscan.x0, overscan.x1] : [width, overscan.y0, overscan.y1]
  let centre = whole.level
  let variance = 0
  for (let k = from; k < to; k++) {
    const start = byRows ? k * width : k
    let [n, sum, squares] = [0, 0, 0]
    for (let i = first; i < last; i++) {
      const d = raw[start + i * along] - centre
      if (!(d <= limit && d >= -limit)) continue
      n++
      sum += d
      squares += d * d
    }
    if (2 * n > last - first) {
      lines[k - from] = centre + sum / n
      variance += (squares - (sum * sum) / n) / Math.max(1, n - 1)
    } else {
      const own = byRows ? { ...overscan, y0: k, y1: k + 1 } : { ...overscan, x0: k, x1: k + 1 }
      const { level, noise } = clippedMean(sectionValues(raw, width, own))
      lines[k - from] = level
      variance += noise * noise
    }
    if (!Number.isNaN(lines[k - from])) centre = lines[k - from]
  }
  fillGaps(lines, whole.level)
  return { lines, noise: Math.sqrt(variance / lines.length) }
}

interface Level {
  level: number
  error: number
  noise: number
}

const spread = (values: Float64Array, level: number) => {
  let squares = 0
  for (const value of values) squares += (value - level) ** 2
  return Math.sqrt(squares / Math.max(1, values.length - 1))
}

function plainMean(values: Float64Array): Level {
  let total = 0
  for (const value of values) total += value
  const level = total / values.length
  const noise = spread(values, level)
  return { level, noise, error: noise / Math.sqrt(values.length) }
}

/** Values whose median and deviation tell enough to clip by. */
const SAMPLE = 16384

/** The mean of what lies within 4.5 scaled MADs of the median; integers that hardly vary are given a count of room. */
function clippedMean(values: Float64Array): Level {
  const step = Math.max(1, Math.floor(values.length / SAMPLE)) | 1 // odd: not every time the same column
  const scratch = Float64Array.from({ length: Math.ceil(values.length / step) }, (_, k) => values[k * step])
  const centre = median(scratch)
  for (let k = 0; k < scratch.length; k++) scratch[k] = Math.abs(scratch[k] - centre)
  const limit = Math.max(1.5, 4.5 * MAD_TO_SIGMA * median(scratch))
  let [n, sum, squares] = [0, 0, 0]
  for (let k = 0; k < values.length; k++) {
    const d = values[k] - centre
    if (!(d <= limit && d >= -limit)) continue
    n++
    sum += d
    squares += d * d
  }
  if (n === 0) return { level: centre, noise: 0, error: 0 }
  const noise = Math.sqrt(Math.max(0, squares - (sum * sum) / n) / Math.max(1, n - 1))
  return { level: centre + sum / n, noise, error: noise / Math.sqrt(n) }
}

/** Lines without any value take that of the line before. */
function fillGaps(lines: Float64Array, otherwise: number): void {
  for (let k = 0; k < lines.length; k++) if (Number.isNaN(lines[k])) lines[k] = k > 0 ? lines[k - 1] : otherwise
}

/** Levels smoothed as asked, and how many lines share in each; `noise` is that of a line. */
function smoothLines(
  lines: Float64Array,
  noise: number,
  { fit, window, order }: Pick<OverscanOptions, 'fit' | 'window' | 'order'>,
): SmoothLevels {
  const n = lines.length
  if (fit === 'none') return { rows: Float32Array.from(lines), window: 1 }
  if (fit === 'smooth') return smoothedWell(lines, window, noise)
  if (fit === 'polynomial') {
    const places = Float64Array.from(lines, (_, k) => k)
    const polynomial = fitPolynomial(places, lines, Math.min(order, n - 1), { clip: 4 })
    return { rows: Float32Array.from(places, (k) => polynomial.at(k)), window: n / (order + 1) }
  }
  // A natural spline through the medians of pieces of `window` lines.
  const pieces = Math.max(1, Math.round(n / window))
  const knots = Float64Array.from(
    { length: pieces },
    (_, i) => clippedMean(lines.slice(Math.floor((i * n) / pieces), Math.floor(((i + 1) * n) / pieces))).level,
  )
  const curvature = new Float64Array(pieces)
  splineCurvature(knots, curvature, new Float64Array(pieces))
  const rows = Float32Array.from(lines, (_, k) => splineAt(knots, curvature, ((k + 0.5) * pieces) / n - 0.5))
  return { rows, window }
}
