import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { freshDigests } from './digest.js'
import { Exit } from './exit.js'
import { laterOptimised } from './optimised-later.js'
import type { Ran } from './run-command.js'
import type { HostCall, HostWord } from './serve-calls.js'

/** Commands run one after the other by one process, which is started when it is wanted. */
export interface Host {
  /** As `runCommand`; one call at a time. */
  run(command: string, args: readonly string[], signal?: AbortSignal): Promise<Ran>
  /** Ends the process and waits for its end. */
  close(): Promise<void>
}

type Process = ChildProcessByStdio<Writable, Readable, Readable>
const PATIENCE_MS = 2000

/**
 * V8 collects and compiles in the thread that needs it: both cost more beside it, a tenth of all CPU time of a night. It optimises
 * later and copies fewer functions into those that call them: a quarter of the CPU time went into code that soon was run no more.
 * A Node does not start with a flag that it does not know.
 */
export function hostFlags(version: string): string[] {
  const major = Number(version.split('.')[0])
  const copied = ['--max-inlined-bytecode-size=100', '--max-inlined-bytecode-size-cumulative=200']
  if (major > 24) return []
  return ['--single-threaded', ...copied, ...laterOptimised(version)]
}

/** Undefined for a line that was torn by the end of the process. */
function wordOf(line: string): HostWord | undefined {
  try {
    return JSON.parse(line) as HostWord
  } catch {
    return undefined
  }
}

/** `program` is a bundle that calls `serveCalls`. A process that ends before its time fails its call; the next has another. */
export function openHost(program: string): Host {
  let host: Process | undefined
  let closed: Promise<void> = Promise.resolve()
  let call: { out: string; err: string; answer(code: number): void } | undefined

  function start(): Process {
    const process_ = spawn(process.execPath, [...hostFlags(process.versions.node), program], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    process_.stdin.on('error', () => {}) // it has ended: 'close' says how
    createInterface({ input: process_.stdout }).on('line', (line) => {
      const word = wordOf(line)
      if (!call || !word) return
      if ('out' in word) call.out += word.out
      else if ('err' in word) call.err += word.err
      else call.answer(word.code)
    })
    process_.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (call) call.err += text
    })
    closed = new Promise((done) => {
      process_.on('close', (code) => {
        host = undefined
        call?.answer(code ?? Exit.interrupted)
        done()
      })
    })
    return process_
  }

  return {
    async run(command, args, signal) {
      if (signal?.aborted) return { code: Exit.interrupted, products: [], stderr: '' }
      const process_ = host ?? start()
      host = process_
      const stop = () => {
        process_.kill()
        setTimeout(() => process_.kill('SIGKILL'), PATIENCE_MS).unref()
      }
      signal?.addEventListener('abort', stop, { once: true })
      try {
        return await new Promise<Ran>((resolve) => {
          const said = { out: '', err: '' }
          const answer = (code: number) => {
            call = undefined
            resolve({ code, products: said.out.split('\n').filter(Boolean), stderr: said.err })
          }
          call = Object.assign(said, { answer })
          const digests = freshDigests() // each raw frame is digested once, whoever needs it
          process_.stdin.write(`${JSON.stringify({ command, args, digests } satisfies HostCall)}\n`)
        })
      } finally {
        signal?.removeEventListener('abort', stop)
      }
    },
    async close() {
      host?.stdin.end()
      await closed
    },
  }
}
