import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { explainSystemError, writeAtomically } from '@nightpipe/files'
import { mjdOf, type SensorRecord } from '@nightpipe/sensors'

/** One reading as it is kept. */
export interface Reading {
  /** UTC, ISO */
  date: string
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

export const readingOf = ({ date, value, raw_value, error_code }: SensorRecord, file: string): Reading => ({
  ...{ date, value, rawValue: raw_value, errorCode: error_code, file },
})

/** The file of a month of one sensor. */
const fileOf = (folder: string, date: string) => join(folder, `${date.slice(0, 7)}.csv`)

const quoted = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
const lineOf = ({ date, value, rawValue, errorCode }: Reading) =>
  `${date},${quoted(value)},${quoted(rawValue)},${errorCode}\n`

const byDate = (a: Reading, b: Reading) => {
  const difference = mjdOf(a)! - mjdOf(b)!
  return difference !== 0 ? difference : a.date < b.date ? -1 : a.date > b.date ? 1 : 0
}

/**
 * Adds readings of one sensor: at the end of its files where they are newer than all that is there, else in their places. One
 * that is there already is not added again; another value at the same moment is given back, since one of them must be wrong.
 */
export function addReadings(folder: string, readings: readonly Reading[]): Reading[] {
  mkdirSync(folder, { recursive: true })
  const months = byMonth(readings, folder)
  return [...months].flatMap(([path, own]) => addToFile(path, [...own].sort(byDate)))
}

function byMonth(readings: readonly Reading[], folder: string): Map<string, Reading[]> {
  const groups = new Map<string, Reading[]>()
  for (const reading of readings) {
    const path = fileOf(folder, reading.date)
    const own = groups.get(path)
    if (own) own.push(reading)
    else groups.set(path, [reading])
  }
  return groups
}

function addToFile(path: string, sorted: readonly Reading[]): Reading[] {
  if (!existsSync(path)) {
    const { kept, refused } = unique([], sorted)
    writeAtomically(path, HEAD + kept.map(lineOf).join(''))
    return refused
  }
  try {
    const file = openSync(path, 'r+')
    try {
      const { end, last } = lastLine(file)
      if (last !== undefined && mjdOf({ date: last })! < mjdOf(sorted[0]!)!) {
        const { kept, refused } = unique([], sorted)
        const lines = Buffer.from(kept.map(lineOf).join(''))
        ftruncateSync(file, end)
        // One write: a kill leaves at most a torn last line, which the next call takes off.
        writeSync(file, lines, 0, lines.length, end)
        fsyncSync(file)
        return refused
      }
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw explainSystemError(error, 'change', path)
  }
  const { kept, refused, added } = unique(readFile(path), sorted)
  if (added > 0) writeAtomically(path, HEAD + kept.sort(byDate).map(lineOf).join(''))
  return refused
}

/** Where the last whole line ends, and its date. */
function lastLine(file: number): { end: number; last?: string } {
  const { size } = fstatSync(file)
  const from = Math.max(0, size - TAIL)
  const tail = Buffer.alloc(size - from)
  readSync(file, tail, 0, tail.length, from)
  const stop = tail.lastIndexOf(10)
  const start = tail.lastIndexOf(10, stop - 1)
  const date = tail.toString('utf8', start + 1, stop).split(',')[0]!
  return { end: from + stop + 1, ...(mjdOf({ date }) === undefined ? {} : { last: date }) }
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
    if (cells.length === 4)
      readings.push({ date: cells[0]!, value: cells[1]!, rawValue: cells[2]!, errorCode: Number(cells[3]) })
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
    .filter((reading) => {
      const mjd = mjdOf(reading)!
      return mjd >= from && mjd <= to
    })
}
