import { relative } from 'node:path'
import { type Conducting, Exit } from '@nightpipe/command'
import { DataError } from '@nightpipe/files'
import { eventsGiven } from './events-given.js'
import { openBook, readEvent, type Taken } from './record.js'
import type { eventSchema } from './schema.js'

/** Events from files or standard input into trigger files. */
export async function parse(request: Conducting<typeof eventSchema>): Promise<number> {
  const { output, config, log, dryRun, flags } = request
  const given = eventsGiven(request, request.inputs.length > 0)
  const tests = flags['accept-test'] === true
  const book = openBook(output, tests ? { ...config, events: { ...config.events, 'accept tests': true } } : config)
  const received = typeof flags.received === 'string' ? flags.received : new Date().toISOString()
  const triggers = new Set<string>()
  let failed = 0
  for (const { name, read } of given) {
    try {
      const bytes = read()
      if (dryRun) {
        await request.print(`${name}: ${summary(readEvent(bytes, name))}\n`)
        continue
      }
      const taken = await book.take(bytes, received)
      tell(name, taken, request)
      if (request.json) await request.print(`${JSON.stringify(lineOf(name, taken))}\n`)
      else if (taken.trigger && !triggers.has(taken.trigger)) await request.print(`${shown(taken.trigger)}\n`)
      if (taken.trigger) triggers.add(taken.trigger)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      failed++
      const message = error.message.replace(/^the event: /, `${name}: `)
      log.warn(`refused: ${message}`)
      if (request.json) await request.print(`${JSON.stringify({ input: name, status: 'failed', reason: message })}\n`)
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
  const { ivorn, role, family, kind, burstId, t0, position } = alert
  const product = trigger && shown(trigger)
  return {
    ...{ input, status: 'done', product, state, again, reason, ivorn, role, family, kind },
    burst: burstId,
    t0,
    position,
  }
}

const shown = (path: string) => {
  const near = relative('', path)
  return near.startsWith('..') ? path : near
}
