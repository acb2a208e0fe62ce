import { createServer, type Server, type Socket } from 'node:net'
import {
  type Filter,
  frameMessage,
  meets,
  parseFilter,
  readTransport,
  transportText,
  unframer,
} from '@nightpipe/alerts'
import type { Log } from '@nightpipe/command'
import { DataError } from '@nightpipe/files'
import type { Address } from './address.js'

/** What the two doors of the broker have in common. */
export interface Door {
  address: Address
  /** Whether who calls from there may come in. */
  allowed(address: string | undefined): boolean
  /** the name under which we answer */
  ivo: string
  log: Log
}

const now = () => new Date().toISOString()
const callerOf = (socket: Socket) => `${socket.remoteAddress?.replace(/^::ffff:/, '')}:${socket.remotePort}`

function listen(door: Door, what: string, serve: (socket: Socket) => void): Promise<Server> {
  const { address, allowed, log } = door
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    if (!allowed(socket.remoteAddress)) {
      log.warn(`${callerOf(socket)} is not among the networks of ${what}: turned away`)
      socket.destroy()
    } else serve(socket)
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(new DataError(`cannot listen on ${address.host}:${address.port} for ${what}: ${error.message}`))
    })
    server.listen(address.port, address.host, () => {
      log.info(`listening on ${address.host}:${(server.address() as { port: number }).port} for ${what}`)
      resolve(server)
    })
  })
}

/** Where authors send to: each event is taken by `take`, then acknowledged; what it throws is the reason of a refusal. */
export function authorDoor(
  door: Door,
  idleSeconds: number,
  take: (event: Uint8Array, from: string) => Promise<string>,
): Promise<Server> {
  return listen(door, 'authors', (socket) => {
    const from = callerOf(socket)
    const reader = unframer()
    let last = Promise.resolve()
    socket.setTimeout(idleSeconds * 1000, () => socket.destroy())
    const answer = (role: 'ack' | 'nak', response: string, result?: string) => {
      const text = transportText({ role, origin: door.ivo, response, timestamp: now(), result, params: [] })
      if (socket.writable) socket.write(frameMessage(text))
    }
    const event = async (message: Uint8Array) =>
      readTransport(message)?.role === 'iamalive' ? undefined : take(message, from)
    /** Answers in the order of the messages; several may be on their way to the disk together. */
    const handle = async (taken: Promise<string | undefined>) => {
      try {
        const ivorn = await taken
        if (ivorn !== undefined) answer('ack', ivorn)
      } catch (error) {
        door.log.warn(`refused what ${from} sent: ${(error as Error).message}`)
        answer('nak', 'ivo://unknown/event', (error as Error).message)
      }
    }
    socket.on('data', (piece) => {
      try {
        for (const message of reader.take(piece)) {
          const taken = event(message)
          taken.catch(() => undefined) // told when its turn comes
          last = last.then(() => handle(taken))
        }
      } catch (error) {
        door.log.warn(`${from}: ${(error as Error).message}`)
        answer('nak', 'ivo://unknown/event', (error as Error).message)
        socket.destroySoon()
      }
    })
  })
}

interface Subscriber {
  socket: Socket
  from: string
  filters: Filter[]
  /** events that it has not acknowledged */
  due: number
  /** events that it gets when it has acknowledged some */
  waiting: Uint8Array[]
  /** bytes of them */
  behind: number
  /** it has acknowledged something since it was last asked whether it is there */
  moves: boolean
  /** it was asked whether it is there, and has not answered */
  asked: boolean
}

/** A subscriber gets so many events ahead of its answers; the next ones wait for it. */
const MOST_DUE = 10
/** One that answers none of them from one question to the next, or is so many bytes behind, is let go. */
const MOST_BEHIND = 64 * 2 ** 20

const FRESH = () => ({ waiting: [] as Uint8Array[], behind: 0, moves: true })

/** Where subscribers get events from. */
export interface SubscriberDoor {
  server: Server
  /** Passes an event on to those whose rules it meets; nobody is waited for. */
  pass(event: Uint8Array): void
  close(): void
}

export async function subscriberDoor(door: Door, aliveSeconds: number): Promise<SubscriberDoor> {
  const subscribers = new Set<Subscriber>()
  const drop = (one: Subscriber, why: string) => {
    if (!subscribers.delete(one)) return
    door.log.info(`subscriber ${one.from}: ${why}`)
    one.socket.destroy()
  }
  const say = ({ socket }: Subscriber, role: 'iamalive' | 'authenticate') =>
    socket.write(frameMessage(transportText({ role, origin: door.ivo, timestamp: now(), params: [] })))
  const send = (one: Subscriber) => {
    const now = one.waiting.splice(0, MOST_DUE - one.due)
    for (const frame of now) {
      one.due++
      one.behind -= frame.length
      one.socket.write(frame)
    }
  }
  const hear = (one: Subscriber, message: Uint8Array) => {
    const said = readTransport(message)
    if (said?.role === 'iamalive') one.asked = false
    else if (said?.role === 'ack' || said?.role === 'nak') {
      one.due = Math.max(0, one.due - 1)
      one.moves = true
      send(one)
    } else if (said?.role === 'authenticate') {
      const rules = said.params.filter(({ name }) => name === 'xpath-filter').map(({ value }) => value)
      one.filters = rules.map(parseFilter)
      if (rules.length) door.log.info(`subscriber ${one.from} wants ${rules.join(' or ')}`)
    }
  }
  const server = await listen(door, 'subscribers', (socket) => {
    const one: Subscriber = { socket, from: callerOf(socket), filters: [], due: 0, asked: false, ...FRESH() }
    const reader = unframer()
    subscribers.add(one)
    socket.on('close', () => drop(one, 'gone'))
    socket.on('data', (piece) => {
      try {
        for (const message of reader.take(piece)) hear(one, message)
      } catch (error) {
        drop(one, `let go: ${(error as Error).message}`)
      }
    })
    say(one, 'authenticate')
  })
  const timer = setInterval(() => {
    for (const one of subscribers) {
      if (one.asked) drop(one, 'let go: does not say that it is there')
      else if (one.due >= MOST_DUE && !one.moves) drop(one, `let go: ${MOST_DUE} events without an answer`)
      else {
        one.asked = true
        one.moves = false
        say(one, 'iamalive')
      }
    }
  }, aliveSeconds * 1000)
  return {
    server,
    pass(event) {
      const frame = frameMessage(event)
      for (const one of subscribers) {
        if (one.filters.length && !one.filters.some((filter) => meets(filter, event))) continue
        one.waiting.push(frame)
        one.behind += frame.length
        if (one.behind > MOST_BEHIND) drop(one, 'let go: too slow')
        else send(one)
      }
    },
    close() {
      clearInterval(timer)
      server.close()
      for (const one of subscribers) one.socket.destroy()
      subscribers.clear()
    },
  }
}
