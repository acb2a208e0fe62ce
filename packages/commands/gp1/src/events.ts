import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readTriggerText, type TriggerContext } from '@nightpipe/alerts'
import { ConfigError } from '@nightpipe/command'
import { formatMjd } from '@nightpipe/sky'
import type { LogFile } from './log-file.js'

/** The events that alerts have opened, as the trigger files tell them: those outlive every process. */
export interface Events {
  /** Looks at the folder again. True when an event came, changed or was closed. */
  look(): boolean
  all(): TriggerContext[]
}

export function watchEvents(folder: string, log: LogFile): Events {
  const known = new Map<string, { stamp: string; event: TriggerContext | undefined }>()
  return {
    look() {
      let news = false
      for (const name of namesIn(folder)) {
        const stamp = stampOf(join(folder, name))
        const before = known.get(name)
        if (stamp === undefined || before?.stamp === stamp) continue
        const event = read(join(folder, name), log)
        known.set(name, { stamp, event })
        if (event) {
          log.info('gp1', inWords(event, before?.event))
          news = true
        }
      }
      return news
    },
    all: () => [...known.values()].flatMap(({ event }) => (event ? [event] : [])),
  }
}

/** Refuses at the start a folder that is none. */
export function checkEvents(folder: string): void {
  if (folder !== '' && !statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new ConfigError(`[General] triggers: ${folder} does not exist`, 'the output folder of voevent listen')
}

function namesIn(folder: string): string[] {
  if (folder === '' || !existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /^trigger_.*\.json$/.test(name))
    .sort()
}

function stampOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found && `${found.ino}-${found.size}-${found.mtimeNs}`
}

function read(path: string, log: LogFile): TriggerContext | undefined {
  try {
    return readTriggerText(readFileSync(path, 'utf8'))
  } catch (error) {
    log.warn('gp1', `${path} ${(error as Error).message}: no event`)
    return undefined
  }
}

function inWords({ burstId, status, reason, t0Mjd, position }: TriggerContext, before: TriggerContext | undefined) {
  if (status === 'retracted') return `event ${burstId} is closed: ${reason ?? 'retracted'}`
  const when = t0Mjd === undefined ? 'at an unknown time' : `at ${formatMjd(t0Mjd).slice(0, 19)}`
  const error = position?.errorDeg ? ` within ${(60 * position.errorDeg).toFixed(1)} arcmin` : ''
  const where = position ? `at ${position.ra.toFixed(4)} ${position.dec.toFixed(4)}${error}` : 'position unknown'
  return `event ${burstId} ${before ? 'is known better' : 'is open'}: ${when}, ${where}`
}
