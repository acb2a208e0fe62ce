import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Alert, mergeAlert, noTrigger, TRIGGER_LAYOUT, type Trigger, triggerText } from '@nightpipe/alerts'
import { DataError } from '@nightpipe/files'
import type { EventConfig } from './record.js'

/** What a notice did to the trigger of its burst. */
export interface Merged {
  /** the trigger file */
  name?: string
  state?: Trigger['status']
  reason?: string
}

/** The triggers that the events of a batch change, in memory until all are written. */
export interface Triggers {
  merge(alert: Alert, received: string): Merged
  /** The state of each as JSON, and the file made of it. */
  files(): { path: string; data: string }[]
}

export function openTriggers(output: string, config: EventConfig): Triggers {
  const acceptTests = config.events['accept tests']
  const changed = new Map<string, Trigger>()
  return {
    merge(alert, received) {
      const early = noTrigger(alert, { acceptTests, known: true })
      if (early) return { reason: early }
      const stem = `trigger_${alert.burstId}`
      const known = changed.get(stem) ?? read(join(output, `${stem}.json`))
      const reason = noTrigger(alert, { acceptTests, known: known !== undefined })
      if (reason) return { reason }
      const trigger = mergeAlert(known, alert, received)
      changed.set(stem, trigger)
      return { name: `${stem}.dat`, state: trigger.status }
    },
    files: () =>
      [...changed].flatMap(([stem, trigger]) => [
        { path: join(output, `${stem}.json`), data: `${JSON.stringify(trigger, null, 2)}\n` },
        { path: join(output, `${stem}.dat`), data: triggerText(trigger, layoutOf(config)) },
      ]),
  }
}

function read(path: string): Trigger | undefined {
  if (!existsSync(path)) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Trigger
  } catch (error) {
    throw new DataError(
      `${path} is not what voevent wrote: ${(error as Error).message}`,
      'remove it: events/ has it all',
    )
  }
}

function layoutOf({ layout }: EventConfig): Readonly<Record<string, readonly string[]>> {
  const own = Object.entries(layout as Record<string, string>).map(([section, facts]) => [
    section,
    facts.split(',').map((fact) => fact.trim()),
  ])
  return own.length ? (Object.fromEntries(own) as Record<string, string[]>) : TRIGGER_LAYOUT
}
