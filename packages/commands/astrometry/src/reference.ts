import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Catalogue, openCatalogue } from '@nightpipe/catalogues'
import { ConfigError, type Parent } from '@nightpipe/command'
import type { SkySource } from '@nightpipe/registration'
import type { AstrometryConfig } from './schema.js'

const HOW = 'make one with `catalogue import` from a file that you have, or with `catalogue fetch` from VizieR or Gaia'

/** The catalogue of the configuration; says how to come by one where there is none. */
export function requireCatalogue({ catalogue }: AstrometryConfig): Catalogue {
  const { folder, band } = catalogue
  if (!folder) throw new ConfigError(`no catalogue of reference stars: set [catalogue] folder (${HOW})`)
  if (!existsSync(folder)) throw new ConfigError(`[catalogue] folder: there is no ${folder} (${HOW})`)
  const opened = openCatalogue(folder)
  if (band === '' || opened.bands.includes(band)) return opened
  throw new ConfigError(`[catalogue] band = ${band}: ${opened.name} has ${opened.bands.join(', ') || 'no magnitudes'}`)
}

/** The file that changes whenever the catalogue does. */
export function parentsOfCatalogue({ catalogue: { folder } }: AstrometryConfig): Parent[] {
  if (!folder) return []
  return [{ path: statSync(folder).isDirectory() ? join(folder, 'catalogue.json') : folder, role: 'catalogue' }]
}

const opened = new Map<string, Catalogue>()
/** The same catalogue serves all frames of a thread. */
export function catalogueOf(config: AstrometryConfig): Catalogue {
  const known = opened.get(config.catalogue.folder) ?? requireCatalogue(config)
  opened.set(config.catalogue.folder, known)
  return known
}

/** Stars around a direction at the epoch of a frame, brightest first. */
export function skySource(config: AstrometryConfig, toEpoch: number | undefined): SkySource {
  const { 'magnitude limit': faintest, ...asked } = config.catalogue
  const catalogue = catalogueOf(config)
  const band = asked.band || catalogue.bands[0]
  return (ra, dec, radius, limit) => {
    const stars = catalogue.cone(ra, dec, radius, { band, limit, faintest, toEpoch })
    return {
      ra: stars.ra,
      dec: stars.dec,
      magnitude: (band && stars.magnitudes[band]?.value) || new Float32Array(stars.count),
    }
  }
}
