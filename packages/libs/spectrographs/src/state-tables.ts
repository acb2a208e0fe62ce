import { type ColumnSpec, defineTable, type RowOf } from '@nightpipe/table'

// The columns of the NRES pipeline, by position. Text is written in quotes, so that flags of `0000` stay four characters.
const legacy = { layout: 'positional', quoted: true } as const
const none = ['NULL', "'NULL'"] as const
const unknown = ['-99.9', '-99.900', '-99.90'] as const

const ofUnit = (unit: string | undefined) => (unit === undefined ? {} : { unit })
const needed = <const N extends string>(name: N, doc: string) => ({ name, type: 'text', doc, required: true }) as const
const words = <const N extends string>(name: N, doc: string) => ({ name, type: 'text', doc }) as const
const count = <const N extends string>(name: N, doc: string, unit?: string) =>
  ({ name, type: 'integer', doc, ...ofUnit(unit) }) as const
const real = <const N extends string>(name: N, doc: string, unit?: string) =>
  ({ name, type: 'number', doc, ...ofUnit(unit) }) as const
const maybe = <const N extends string>(name: N, doc: string, unit?: string) =>
  ({ name, type: 'number', doc, missing: unknown, ...ofUnit(unit) }) as const

/** Detectors, one row a camera. */
export const ccdsTable = defineTable({
  name: 'ccds.csv',
  doc: 'detectors of a spectrograph tree, one row a camera',
  columns: [
    needed('camera', 'code of the camera'),
    count('nx', 'columns', 'px'),
    count('ny', 'rows', 'px'),
    count('datsegmin', 'first column with data, from 0', 'px'),
    count('datsegmax', 'last column with data, from 0', 'px'),
    real('gain', 'gain', 'e/adu'),
    real('rdnois', 'read noise', 'e'),
    real('pixsiz', 'pixel size', 'um'),
  ],
  key: ['camera'],
  sort: [],
  ...legacy,
})
export type CcdRow = RowOf<typeof ccdsTable>

const RESIDUALS = Array.from({ length: 15 }, (_, i) => `C${i}`)
const FIBRE_COEFFICIENTS = Array.from({ length: 20 }, (_, i) => `F${String(i).padStart(2, '0')}`)
const numbered = (names: readonly string[], doc: string, unit: string): ColumnSpec[] =>
  names.map((name) => ({ name, type: 'number', doc, unit }))

/** First guesses of the wavelength model, a row for each time at which the spectrograph changed. */
export const spectrographsTable = defineTable({
  name: 'spectrographs.csv',
  doc: 'first guesses of the wavelength model of a spectrograph, and since when they hold',
  columns: [
    needed('Site', 'site code'),
    real('MJD', 'valid from this date on', 'd'),
    count('Ord0', 'diffraction order of index 0'),
    real('GrSpc', 'groove spacing', 'um'),
    real('GrInc', 'angle of incidence on the grating', 'deg'),
    real('dGrInc', 'allowed step of it; 0: held fixed', 'deg'),
    real('FL', 'focal length of the camera', 'mm'),
    real('dFL', 'allowed step of it', 'mm'),
    real('Y0', 'where across the dispersion gamma is 0', 'mm'),
    real('dY0', 'allowed step of it', 'mm'),
    real('Z0', 'refractive index of the air, less 1'),
    real('dZ0', 'allowed step of it'),
    words('Glass', 'glass of the cross-disperser'),
    real('Apex', 'apex angle of the prism', 'deg'),
    real('LamCen', 'reference wavelength of the prism', 'um'),
    real('Rot', 'rotation of the detector', 'deg'),
    real('PixSiz', 'pixel size', 'mm'),
    count('Nx', 'columns', 'px'),
    count('Nord', 'orders'),
    count('Nblock', 'blocks of an order, for profiles and velocities'),
    count('Nfib', 'fibres'),
    count('Npoly', 'degree of the first traces'),
    real('Ordwid', 'width of the extraction', 'px'),
    real('Medboxsz', 'box of the background median', 'px'),
    ...(numbered(RESIDUALS, 'residual coefficient of fibre 1', 'nm') as []),
    ...(numbered(FIBRE_COEFFICIENTS, 'place of fibre 0 (F00-F09) and 2 (F10-F19) less that of fibre 1', 'px') as []),
  ],
  key: ['Site', 'MJD'],
  sort: [],
  ...legacy,
})
export type SpectrographRow = RowOf<typeof spectrographsTable> &
  Partial<Record<`C${number}` | `F${number}`, number | undefined>>

