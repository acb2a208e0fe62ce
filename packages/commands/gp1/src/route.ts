import { ConfigError } from '@nightpipe/command'
import { cardLookup, type FitsFile, openFits } from '@nightpipe/fits'
import type { Gp1Config } from './schema.js'

/** A pipeline that images are fed to. */
export interface Route {
  name: string
  strategy: string
  /** keyword and pattern of its value; all must match */
  identifiers: { keyword: string; pattern: RegExp }[]
  config: string
  workspace: string
}

/** The sections [pipeline-…] of the configuration, checked. */
export function routesOf({ pipeline }: Gp1Config): Route[] {
  const sections = Object.entries(pipeline)
  if (sections.length === 0) throw new ConfigError('no pipeline is configured', 'add a section [pipeline-NAME]')
  const routes = sections.map(([name, said]): Route => {
    const { identifier_header: keywords, identifier_value: values } = said
    if (keywords.length !== values.length) {
      throw new ConfigError(
        `[pipeline-${name}] has ${keywords.length} identifier_header and ${values.length} identifier_value`,
        'they belong together in pairs',
      )
    }
    const identifiers = keywords.map((keyword, k) => ({
      keyword: keyword.toUpperCase(),
      pattern: asPattern(values[k]!),
    }))
    const { processing_strategy, configuration_path_dir, workspace_dir } = said
    return {
      name: name || 'pipeline',
      strategy: processing_strategy,
      identifiers,
      config: configuration_path_dir,
      workspace: workspace_dir,
    }
  })
  const twice = routes.find((route, k) => routes.findIndex(({ workspace }) => workspace === route.workspace) !== k)
  if (twice) throw new ConfigError(`two pipelines have the workspace ${twice.workspace}`, 'give each its own')
  return routes
}

/** `object`, `object|flat`, `GRB*`: any case, blanks around it ignored. */
function asPattern(text: string): RegExp {
  const words = text.split('|').map((word) =>
    word
      .trim()
      .replace(/[.+?^${}()[\]\\]/g, '\\$&')
      .replaceAll('*', '.*'),
  )
  return new RegExp(`^(?:${words.join('|')})$`, 'i')
}

/** The pipelines that an image is for. Keywords are looked for in the header of the image, and in the primary one. */
export function routesFor(path: string, routes: readonly Route[]): Route[] {
  let file: FitsFile | undefined
  try {
    file = openFits(path)
    const lookup = cardLookup(file.hdus.find(({ kind }) => kind === 'image') ?? file.hdus[0]!)
    const says = ({ keyword, pattern }: Route['identifiers'][number]) => {
      const value = lookup(keyword)
      return value !== undefined && pattern.test(String(value).trim())
    }
    return routes.filter(({ identifiers }) => identifiers.every(says))
  } catch {
    return [] // removed at this moment, or replaced: for none of them
  } finally {
    file?.close()
  }
}
