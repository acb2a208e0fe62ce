import { angularSeparation, parseDate } from '@nightpipe/sky'

/** What a trigger file tells to those who observe and reduce: the event, where, when, and whether it stands. */
export interface TriggerContext {
  burstId?: string
  obsId?: string
  /** UTC */
  t0Mjd?: number
  /** degrees, ICRS; the error is the radius of the circle that holds the source */
  position?: { ra: number; dec: number; errorDeg?: number }
  status: 'active' | 'retracted'
  /** why it was retracted */
  reason?: string
}

/** Reads a trigger as `voevent` writes it: the INI (.dat) or its JSON twin. Throws a RangeError for what is neither. */
export function readTriggerText(text: string): TriggerContext {
  const context = text.trimStart().startsWith('{') ? fromJson(text) : fromIni(text)
  if (context.burstId === undefined && context.t0Mjd === undefined)
    throw new RangeError('tells neither a burst nor a time')
  return context
}

function fromJson(text: string): TriggerContext {
  let said: Record<string, unknown>
  try {
    said = JSON.parse(text) as Record<string, unknown>
  } catch (error) {
    throw new RangeError(`is not JSON: ${(error as Error).message}`)
  }
  const { ra, dec, errorDeg } = (said.position ?? {}) as Record<string, unknown>
  const { burstId, obsId, t0, t0Mjd, status, reason } = said
  return contextOf({ burstId, obsId, t0, t0Mjd, status, reason, ra, dec, errorDeg })
}

function fromIni(text: string): TriggerContext {
  const facts = new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const [, key, value] = /^\s*([\w ]+?)\s*=\s*(.*?)\s*$/.exec(line) ?? []
      return key && value ? [[key.toLowerCase(), value] as const] : []
    }),
  )
  const of = (key: string) => facts.get(key)
  return contextOf({
    ...{ burstId: of('burst_id'), obsId: of('obs_id'), t0: of('t0_utc'), t0Mjd: of('t0_mjd'), status: of('status') },
    ...{ reason: of('reason'), ra: of('ra_deg'), dec: of('dec_deg'), errorDeg: of('error_deg') },
  })
}

type Facts = Record<'burstId' | 'obsId' | 't0' | 't0Mjd' | 'status' | 'reason' | 'ra' | 'dec' | 'errorDeg', unknown>

function contextOf(said: Facts): TriggerContext {
  const word = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
  const number = (value: unknown) =>
    typeof value === 'number' || (typeof value === 'string' && value.trim() !== '') ? finite(Number(value)) : undefined
  const iso = word(said.t0)
  const [ra, dec, errorDeg] = [number(said.ra), number(said.dec), number(said.errorDeg)]
  const told = {
    ...{ burstId: word(said.burstId), obsId: word(said.obsId), reason: word(said.reason) },
    t0Mjd: number(said.t0Mjd) ?? (iso === undefined ? undefined : parseDate(iso)?.mjd),
    position: ra === undefined || dec === undefined ? undefined : { ra, dec, ...(errorDeg ? { errorDeg } : {}) },
  }
  const known = Object.entries(told).filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(known), status: said.status === 'retracted' ? 'retracted' : 'active' }
}

const finite = (value: number) => (Number.isFinite(value) ? value : undefined)

/** A field that was observed: what it is called, when first, and where. */
export interface ObservedField {
  name: string
  mjd?: number
  ra?: number
  dec?: number
}

/** How far from the circle of errors, and how long after the event, a field may belong to it. */
export interface Reach {
  degrees: number
  days: number
}

/** A telescope may begin with a frame that was running when the event came. */
const BEFORE_DAYS = 1 / 24

/**
 * The trigger that a field was observed for: the one that it is named after, else the last one by then whose circle of errors
 * it shows. Where none of them stands any more a retracted one is given: who has it knows what became of it.
 */
export function triggerOfField<T extends TriggerContext>(
  field: ObservedField,
  triggers: readonly T[],
  { degrees, days }: Reach,
): T | undefined {
  const name = plainName(field.name)
  const named = triggers.find(({ burstId }) => burstId !== undefined && plainName(burstId) === name)
  if (named) return named
  const { mjd, ra, dec } = field
  if (mjd === undefined || ra === undefined || dec === undefined) return undefined
  const near = triggers.flatMap((trigger) => {
    const { t0Mjd, position } = trigger
    if (t0Mjd === undefined || !position) return []
    const age = mjd - t0Mjd
    const away = angularSeparation([ra, dec], [position.ra, position.dec])
    if (age < -BEFORE_DAYS || age > days || away > degrees + (position.errorDeg ?? 0)) return []
    return [{ trigger, age }]
  })
  const gone = ({ trigger: { status } }: { trigger: T }) => (status === 'retracted' ? 1 : 0)
  return near.sort((a, b) => gone(a) - gone(b) || a.age - b.age)[0]?.trigger
}

/** Telescopes write bursts with or without sb, and in any case. */
const plainName = (name: string) =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .replace(/^(?:svom|grb)?sb(?=\d{8})/, '')