/** Every calibration product of a tree. */
export const standardsTable = defineTable({
  name: 'standards.csv',
  doc: 'calibration products of a spectrograph tree',
  columns: [
    needed('Type', 'BIAS, DARK, FLAT, DOUBLE, TRIPLE, TRACE or BLAZE'),
    needed('Filename', 'the product, relative to reduced/ (BLAZE: from reduced/ on)'),
    count('Navg', 'frames in it; more than 1: a master'),
    words('Site', 'site code'),
    words('Camera', 'code of the camera'),
    real('JDdata', 'start of its data', 'd'),
    words(
      'Flags',
      'c0: 1 do not use · c1: not used · c2: fibres, 1 [0,1], 2 [1,2], 3 [0,1,2], 0 not said · c3: not used',
    ),
  ],
  key: ['Filename'],
  sort: ['JDdata'],
  ...legacy,
})
export type StandardRow = RowOf<typeof standardsTable>

/** Templates of radial velocity. */
export const zerosTable = defineTable({
  name: 'zeros.csv',
  doc: 'templates of radial velocity of a spectrograph tree',
  columns: [
    needed('Filename', 'the template, relative to reduced/'),
    count('Navg', 'spectra in it'),
    words('Site', 'site code'),
    words('Camera', 'code of the camera'),
    real('Jdate', 'when it was made', 'd'),
    words('Target', 'name of the star, upper case, no blanks'),
    real('Teff', 'effective temperature', 'K'),
    real('Logg', 'surface gravity', 'dex'),
    real('B-V', 'colour', 'mag'),
    real('J-K', 'colour', 'mag'),
    words('Flags', 'c0: 1 do not use · c1: 1 approved for stars of any name · c2: fibre of the star · c3: not used'),
  ],
  key: ['Filename'],
  sort: ['Jdate'],
  ...legacy,
})
export type ZeroRow = RowOf<typeof zerosTable>

/** The catalogue of targets. */
export const targetsTable = defineTable({
  name: 'targets.csv',
  doc: 'stars that a spectrograph observes',
  columns: [
    needed('Name', 'as the observer calls it; matched without blanks and in any case'),
    real('RA(deg)', 'right ascension, J2000', 'deg'),
    real('Dec(deg)', 'declination, J2000', 'deg'),
    maybe('Vmag', 'magnitude', 'mag'),
    maybe('Bmag', 'magnitude', 'mag'),
    maybe('gmag', 'magnitude', 'mag'),
    maybe('rmag', 'magnitude', 'mag'),
    maybe('imag', 'magnitude', 'mag'),
    maybe('Jmag', 'magnitude', 'mag'),
    maybe('Kmag', 'magnitude', 'mag'),
    maybe('PMRA', 'proper motion in right ascension, with the cosine of the declination', 'mas/yr'),
    maybe('PMDE', 'proper motion in declination', 'mas/yr'),
    maybe('Plax', 'parallax', 'mas'),
    maybe('RV', 'radial velocity: c z at the barycentre', 'km/s'),
    maybe('Teff', 'effective temperature', 'K'),
    maybe('Logg', 'surface gravity', 'dex'),
    { name: 'ZERO', type: 'text', doc: 'the template to use, as zeros.csv names it', missing: none },
  ],
  key: [],
  sort: [],
  ...legacy,
})
export type TargetRow = RowOf<typeof targetsTable>

/** What the velocities were, a row for each star in each exposure. */
export const rvTable = defineTable({
  name: 'rv.csv',
  doc: 'radial velocities, a row for each star in each exposure',
  columns: [
    words('Targname', 'name of the star'),
    real('CrDate', 'MJD of the start of the exposure', 'd'),
    real('BJD', 'BJD_TDB of the flux-weighted middle', 'd'),
    words('Site', 'site code'),
    real('Exptime', 'exposure', 's'),
    needed('Orgname', 'the raw frame'),
    words('Specfile', 'the spectrum'),
    count('Nmatch', 'lamp lines of the exposure matched with its arc; empty where no lamp was on'),
    real('Amoerr', 'their rms about the wavelengths', 'nm'),
    real('RMSgood', 'the same of those that are used', 'nm'),
    real('Mgbdisp', 'span of the order of Mg b, less 10.5777', 'nm'),
    real('RVkm/s', 'velocity against the template, before the barycentric correction', 'km/s'),
    real('AmpCC', 'height of the correlation, 0 to 1'),
    real('WidCC', 'width of the correlation', 'km/s'),
    real('Lammid', 'mean wavelength in the middle of the detector', 'nm'),
    real('Baryshift', 'barycentric correction as a redshift'),
    real('Rshiftavg', 'redshift from blocks, mean'),
    real('RshiftMed', 'the same, median'),
    real('RshiftErr', 'one sigma of the mean'),
  ],
  key: [],
  sort: ['CrDate'],
  ...legacy,
})
export type RvRow = RowOf<typeof rvTable>

/** The state of a tree, in csv/. */
export const TREE_TABLES = [ccdsTable, spectrographsTable, targetsTable, standardsTable, zerosTable, rvTable] as const

/** The lines of x's and zeros that new tables of the NRES pipeline begin with. */
export const isPlaceholder = (...texts: (string | undefined)[]) =>
  texts.some((text) => /^x+(\/x+\.fits)?$/i.test(text ?? ''))
