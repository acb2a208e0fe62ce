import { power } from '@nightpipe/math'

/** How data become positions: linear or logarithmic, increasing or (magnitudes) decreasing. */
export interface Scale {
  low: number
  high: number
  log: boolean
  /** Where the low end lies and where the high end, in pixels of the figure. */
  from: number
  to: number
}

export function position({ low, high, log, from, to }: Scale, value: number): number {
  const fraction = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)
  return from + fraction * (to - from)
}

/** The range of finite values, widened by a twentieth at each end; a single value gets a range of its own size. */
export function rangeOf(values: Iterable<number>, log = false): [number, number] {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const value of values) {
    if (!Number.isFinite(value) || (log && value <= 0)) continue
    if (value < low) low = value
    if (value > high) high = value
  }
  if (low > high) return log ? [1, 10] : [0, 1]
  if (log) {
    const margin = low === high ? 2 : power(high / low, 0.05)
    return [low / margin, high * margin]
  }
  const margin = low === high ? Math.abs(low) / 2 || 0.5 : (high - low) / 20
  return [low - margin, high + margin]
}

export interface Tick {
  value: number
  label: string
}

/** About `count` round values within a range: steps of 1, 2 or 5 times a power of ten, decades on a logarithmic scale. */
export function ticks({ low, high, log }: Pick<Scale, 'low' | 'high' | 'log'>, count: number): Tick[] {
  if (log && high / low >= 10) return decades(low, high, count)
  const raw = (high - low) / Math.max(1, count)
  const decade = power(10, Math.floor(Math.log10(raw)))
  const step = decade * ([1, 2, 5, 10].find((m) => m * decade >= raw * 0.999) ?? 10)
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  const out: Tick[] = []
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    const value = k * step
    out.push({ value, label: numberLabel(value, digits) })
  }
  return out
}

function decades(low: number, high: number, count: number): Tick[] {
  const first = Math.ceil(Math.log10(low) - 1e-9)
  const last = Math.floor(Math.log10(high) + 1e-9)
  const step = Math.max(1, Math.ceil((last - first + 1) / count))
  const out: Tick[] = []
  for (let e = first; e <= last; e += step) {
    const value = power(10, e)
    out.push({ value, label: e >= -3 && e <= 4 ? String(Number(value.toPrecision(1))) : `1e${e}` })
  }
  return out
}

function numberLabel(value: number, digits: number): string {
  if (Math.abs(value) >= 1e6 || (value !== 0 && digits > 5))
    return value
      .toExponential(2)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e')
  return (value === 0 ? 0 : value).toFixed(digits)
}

const SECONDS = [1, 5, 15, 60, 300, 900, 3600, 10800, 21600, 43200].map((s) => s / 86400)
const DAYS = [1, 2, 5, 10, 20, 50, 100, 365.25, 730.5, 1826.25, 3652.5]
/** MJD of 1970-01-01. */
const UNIX_MJD = 40587

/** Ticks of a time axis in MJD, written as dates or as times of day, whichever the range asks for. */
export function timeTicks(low: number, high: number, count: number): Tick[] {
  const step = [...SECONDS, ...DAYS].find((s) => (high - low) / s <= count) ?? 3652.5
  const out: Tick[] = []
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
    const text = new Date(Math.round((value - UNIX_MJD) * 86400) * 1000).toISOString()
    out.push({ value, label: step >= 1 ? text.slice(0, 10) : text.slice(11, step < 1 / 1440 ? 19 : 16) })
  }
  return out
}
