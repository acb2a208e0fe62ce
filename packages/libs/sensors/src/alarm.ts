/** A reading as alarms see it. */
export interface Reading {
  mjd: number
  value: number
}

/** What is watched: `C0-detector-temperature > -60 clear -65`, `… rate > 2/min`, `… silent 600 s`. */
export interface AlarmRule {
  text: string
  /** name of a sensor; * stands for anything */
  sensor: string
  kind: 'above' | 'below' | 'rate' | 'silence'
  /** limit in the unit of the sensor, in units per second, or in seconds */
  limit: number
  /** where it ends: beyond this it goes on (hysteresis) */
  clear: number
}

export interface Alarm {
  rule: AlarmRule
  sensor: string
  /** MJD (UTC) since when */
  since: number
  /** the reading, rate or silence that keeps it up */
  value: number
}

const UNITS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86400 }
const NUMBER = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`
const LIMIT = new RegExp(String.raw`^(\S+)\s+(above|below|>|<)\s*(${NUMBER})(?:\s+clear\s+(${NUMBER}))?$`, 'i')
const RATE = new RegExp(
  String.raw`^(\S+)\s+rate\s+(?:above|>)\s*(${NUMBER})\s*/\s*(s|min|h|d)(?:\s+clear\s+(${NUMBER}))?$`,
  'i',
)
const SILENCE = new RegExp(String.raw`^(\S+)\s+silent\s+(${NUMBER})\s*(s|min|h|d)$`, 'i')

/** Reads a rule; a text that is none is told why. */
export function parseRule(text: string): AlarmRule | { problem: string } {
  const words = text.trim().replace(/\s+/g, ' ')
  const limit = LIMIT.exec(words)
  if (limit) {
    const [, sensor, sign, level, clear] = limit as unknown as [string, string, string, string, string?]
    const kind = /^(above|>)$/i.test(sign) ? 'above' : 'below'
    const rule = { text: words, sensor, kind, limit: Number(level), clear: Number(clear ?? level) } as const
    const wrong = kind === 'above' ? rule.clear > rule.limit : rule.clear < rule.limit
    return wrong ? { problem: `'${words}' would end before it begins: clear ${clear}` } : rule
  }
  const rate = RATE.exec(words)
  if (rate) {
    const [, sensor, level, unit, clear] = rate as unknown as [string, string, string, string, string?]
    const per = UNITS[unit.toLowerCase()]!
    const rule = {
      text: words,
      sensor,
      kind: 'rate',
      limit: Number(level) / per,
      clear: Number(clear ?? level) / per,
    } as const
    return rule.clear > rule.limit ? { problem: `'${words}' would end before it begins: clear ${clear}` } : rule
  }
  const silence = SILENCE.exec(words)
  if (silence) {
    const [, sensor, level, unit] = silence as unknown as [string, string, string, string]
    const seconds = Number(level) * UNITS[unit.toLowerCase()]!
    return { text: words, sensor, kind: 'silence', limit: seconds, clear: seconds }
  }
  return { problem: `'${words}' is no rule (SENSOR > 5 clear 4; SENSOR rate > 2/min; SENSOR silent 10 min)` }
}

export const matches = (pattern: string, name: string) =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    'i',
  ).test(name)

const DAY = 86400

/**
 * The alarm that a rule gives for the readings of a sensor (sorted by time) at the moment `now`; undefined for none. An alarm that
 * was raised goes on until the readings are back behind `clear`.
 */
export function watch(rule: AlarmRule, sensor: string, readings: readonly Reading[], now: number): Alarm | undefined {
  if (rule.kind === 'silence') {
    const last = readings.at(-1)
    const value = last ? (now - last.mjd) * DAY : Number.POSITIVE_INFINITY
    return value > rule.limit ? { rule, sensor, since: last?.mjd ?? Number.NaN, value } : undefined
  }
  let up: { since: number; value: number } | undefined
  for (let k = 0; k < readings.length; k++) {
    const { mjd } = readings[k]!
    const value = rule.kind === 'rate' ? rateAt(readings, k) : readings[k]!.value
    if (!Number.isFinite(value)) continue
    const beyond = (level: number) => (rule.kind === 'below' ? value < level : value > level)
    if (up ? beyond(rule.clear) || beyond(rule.limit) : beyond(rule.limit)) up = { since: up?.since ?? mjd, value }
    else up = undefined
  }
  return up && { rule, sensor, ...up }
}

/** Change per second since the reading before, without its sign. */
function rateAt(readings: readonly Reading[], k: number): number {
  if (k === 0) return Number.NaN
  const [a, b] = [readings[k - 1]!, readings[k]!]
  return b.mjd > a.mjd ? Math.abs(b.value - a.value) / ((b.mjd - a.mjd) * DAY) : Number.NaN
}
