import { connect, type Socket } from 'node:net'
import { frameMessage, readTransport, transportText, unframer } from '@nightpipe/alerts'
import type { Log } from '@nightpipe/command'
import type { Address } from './address.js'

export interface RemoteWishes {
  ivo: string
  log: Log
  /** rule that the remote is asked to apply, '' for none */
  filter: string
  silence: number
  firstWait: number
  longestWait: number
  /** Takes an event; a subscriber never refuses, so what it throws is only told. */
  take(event: Uint8Array, from: string): Promise<string>
}

/** A connection that lasted so long was a good one: the next wait begins small again. */
const STABLE_SECONDS = 60

/** Stays subscribed to a broker until it is closed: calls again, later and later, when it does not answer or falls silent. */
export function subscribe({ host, port }: Address, wishes: RemoteWishes): { close(): void } {
  const { log } = wishes
  const name = `${host}:${port}`
  let socket: Socket | undefined
  let timer: NodeJS.Timeout | undefined
  let wait = wishes.firstWait
  let closed = false

  const call = () => {
    const began = performance.now()
    let why = 'closed the connection'
    const here = connect({ host, port })
    socket = here
    here.setTimeout(wishes.silence * 1000, () => {
      why = `said nothing for ${wishes.silence} s`
      here.destroy()
    })
    here.on('connect', () => log.info(`subscribed to ${name}`))
    here.on('error', (error) => {
      why = error.message
    })
    here.on('close', () => {
      if (closed) return
      if (performance.now() - began > STABLE_SECONDS * 1000) wait = wishes.firstWait
      log.info(`${name}: ${why}; called again in ${wait} s`)
      timer = setTimeout(call, wait * 1000)
      wait = Math.min(2 * wait, wishes.longestWait)
    })
    hearFrom(here, name, wishes)
  }
  call()
  return {
    close() {
      closed = true
      clearTimeout(timer)
      socket?.end(() => socket?.destroy())
    },
  }
}

function hearFrom(socket: Socket, name: string, { ivo, filter, log, take }: RemoteWishes): void {
  const reader = unframer()
  const say = (
    role: 'ack' | 'iamalive' | 'authenticate',
    response: string,
    params: { name: string; value: string }[] = [],
  ) => {
    const text = transportText({ role, origin: ivo, response, timestamp: new Date().toISOString(), params })
    if (socket.writable) socket.write(frameMessage(text))
  }
  let last = Promise.resolve()
  const handle = (message: Uint8Array): void => {
    let said: ReturnType<typeof readTransport>
    try {
      said = readTransport(message)
    } catch (error) {
      // Nobody is told: subscribers do not refuse.
      log.warn(`${name} sends what is no XML: ${(error as Error).message}`)
      return
    }
    if (said?.role === 'iamalive') say('iamalive', said.origin)
    if (said?.role === 'authenticate')
      say('authenticate', said.origin, filter ? [{ name: 'xpath-filter', value: filter }] : [])
    if (said) return
    // Acknowledged in their order, entered together.
    const taken = take(message, name)
    taken.catch(() => undefined)
    last = last.then(() => acknowledge(message, taken))
  }
  const acknowledge = async (message: Uint8Array, taken: Promise<string>) => {
    const ivorn = /\sivorn\s*=\s*["']([^"']*)/.exec(Buffer.from(message).toString('utf8'))?.[1] ?? 'ivo://unknown/event'
    try {
      await taken
    } catch (error) {
      log.warn(`refused what ${name} sent: ${(error as Error).message}`)
    }
    say('ack', ivorn)
  }
  socket.on('data', (piece) => {
    try {
      for (const message of reader.take(piece)) handle(message)
    } catch (error) {
      log.warn(`${name}: ${(error as Error).message}`)
      socket.destroy()
    }
  })
}
