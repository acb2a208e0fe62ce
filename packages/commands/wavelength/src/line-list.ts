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
    if (list.wavelength.length >= 20)
      return { list: withNeighbours(list, path, config.lines.neighbours), path: resolve(path) }
    throw new ConfigError(`${path}: ${list.wavelength.length} lines`, 'at least 20 are needed')
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ConfigError(`${path}: ${error.message}`, 'a wavelength a line, in Angstrom or nm')
  }
}

/** With all lines that the lamp is known to have: those whose light disturbs the lines of the list. */
function withNeighbours(list: LineList, path: string, said: string): LineList {
  if (said === 'none') return list
  const full = said === 'auto' ? path.replace(/\.csv$/, '-full.csv') : said
  const shipped = profileFolder()
  const places = [full, ...(shipped ? [join(dirname(shipped), 'lines', `${full}.csv`)] : [])]
  const found = places.find((place) => place !== path && existsSync(place))
  if (!found && said !== 'auto') throw new ConfigError(`no list of lines ${said}`, 'give a file, auto or none')
  if (!found) return list
  const { wavelength, intensity } = parseLineList(readFileSync(found, 'utf8'))
  return { ...list, all: { wavelength, intensity } }
}
