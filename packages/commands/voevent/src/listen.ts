import { meets, parseFilter } from '@nightpipe/alerts'
import { type Conducting, Exit } from '@nightpipe/command'
import { ConfigError, DataError } from '@nightpipe/files'
import { addressOf, networks } from './address.js'
import { authorDoor, type Door, subscriberDoor } from './broker.js'
import { commandQueue } from './command-queue.js'
import { lineOf, tell } from './parse.js'
import { openBook, type Taken } from './record.js'
import { subscribe } from './remote.js'
import type { listenSchema } from './schema.js'

type Listening = Conducting<typeof listenSchema>

/** Receives events until it is told to stop: keeps them, makes triggers, passes them on, starts the command. */
export async function listen(request: Listening): Promise<number> {
  const { config, log, signal, flags } = request
  const { broker, timing } = config
  const rule = filterOf(broker.filter)
  const remotes = broker.remotes.map((text) => addressOf(text, '[broker] remotes'))
  const door = (address: string, key: 'receive' | 'broadcast', nets: 'authors' | 'subscribers'): Door => ({
    ...{ address: addressOf(address, `[broker] ${key}`), ivo: broker.ivo, log },
    allowed: networks(broker[nets], `[broker] ${nets}`),
  })
  if (!broker.receive && remotes.length === 0) {
    throw new ConfigError('nothing to listen to', 'set [broker] receive to a port, or remotes to brokers')
  }
  const doors = {
    authors: broker.receive ? door(broker.receive, 'receive', 'authors') : undefined,
    subscribers: broker.broadcast ? door(broker.broadcast, 'broadcast', 'subscribers') : undefined,
  }
  if (request.dryRun) {
    await request.print(`${[broker.receive, broker.broadcast, ...broker.remotes].filter(Boolean).join('\n')}\n`)
    return Exit.done
  }
  const subscribers = doors.subscribers && (await subscriberDoor(doors.subscribers, timing.alive))
  const receiver = events(request, (event) => subscribers?.pass(event))
  const authors = doors.authors && (await authorDoor(doors.authors, timing.idle, receiver.take))
  const filtered = async (event: Uint8Array, from: string) => {
    if (rule && !meets(rule, event)) return ''
    return receiver.take(event, from)
  }
  const calls = remotes.map((address) =>
    subscribe(address, {
      ...{ ivo: broker.ivo, log, filter: broker.filter, silence: timing.silence, take: filtered },
      ...{ firstWait: timing['first wait'], longestWait: timing['longest wait'] },
    }),
  )
  await Promise.race([stopped(signal), receiver.enough(Number(flags.count ?? 0))])
  for (const call of calls) call.close()
  authors?.close()
  await receiver.settle()
  subscribers?.close()
  return Exit.done
}

function filterOf(text: string) {
  try {
    return text ? parseFilter(text) : undefined
  } catch (error) {
    throw new ConfigError(`[broker] filter: ${(error as Error).message}`)
  }
}

const stopped = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** One event after the other into the book, on to subscribers, and to the command. */
function events(request: Listening, pass: (event: Uint8Array) => void) {
  const { config, log, output } = request
  const book = openBook(output, config)
  const queue = config.command.run ? commandQueue(config.command, log) : undefined
  let last: Promise<unknown> = Promise.resolve()
  let count = 0
  let reached = () => {}
  let wanted = 0
  const one = async (event: Uint8Array, from: string): Promise<string> => {
    const taken = await book.take(event, new Date().toISOString())
    tell(from, taken, request)
    if (!taken.again) {
      pass(event)
      hand(event, taken)
      if (request.json) await request.print(`${JSON.stringify(lineOf(from, taken))}\n`)
      else if (taken.trigger) await request.print(`${taken.trigger}\n`)
      count++
      if (wanted && count >= wanted) setImmediate(reached) // first its sender is answered
    }
    return taken.alert.ivorn
  }
  const hand = (event: Uint8Array, { alert, trigger, state }: Taken) => {
    if (!queue || (config.command['triggers only'] && !trigger)) return
    const facts = { VOEVENT_IVORN: alert.ivorn, VOEVENT_ROLE: alert.role, VOEVENT_BURST: alert.burstId ?? '' }
    queue.add(event, { ...facts, VOEVENT_TRIGGER: trigger ?? '', VOEVENT_STATE: state ?? '' })
  }
  return {
    take(event: Uint8Array, from: string): Promise<string> {
      const mine = last.then(() => one(event, from))
      last = mine.catch((error: unknown) => {
        if (!(error instanceof DataError)) log.warn(`${from}: ${(error as Error).message}`)
      })
      return mine
    },
    enough: (most: number) =>
      new Promise<void>((resolve) => {
        wanted = most
        reached = resolve
      }),
    async settle() {
      await last
      await queue?.idle()
    },
  }
}
