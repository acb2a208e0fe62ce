import { basename } from 'node:path'
import {
  bandsOf,
  buildCatalogue,
  joinStars,
  readStarFile,
  type SkyStars,
  type StarColumns,
} from '@nightpipe/catalogues'
import { type Conducting, ConfigError, DataError, defineConductor, Exit } from '@nightpipe/command'
import { type ConfigOf, freeSection, integer, number, text } from '@nightpipe/config'
import { chosen, withoutTwins } from './choose-stars.js'

const column = (doc: string) => text('', `column of ${doc}; found by its usual names when empty`)

/** Every key of catalogue-import.ini, once. */
const schema = {
  import: {
    name: text('', 'what the catalogue is called; the name of its folder when empty'),
    epoch: number(undefined, 'Julian year of the positions; what the file says, or 2000, when empty', {
      unit: 'yr',
      min: 1800,
      max: 2200,
      optional: true,
    }),
    order: integer(undefined, 'HEALPix order of the tiles; by the density of the stars when empty', {
      min: 0,
      max: 9,
      optional: true,
    }),
    faintest: number(undefined, 'leave out stars fainter than this in the first band', { unit: 'mag', optional: true }),
  },
  columns: {
    ra: column('right ascension: degrees, or sexagesimal hours'),
    dec: column('declination'),
    pmra: column('proper motion in right ascension, with cos(dec)'),
    pmdec: column('proper motion in declination'),
    raerror: column('the error of the right ascension'),
    decerror: column('the error of the declination'),
    parallax: column('the parallax'),
    id: column("the stars' names or numbers"),
  },
  magnitudes: freeSection(
    'bands and their columns, as `G = phot_g_mean_mag` or, with the column of the errors, `G = Gmag, e_Gmag`; found by their usual names when there is none',
    text('', 'column of the magnitudes of this band, and of their errors'),
  ),
}

type Config = ConfigOf<typeof schema>

/** Makes a catalogue folder of files of stars. */
export const importing = defineConductor({
  name: 'catalogue',
  subcommand: 'import',
  summary: 'files of stars (CSV, FITS, VOTable, astrometry.net index files) become a catalogue folder',
  description:
    'Reads the stars of one or more files and writes them as a catalogue that the other commands search: HEALPix tiles, ' +
    'so that the stars around a position are found in milliseconds. --output is the folder of the catalogue itself. What ' +
    'is there already is replaced, in one step: whoever reads meanwhile has the old one whole.\n\n' +
    'Columns are recognised by the names that Gaia, VizieR, Tycho-2, UCAC, 2MASS, PanSTARRS and nightpipe itself use; ' +
    'the INI names them where that fails. Stars that stand in several of the files in the same place are taken once.',
  examples: [
    { run: 'catalogue import --input gaia.csv --output catalogues/gaia', doc: 'a table from an archive' },
    {
      run: 'catalogue import --input /usr/share/astrometry/index-tycho2-07.littleendian.fits --output catalogues/tycho2',
      doc: "1.9 million Tycho-2 stars, from Debian's package astrometry-data-tycho2-07",
    },
    { run: 'catalogue import --input night/truth/stars.csv --output catalogues/truth', doc: 'the stars of simulate' },
  ],
  schema,
  measurements: [],
  extensions: [
    '.fits',
    '.fit',
    '.fts',
    '.fits.gz',
    '.fit.gz',
    '.csv',
    '.tsv',
    '.txt',
    '.dat',
    '.vot',
    '.xml',
    '.votable',
  ],
  conduct,
})

async function conduct(request: Conducting<typeof schema>): Promise<number> {
  const { inputs, output, config, log, dryRun } = request
  if (inputs.length === 0) throw new ConfigError('no input', 'give files of stars after --input')
  const wanted = wantedColumns(config)
  const name = config.import.name || basename(output)
  if (dryRun) {
    await request.print(
      `to do    ${name} (${inputs.length} ${inputs.length === 1 ? 'input' : 'inputs'}) -> ${output}\n`,
    )
    return Exit.done
  }
  const lists = inputs.map(({ path, shown }) => {
    const stars = readStarFile(path, wanted)
    log.detail(`${shown}: ${stars.count} stars, bands ${bandsOf(stars).join(', ') || 'none'}, epoch ${stars.epoch}`)
    return stars
  })
  const source = inputs.map((file) => file.name).join(' ')
  const stars = chosen(
    joined(
      lists,
      inputs.map(({ shown }) => shown),
    ),
    config.import.faintest,
  )
  if (stars.count === 0) throw new DataError('no star is left', 'check the columns and [import] faintest')
  const facts = await buildCatalogue(output, stars, { name, source, order: config.import.order })
  log.info(
    `${name}: ${facts.count} stars in tiles of HEALPix order ${facts.order}, bands ${facts.bands.join(', ') || 'none'}`,
  )
  await request.print(request.json ? `${JSON.stringify({ product: output, ...facts })}\n` : `${output}\n`)
  return Exit.done
}

function wantedColumns({ columns, magnitudes, import: { epoch } }: Config): Partial<StarColumns> {
  const wanted: Partial<StarColumns> = {}
  const names = {
    ra: 'ra',
    dec: 'dec',
    pmra: 'pmRa',
    pmdec: 'pmDec',
    raerror: 'raError',
    decerror: 'decError',
  } as const
  for (const [key, what] of Object.entries({ ...names, parallax: 'parallax', id: 'id' } as const)) {
    const given = columns[key as keyof typeof columns]
    if (given) wanted[what] = given
  }
  if (epoch !== undefined) wanted.epoch = epoch
  const bands = Object.entries(magnitudes)
  if (bands.length === 0) return wanted
  const pairs = bands.map(([band, names]) => {
    const [value = '', error] = names.split(',').map((part) => part.trim())
    if (value === '') throw new ConfigError(`[magnitudes] ${band} names no column`, `write ${band} = COLUMN`)
    return [band, { value, error }] as const
  })
  return { ...wanted, magnitudes: Object.fromEntries(pairs) }
}

/** All lists as one. Their epochs must agree, since a catalogue has one. */
function joined(lists: readonly SkyStars[], names: readonly string[]): SkyStars {
  const [first] = lists
  const odd = lists.findIndex(({ epoch }) => epoch !== first.epoch)
  if (odd >= 0) {
    throw new DataError(
      `the positions of ${names[odd]} are of ${lists[odd].epoch}, those of ${names[0]} of ${first.epoch}`,
      'import them one by one, or set [import] epoch',
    )
  }
  const bands = [...new Set(lists.flatMap(bandsOf))]
  return lists.length === 1 ? first : withoutTwins(joinStars(lists, bands, first.epoch))
}
