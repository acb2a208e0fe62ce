import { power } from '@nightpipe/math'

/** A point in time as a header gives it. `mjd` is in the scale of the text, UTC in nearly every header. */
export interface HeaderDate {
  mjd: number
  /** False when only the day is written: `mjd` is then its beginning. */
  hasTime: boolean
}

const MJD_OF_1970 = 40587
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

export const mjdToJd = (mjd: number): number => mjd + 2400000.5
export const jdToMjd = (jd: number): number => jd - 2400000.5

/** Days since 1858-11-17 of a Gregorian calendar day, or undefined when the calendar has no such day. */
export function mjdOfDay(year: number, month: number, day: number): number | undefined {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return exists ? Math.round(date.getTime() / 86400000) + MJD_OF_1970 : undefined
}

/** How a day may be written, and where year, month and day then stand. */
const DAYS: { form: RegExp; read: (m: string[]) => [string, string, string] }[] = [
  { form: /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})/, read: (m) => [m[1], m[2], m[3]] },
  { form: /^(\d{4})(\d{2})(\d{2})(?!\d)/, read: (m) => [m[1], m[2], m[3]] },
  { form: /^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?!\d)/, read: (m) => [m[3], m[2], m[1]] },
  // The FITS form before 1998: two digits, always of the twentieth century.
  { form: /^(\d{1,2})\/(\d{1,2})\/(\d{2})(?!\d)/, read: (m) => [`19${m[3]}`, m[2], m[1]] },
  { form: /^(\d{1,2})[- ]([a-z]{3})[a-z]*[- ,]+(\d{4})/, read: (m) => [m[3], m[2], m[1]] },
  { form: /^(\d{4})[- ]([a-z]{3})[a-z]*[- ](\d{1,2})/, read: (m) => [m[1], m[2], m[3]] },
  { form: /^([a-z]{3})[a-z]* +(\d{1,2}),? +(\d{4})/, read: (m) => [m[3], m[1], m[2]] },
]

function readDay(text: string): { mjd: number; rest: string } | undefined {
  for (const { form, read } of DAYS) {
    const match = form.exec(text)
    if (!match) continue
    const [year, month, day] = read(match)
    const monthNumber = /\d/.test(month) ? Number(month) : MONTHS.indexOf(month) + 1
    const mjd = mjdOfDay(Number(year), monthNumber, Number(day))
    return mjd === undefined ? undefined : { mjd, rest: text.slice(match[0].length) }
  }
  return undefined
}

/** Seconds of a clock time; 60 in the seconds is a leap second, 24:00 the end of the day. */
function clockSeconds(hours: string, minutes = '0', seconds = '0'): number | undefined {
  const [h, m, s] = [hours, minutes, seconds].map((part) => Number(part.replace(',', '.')))
  const total = h * 3600 + m * 60 + s
  return h <= 24 && m < 60 && s < 61 && total <= 86401 ? total : undefined
}

const CLOCK = /^(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:[.,]\d*)?))?/
const COMPACT_CLOCK = /^(\d{2})(\d{2})(\d{2}(?:[.,]\d*)?)/
const ZONE = /^(?:z|ut|utc|gmt)?\s*(?:([+-])(\d{1,2}):?(\d{2})?)?\s*(?:\((?:utc|ut|gmt)\))?$/

/**
 * A date as headers write it: `2013-07-16T03:15:52.662`, `2013-07-16`, `16/07/98` (before 2000), `16/07/2013`,
 * `20130716T031552`, `16-Jul-2013 03:15:52`, `2013-07-16.1360`, with `Z`, `UTC` or an offset such as `-0700` behind the
 * time. An offset is applied, so that the result is UTC. Undefined when the text is none of these or no such day exists.
 */
export function parseDate(text: string): HeaderDate | undefined {
  const day = readDay(text.trim().toLowerCase())
  if (!day) return undefined
  const fraction = /^\.(\d+)$/.exec(day.rest)
  if (fraction) return { mjd: day.mjd + Number(`0.${fraction[1]}`), hasTime: true }
  const rest = day.rest.replace(/^(?:\s*t\s*|[\s_:-]+)(?=\d)/, '').trim()
  if (ZONE.test(rest) && !/\d/.test(rest)) return { mjd: day.mjd, hasTime: false }
  const clock = CLOCK.exec(rest) ?? COMPACT_CLOCK.exec(rest)
  if (!clock) return undefined
  const seconds = clockSeconds(clock[1], clock[2], clock[3])
  const zone = ZONE.exec(rest.slice(clock[0].length).trim())
  if (seconds === undefined || !zone) return undefined
  const sign = zone[1] === '-' ? -1 : 1
  const ahead = sign * (Number(zone[2] ?? 0) * 3600 + Number(zone[3] ?? 0) * 60)
  return { mjd: day.mjd + (seconds - ahead) / 86400, hasTime: true }
}

/**
 * A time of day as a fraction of the day: `22:02:51.5`, `220251`, decimal hours (`11.6036`), or, above 24, seconds
 * since midnight. Undefined when it is none of these.
 */
export function parseTime(value: string | number): number | undefined {
  const text = String(value).trim().toLowerCase()
  const clock = CLOCK.exec(text) ?? (typeof value === 'string' && /^\d{6}/.test(text) ? COMPACT_CLOCK.exec(text) : null)
  if (clock && ZONE.test(text.slice(clock[0].length).trim())) {
    const seconds = clockSeconds(clock[1], clock[2], clock[3])
    return seconds === undefined ? undefined : seconds / 86400
  }
  const number = text === '' ? Number.NaN : Number(text)
  if (!(number >= 0 && number <= 86400)) return undefined
  return number <= 24 ? number / 24 : number / 86400
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0')

/** `2013-07-16T03:15:52.662`: the ISO form of a Modified Julian Date, to `decimals` places of a second, rounded. */
export function formatMjd(mjd: number, decimals = 3): string {
  if (!Number.isFinite(mjd)) throw new RangeError(`${mjd} is not a Modified Julian Date`)
  const unit = power(10, decimals)
  let day = Math.floor(mjd)
  let ticks = Math.round((mjd - day) * 86400 * unit)
  if (ticks >= 86400 * unit) {
    day += 1
    ticks = 0
  }
  const date = new Date((day - MJD_OF_1970) * 86400000)
  const seconds = Math.floor(ticks / unit)
  const part = decimals > 0 ? `.${pad(ticks - seconds * unit, decimals)}` : ''
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map((n) => pad(n, 2))
    .join(':')
  return `${pad(date.getUTCFullYear(), 4)}-${pad(date.getUTCMonth() + 1, 2)}-${pad(date.getUTCDate(), 2)}T${clock}${part}`
}
