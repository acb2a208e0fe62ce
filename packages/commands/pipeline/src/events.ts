import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readTriggerText, type TriggerContext, triggerOfField } from '@nightpipe/alerts'
import type { Log } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import type { RawFrame } from './frames.js'
import type { PipelineConfig } from './schema.js'

/** A trigger and the file that tells it. */
export interface TriggerFile extends TriggerContext {
  file: string
}

/** The triggers of a folder, as voevent keeps them. One that cannot be read is told of, and stops nobody. */
export function readTriggers(folder: string, log: Log): TriggerFile[] {
  if (folder === '' || !existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => /^trigger_.*\.json$/.test(name))
  return names.sort().flatMap((name) => {
    const file = resolve(folder, name)
    try {
      return [{ ...readTriggerText(readFileSync(file, 'utf8')), file }]
    } catch (error) {
      log.warn(`${file} ${(error as Error).message}: left out`)
      return []
    }
  })
}

/** The trigger of each field that was observed for one: fields are the outermost folders of groups. */
export function eventsOfFields(
  groups: ReadonlyMap<string, readonly RawFrame[]>,
  { event }: PipelineConfig,
  log: Log,
): Map<string, TriggerFile> {
  const triggers = readTriggers(event.triggers, log)
  const reach = { degrees: event['field radius'], days: event.days }
  const found = new Map<string, TriggerFile>()
  if (triggers.length === 0) return found
  for (const [group, frames] of groups) {
    const name = group.split('/')[0]!
    if (found.has(name)) continue
    const { mjd, ra, dec } = frames.find((frame) => frame.ra !== undefined) ?? frames[0] ?? {}
    const trigger = triggerOfField({ name, mjd, ra, dec }, triggers, reach)
    if (trigger) found.set(name, trigger)
  }
  return found
}

/** event.json in the folder of a field: the trigger that it was observed for, for whoever makes products of it. */
export function writeEvents(output: string, events: ReadonlyMap<string, TriggerFile>): void {
  for (const [field, { file: trigger, burstId: burst, status }] of events) {
    const path = join(output, field, 'event.json')
    const text = `${JSON.stringify({ trigger, burst, status }, null, 1)}\n`
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
    mkdirSync(join(output, field), { recursive: true })
    writeAtomically(path, text)
  }
}
