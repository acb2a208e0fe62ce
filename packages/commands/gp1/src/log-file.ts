import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '@nightpipe/command'

/** What is said, on standard error and in gp1.log: `time | level | module | message`. */
export interface LogFile {
  info(module: string, text: string): void
  warn(module: string, text: string): void
}

export function openLog(folder: string, log: Log): LogFile {
  const path = join(folder, 'gp1.log')
  const line = (level: string, module: string, text: string) =>
    appendFileSync(path, `${new Date().toISOString()} | ${level} | ${module} | ${text.replaceAll('\n', '; ')}\n`)
  return {
    info(module, text) {
      line('info', module, text)
      log.info(`${module}: ${text}`)
    },
    warn(module, text) {
      line('warning', module, text)
      log.warn(`${module}: ${text}`)
    },
  }
}
