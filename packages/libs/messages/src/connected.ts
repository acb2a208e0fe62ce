import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '@nightpipe/command'
import type { ConnectionOptions, NatsConnection } from 'nats'

export interface Means {
  log: Log
  /** ends it all */
  signal: AbortSignal
  /** seconds before the server is called again; doubled each time, up to the longest */
  firstWait?: number
  longestWait?: number
}

/** A session that lasted so long was a good one: the next wait begins small again. */
const STABLE_MS = 20_000

/**
 * Keeps a connection to the server until the signal comes, and runs `session` over each. A server that is not there, goes
 * away, or refuses is called again, later and later. `session` gets a signal that comes when the connection is gone.
 */
export async function whileConnected(
  name: string,
  options: () => Promise<ConnectionOptions>,
  { log, signal, firstWait = 0.25, longestWait = 10 }: Means,
  session: (connection: NatsConnection, gone: AbortSignal) => Promise<void>,
): Promise<void> {
  const { connect } = await import('nats')
  let pause = firstWait
  let told = ''
  while (!signal.aborted) {
    const began = performance.now()
    const why = await options()
      .then(connect)
      .then(
        (connection) => {
          log.info(`connected to ${name}`)
          told = ''
          return oneSession(connection, signal, session)
        },
        (error: Error) => error.message,
      )
    if (signal.aborted) return
    if (performance.now() - began > STABLE_MS) pause = firstWait
    // Once for each reason: a server that is down for a night is not worth a thousand lines.
    if (why !== told) log.warn(`${name}: ${why}; called again until it answers`)
    told = why
    await wait(pause * 1000, undefined, { signal }).catch(() => undefined)
    pause = Math.min(2 * pause, longestWait)
  }
}

/** Runs the session to its end, or that of the connection, and says why it ended. */
async function oneSession(
  connection: NatsConnection,
  signal: AbortSignal,
  session: (connection: NatsConnection, gone: AbortSignal) => Promise<void>,
): Promise<string> {
  const gone = new AbortController()
  const closed = connection.closed().then((error) => {
    gone.abort()
    return error instanceof Error ? error.message : 'closed the connection'
  })
  const stop = () => gone.abort()
  signal.addEventListener('abort', stop, { once: true })
  const ran = session(connection, gone.signal).then(
    () => undefined,
    (error: Error) => error.message,
  )
  const why = await Promise.race([closed, ran])
  gone.abort()
  await ran
  signal.removeEventListener('abort', stop)
  await connection.close().catch(() => undefined)
  return why ?? 'ended'
}
