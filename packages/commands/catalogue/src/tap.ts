import { setTimeout as sleep } from 'node:timers/promises'
import { votableStatus } from '@nightpipe/catalogues'
import { DataError } from '@nightpipe/command'

/** How a service is asked. */
export interface TapOptions {
  url: string
  mode: 'sync' | 'async'
  /** rows that an answer may have */
  rows: number
  /** seconds without a byte after which a request is given up */
  patience: number
  /** seconds between two requests */
  pause: number
  /** how often a request that failed is tried again */
  retries: number
  /** seconds before the first of them; each later one waits twice as long, up to a minute */
  backOff: number
  signal: AbortSignal
  /** told what went wrong before it is tried again */
  onTrouble(problem: string, seconds: number): void
}

/** An answer that a later request may better: the service is busy, the network broke, it ended too early. */
class Passing extends Error {
  constructor(
    message: string,
    readonly waitSeconds?: number,
  ) {
    super(message)
  }
}

/** A service that did not answer, however often it was asked: another query may fare better. */
export class GaveUp extends DataError {}

/** Whether the service cut the answer off at its limit of rows, and the VOTable. */
export interface TapAnswer {
  text: string
  overflow: boolean
}

const LONGEST_WAIT = 60

/** Asks politely: one request at a time, at most so often, and later again where that may help. */
export function tapClient(options: TapOptions): (query: string) => Promise<TapAnswer> {
  const { retries, backOff, pause, signal } = options
  let last = Number.NEGATIVE_INFINITY
  return async (query) => {
    for (let attempt = 0; ; attempt++) {
      const wait = last + 1000 * pause - performance.now()
      if (wait > 0) await sleep(wait, undefined, { signal })
      last = performance.now()
      try {
        return checked(options.mode === 'sync' ? await askAtOnce(options, query) : await askByJob(options, query))
      } catch (error) {
        signal.throwIfAborted()
        const passing = passingOf(error)
        if (!passing) throw error
        if (attempt >= retries) {
          const advice = 'run it again later: what is there already is kept'
          throw new GaveUp(`${options.url}: ${passing.message}, ${attempt + 1} times`, advice, { cause: error })
        }
        const seconds = Math.min(LONGEST_WAIT, passing.waitSeconds ?? backOff * 2 ** attempt)
        options.onTrouble(passing.message, seconds)
        await sleep(1000 * seconds, undefined, { signal })
      }
    }
  }
}

/** What the network says when it breaks comes as a TypeError with a cause. */
function passingOf(error: unknown): Passing | undefined {
  if (error instanceof Passing) return error
  const { name, message, cause } = error as Error
  if (name !== 'TypeError' || !(message === 'fetch failed' || message === 'terminated')) return undefined
  const { code, message: deeper } = (cause ?? {}) as { code?: string; message?: string }
  return new Passing(`the connection failed (${code ?? deeper ?? message})`)
}

const formOf = (query: string, rows: number, more: Record<string, string> = {}): URLSearchParams =>
  new URLSearchParams({
    REQUEST: 'doQuery',
    LANG: 'ADQL',
    FORMAT: 'votable',
    MAXREC: String(rows),
    QUERY: query,
    ...more,
  })

async function askAtOnce(options: TapOptions, query: string): Promise<string> {
  const { text } = await request(options, `${options.url}/sync`, { method: 'POST', body: formOf(query, options.rows) })
  return text
}

/** By a job of the service (UWS): it may take longer than a connection lives. */
async function askByJob(options: TapOptions, query: string): Promise<string> {
  const body = formOf(query, options.rows, { PHASE: 'RUN' })
  const { url: job } = await request(options, `${options.url}/async`, { method: 'POST', body })
  try {
    for (let wait = 0.2; ; wait = Math.min(10, 1.5 * wait)) {
      const phase = (await request(options, `${job}/phase`)).text.trim().toUpperCase()
      if (phase === 'COMPLETED') break
      if (['ERROR', 'ABORTED', 'HELD', 'ARCHIVED'].includes(phase)) throw await jobError(options, job, phase)
      await sleep(1000 * wait, undefined, { signal: options.signal })
    }
    return (await request(options, `${job}/results/result`)).text
  } finally {
    // The service need not keep what we have, or no longer want.
    await fetch(job, { method: 'DELETE', signal: AbortSignal.timeout(5000) }).catch(() => undefined)
  }
}

async function jobError(options: TapOptions, job: string, phase: string): Promise<Error> {
  if (phase !== 'ERROR') return new Passing(`the job was ${phase.toLowerCase()}`)
  const { text } = await request(options, `${job}/error`).catch(() => ({ text: '' }))
  const reason = votableStatus(text).message ?? text.replace(/<[^>]*>/g, ' ').trim()
  return new DataError(`${options.url} could not answer: ${oneLine(reason) || 'it does not say why'}`)
}

interface Answer {
  text: string
  /** where the answer came from in the end */
  url: string
}

/** One request. It is given up when no byte has come for `patience` seconds, however long it takes in all. */
async function request(options: TapOptions, url: string, init: RequestInit = {}): Promise<Answer> {
  const stalled = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const alive = () => {
    clearTimeout(timer)
    timer = setTimeout(() => stalled.abort(), 1000 * options.patience)
  }
  try {
    alive()
    const signal = AbortSignal.any([options.signal, stalled.signal])
    const headers = { 'user-agent': 'nightpipe catalogue fetch', accept: '*/*' }
    const answer = await fetch(url, { ...init, headers, signal })
    const pieces: Uint8Array[] = []
    for await (const piece of answer.body ?? []) {
      alive()
      pieces.push(piece as Uint8Array)
    }
    const text = Buffer.concat(pieces).toString('utf8')
    refuse(answer, text, options.url)
    return { text, url: answer.url }
  } catch (error) {
    if (stalled.signal.aborted) throw new Passing(`no answer within ${options.patience} s`)
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function refuse(answer: Response, text: string, url: string): void {
  if (answer.ok) return
  const { status } = answer
  if (status >= 500 || status === 429 || status === 408) throw new Passing(`it answers ${status}`, retryAfter(answer))
  const reason = votableStatus(text).message ?? (text.startsWith('<') ? '' : text)
  throw new DataError(`${url} refuses the query (${status}): ${oneLine(reason) || 'it does not say why'}`)
}

/** Seconds, or a date. */
function retryAfter(answer: Response): number | undefined {
  const said = answer.headers.get('retry-after')
  if (said === null || said.trim() === '') return undefined
  const seconds = Number(said)
  if (Number.isFinite(seconds)) return Math.max(0, seconds)
  const moment = Date.parse(said)
  return Number.isNaN(moment) ? undefined : Math.max(0, (moment - Date.now()) / 1000)
}

/** A VOTable that ends, and says no error. */
function checked(text: string): TapAnswer {
  if (!/<\/(?:\w+:)?VOTABLE\s*>\s*$/i.test(text)) throw new Passing('the answer ends too early')
  const { status, message, overflow } = votableStatus(text)
  if (status === 'ERROR') throw new DataError(`the service says: ${oneLine(message ?? '') || 'an error'}`)
  return { text, overflow }
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 300)
