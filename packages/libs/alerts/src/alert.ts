/** Who speaks: what the rules for bursts, retractions and positions hang on. */
export type Family = 'svom' | 'gw' | 'swift' | 'fermi' | 'icecube' | 'other'

export interface Param {
  name: string
  /** of the Group that it stands in; '' for none */
  group: string
  /** as written; '' where there is none */
  value: string
  unit?: string
  ucd?: string
}

/** A position on the sky, with the radius that holds the source; undefined when the notice does not know it. */
export interface AlertPosition {
  ra: number
  dec: number
  errorDeg?: number
  /** ICRS, or FK5 where the notice says so (the same to 0.02 arcsec) */
  frame: string
}

/** A VOEvent, read: what a telescope wants to know of it. */
export interface Alert {
  ivorn: string
  role: 'observation' | 'prediction' | 'utility' | 'test'
  version: string
  family: Family
  /** what it is, as its sender says: `eclairs-wakeup`, `150`, … */
  kind: string
  /** the burst that it is about; of SVOM: sb + YYMMDD + two digits */
  burstId?: string
  obsId?: string
  /** what its observatory calls it: a burst, a trigger number, a GraceID */
  eventId?: string
  instrument?: string
  packetType?: string
  serial?: number
  level?: string
  /** when it was sent, and when what it is about began; ISO, UTC, and the latter as MJD too */
  sent?: string
  t0?: string
  t0Mjd?: number
  position?: AlertPosition
  citations: { ivorn: string; cite: string }[]
  /** it takes an earlier one back */
  retracts: boolean
  /** it says that a source of its catalogue was seen, not a burst */
  catalogued: boolean
  params: Param[]
  description?: string
  probability?: number
}

/** The first parameter of that name, whatever its group and the case of its letters; undefined where it has no value. */
export function paramOf({ params }: { params: readonly Param[] }, name: string): string | undefined {
  const wanted = name.toLowerCase()
  return params.find((param) => param.name.toLowerCase() === wanted && param.value !== '')?.value
}

/** The same as a number; undefined where it is none. */
export function numberParam(alert: { params: readonly Param[] }, name: string): number | undefined {
  const value = Number(paramOf(alert, name) ?? Number.NaN)
  return Number.isFinite(value) ? value : undefined
}
