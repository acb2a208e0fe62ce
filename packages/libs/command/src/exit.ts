import { ConfigError, DataError, explainSystemError, systemCode } from '@nightpipe/files'

/** Exit codes of every command. 1 means bug because Node itself returns 1 on a crash. */
export const Exit = {
  done: 0,
  bug: 1,
  usage: 2,
  noProduct: 3,
  verdictNo: 4,
  someFailed: 5,
  interrupted: 130,
} as const

/** What --help and the manual say about them. */
export const EXIT_CODES: readonly [number, string][] = [
  [Exit.done, 'all done (a frame that a quality rule set aside counts as done)'],
  [Exit.bug, 'a bug of ours: please report it'],
  [Exit.usage, 'wrong flag or configuration; nothing was touched'],
  [Exit.noProduct, 'the data cannot be used: no product could be made'],
  [Exit.verdictNo, 'ran well, and the verdict is no'],
  [Exit.someFailed, 'some inputs failed, the rest is done; the report says which and why'],
  [Exit.interrupted, 'interrupted; run it again, and only the missing work is done'],
]

/** An error as plain data, so that it can come from a worker thread. */
export interface Fault {
  kind: 'data' | 'config' | 'bug'
  /** one line */
  message: string
  advice?: string
  /** further problems of a configuration, each a line */
  more?: string[]
  stack?: string
}

const BUG_ADVICE = 'a bug in nightpipe: please report it with what --verbose prints'
const MEMORY_ADVICE =
  'use fewer --workers, or less --memory so that smaller strips are read; cut or bin a frame that is too large by itself'
const oneLine = (text: string) => text.trim().replace(/\s*[\r\n]+\s*/g, '; ')

/** Tells apart what the data, the person or we did wrong. */
export function faultOf(thrown: unknown): Fault {
  const error = explained(thrown)
  const stack = traceOf(error)
  if (error instanceof ConfigError) {
    const problems = (error as { problems?: readonly string[] }).problems ?? []
    const more = problems.slice(1).map(oneLine)
    return { kind: 'config', message: oneLine(error.message), advice: error.advice, more, stack }
  }
  if (error instanceof DataError) {
    return { kind: 'data', message: oneLine(error.message), advice: error.advice, stack }
  }
  const message = oneLine(error instanceof Error ? error.message || error.name : String(error))
  const short = message.replace(/^out of memory: /, '')
  if (isOutOfMemory(error)) return { kind: 'data', message: `out of memory: ${short}`, advice: MEMORY_ADVICE, stack }
  return { kind: 'bug', message: `internal error: ${message}`, advice: BUG_ADVICE, stack }
}

/** System calls whose names are no words. */
const WORDS: Readonly<Record<string, string>> = {
  copyfile: 'copy to',
  mkdir: 'make',
  scandir: 'list',
  unlink: 'remove',
}

/** A failed system call that nobody put in words yet. */
function explained(thrown: unknown): unknown {
  if (!systemCode(thrown)) return thrown
  const { code, syscall, path, dest } = thrown as NodeJS.ErrnoException & { dest?: string }
  // A copy fails at its source or at its target: where there is no room, or no permission to write, it is the target.
  const place = dest && ['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS'].includes(code ?? '') ? dest : path
  return explainSystemError(thrown, WORDS[syscall ?? ''] ?? syscall ?? 'use', place ?? 'a file')
}

function isOutOfMemory(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY') return true
  return error instanceof RangeError && /allocation failed|out of memory|maximum memory size/i.test(error.message)
}

function traceOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const cause = error.cause === undefined ? '' : `\ncaused by ${traceOf(error.cause) ?? String(error.cause)}`
  return (error.stack ?? error.message) + cause
}

/** The error again on this side, of the kind that a command may catch. */
export function errorOf(fault: Fault): Error {
  if (fault.kind === 'data') return withStack(new DataError(fault.message, fault.advice), fault)
  if (fault.kind === 'config') return withStack(new ConfigError(fault.message, fault.advice), fault)
  return withStack(new Error(fault.message.replace(/^internal error: /, '')), fault)
}

function withStack(error: Error, { stack }: Fault): Error {
  if (stack) error.stack = stack
  return error
}

/** What is wrong, and in brackets what to do now. */
export const faultText = ({ message, advice }: Fault) => (advice ? `${message} (${advice})` : message)
