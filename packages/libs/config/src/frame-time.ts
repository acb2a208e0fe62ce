import { formatMjd, type HeaderDate, jdToMjd, parseDate, parseTime, taiToUtc, ttToUtc } from '@nightpipe/sky'
import { type NameFacts, nameWins } from './file-name.js'
import { asNumber, asText, type Found, firstOf, type Reader } from './reader.js'

export interface FrameTime {
  /** Start of the exposure, UTC. */
  mjd?: number
  date?: string
}

/** The start of the exposure: from a date with its time, a date and a time, the MJD, the JD, or the day alone. */
export function frameTime(reader: Reader, name: NameFacts, exposure: number | undefined): FrameTime {
  const found = dateInHeader(reader, name)
  if (!found) return {}
  if (!found.hasTime) return { mjd: found.mjd, date: formatMjd(found.mjd).slice(0, 10) }
  const mjd = toUtc(reader, found.mjd) - sinceStart(reader, exposure) / 86400
  return { mjd, date: formatMjd(mjd) }
}

function dateInHeader(reader: Reader, name: NameFacts): HeaderDate | undefined {
  const { keywords } = reader.profile.values
  const named = dateInName(name)
  if (named && nameWins(reader, 'date')) return told(reader, named, 'file name')
  const written = firstOf(reader, keywords.date, (source) => readDate(reader, source))
  const days = daysInHeader(reader)
  const full = written?.value.hasTime ? withSeparateTime(reader, written) : written && addTime(reader, written)
  if (written && full) return told(reader, checked(reader, full, written.source, days), written.source)
  if (days) return told(reader, { mjd: days.value, hasTime: true }, days.source)
  if (written) {
    reader.note(`${written.source} has a day without a time`)
    return told(reader, written.value, written.source)
  }
  if (!named) return undefined
  reader.note('date from the file name')
  return told(reader, named, 'file name')
}

function told(reader: Reader, date: HeaderDate, source: string): HeaderDate {
  reader.credit('date', reader.sources.time ? `${source}, ${reader.sources.time}` : source)
  delete reader.sources.time
  return date
}

/** A date of the header in UTC as far as its zone, or the profile's, tells. */
function readDate(reader: Reader, source: string): HeaderDate | undefined {
  const text = asText(reader.value(source))
  const date = text === undefined ? undefined : parseDate(text)
  if (text !== undefined && !date) reader.note(`${source} = '${text}' is no date: ignored`)
  if (!date?.hasTime || hasZone(text!)) return date
  return { mjd: date.mjd - reader.profile.values.conventions['time zone'] / 24, hasTime: true }
}

const hasZone = (text: string): boolean => /(?:z|utc?|gmt|[+-]\d{2}:?\d{2})\s*$/i.test(text) && text.includes(':')

/** Some cameras write T00:00:00 in the date and the time in its own keyword. */
function withSeparateTime(reader: Reader, date: Found<HeaderDate>): HeaderDate {
  if (date.value.mjd !== Math.floor(date.value.mjd)) return date.value
  return addTime(reader, date) ?? date.value
}

function addTime(reader: Reader, date: Found<HeaderDate>): HeaderDate | undefined {
  const time = firstOf(reader, reader.profile.values.keywords.time, (source) => {
    const value = reader.value(source)
    if (value === undefined || typeof value === 'boolean') return undefined
    // A full date in the time's keyword (UT = '2018-01-01T19:30:45') tells its own time of day.
    const full = typeof value === 'string' ? parseDate(value) : undefined
    return full?.hasTime ? full.mjd - Math.floor(full.mjd) : parseTime(value)
  })
  if (!time) return undefined
  reader.credit('time', time.source)
  const zone = reader.profile.values.conventions['time zone'] / 24
  return { mjd: Math.floor(date.value.mjd) + time.value - zone, hasTime: true }
}

/** MJD or JD of the header; one that is a whole number of days tells no time. */
function daysInHeader(reader: Reader): Found<number> | undefined {
  const { keywords } = reader.profile.values
  const days = (source: string) => asNumber(reader.value(source))
  const between = (value: number | undefined) =>
    value !== undefined && value > 0 && value < 200000 ? value : undefined
  const mjd = firstOf(reader, keywords.mjd, (source) => between(days(source)))
  const found = mjd ?? firstOf(reader, keywords.jd, (source) => between(jdToMjd(days(source) ?? Number.NaN)))
  return found && found.value !== Math.floor(found.value) ? found : undefined
}

/**
 * A date and a time of day written apart may belong to different days (the date of the evening, the time after
 * midnight): where the header has the MJD too, it decides.
 */
function checked(reader: Reader, date: HeaderDate, source: string, days: Found<number> | undefined): HeaderDate {
  if (!days || Math.abs(days.value - date.mjd) < 0.6) return date
  const away = Math.round(days.value - date.mjd)
  const moved = date.mjd + away
  if (Math.abs(away) === 1 && Math.abs(days.value - moved) < 0.1) {
    reader.note(
      `${source} is ${Math.abs(away)} day ${away > 0 ? 'behind' : 'ahead of'} ${days.source}: ${days.source} followed`,
    )
    return { mjd: moved, hasTime: true }
  }
  reader.note(
    `${source} and ${days.source} differ by ${Math.abs(days.value - date.mjd).toFixed(1)} days: ${source} followed`,
  )
  return date
}

function dateInName(name: NameFacts): HeaderDate | undefined {
  return name.date === undefined
    ? undefined
    : parseDate(name.time === undefined ? name.date : `${name.date}T${name.time}`)
}

/** Headers in TAI or TT are rare, and 37 s or 69 s away. */
function toUtc(reader: Reader, mjd: number): number {
  const system = firstOf(reader, reader.profile.values.keywords['time system'], (source) =>
    asText(reader.value(source)),
  )
  const name = system?.value.toUpperCase()
  if (name === 'TAI' || name === 'TT' || name === 'TDT' || name === 'ET') {
    reader.note(`date converted from ${name} to UTC`)
    return name === 'TAI' ? taiToUtc(mjd) : ttToUtc(mjd)
  }
  return mjd
}

/** Seconds from the start of the exposure to the moment that the date tells. */
function sinceStart(reader: Reader, exposure = 0): number {
  const at = reader.profile.values.conventions['date at']
  return at === 'start' ? 0 : at === 'middle' ? exposure / 2 : exposure
}
