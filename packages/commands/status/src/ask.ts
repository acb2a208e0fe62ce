import { join } from 'node:path'
import { type Conducting, DataError } from '@nightpipe/command'
import { matches } from '@nightpipe/sensors'
import { parseDate } from '@nightpipe/sky'
import { readTable } from '@nightpipe/table'
import { type SensorRow, sensorsTable } from './tables.js'

/** The flags by which sensors are chosen. */
export const CHOICE_FLAGS = {
  store: { type: 'text', doc: 'folder that status ingest filled', placeholder: 'DIR', config: 'store.folder' },
  sensor: { type: 'list', doc: 'names; * stands for anything', placeholder: 'NAME' },
  subsystem: { type: 'text', doc: 'all sensors of a subsystem', placeholder: 'NAME' },
  component: { type: 'text', doc: 'all sensors of a component', placeholder: 'NAME' },
  group: { type: 'text', doc: 'all sensors of a group, such as detector-temperature', placeholder: 'NAME' },
} as const

/** The sensors of a store that the flags mean. */
export function chosenSensors(store: string, flags: Conducting['flags']): SensorRow[] {
  if (store === '') throw new DataError('no store is named', 'say by --store which folder status ingest filled')
  const rows = readTable(join(store, sensorsTable.name), sensorsTable)
  const names = (flags.sensor as string[] | undefined) ?? []
  const is = (flag: 'subsystem' | 'component' | 'group', row: SensorRow) =>
    typeof flags[flag] !== 'string' || matches(flags[flag], row[flag] ?? '')
  const found = rows.filter(
    (row) =>
      (names.length === 0 || names.some((name) => matches(name, row.name))) &&
      is('subsystem', row) &&
      is('component', row) &&
      is('group', row),
  )
  if (found.length > 0) return found
  const some = rows.slice(0, 5).map(({ name }) => name)
  throw new DataError(
    'no such sensor in the store',
    rows.length === 0 ? 'it is empty' : `there are ${rows.length}: ${some.join(', ')}, …`,
  )
}

/** A moment as a person gives it: a date, an MJD, or so long before now: `2h`, `7d`. */
export function momentOf(said: unknown, now: number, otherwise: number): number {
  if (typeof said !== 'string' || said.trim() === '') return otherwise
  const ago = /^(\d+(?:\.\d+)?)\s*(min|h|d|w)$/.exec(said.trim())
  if (ago) return now - Number(ago[1]) * { min: 1 / 1440, h: 1 / 24, d: 1, w: 7 }[ago[2] as 'h']
  const mjd = /^\d{5}(\.\d+)?$/.test(said.trim()) ? Number(said) : parseDate(said)?.mjd
  if (mjd === undefined)
    throw new DataError(`'${said}' is no moment`, 'as 2026-03-01T12:00:00, an MJD, or 2h for two hours ago')
  return mjd
}

/** The present (MJD, UTC), or the one that --now tells. */
export const presentOf = (said: unknown) => momentOf(said, Number.NaN, Date.now() / 86400000 + 40587)
