import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Alert, readVoEvent, savedName, type Trigger } from '@nightpipe/alerts'
import type { ConfigOf } from '@nightpipe/config'
import { DataError, withLock, writeTogether } from '@nightpipe/files'
import { appendRows, defineTable, type RowOf, readTable } from '@nightpipe/table'
import { XmlError } from '@nightpipe/xml'
import type { eventSchema } from './schema.js'
import { openTriggers, type Triggers } from './triggers.js'

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
    { name: 'event_id', type: 'text', doc: 'what its observatory calls the event: a trigger number, a GraceID' },
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
  /** what was written with it */
  beside?: Beside
}

/** The events of one output folder. */
export interface Book {
  /** Enters an event; when the promise is kept, it is on disk. Events that come meanwhile are entered together. */
  take(bytes: Uint8Array, received: string): Promise<Taken>
  /** Whether an event was entered. */
  knows(ivorn: string): boolean
}

/** A file that is written together with an event. */
export interface Beside {
  path: string
  data: string
}
export type BesideOf = (bytes: Uint8Array, taken: Taken, received: string) => Beside | undefined

/** What is no event is an error of the data that says why. */
export function readEvent(bytes: Uint8Array, name: string): Alert {
  try {
    return readVoEvent(bytes)
  } catch (error) {
    if (error instanceof XmlError) throw new DataError(`${name}: ${error.message}`)
    throw error
  }
}

interface Asked {
  bytes: Uint8Array
  received: string
  resolve(taken: Taken): void
  reject(error: unknown): void
}

/** Events that are entered together, at most: a batch on a slow disk is answered within a second. */
const AT_ONCE = 512

/**
 * Opens the book. Events are entered in three steps, each whole or not at all: their bytes are kept and their triggers merged,
 * all are flushed, their rows are written. What was killed in between is found without its row, and done again: merging
 * twice changes nothing. The disk is waited for once for all events that came meanwhile. `besideOf` a new event, a file is
 * written in the first step.
 */
export function openBook(output: string, config: EventConfig, besideOf: BesideOf = () => undefined): Book {
  const entered = rowsOf(join(output, eventsTable.name))
  const asked: Asked[] = []
  let working = false
  const work = async () => {
    working = true
    // Those who ask at this moment come along.
    await new Promise((resolve) => setImmediate(resolve))
    while (asked.length > 0) {
      const batch = asked.splice(0, AT_ONCE)
      try {
        await withLock(join(output, 'events'), () => enter(batch, output, { config, besideOf }, entered))
      } catch (error) {
        for (const one of batch) one.reject(error)
      }
    }
    working = false
  }
  return {
    take: (bytes, received) =>
      new Promise((resolve, reject) => {
        asked.push({ bytes, received, resolve, reject })
        if (!working) void work()
      }),
    knows(ivorn) {
      entered.refresh()
      return entered.of({ ivorn }) !== undefined
    },
  }
}

/** Authorities are the same in any case. */
const identity = (ivorn: string) => ivorn.replace(/^ivo:\/\/[^/#]*/i, (authority) => authority.toLowerCase())

type EventRow = RowOf<typeof eventsTable>

/** The rows of the table by the identity of their events; read again when somebody else has written. */
function rowsOf(path: string) {
  let rows = new Map<string, EventRow>()
  let seen = ''
  const state = () => {
    const found = statSync(path, { throwIfNoEntry: false })
    return found ? `${found.ino} ${found.size}` : ''
  }
  return {
    refresh() {
      if (state() === seen) return
      rows = new Map(readTable(path, eventsTable, { orEmpty: true }).map((row) => [identity(row.ivorn), row]))
      seen = state()
    },
    of: ({ ivorn }: Pick<Alert, 'ivorn'>) => rows.get(identity(ivorn)),
    async add(more: readonly EventRow[]) {
      if (more.length > 0) await appendRows(path, eventsTable, more)
      for (const row of more) rows.set(identity(row.ivorn), row)
      seen = state()
    },
  }
}

/** Enters a batch: nobody else writes to the folder meanwhile. */
async function enter(
  batch: readonly Asked[],
  output: string,
  { config, besideOf }: { config: EventConfig; besideOf: BesideOf },
  entered: ReturnType<typeof rowsOf>,
): Promise<void> {
  entered.refresh()
  const triggers = openTriggers(output, config)
  const [kept, fresh] = [new Map<string, Uint8Array>(), new Map<string, EventRow>()]
  const answers: (() => void)[] = []
  const beside: Beside[] = []
  for (const { bytes, received, resolve, reject } of batch) {
    try {
      const alert = readEvent(bytes, 'the event')
      const before = entered.of(alert) ?? fresh.get(identity(alert.ivorn))
      if (before) {
        const reason = before.reason ? { reason: before.reason } : {}
        answers.push(() => resolve({ alert, again: true, ...reason }))
        continue
      }
      const { row, taken } = enterOne({ bytes, received, alert }, { output, save: config.events.save, triggers, kept })
      fresh.set(identity(alert.ivorn), row)
      const own = besideOf(bytes, taken, received)
      if (own) beside.push(own)
      answers.push(() => resolve(own ? { ...taken, beside: own } : taken))
    } catch (error) {
      reject(error)
    }
  }
  const events = [...kept].map(([path, data]) => ({ path, data }))
  if (events.length > 0) mkdirSync(join(output, 'events'), { recursive: true })
  await writeTogether([...events, ...triggers.files(), ...beside])
  await entered.add([...fresh.values()])
  for (const answer of answers) answer()
}

interface Means {
  output: string
  save: boolean
  triggers: Triggers
  /** files of this batch, to be written */
  kept: Map<string, Uint8Array>
}

function enterOne(
  { bytes, received, alert }: { bytes: Uint8Array; received: string; alert: Alert },
  { output, save, triggers, kept }: Means,
): { row: EventRow; taken: Taken } {
  const file = save ? placeOf(output, alert.ivorn, bytes, kept) : undefined
  const merged = triggers.merge(alert, received)
  const row = {
    ...{ ivorn: alert.ivorn, received_utc: received, role: alert.role, family: alert.family, kind: alert.kind },
    ...{ burst_id: alert.burstId, trigger: merged.name, reason: merged.reason, file },
    ...{ sha256: createHash('sha256').update(bytes).digest('hex'), event_id: alert.eventId },
  }
  const taken = {
    ...{ alert, again: false },
    ...(merged.name ? { trigger: join(output, merged.name), state: merged.state } : {}),
    ...(merged.reason ? { reason: merged.reason } : {}),
  }
  return { row, taken }
}

/** Under which name the bytes are kept: one of their own, unless the same event is there already. */
function placeOf(output: string, ivorn: string, bytes: Uint8Array, kept: Map<string, Uint8Array>): string {
  for (let name = savedName(ivorn); ; name += '_') {
    const path = join(output, 'events', `${name}.xml`)
    const there = kept.get(path) ?? (existsSync(path) ? readFileSync(path) : undefined)
    if (there === undefined) kept.set(path, bytes)
    if (there === undefined || isEvent(there, ivorn)) return `events/${name}.xml`
  }
}

function isEvent(bytes: Uint8Array, ivorn: string): boolean {
  try {
    return identity(readVoEvent(bytes).ivorn) === identity(ivorn)
  } catch {
    return false
  }
}
