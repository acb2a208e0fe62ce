import { meets, parseFilter } from '@nightpipe/alerts'
import { type Conducting, Exit, type Log } from '@nightpipe/command'
import { ConfigError, DataError } from '@nightpipe/files'
import { checkName, checkSubject, connectionOptions, type Fate, follow, hidden } from '@nightpipe/messages'
import { addressOf, networks } from './address.js'
import { authorDoor, type Door, subscriberDoor } from './broker.js'
import { type CommandQueue, commandQueue, countWaiting } from './command-queue.js'
import { lineOf, tell } from './parse.js'
import { type BesideOf, openBook, type Taken } from './record.js'
import { subscribe } from './remote.js'
import type { listenSchema } from './schema.js'
import { checkSpool, watchSpool } from './spool.js'

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
  checkSources(request)
  const doors = {
    authors: broker.receive ? door(broker.receive, 'receive', 'authors') : undefined,
    subscribers: broker.broadcast ? door(broker.broadcast, 'broadcast', 'subscribers') : undefined,
  }
  if (request.dryRun) {
    const others = [config.nats.url && hidden(config.nats.url), config.folder.watch]
    await request.print(
      `${[broker.receive, broker.broadcast, ...broker.remotes, ...others].filter(Boolean).join('\n')}\n`,
    )
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
  const end = new AbortController()
  const other = otherSources(request, end.signal, filtered)
  await Promise.race([stopped(signal), receiver.enough(Number(flags.count ?? 0))])
  for (const call of calls) call.close()
  authors?.close()
  end.abort()
  await Promise.all(other)
  await receiver.settle(signal.aborted)
  subscribers?.close()
  return Exit.done
}

/** Refuses at the start what could not work, or would do nothing. */
function checkSources({ config: { broker, nats, folder } }: Listening): void {
  if (!broker.receive && broker.remotes.length === 0 && !nats.url && !folder.watch) {
    throw new ConfigError(
      'nothing to listen to',
      'set [broker] receive to a port, remotes to brokers, [nats] url, or [folder] watch',
    )
  }
  checkSpool(folder.watch)
  if (!nats.url) return
  connectionOptions(nats, '[nats] url')
  checkName(nats.stream, '[nats] stream')
  checkName(nats.durable, '[nats] durable')
  checkSubject(nats.subject, '[nats] subject', true)
}

/** Events that come as messages, and as files. */
function otherSources(
  { config: { nats, folder }, log }: Listening,
  signal: AbortSignal,
  take: (event: Uint8Array, from: string) => Promise<string>,
): Promise<void>[] {
  const work: Promise<void>[] = []
  if (folder.watch) work.push(watchSpool(folder, { log, signal, take }))
  if (nats.url) {
    const means = { log, signal, key: '[nats] url' }
    work.push(follow({ ...nats, atOnce: 256 }, means, ({ body, subject }) => fateOf(take(body, subject), subject, log)))
  }
  return work
}

/** What is no event never becomes one; what the disk is to blame for comes again. */
async function fateOf(taken: Promise<unknown>, subject: string, log: Log): Promise<Fate> {
  try {
    await taken
    return 'done'
  } catch (error) {
    const never = error instanceof DataError || (error as Error).name === 'XmlError'
    if (never) log.warn(`refused a message of ${subject}: ${(error as Error).message}`)
    return never ? 'refused' : 'again'
  }
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

/** Events into the book, then on to subscribers and to the command, in the order in which they came. */
function events(request: Listening, pass: (event: Uint8Array) => void) {
  const { log } = request
  const { book, queue } = bookAndQueue(request)
  const open = new Set<Promise<unknown>>()
  let count = 0
  let reached = () => {}
  let wanted = 0
  const one = async (event: Uint8Array, from: string): Promise<string> => {
    const taken = await book.take(event, new Date().toISOString())
    tell(from, taken, request)
    if (!taken.again) {
      pass(event)
      if (taken.beside) queue?.add(taken.beside)
      if (request.json) await request.print(`${JSON.stringify(lineOf(from, taken))}\n`)
      else if (taken.trigger) await request.print(`${taken.trigger}\n`)
      count++
      if (wanted && count >= wanted) setImmediate(reached) // first its sender is answered
    }
    return taken.alert.ivorn
  }
  return {
    take(event: Uint8Array, from: string): Promise<string> {
      const mine = one(event, from)
      const settled = mine.then(
        () => undefined,
        (error: unknown) => {
          if (!(error instanceof DataError)) log.warn(`${from}: ${(error as Error).message}`)
        },
      )
      open.add(settled)
      void settled.then(() => open.delete(settled))
      return mine
    },
    enough: (most: number) =>
      new Promise<void>((resolve) => {
        wanted = most
        reached = resolve
      }),
    /** Waits for what is at hand; and for all that the command is to be given, unless we were told to end. */
    async settle(told: boolean) {
      while (open.size > 0) await Promise.all(open)
      await (told ? queue?.stop() : queue?.idle())
    },
  }
}

/** The book, and the queue of the command: what it is to be given is on disk with the event, before that is acknowledged. */
function bookAndQueue({ config, log, output }: Listening) {
  let queue: CommandQueue | undefined
  const besideOf: BesideOf = (event, { alert, trigger, state }: Taken, received) => {
    if (!queue || (config.command['triggers only'] && !trigger)) return undefined
    const { ivorn, role, burstId: burst = '' } = alert
    return queue.entry(event, { ivorn, role, burst, received, trigger: trigger ?? '', state: state ?? '' })
  }
  const book = openBook(output, config, besideOf)
  const left = countWaiting(output)
  if (config.command.run) queue = commandQueue(output, config.command, book.knows, log)
  else if (left > 0) log.warn(`${left} events of an earlier run wait for a command, and [command] run is empty`)
  return { book, queue }
}
