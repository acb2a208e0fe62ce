import { parseDate } from '@nightpipe/sky'
import { type Alert, type AlertPosition, paramOf } from './alert.js'

/** What is known of a burst after all its notices so far. Plain data: it is kept as JSON. */
export interface Trigger {
  burstId: string
  obsId?: string
  status: 'active' | 'retracted'
  /** why it is not worth a telescope (any more) */
  reason?: string
  t0?: string
  t0Mjd?: number
  position?: AlertPosition & { source: string }
  /** The last notice that told each of these. */
  facts: Record<string, string>
  /** The notices, in the order in which they came. */
  history: { ivorn: string; kind: string; received: string }[]
}

/** Why an alert makes no trigger; undefined when it does. */
export function noTrigger(alert: Alert, { acceptTests = false, known = false } = {}): string | undefined {
  if (alert.role === 'utility' || alert.role === 'prediction') return `its role is ${alert.role}`
  if (alert.role === 'test' && !acceptTests) return 'its role is test (--accept-test takes it)'
  if (!alert.burstId) return 'it names no burst'
  if (alert.retracts && !known) return `it retracts ${alert.burstId}, of which nothing was known`
  return undefined
}

/**
 * A trigger with one more notice. The position is that of the smallest error, the time the earliest; slewing tells neither; a
 * retraction or a known source of a catalogue switches it off. A notice that is in its history changes nothing.
 */
export function mergeAlert(before: Trigger | undefined, alert: Alert, received: string): Trigger {
  const known: Trigger = before ?? { burstId: alert.burstId!, status: 'active', facts: {}, history: [] }
  const identity = (ivorn: string) => ivorn.replace(/^ivo:\/\/[^/#]*/i, (authority) => authority.toLowerCase())
  if (known.history.some(({ ivorn }) => identity(ivorn) === identity(alert.ivorn))) return known
  const history = [...known.history, { ivorn: alert.ivorn, kind: alert.kind, received }]
  const merged: Trigger = { ...known, obsId: alert.obsId ?? known.obsId, history }
  if (alert.retracts) return { ...merged, status: 'retracted', reason: alert.description ?? 'retracted by its sender' }
  const facts = { ...known.facts, ...factsOf(alert) }
  if (/slewing/i.test(alert.kind)) return { ...merged, facts }
  const off = alert.catalogued ? `a source of a catalogue: ${paramOf(alert, 'Source_Name') ?? 'unnamed'}` : undefined
  return {
    ...merged,
    ...{ facts, position: better(known.position, alert), ...earlier(known, alert) },
    ...(off && known.status === 'active' ? { status: 'retracted' as const, reason: off } : {}),
  }
}

function better(known: Trigger['position'], { position, kind }: Alert): Trigger['position'] {
  if (!position) return known
  const radius = ({ errorDeg }: AlertPosition) => (errorDeg !== undefined && errorDeg > 0 ? errorDeg : 180)
  return known && radius(known) <= radius(position) ? known : { ...position, source: kind }
}

function earlier(known: Trigger, { t0, t0Mjd }: Alert): Pick<Trigger, 't0' | 't0Mjd'> {
  const first = known.t0Mjd !== undefined && (t0Mjd === undefined || known.t0Mjd <= t0Mjd)
  return first ? { t0: known.t0, t0Mjd: known.t0Mjd } : { t0, t0Mjd }
}

/** Facts of a trigger file and the parameters that tell them. */
const PARAMS: Readonly<Record<string, string>> = {
  window_start: 'Time_Window_Start',
  window_end: 'Time_Window_End',
  timescale_s: 'Timescale',
  gal_lon: 'Galactic_Lon',
  gal_lat: 'Galactic_Lat',
  moon_angle: 'Moon_Angle',
  sun_angle: 'Sun_Angle',
  snr: 'SNR',
  energy_low_kev: 'Lower_Energy_Bound',
  energy_high_kev: 'Upper_Energy_Bound',
  trigger_type: 'Trigger_Type',
  mean_flux: 'Mean_Flux',
  flux_error: 'Flux_Error',
  slew_status: 'Slew_Status',
  attitude_ra: 'Attitude_Ra',
  attitude_dec: 'Attitude_Dec',
  attitude_roll: 'Attitude_Roll',
}

function factsOf(alert: Alert): Record<string, string> {
  const told = Object.entries(PARAMS).map(([fact, param]) => [fact, paramOf(alert, param)])
  const own: [string, string | undefined][] = [
    ['ivorn', alert.ivorn],
    ['role', alert.role],
    ['packet_type', alert.packetType],
    ['notice_type', alert.kind],
    ['notice_level', alert.level],
    ['serial', alert.serial?.toString()],
    ['instrument', alert.instrument],
    ['probability', alert.probability?.toString()],
  ]
  return Object.fromEntries([...told, ...own].filter(([, value]) => value !== undefined)) as Record<string, string>
}

/** How old the alert is, seconds, at a time of arrival. */
export const delaySeconds = ({ t0Mjd }: Pick<Trigger, 't0Mjd'>, received: string): number | undefined => {
  const now = parseDate(received)?.mjd
  return t0Mjd === undefined || now === undefined ? undefined : (now - t0Mjd) * 86400
}
