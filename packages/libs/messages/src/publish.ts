import type { JetStreamClient, NatsConnection } from 'nats'
import { type Means, whileConnected } from './connected.js'
import { connectionOptions, hidden, type Place } from './place.js'
import { ensureStream } from './stream.js'

/** A message on its way. */
export interface Message {
  /** the same message has the same one, however often it is sent: JetStream then keeps it once */
  id: string
  subject: string
  body: string
}

/** Where messages wait until the server has them: on disk, and for as long as it takes. */
export interface Outbox {
  /** The oldest that wait. */
  waiting(most: number): Promise<Message[]>
  /** These have arrived. */
  arrived(ids: readonly string[]): Promise<void>
}

export interface Publishing {
  /** Something was put into the outbox. */
  poke(): void
  /** Sends what waits, if the server is there, and ends. */
  close(): Promise<void>
}

const AT_ONCE = 100
/** How long a store that ends waits for what is still on its way. */
const LAST_MS = 3000

/**
 * Sends what is in the outbox, in its order, whenever the server is there. A message leaves the outbox when JetStream has
 * it on disk; a plain one, when the server has answered after it. So each arrives at least once.
 */
export function publishing(
  place: Place & { subject: string },
  outbox: Outbox,
  means: Means & { key: string },
): Publishing {
  const options = connectionOptions(place, means.key)
  const end = new AbortController()
  let wake = () => {}
  let poked = true
  let idle = () => {}
  const session = async (connection: NatsConnection, gone: AbortSignal) => {
    const send = await sender(connection, place)
    gone.addEventListener('abort', () => wake(), { once: true })
    while (!gone.aborted) {
      poked = false
      const sent = await send(await outbox.waiting(AT_ONCE))
      await outbox.arrived(sent)
      if (sent.length > 0 || poked) continue
      idle()
      await new Promise<void>((resolve) => {
        wake = resolve
        if (gone.aborted || poked) resolve()
      })
    }
  }
  let connected = false
  const work = whileConnected(hidden(place.url), options, { ...means, signal: end.signal }, async (...given) => {
    connected = true
    await session(...given).finally(() => {
      connected = false
      idle()
    })
  })
  const poke = () => {
    poked = true
    wake()
  }
  return {
    poke,
    async close() {
      if (connected) {
        const done = new Promise<void>((resolve) => {
          idle = resolve
        })
        poke()
        const late = new Promise<void>((resolve) => setTimeout(resolve, LAST_MS).unref())
        await Promise.race([done, late])
      }
      end.abort()
      await work
    },
  }
}

/** Sends messages, and tells which of them arrived. Ends with an error where none can. */
async function sender(
  connection: NatsConnection,
  { stream, subject }: Place & { subject: string },
): Promise<(messages: readonly Message[]) => Promise<string[]>> {
  if (stream === '') {
    return async (messages) => {
      for (const message of messages) connection.publish(message.subject, message.body)
      if (messages.length > 0) await connection.flush()
      return messages.map(({ id }) => id)
    }
  }
  await ensureStream(await connection.jetstreamManager(), stream, `${subject}.>`)
  const jetstream = connection.jetstream()
  return (messages) => keep(jetstream, messages)
}

async function keep(jetstream: JetStreamClient, messages: readonly Message[]): Promise<string[]> {
  const answers = await Promise.allSettled(
    messages.map(({ id, subject, body }) => jetstream.publish(subject, body, { msgID: id })),
  )
  const failed = answers.find((answer) => answer.status === 'rejected')
  const kept = messages.filter((_, k) => answers[k]!.status === 'fulfilled').map(({ id }) => id)
  if (failed && kept.length === 0) throw failed.reason
  return kept
}
