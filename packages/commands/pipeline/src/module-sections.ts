import { type FreeSection, freeSection, text } from '@nightpipe/config'
import { STAGES, type StageName } from './stages.js'

/** The commands whose configuration a pipeline or a strategy may change, key by key. */
export type ModuleName = 'stack-calibrations' | StageName

const MODULES: readonly ModuleName[] = ['stack-calibrations', ...STAGES]

const value = text('', 'value of that key of its configuration', { digest: false })

/** A section for each module, in which a key is `section.key` of that module. */
export const moduleSections = Object.fromEntries(
  MODULES.map((name) => [name, freeSection(`What ${name} does otherwise: section.key = value.`, value)]),
) as Record<ModuleName, FreeSection<string>>

/** What each module is called with, as --set gives it: of several that say something the last wins. */
export function setOf(
  ...layers: readonly Partial<Record<ModuleName, Record<string, string>>>[]
): Record<ModuleName, string[]> {
  const of = (name: ModuleName) =>
    layers.flatMap((layer) => Object.entries(layer[name] ?? {}).map(([key, given]) => `${key}=${given}`))
  return Object.fromEntries(MODULES.map((name) => [name, of(name)])) as Record<ModuleName, string[]>
}
