import { relative } from 'node:path'
import { type Conducting, Exit } from '@nightpipe/command'
import { DataError } from '@nightpipe/files'
import { eventsGiven } from './events-given.js'
import { openBook, readEvent, type Taken } from './record.js'
import type { eventSchema } from './schema.js'

/** Files that are open in memory at the same time. */
const TOGETHER = 512

/** Events from files or standard input into trigger files. */
export async function parse(request: Conducting<typeof eventSchema>): Promise<number> {
  const { output, config, log, dryRun, flags } = request
  const given = eventsGiven(request, request.inputs.length > 0)
  const tests = flags['accept-test'] === true
  const book = openBook(output, tests ? { ...config, events: { ...config.events, 'accept tests': true } } : config)
  const received = typeof flags.received === 'string' ? flags.received : new Date().toISOString()
  const triggers = new Set<string>()
  let failed = 0
  /** Resolves to what became of it; an event that cannot be one is told by the error that it gives. */
  const ask = async (name: string, read: () => Uint8Array): Promise<Taken | DataError | undefined> => {
    try {
      const bytes = read()
      if (!dryRun) return await book.take(bytes, received)
      await request.print(`${name}: ${summary(readEvent(bytes, name))}\n`)
      return undefined
    } catch (error) {
      if (error instanceof DataError) return error
      throw error
    }
  }
  for (let from = 0; from < given.length; from += TOGETHER) {
    // Read together, entered together: the disk is waited for once.
    const asked = given.slice(from, from + TOGETHER).map(({ name, read }) => ({ name, done: ask(name, read) }))
    for (const { name, done } of asked) {
      const taken = await done
      if (taken instanceof DataError) {
        failed++
        const message = taken.message.replace(/^the event: /, `${name}: `)
        log.warn(`refused: ${message}`)
        if (request.json) await request.print(`${JSON.stringify({ input: name, status: 'failed', reason: message })}\n`)
        continue
      }
      if (!taken) continue
      tell(name, taken, request)
      if (request.json) await request.print(`${JSON.stringify(lineOf(name, taken))}\n`)
      else if (taken.trigger && !triggers.has(taken.trigger)) await request.print(`${shown(taken.trigger)}\n`)
      if (taken.trigger) triggers.add(taken.trigger)
    }
  }
  if (failed === 0) return Exit.done
  return failed === given.length ? Exit.noProduct : Exit.someFailed
}

const summary = ({ ivorn, role, kind, burstId }: Taken['alert']) =>
  `${ivorn} (${role}, ${kind}${burstId ? `, ${burstId}` : ''})`

export function tell(
  name: string,
  { alert, again, reason, trigger, state }: Taken,
  { log }: Pick<Conducting, 'log'>,
): void {
  const what = `${name}: ${summary(alert)}`
  if (again) log.info(`${what}: had come before`)
  else if (trigger) log.info(`${what}: ${state}, ${shown(trigger)}`)
  else log.info(`${what}: no trigger, ${reason}`)
}

/** One event as a line of --json. */
export function lineOf(input: string, { alert, again, trigger, state, reason }: Taken) {
  const { ivorn, role, family, kind, burstId, eventId, t0, position } = alert
  const product = trigger && shown(trigger)
  return {
    ...{ input, status: 'done', product, state, again, reason, ivorn, role, family, kind },
    burst: burstId,
    event: eventId,
    t0,
    position,
  }
}

const shown = (path: string) => {
  const near = relative('', path)
  return near.startsWith('..') ? path : near
}
