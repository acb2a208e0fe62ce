import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { explainSystemError, flushTogether, writeTogether } from '@nightpipe/files'
import { mjdOf, type SensorRecord } from '@nightpipe/sensors'
import { formatMjd } from '@nightpipe/sky'

/** One reading as it is kept. */
export interface Reading {
  /** UTC, ISO without a zone */
  date: string
  /** the same as MJD */
  mjd: number
  value: string
  rawValue: string
  errorCode: number
  /** the state file that it came from, where it is not in the store yet */
  file?: string
}

const HEAD = 'date_utc,value,raw_value,error_code\n'
/** More than the last line of a file has. */
const TAIL = 4096

/** A folder name for a sensor: what files cannot be called is written by its code. */
export const folderOf = (name: string) =>
  name.replace(/[^A-Za-z0-9._-]|^\.+/g, (bad) => [...bad].map((c) => `%${c.codePointAt(0)!.toString(16)}`).join(''))

const PLAIN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?$/

/** The reading of a record. A moment has one spelling in the store, however its supplier wrote it. */
export function readingOf({ date, value, raw_value, error_code }: SensorRecord, mjd: number, file: string): Reading {
  const plain = PLAIN.test(date) ? date : formatMjd(mjd).replace(/\.?0+$/, '')
  return { date: plain, mjd, value, rawValue: raw_value, errorCode: error_code, file }
}

const quoted = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
const lineOf = ({ date, value, rawValue, errorCode }: Reading) =>
  `${date},${quoted(value)},${quoted(rawValue)},${errorCode}\n`

const byDate = (a: Reading, b: Reading) => a.mjd - b.mjd || (a.date < b.date ? -1 : a.date > b.date ? 1 : 0)

/** What the readings of one sensor and month do to its file. */
type Change = { refused: Reading[] } & ({ path: string; data: string } | { appended: string } | object)

/**
 * Adds readings, by sensor: at the end of its files where they are newer than all that is there, else in their places. One
 * that is there already is not added again; another value at the same moment is given back, since one of them must be wrong.
 * All are on disk when the promise is kept: the disk is waited for once, not once for each sensor.
 */
export async function addReadings(store: string, bySensor: ReadonlyMap<string, readonly Reading[]>) {
  const refused: { sensor: string; reading: Reading }[] = []
  const [whole, appended]: [{ path: string; data: string }[], string[]] = [[], []]
  for (const [sensor, readings] of bySensor) {
    const folder = join(store, folderOf(sensor))
    mkdirSync(folder, { recursive: true })
    for (const [month, own] of byMonth(readings)) {
      const change = changeOf(join(folder, `${month}.csv`), own.sort(byDate))
      if ('data' in change) whole.push(change)
      if ('appended' in change) appended.push(change.appended)
      refused.push(...change.refused.map((reading) => ({ sensor, reading })))
    }
  }
  await writeTogether(whole)
  await flushTogether(appended)
  return refused
}

function byMonth(readings: readonly Reading[]): Map<string, Reading[]> {
  const groups = new Map<string, Reading[]>()
  for (const reading of readings) {
    const month = reading.date.slice(0, 7)
    const own = groups.get(month)
    if (own) own.push(reading)
    else groups.set(month, [reading])
  }
  return groups
}

function changeOf(path: string, sorted: readonly Reading[]): Change {
  if (!existsSync(path)) {
    const { kept, refused } = unique([], sorted)
    return { refused, path, data: HEAD + kept.map(lineOf).join('') }
  }
  const refused = appendTo(path, sorted)
  if (refused) return { refused, appended: path }
  const all = unique(readFile(path), sorted)
  if (all.added === 0) return { refused: all.refused }
  return { refused: all.refused, path, data: HEAD + all.kept.sort(byDate).map(lineOf).join('') }
}

/** Readings that are newer than all that is there, behind it; undefined where they are not. */
function appendTo(path: string, sorted: readonly Reading[]): Reading[] | undefined {
  try {
    const file = openSync(path, 'r+')
    try {
      const { end, last } = lastLine(file)
      if (last === undefined || last >= sorted[0]!.mjd) return undefined
      const { kept, refused } = unique([], sorted)
      const lines = Buffer.from(kept.map(lineOf).join(''))
      ftruncateSync(file, end)
      // One write: a kill leaves at most a torn last line, which the next call takes off.
      for (let done = 0; done < lines.length; ) done += writeSync(file, lines, done, lines.length - done, end + done)
      return refused
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw explainSystemError(error, 'change', path)
  }
}

/** Where the last whole line ends, and its date. */
function lastLine(file: number): { end: number; last: number | undefined } {
  const { size } = fstatSync(file)
  const from = Math.max(0, size - TAIL)
  const tail = Buffer.alloc(size - from)
  readSync(file, tail, 0, tail.length, from)
  const stop = tail.lastIndexOf(10)
  const start = tail.lastIndexOf(10, stop - 1)
  const date = tail.toString('utf8', start + 1, stop).split(',')[0]!
  return { end: from + stop + 1, last: mjdOf({ date }) }
}

/** Old readings, with those of the new that are not there; the others that say something else are refused. */
function unique(old: readonly Reading[], fresh: readonly Reading[]) {
  const kept = [...old]
  const seen = new Map(old.map((one) => [one.date, one]))
  const refused: Reading[] = []
  for (const one of fresh) {
    const before = seen.get(one.date)
    if (!before) {
      kept.push(one)
      seen.set(one.date, one)
    } else if (before.value !== one.value || before.errorCode !== one.errorCode) refused.push(one)
  }
  return { kept, refused, added: kept.length - old.length }
}

function readFile(path: string): Reading[] {
  const text = readFileSync(path, 'utf8')
  const readings: Reading[] = []
  let from = text.indexOf('\n') + 1
  for (let end = text.indexOf('\n', from); end >= 0; end = text.indexOf('\n', from)) {
    const line = text.slice(from, end)
    from = end + 1
    const cells = line.includes('"') ? quotedCells(line) : line.split(',')
    if (cells.length !== 4) continue
    const [date, value, rawValue, code] = cells as [string, string, string, string]
    readings.push({ date, mjd: mjdOf({ date })!, value, rawValue, errorCode: Number(code) })
  }
  return readings
}

const quotedCells = (line: string) =>
  [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
    .map(([, cell]) => (cell!.startsWith('"') ? cell!.slice(1, -1).replaceAll('""', '"') : cell!))
    .slice(0, 4)

/** Readings of one sensor from `from` to `to` (MJD, both inclusive), in the order of time. */
export function readReadings(folder: string, from: number, to: number): Reading[] {
  if (!existsSync(folder)) return []
  const files = readdirSync(folder)
    .filter((name) => /^\d{4}-\d{2}\.csv$/.test(name))
    .sort()
  return files
    .filter((name) => {
      const [year, month] = name.slice(0, 7).split('-').map(Number) as [number, number]
      const begin = mjdOf({ date: `${name.slice(0, 7)}-01T00:00:00` })!
      const next = mjdOf({
        date: `${month === 12 ? year + 1 : year}-${String((month % 12) + 1).padStart(2, '0')}-01T00:00:00`,
      })!
      return begin <= to && next > from
    })
    .flatMap((name) => readFile(join(folder, name)))
    .filter(({ mjd }) => mjd >= from && mjd <= to)
}
