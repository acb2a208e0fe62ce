import { type Fault, faultText } from './exit.js'
import type { Log } from './types.js'

export type LogLevel = 'error' | 'warning' | 'info' | 'detail'
export type Verbosity = 'quiet' | 'normal' | 'verbose'

/** The log of the main thread: of all that is said, what the person asked for, on standard error. */
export interface MainLog extends Log {
  readonly verbosity: Verbosity
  readonly format: 'text' | 'json'
  say(level: LogLevel, text: string): void
  fault(fault: Fault): void
  /** Where lines go; the progress display takes them while it is on screen. */
  sink: (line: string) => void
}

const SHOWN: Record<Verbosity, readonly LogLevel[]> = {
  quiet: ['error'],
  normal: ['error', 'warning', 'info'],
  verbose: ['error', 'warning', 'info', 'detail'],
}

export function createLog(
  command: string,
  verbosity: Verbosity,
  format: 'text' | 'json',
  write: (line: string) => void,
): MainLog {
  const log: MainLog = {
    verbosity,
    format,
    sink: write,
    say(level, text) {
      if (!SHOWN[verbosity].includes(level)) return
      if (format === 'json') {
        const line = { time: new Date().toISOString(), level, command, message: text }
        return log.sink(`${JSON.stringify(line)}\n`)
      }
      log.sink(`${command}: ${level === 'warning' ? 'warning: ' : ''}${text}\n`)
    },
    info: (text) => log.say('info', text),
    warn: (text) => log.say('warning', text),
    detail: (text) => log.say('detail', text),
    fault(fault) {
      log.say('error', faultText(fault))
      for (const problem of fault.more ?? []) log.say('error', problem)
      if (verbosity === 'verbose' && fault.stack) log.say('error', fault.stack)
    },
  }
  return log
}
