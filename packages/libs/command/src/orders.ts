import type { InstrumentProfile } from '@nightpipe/config'
import type { Known } from './digest.js'
import type { Fault } from './exit.js'
import type { LogLevel } from './log.js'
import type { Pieces } from './tasks.js'
import type { Context, Job, Row } from './types.js'

/** What a worker thread must know before its first order. */
export interface ThreadSetup {
  nightpipe: string
  context: Context
  config: unknown
  profile: InstrumentProfile
  memoryBytes: number
}

/** What the main thread asks of a worker thread. */
export type Order =
  /** Before all others, and before those of another run. */
  | { kind: 'setup'; setup: ThreadSetup }
  | { kind: 'job'; job: Job; digests: [string, Known][] }
  /** Piece number k is for whoever adds 1 to `next` and finds k there. */
  | { kind: 'map'; pieces: Pieces; next: Int32Array }

export type Answer =
  | { kind: 'job'; rows: Row[]; digests?: [string, Known][] }
  | { kind: 'map'; results: [number, unknown][]; digests?: [string, Known][] }
  | { kind: 'fault'; fault: Fault; index?: number }

/** What the main thread says; the answer to an order bears its number. */
export interface Call {
  id: number
  order: Order
}

/** What a worker thread says. */
export type Message =
  | { kind: 'ready' }
  | { kind: 'log'; level: LogLevel; text: string }
  | { kind: 'answer'; id: number; answer: Answer }
