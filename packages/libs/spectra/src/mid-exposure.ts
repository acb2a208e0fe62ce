/** One reading of an exposure meter: start (MJD, UTC), duration (s), counts in one fibre. */
export interface MeterReading {
  mjd: number
  seconds: number
  counts: number
}

/** When an exposure took place, as its light says. */
export interface MidExposure {
  /** MJD, UTC */
  mjd: number
  /** the middle of start and end by the clock, for comparison */
  clock: number
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
  let [sum, moment, count] = [0, 0, 0]
  for (const reading of good) {
    const from = Math.max(reading.mjd, start)
    const to = Math.min(reading.mjd + reading.seconds / 86400, end)
    if (!(to > from)) continue
    const part = ((to - from) * 86400) / reading.seconds
    const light = (reading.counts - dark * reading.seconds) * part
    sum += light
    moment += light * ((from + to) / 2 - start) // from the start: an MJD has no digits to spare
    count++
  }
  const note = noteOf(readings, good, count, sum)
  const mjd = note === undefined ? start + moment / sum : clock
  if (note !== undefined || !(mjd >= start && mjd <= end)) {
    return { mjd: clock, clock, readings: 0, note: note ?? 'its counts put the middle outside the exposure' }
  }
  return { mjd, clock, readings: count }
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
