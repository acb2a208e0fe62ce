import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '@nightpipe/command'
import { DataError, tryLock } from '@nightpipe/files'
import { handOver } from '@nightpipe/messages'

/** An event that a shell command is to be given, as it stands in the journal. */
interface Task {
  /** its file in the journal */
  path: string
  /** when the event came, and as which one of this run */
  received: string
  place: number
  /** what the command finds in its environment */
  facts: Record<string, string>
  xml: Uint8Array
}

/** What an event was, for the command. */
export interface Told {
  ivorn: string
  role: string
  burst: string
  trigger: string
  state: string
  received: string
}

/** Runs a shell command for events, one after the other: an alert a second must not become a thousand processes. */
export interface CommandQueue {
  /** The task as a file of the journal, to be on disk before the event is acknowledged. */
  entry(xml: Uint8Array, told: Told): { path: string; data: string }
  /** The event of an entry that is on disk: its turn comes. */
  add(entry: { path: string; data: string }): void
  /** Resolves when nothing runs, and nothing waits. */
  idle(): Promise<void>
  /** Lets the command that runs end. What waits is given to it at the next start. */
  stop(): Promise<void>
}

/** Where tasks wait: one file each, until their command has ended. */
export const JOURNAL = 'commands'

/**
 * The queue of an output folder. What a listener that was killed left waiting, or running, is given to the command first.
 * `knows` says whether an event was entered: one that was not is sent again by its author.
 */
export function commandQueue(
  output: string,
  { run, timeout, waiting: most }: { run: string; timeout: number; waiting: number },
  knows: (ivorn: string) => boolean,
  log: Log,
): CommandQueue {
  const folder = join(output, JOURNAL)
  mkdirSync(folder, { recursive: true })
  const lock = tryLock(folder)
  if (!lock)
    throw new DataError(
      `another voevent listen gives events of ${output} to a command`,
      'stop it, or take another output',
    )
  const waiting = leftOver(folder, knows, log)
  if (waiting.length > 0) log.info(`${waiting.length} events of an earlier run are given to the command`)
  let place = 0
  let stopping = false
  let running: Promise<void> | undefined
  const work = async () => {
    for (let next = waiting.shift(); next; next = stopping ? undefined : waiting.shift()) {
      const { code, words } = await handOver(run, next.xml, next.facts, timeout)
      if (code !== 0)
        log.warn(`the command ended with ${code} for ${next.facts.VOEVENT_IVORN}${words ? `: ${words}` : ''}`)
      rmSync(next.path, { force: true })
    }
    running = undefined
  }
  const start = () => {
    if (!stopping && waiting.length > 0) running ??= work()
  }
  start()
  return {
    entry: (xml, told) => entryOf(folder, xml, told, place++),
    add(entry) {
      const task = taskOf(entry.path, entry.data)
      if (waiting.length >= most) {
        log.warn(`${most} events wait for the command: ${task.facts.VOEVENT_IVORN} is not given to it`)
        rmSync(entry.path, { force: true })
      } else waiting.push(task)
      start()
    },
    async idle() {
      while (running) await running
      lock.release()
    },
    async stop() {
      stopping = true
      await running
      if (waiting.length > 0)
        log.info(`${waiting.length} events wait for the command: they are given to it at the next start`)
      lock.release()
    },
  }
}

/** The same event has the same file, however often it is sent. */
function entryOf(folder: string, xml: Uint8Array, told: Told, place: number): { path: string; data: string } {
  const facts = {
    ...{ VOEVENT_IVORN: told.ivorn, VOEVENT_ROLE: told.role, VOEVENT_BURST: told.burst },
    ...{ VOEVENT_TRIGGER: told.trigger, VOEVENT_STATE: told.state },
  }
  const name = createHash('sha256').update(told.ivorn).digest('hex').slice(0, 24)
  const task = { received: told.received, place, facts, xml: Buffer.from(xml).toString('base64') }
  return { path: join(folder, `${name}.json`), data: `${JSON.stringify(task)}\n` }
}

function taskOf(path: string, data: string): Task {
  const { received, place, facts, xml } = JSON.parse(data)
  return { path, received, place, facts, xml: Buffer.from(xml, 'base64') }
}

/** Tasks whose events were entered, in the order in which these came; the others are removed. */
function leftOver(folder: string, knows: (ivorn: string) => boolean, log: Log): Task[] {
  const tasks: Task[] = []
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name)
    if (!/^[0-9a-f]+\.json$/.test(name)) continue
    try {
      const task = taskOf(path, readFileSync(path, 'utf8'))
      if (knows(task.facts.VOEVENT_IVORN ?? '')) tasks.push(task)
      else rmSync(path, { force: true })
    } catch (error) {
      log.warn(`${path} is not what voevent wrote: ${(error as Error).message}`)
    }
  }
  return tasks.sort((a, b) => (a.received < b.received ? -1 : a.received > b.received ? 1 : a.place - b.place))
}

/** How many events wait in the journal of a folder, for a listener that has no command. */
export function countWaiting(output: string): number {
  const folder = join(output, JOURNAL)
  return existsSync(folder) ? readdirSync(folder).filter((name) => /^[0-9a-f]+\.json$/.test(name)).length : 0
}
