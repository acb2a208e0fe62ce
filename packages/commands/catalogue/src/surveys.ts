/** What to ask for, of whom: a survey in a TAP service. */
export interface Survey {
  url: string
  table: string
  /** The columns to select, as ADQL, under the names that are then read. */
  select: readonly string[]
  ra: string
  dec: string
  /** ADQL of the magnitude that a limit is set on. */
  brightness: string
  /** Julian year of the positions. */
  epoch: number
  columns: {
    ra: string
    dec: string
    pmRa?: string
    pmDec?: string
    id?: string
    parallax?: string
    raError?: string
    decError?: string
  }
  magnitudes: Readonly<Record<string, { value: string; error?: string }>>
}

const VIZIER = 'https://tapvizier.cds.unistra.fr/TAPVizieR/tap'

/** Magnitudes of one VizieR table: `G` is the column Gmag, its error e_Gmag. */
const vizierBands = (...bands: string[]): Survey['magnitudes'] =>
  Object.fromEntries(bands.map((band) => [band, { value: `${band}mag`, error: `e_${band}mag` }]))

function vizier(
  table: string,
  columns: Survey['columns'],
  bands: readonly string[],
  epoch: number,
  brightness: string,
): Survey {
  const magnitudes = vizierBands(...bands)
  const names = [
    ...Object.values(columns),
    ...Object.values(magnitudes).flatMap(({ value, error = '' }) => [value, error]),
  ]
  const quoted = (name: string) => `"${name}"`
  return {
    ...{
      url: VIZIER,
      table: quoted(table),
      select: names.map(quoted),
      ra: quoted(columns.ra),
      dec: quoted(columns.dec),
    },
    ...{ brightness: quoted(brightness), epoch, columns, magnitudes },
  }
}

/** Gaia gives no errors of magnitudes, but of fluxes: 2.5 / ln 10 over the flux over its error. */
const gaiaBand = (band: string): string[] => [
  `phot_${band}_mean_mag`,
  `1.0857362/phot_${band}_mean_flux_over_error AS ${band}_error`,
]

/** The surveys that are known by name. */
export const SURVEYS: Readonly<Record<string, Survey>> = {
  gaia: {
    url: 'https://gea.esac.esa.int/tap-server/tap',
    table: 'gaiadr3.gaia_source',
    select: [
      ...['source_id', 'ra', 'dec', 'ra_error', 'dec_error', 'parallax', 'pmra', 'pmdec'],
      ...['g', 'bp', 'rp'].flatMap(gaiaBand),
    ],
    ...{ ra: 'ra', dec: 'dec', brightness: 'phot_g_mean_mag', epoch: 2016 },
    columns: {
      ...{ id: 'source_id', ra: 'ra', dec: 'dec', raError: 'ra_error', decError: 'dec_error' },
      ...{ parallax: 'parallax', pmRa: 'pmra', pmDec: 'pmdec' },
    },
    magnitudes: {
      G: { value: 'phot_g_mean_mag', error: 'g_error' },
      BP: { value: 'phot_bp_mean_mag', error: 'bp_error' },
      RP: { value: 'phot_rp_mean_mag', error: 'rp_error' },
    },
  },
  'vizier-gaia': vizier(
    'I/355/gaiadr3',
    {
      ...{ id: 'Source', ra: 'RA_ICRS', dec: 'DE_ICRS', raError: 'e_RA_ICRS', decError: 'e_DE_ICRS' },
      ...{ parallax: 'Plx', pmRa: 'pmRA', pmDec: 'pmDE' },
    },
    ['G', 'BP', 'RP'],
    2016,
    'Gmag',
  ),
  tycho2: vizier(
    'I/259/tyc2',
    { ra: 'RAmdeg', dec: 'DEmdeg', pmRa: 'pmRA', pmDec: 'pmDE' },
    ['VT', 'BT'],
    2000,
    'VTmag',
  ),
  '2mass': vizier('II/246/out', { id: '2MASS', ra: 'RAJ2000', dec: 'DEJ2000' }, ['J', 'H', 'K'], 2000, 'Jmag'),
  panstarrs: vizier(
    'II/349/ps1',
    { id: 'objID', ra: 'RAJ2000', dec: 'DEJ2000' },
    ['r', 'g', 'i', 'z', 'y'],
    2013,
    'rmag',
  ),
}
