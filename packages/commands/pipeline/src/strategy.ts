import { join } from 'node:path'
import { ConfigError } from '@nightpipe/command'
import { flag, freeSection, loadConfig, type Option, text } from '@nightpipe/config'
import { configIn, pipelinesFolder } from './config-folder.js'
import type { PipelineConfig } from './schema.js'
import { STAGES, type StageName } from './stages.js'

/** What a strategy changes: values of the modules' configurations, as --set gives them. */
export interface Strategy {
  name: string
  set: Readonly<Record<string, readonly string[]>>
  /** stages that it leaves out */
  without: readonly StageName[]
  /** how many frames of each group it takes; 0: all */
  frames: number
}

const module = (name: string) =>
  freeSection(`What ${name} does otherwise: section.key = value.`, text('', 'value of that key of its configuration'))

const schema = {
  structure: Object.fromEntries(
    STAGES.map((name) => [name, flag(true, `no: this strategy leaves ${name} out`)]),
  ) as Record<StageName, Option<boolean>>,
  steps: freeSection('What the pipeline does otherwise: frames = N.', text('', 'value')),
  'stack-calibrations': module('stack-calibrations'),
  ...Object.fromEntries(STAGES.map((name) => [name, module(name)])),
}

interface Read {
  steps?: Record<string, string>
  structure: Record<StageName, boolean>
}

/**
 * The strategy that the configuration names: an INI with a section for each module, in which a key is `section.key` of
 * that module. Strategies of one's own stand beside pipeline.cfg, and win over those that come with the toolkit.
 */
export function strategyOf(config: PipelineConfig, folder: string | undefined): Strategy {
  const name = config['strategy processing'].mode.trim().toLowerCase()
  const shipped = pipelinesFolder()
  const places = [folder, shipped && join(shipped, 'strategies')].filter((place) => place !== undefined)
  const file = /^[\w-]+$/.test(name) ? places.map((place) => configIn(place, name)).find(Boolean) : undefined
  if (!file) {
    throw new ConfigError(
      `[strategy processing] mode = ${name}: no such strategy`,
      'standard, quick, deep, or your own',
    )
  }
  const { steps, structure, ...modules } = loadConfig(schema, { file }).values as Read
  const without = STAGES.filter((stage) => !structure[stage])
  const set = Object.entries(modules as Record<string, Record<string, string> | undefined>).map(
    ([command, keys]): [string, string[]] => [
      command,
      Object.entries(keys ?? {}).map(([key, value]) => `${key}=${value}`),
    ],
  )
  const frames = config.steps.frames || Number(steps?.frames ?? 0)
  if (!Number.isSafeInteger(frames) || frames < 0) throw new ConfigError(`${file}: [steps] frames = ${steps?.frames}`)
  return { name, set: Object.fromEntries(set), without, frames }
}
