import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ConfigError, type Request } from '@nightpipe/command'
import { profileFolder } from '@nightpipe/config'
import { type LineList, parseLineList } from '@nightpipe/spectra'
import type { WavelengthSchema } from './schema.js'

/** The list of lines that a run uses, and where it is. */
export function listOf({ flags, config, profile }: Request<WavelengthSchema>): { list: LineList; path: string } {
  const flag = typeof flags['line-list'] === 'string' ? flags['line-list'] : ''
  const name = flag || config.lines.list || profile.values.spectrograph.lines
  const shipped = profileFolder()
  const places = [name, ...(shipped ? [join(dirname(shipped), 'lines', `${name}.csv`)] : [])]
  const path = places.find((one) => one !== '' && existsSync(one))
  if (!path) throw new ConfigError(`no list of lines ${name}`, 'give --line-list FILE, or a name of configs/lines')
  const said = config.lines['list air']
  try {
    const list = parseLineList(readFileSync(path, 'utf8'), said === 'auto' ? {} : { air: said === 'air' })
    if (list.wavelength.length >= 20) return { list, path: resolve(path) }
    throw new ConfigError(`${path}: ${list.wavelength.length} lines`, 'at least 20 are needed')
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ConfigError(`${path}: ${error.message}`, 'a wavelength a line, in Angstrom or nm')
  }
}
