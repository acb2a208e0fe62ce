import { join } from 'node:path'
import { ConfigError } from '@nightpipe/command'
import { flag, freeSection, loadConfig, type Option, text } from '@nightpipe/config'
import { configIn, pipelinesFolder } from './config-folder.js'
import { type ModuleName, moduleSections } from './module-sections.js'
import type { PipelineConfig } from './schema.js'
import { STAGES, type StageName } from './stages.js'

/** What a strategy changes. */
export interface Strategy {
  name: string
  /** values of the modules' configurations, by `section.key` */
  modules: Partial<Record<ModuleName, Record<string, string>>>
  /** stages that it leaves out */
  without: readonly StageName[]
  /** how many frames of each group it takes; 0: all */
  frames: number
}

const schema = {
  structure: Object.fromEntries(
    STAGES.map((name) => [name, flag(true, `no: this strategy leaves ${name} out`)]),
  ) as Record<StageName, Option<boolean>>,
  steps: freeSection('What the pipeline does otherwise: frames = N.', text('', 'value')),
  ...moduleSections,
}

interface Read extends Partial<Record<ModuleName, Record<string, string>>> {
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
  const frames = config.steps.frames || Number(steps?.frames ?? 0)
  if (!Number.isSafeInteger(frames) || frames < 0) throw new ConfigError(`${file}: [steps] frames = ${steps?.frames}`)
  return { name, modules, without, frames }
}
