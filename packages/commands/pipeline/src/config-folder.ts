import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ConfigError } from '@nightpipe/command'
import { nearestName, profileFolder } from '@nightpipe/config'

const EXTENSIONS = ['.cfg', '.ini']

/** The shipped pipelines: configs/pipelines beside configs/instruments. */
export function pipelinesFolder(): string | undefined {
  const instruments = profileFolder()
  const folder = instruments && join(dirname(instruments), 'pipelines')
  return folder && existsSync(folder) ? folder : undefined
}

/** The INI of a module in a folder of configurations, `.cfg` as in GP1 or `.ini`. */
export function configIn(folder: string, name: string): string | undefined {
  const found = EXTENSIONS.map((extension) => join(folder, name + extension)).filter((path) => existsSync(path))
  if (found.length > 1) throw new ConfigError(`${found.join(' and ')} both exist`, 'keep one of them')
  return found[0]
}

/** pipeline.cfg of what --config names: its folder, itself, or one of the pipelines that come with the toolkit. */
export function pipelineFile(given: string): string {
  const shipped = pipelinesFolder()
  const place = existsSync(given) ? given : shipped && join(shipped, given)
  if (!place || !existsSync(place)) {
    const known = shipped ? readdirSync(shipped).filter((name) => configIn(join(shipped, name), 'pipeline')) : []
    const near = nearestName(given, known)
    throw new ConfigError(
      `--config ${given}: no such folder${near ? `, did you mean ${near}?` : ''} (ready ones: ${known.join(', ')})`,
    )
  }
  if (!statSync(place).isDirectory()) return place
  const file = configIn(place, 'pipeline')
  if (!file) throw new ConfigError(`--config ${given}: no pipeline.cfg in that folder`, 'see configs/pipelines')
  return file
}
