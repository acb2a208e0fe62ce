/** One candidate in one image: a magnitude, or an upper limit, never both. */
export interface Observation {
  candidate: string
  filter: string
  /** UTC */
  startMjd: number
  endMjd?: number
  exposureSeconds?: number
  detected: boolean
  mag?: number
  magError?: number
  snr?: number
  /** magnitude that would have been seen; only where nothing was */
  upperLimit?: number
  imageId?: string
  imageUrl?: string
}

/** A new source in a field. */
export interface Candidate {
  /** as J032655_463900 */
  name: string
  ra: number
  dec: number
  /** arcsec */
  positionError?: number
  /** in a catalogue of others */
  sourceId?: string
}

/** What is known of a burst and its observation; what is not is absent. */
export interface Burst {
  burstId?: string
  obsId?: string
  /** identity of the telescope's answer: 20200729_123232 */
  telescopeId?: string
  observationId?: string
  /** UTC */
  triggerMjd?: number
  instrument: string
  /** configured filters: tables have a row for each */
  filters: readonly string[]
}

/** Everything that the products of one observation are made from. */
export interface Results {
  burst: Burst
  candidates: readonly Candidate[]
  /** sorted by time */
  observations: readonly Observation[]
}

const DAY = 86400

/** Seconds since the trigger; undefined where it is not known. */
export const sinceTrigger = ({ triggerMjd }: Burst, mjd: number | undefined) =>
  triggerMjd === undefined || mjd === undefined ? undefined : (mjd - triggerMjd) * DAY

/** Middle of the exposure, seconds since the trigger. */
export const middleOf = (burst: Burst, { startMjd, endMjd }: Observation) =>
  sinceTrigger(burst, endMjd === undefined ? startMjd : (startMjd + endMjd) / 2)

/** Unique in the store: the burst, or the observation, and the candidate. */
export const objectId = ({ burstId, observationId }: Burst, name: string) =>
  [burstId ?? observationId, name].filter((part) => part !== undefined).join('_')

/** J and the position, in whole seconds, cut off, as names of sources are: J032655_463900; south of the equator with a minus. */
export function candidateName(ra: number, dec: number): string {
  const digits = (value: number) => {
    // cut, not rounded; a billionth saves whole seconds from their last bit
    const whole = Math.floor(value * 3600 + 1e-6)
    return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
      .map((n) => String(n).padStart(2, '0'))
      .join('')
  }
  const hours = ((((ra % 360) + 360) % 360) / 15) % 24
  return `J${digits(hours)}${dec < 0 ? '-' : '_'}${digits(Math.abs(dec))}`
}
