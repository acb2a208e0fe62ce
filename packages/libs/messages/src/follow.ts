import { setTimeout as wait } from 'node:timers/promises'
import type { Consumer, JsMsg, NatsConnection } from 'nats'
import { type Means, whileConnected } from './connected.js'
import { connectionOptions, hidden, type Place } from './place.js'
import { ensureStream, isMissing } from './stream.js'

/** A message that came. */
export interface Arrived {
  subject: string
  body: Uint8Array
  /** in its stream; 0 for a plain message */
  sequence: number
  /** how often it was given to us before */
  before: number
}

/** done: it is not given again. refused: nor is that, as it would never be done. again: later. */
export type Fate = 'done' | 'refused' | 'again'

export interface Following extends Place {
  subject: string
  durable: string
  attempts: number
  /** messages dealt with at the same time */
  atOnce: number
}

/** JetStream gives a message again that is neither done nor under way for so long. */
const ACK_WAIT_MS = 30_000
const AT_MOST_OPEN = 256

/**
 * Gives messages to `take` until the signal comes. With a stream each is given at least once, also those that came while
 * nobody listened: it is acknowledged after `take` says that it is done, and given again, later and later, after `again`.
 */
export async function follow(
  place: Following,
  means: Means & { key: string },
  take: (message: Arrived) => Promise<Fate>,
): Promise<void> {
  const options = connectionOptions(place, means.key)
  await whileConnected(hidden(place.url), options, means, async (connection, gone) => {
    if (place.stream === '') return plain(connection, place, gone, take)
    const consumer = await durable(connection, place)
    means.log.info(`follows ${place.subject} in the stream ${place.stream} as ${place.durable}`)
    await (place.atOnce > 1 ? several : oneByOne)(consumer, gone, (message) => settle(message, place, means, take))
  })
}

/** What comes while we listen, and no more. */
async function plain(
  connection: NatsConnection,
  { subject, atOnce }: Following,
  gone: AbortSignal,
  take: (message: Arrived) => Promise<Fate>,
): Promise<void> {
  const subscription = connection.subscribe(subject)
  gone.addEventListener('abort', () => subscription.unsubscribe(), { once: true })
  for await (const { subject: own, data } of subscription) {
    const taken = take({ subject: own, body: data, sequence: 0, before: 0 }).catch(() => undefined)
    if (atOnce === 1) await taken
  }
}

/** The consumer that the server remembers us by. */
async function durable(connection: NatsConnection, { stream, subject, durable: name }: Following): Promise<Consumer> {
  const { AckPolicy, DeliverPolicy, nanos } = await import('nats')
  const manager = await connection.jetstreamManager()
  await ensureStream(manager, stream, subject)
  try {
    const { config } = await manager.consumers.info(stream, name)
    if (config.filter_subject !== subject) await manager.consumers.update(stream, name, { filter_subject: subject })
  } catch (error) {
    if (!isMissing(error)) throw error
    await manager.consumers.add(stream, {
      ...{ durable_name: name, filter_subject: subject, ack_policy: AckPolicy.Explicit },
      ...{ deliver_policy: DeliverPolicy.All, ack_wait: nanos(ACK_WAIT_MS), max_ack_pending: AT_MOST_OPEN },
    })
  }
  return connection.jetstream().consumers.get(stream, name)
}

/** In their order; one that must come again does not hold up the next. */
async function oneByOne(consumer: Consumer, gone: AbortSignal, settled: (message: JsMsg) => Promise<void>) {
  const end = new Promise<undefined>((resolve) =>
    gone.addEventListener('abort', () => resolve(undefined), { once: true }),
  )
  while (!gone.aborted) {
    const next = consumer.next({ expires: 5000 })
    next.catch(() => undefined) // a connection that is gone is told elsewhere
    const message = await Promise.race([next, end])
    if (message) await settled(message)
  }
}

async function several(consumer: Consumer, gone: AbortSignal, settled: (message: JsMsg) => Promise<void>) {
  const messages = await consumer.consume({ max_messages: AT_MOST_OPEN })
  gone.addEventListener('abort', () => messages.stop(), { once: true })
  const open = new Set<Promise<void>>()
  for await (const message of messages) {
    const one = settled(message).finally(() => open.delete(one))
    open.add(one)
  }
  await Promise.all(open)
}

/** One message: taken, then answered. The server is told now and then that it is still under way. */
async function settle(
  message: JsMsg,
  { attempts, durable: name }: Following,
  { log }: Means,
  take: (message: Arrived) => Promise<Fate>,
): Promise<void> {
  const before = message.info.deliveryCount - 1
  const beat = setInterval(() => message.working(), ACK_WAIT_MS / 3)
  let fate: Fate
  try {
    fate = await take({ subject: message.subject, body: message.data, sequence: message.seq, before })
  } catch (error) {
    log.warn(`message ${message.seq}: ${(error as Error).message}`)
    fate = 'again'
  } finally {
    clearInterval(beat)
  }
  if (fate === 'again' && attempts > 0 && before + 1 >= attempts) {
    log.warn(`message ${message.seq} (${message.subject}) is given up after ${attempts} attempts`)
    fate = 'refused'
  }
  if (fate === 'again') message.nak(Math.min(1000 * 2 ** Math.min(before, 10), 300_000))
  else if (fate === 'refused') message.term()
  // The server answers an acknowledgement: without it the message may come again, and must not be taken for done.
  else if (!(await message.ackAck().catch(() => false))) {
    log.warn(`the server does not know that message ${message.seq} is done: ${name} may get it again`)
    await wait(100)
  }
}
