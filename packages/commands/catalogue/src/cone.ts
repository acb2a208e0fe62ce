import { basename } from 'node:path'
import { openCatalogue, starsAsCsv, starsAsVotable } from '@nightpipe/catalogues'
import { type Conducting, ConfigError, defineConductor, Exit } from '@nightpipe/command'
import { angleOf } from './angle-flag.js'

/** Prints the stars around a position. */
export const cone = defineConductor({
  name: 'catalogue',
  subcommand: 'cone',
  summary: 'the stars of a catalogue around a position, as CSV or VOTable on standard output',
  description:
    'The stars within --radius of --ra and --dec, brightest first, at the epoch of the catalogue or moved to --epoch by ' +
    'their proper motions. --catalogue is a folder that import or fetch made, or one file of stars (FITS, CSV, VOTable).',
  examples: [
    { run: 'catalogue cone --catalogue catalogues/gaia --ra 05:35:17.3 --dec -05:23:28 --radius 0.2', doc: 'Orion' },
    {
      run: 'catalogue cone --catalogue catalogues/gaia --ra 269.45 --dec 4.69 --radius 0.1 --epoch 2026.9 --limit 10',
      doc: 'the ten brightest around Barnard’s star, where they are tonight',
    },
  ],
  schema: {},
  flags: {
    catalogue: { type: 'text', doc: 'folder of a catalogue, or a file of stars', placeholder: 'PATH' },
    ra: { type: 'text', doc: 'right ascension: degrees, or hours as 05:35:17', placeholder: 'ANGLE' },
    dec: { type: 'text', doc: 'declination in degrees', placeholder: 'ANGLE' },
    radius: { type: 'number', doc: 'radius of the circle in degrees', placeholder: 'DEGREES' },
    faintest: { type: 'number', doc: 'nothing fainter than this', placeholder: 'MAG' },
    band: {
      type: 'text',
      doc: 'band that --faintest means, and that orders (default: the first)',
      placeholder: 'BAND',
    },
    limit: { type: 'integer', doc: 'the brightest so many', placeholder: 'N' },
    epoch: { type: 'number', doc: 'move the stars to this Julian year', placeholder: 'YEAR' },
    format: { type: 'text', choices: ['csv', 'votable'], doc: 'csv (default) or votable' },
  },
  measurements: [],
  inputs: 'none',
  prints: true,
  conduct,
})

async function conduct({ flags, log, print }: Conducting): Promise<number> {
  const path = flags.catalogue as string | undefined
  if (path === undefined) throw new ConfigError('no catalogue', 'give --catalogue FOLDER')
  const [ra, dec] = [angleOf('ra', flags.ra), angleOf('dec', flags.dec)]
  const radius = flags.radius as number | undefined
  if (radius === undefined || !(radius > 0 && radius <= 180)) {
    throw new ConfigError(`--radius ${radius ?? 'is missing'}`, 'give the radius in degrees, up to 180')
  }
  const limit = flags.limit as number | undefined
  if (limit !== undefined && limit < 1) throw new ConfigError(`--limit ${limit}: expected 1 or more`)
  const catalogue = openCatalogue(path)
  const band = flags.band as string | undefined
  if (band !== undefined && !catalogue.bands.includes(band)) {
    throw new ConfigError(`${path} has no band '${band}' (it has ${catalogue.bands.join(', ') || 'none'})`)
  }
  if (!catalogue.covers(ra, dec, radius))
    log.warn(`${path} does not cover all of the circle: catalogue fetch adds to it`)
  const toEpoch = flags.epoch as number | undefined
  const stars = catalogue.cone(ra, dec, radius, {
    faintest: flags.faintest as number | undefined,
    band,
    limit,
    toEpoch,
  })
  log.detail(`${stars.count} stars`)
  await print(flags.format === 'votable' ? starsAsVotable(stars, basename(path)) : starsAsCsv(stars))
  return Exit.done
}
