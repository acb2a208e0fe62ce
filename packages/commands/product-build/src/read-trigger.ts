import { DataError } from '@nightpipe/files'
import { parseDate } from '@nightpipe/sky'
import { readText } from './find-descriptor.js'

/** What a trigger file tells of a burst. */
export interface TriggerFacts {
  burstId?: string
  obsId?: string
  /** UTC */
  mjd?: number
}

/** Reads a trigger as `voevent` writes it: the INI (.dat) or its JSON twin. */
export function readTrigger(path: string): TriggerFacts {
  const text = readText(path)
  const facts = text.trimStart().startsWith('{') ? fromJson(text, path) : fromIni(text)
  if (facts.burstId === undefined && facts.mjd === undefined)
    throw new DataError(`${path} tells neither a burst nor a time`, 'give a trigger file of voevent parse')
  return facts
}

function fromJson(text: string, path: string): TriggerFacts {
  try {
    const { burstId, obsId, t0, t0Mjd } = JSON.parse(text) as Record<string, unknown>
    return withTime({ burstId: word(burstId), obsId: word(obsId) }, t0Mjd, t0)
  } catch (error) {
    throw new DataError(`${path} is not JSON: ${(error as Error).message}`)
  }
}

function fromIni(text: string): TriggerFacts {
  const facts = new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const [, key, value] = /^\s*([\w ]+?)\s*=\s*(.*?)\s*$/.exec(line) ?? []
      return key && value ? [[key.toLowerCase(), value] as const] : []
    }),
  )
  const known = { burstId: facts.get('burst_id'), obsId: facts.get('obs_id') }
  return withTime(known, facts.get('t0_mjd'), facts.get('t0_utc'))
}

const word = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

function withTime(facts: TriggerFacts, mjd: unknown, iso: unknown): TriggerFacts {
  const number = typeof mjd === 'number' ? mjd : Number(mjd ?? Number.NaN)
  const time = Number.isFinite(number) ? number : typeof iso === 'string' ? parseDate(iso)?.mjd : undefined
  const told = { ...facts, mjd: time }
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined))
}
