/** One reading of an exposure meter: start (MJD, UTC), duration (s), counts in one fibre. */
export interface MeterReading {
  mjd: number
  seconds: number
  counts: number
}

/** MJD (UTC), and its part of the light. */
export interface Instant {
  mjd: number
  part: number
}

/** When an exposure took place, as its light says. */
export interface MidExposure {
  /** MJD, UTC */
  mjd: number
  /** the middle of start and end by the clock, for comparison */
  clock: number
  /** what changes in the course of the exposure is the mean of these instants by their parts, as all its light would have it (to the third order in time) */
  instants: Instant[]
  /** readings that counted; 0: the clock's middle was taken */
  readings: number
  /** why the clock's middle was taken */
  note?: string
}

/**
 * The flux-weighted middle of an exposure in one fibre: Σ c (t + τ/2) / Σ c, c being the counts above the background. That
 * is the level of readings outside the exposure, or where there are none `background` (counts a second); readings that straddle start or end count by their part inside.
 */
export function midExposure(
  start: number,
  seconds: number,
  readings: readonly MeterReading[] = [],
  background = 0,
): MidExposure {
  const end = start + seconds / 86400
  const clock = (start + end) / 2
  const good = readings.filter(({ mjd, seconds, counts }) => mjd > 0 && seconds > 0 && Number.isFinite(counts))
  const dark = levelOutside(good, start, end) ?? background
  const moments = new Float64Array(4)
  let count = 0
  for (const reading of good) {
    const from = Math.max(reading.mjd, start)
    const to = Math.min(reading.mjd + reading.seconds / 86400, end)
    if (!(to > from)) continue
    const part = ((to - from) * 86400) / reading.seconds
    const light = (reading.counts - dark * reading.seconds) * part
    addEven(moments, light, from - clock, to - clock) // an MJD has no digits to spare
    count++
  }
  const note = noteOf(readings, good, count, moments[0]!)
  const mjd = note === undefined ? clock + moments[1]! / moments[0]! : clock
  if (note !== undefined || !(mjd >= start && mjd <= end)) {
    const even = new Float64Array(4)
    addEven(even, 1, start - clock, end - clock)
    const told = note ?? 'its counts put the middle outside the exposure'
    return { mjd: clock, clock, instants: instantsOf(even, clock), readings: 0, note: told }
  }
  return { mjd, clock, instants: instantsOf(moments, clock), readings: count }
}

/** Adds light that comes evenly between two times to Σ c t^k, k = 0 to 3. */
function addEven(moments: Float64Array, light: number, from: number, to: number): void {
  const [middle, variance] = [(from + to) / 2, (to - from) ** 2 / 12]
  moments[0]! += light
  moments[1]! += light * middle
  moments[2]! += light * (middle * middle + variance)
  moments[3]! += light * middle * (middle * middle + 3 * variance)
}

/** The two nodes of the Gauss quadrature whose weight is the light; its middle alone where the light has no width. */
function instantsOf([light, first, second, third]: Float64Array, zero: number): Instant[] {
  const middle = first! / light!
  const variance = second! / light! - middle * middle
  if (!(variance > 0)) return [{ mjd: zero + middle, part: 1 }]
  const skew = third! / light! - middle * (middle * middle + 3 * variance)
  const half = Math.sqrt(variance + (skew / (2 * variance)) ** 2)
  return [-half, half].map((side) => {
    const off = skew / (2 * variance) + side
    return { mjd: zero + middle + off, part: variance / (variance + off * off) }
  })
}

/** Clocks of meter and shutter agree to this, d. */
const HALF_SECOND = 0.5 / 86400

/** Counts a second of readings wholly outside the exposure; undefined where there are none. */
function levelOutside(readings: readonly MeterReading[], start: number, end: number): number | undefined {
  const outside = readings.filter(
    ({ mjd, seconds }) => mjd > end - HALF_SECOND || mjd + seconds / 86400 < start + HALF_SECOND,
  )
  const time = outside.reduce((sum, { seconds }) => sum + seconds, 0)
  return time > 0 ? outside.reduce((sum, { counts }) => sum + counts, 0) / time : undefined
}

function noteOf(all: readonly MeterReading[], good: readonly MeterReading[], inside: number, sum: number) {
  if (all.length === 0) return 'no exposure meter'
  if (good.length === 0) return 'the exposure meter has no valid reading'
  if (inside === 0) return 'no reading of the exposure meter falls into the exposure'
  return sum > 0 ? undefined : 'the exposure meter saw no light'
}
