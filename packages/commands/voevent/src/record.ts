import { createHash } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Alert,
  mergeAlert,
  noTrigger,
  readVoEvent,
  savedName,
  TRIGGER_LAYOUT,
  type Trigger,
  triggerText,
} from '@nightpipe/alerts'
import type { ConfigOf } from '@nightpipe/config'
import { DataError, systemCode, withLock, writeAtomically } from '@nightpipe/files'
import { appendRows, defineTable, readTable } from '@nightpipe/table'
import { XmlError } from '@nightpipe/xml'
import type { eventSchema } from './schema.js'

/** Every event that was ever taken, one row each. */
export const eventsTable = defineTable({
  name: 'events.csv',
  columns: [
    { name: 'ivorn', type: 'text', doc: 'identity of the event', required: true },
    { name: 'received_utc', type: 'text', doc: 'when it came' },
    { name: 'role', type: 'text', doc: 'observation, prediction, utility or test' },
    { name: 'family', type: 'text', doc: 'svom, gw, swift, fermi, icecube or other' },
    { name: 'kind', type: 'text', doc: 'what its sender calls it' },
    { name: 'burst_id', type: 'text', doc: 'the burst that it is about' },
    { name: 'trigger', type: 'text', doc: 'the trigger file that it made or changed' },
    { name: 'reason', type: 'text', doc: 'why it made none' },
    { name: 'file', type: 'text', doc: 'where it is kept' },
    { name: 'sha256', type: 'text', doc: 'of its bytes' },
  ],
  key: ['ivorn'],
  sort: [],
})

export type EventConfig = ConfigOf<typeof eventSchema>

/** What became of an event. */
export interface Taken {
  alert: Alert
  /** it had come before: nothing was changed */
  again: boolean
  /** the trigger file, absolute, when it made or changed one */
  trigger?: string
  state?: Trigger['status']
  /** why it made no trigger */
  reason?: string
}

/** The events of one output folder. */
export interface Book {
  take(bytes: Uint8Array, received: string): Promise<Taken>
}

/** What is no event is an error of the data that says why. */
export function readEvent(bytes: Uint8Array, name: string): Alert {
  try {
    return readVoEvent(bytes)
  } catch (error) {
    if (error instanceof XmlError) throw new DataError(`${name}: ${error.message}`)
    throw error
  }
}

/**
 * Opens the book. An event is entered in three steps, each whole or not at all: its bytes are kept, its trigger is merged, its
 * row is written. What was killed in between is found without its row, and done again: merging twice changes nothing.
 */
export function openBook(output: string, config: EventConfig): Book {
  const table = join(output, eventsTable.name)
  const rows = readTable(table, eventsTable, { orEmpty: true })
  const entered = new Map(rows.map((row) => [identity(String(row.ivorn)), row]))
  return {
    async take(bytes, received) {
      const alert = readEvent(bytes, 'the event')
      const key = identity(alert.ivorn)
      const before = entered.get(key)
      if (before) return { alert, again: true, ...(before.reason ? { reason: String(before.reason) } : {}) }
      const file = config.events.save ? keep(output, alert.ivorn, bytes) : undefined
      const merged = await mergeInto(output, alert, received, config)
      const row = {
        ...{ ivorn: alert.ivorn, received_utc: received, role: alert.role, family: alert.family, kind: alert.kind },
        ...{ burst_id: alert.burstId, trigger: merged.name, reason: merged.reason, file },
        sha256: createHash('sha256').update(bytes).digest('hex'),
      }
      entered.set(key, row)
      await appendRows(table, eventsTable, [row])
      return {
        ...{ alert, again: false },
        ...(merged.name ? { trigger: join(output, merged.name), state: merged.state } : {}),
        ...(merged.reason ? { reason: merged.reason } : {}),
      }
    },
  }
}

/** Authorities are the same in any case. */
const identity = (ivorn: string) => ivorn.replace(/^ivo:\/\/[^/#]*/i, (authority) => authority.toLowerCase())

/** Keeps the bytes under a name of their own; the same event is kept once, whoever else is at it. */
function keep(output: string, ivorn: string, bytes: Uint8Array): string {
  const folder = join(output, 'events')
  mkdirSync(folder, { recursive: true })
  const partial = join(folder, `.${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.${process.pid}.part`)
  writeFileSync(partial, bytes, { flush: true })
  try {
    for (let name = savedName(ivorn); ; name += '_') {
      const path = join(folder, `${name}.xml`)
      try {
        linkSync(partial, path)
        return `events/${name}.xml`
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw error
        if (ofSameEvent(path, ivorn)) return `events/${name}.xml`
      }
    }
  } finally {
    unlinkSync(partial)
  }
}

function ofSameEvent(path: string, ivorn: string): boolean {
  try {
    return identity(readVoEvent(readFileSync(path)).ivorn) === identity(ivorn)
  } catch {
    return false
  }
}

interface Merged {
  name?: string
  state?: Trigger['status']
  reason?: string
}

/** The trigger of the burst with this event in it: the state as JSON, and the file made of it. */
async function mergeInto(output: string, alert: Alert, received: string, config: EventConfig): Promise<Merged> {
  const early = noTrigger(alert, { acceptTests: config.events['accept tests'], known: true })
  if (early) return { reason: early }
  const stem = `trigger_${alert.burstId}`
  const path = join(output, `${stem}.json`)
  return withLock(path, async () => {
    const known = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Trigger) : undefined
    const reason = noTrigger(alert, { acceptTests: config.events['accept tests'], known: known !== undefined })
    if (reason) return { reason }
    const trigger = mergeAlert(known, alert, received)
    writeAtomically(path, `${JSON.stringify(trigger, null, 2)}\n`)
    writeAtomically(join(output, `${stem}.dat`), triggerText(trigger, layoutOf(config)))
    return { name: `${stem}.dat`, state: trigger.status }
  })
}

function layoutOf({ layout }: EventConfig): Readonly<Record<string, readonly string[]>> {
  const own = Object.entries(layout as Record<string, string>).map(([section, facts]) => [
    section,
    facts.split(',').map((fact) => fact.trim()),
  ])
  return own.length ? (Object.fromEntries(own) as Record<string, string[]>) : TRIGGER_LAYOUT
}
