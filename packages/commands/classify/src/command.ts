import { basename, join } from 'node:path'
import {
  DataError,
  defineCommand,
  type Job,
  type Request,
  type Row,
  type Tools,
  writeProduct,
} from '@nightpipe/command'
import { createHeader, type NewHdu, openFits } from '@nightpipe/fits'
import { type Classification, classifyStar, maskTellurics, TELLURIC_BANDS } from '@nightpipe/spectra'
import { inTree, readStarExposure, SPECTRUM, treeFlags, treeOf } from '@nightpipe/spectrographs'
import { type ClassifySchema, schema } from './schema.js'
import { loadSet, readSetRows, setTable } from './template-set.js'

/** Spectra of stars to temperature, gravity, metals and rotation, by the templates that they resemble. */
export const classify = defineCommand({
  name: 'classify',
  summary: 'temperature, gravity, metallicity and rotation of stars by comparison with templates',
  description:
    'Compares the spectra of -1d files with every template of a set (classify import makes one): a polynomial for the continuum of ' +
    'each order, the velocity of the star, its rotation; and interpolates between the templates that fit best. Without a set it says ' +
    '"none" for each star, and invents nothing.',
  examples: [
    { run: 'classify -s velocities/ -r class/ --templates set/', doc: 'all stars of a folder' },
    { run: 'classify import -s phoenix/ -r set/', doc: 'make a set first' },
  ],
  schema,
  flags: {
    ...treeFlags,
    templates: { type: 'text', doc: 'folder of the set', placeholder: 'DIR', config: 'classify.set' },
  },
  measurements: [
    { name: 'star', doc: 'its name', type: 'text' },
    { name: 'template', doc: 'the one that fits best, or none', type: 'text' },
    { name: 'teff_k', unit: 'K', doc: 'effective temperature' },
    { name: 'teff_error_k', unit: 'K', doc: 'one sigma from the noise; empty: not interpolated' },
    { name: 'logg_dex', unit: 'dex', doc: 'surface gravity' },
    { name: 'logg_error_dex', unit: 'dex', doc: 'one sigma from the noise' },
    { name: 'metallicity_dex', unit: 'dex', doc: '[Fe/H]' },
    { name: 'metallicity_error_dex', unit: 'dex', doc: 'one sigma from the noise' },
    { name: 'vsini_km_s', unit: 'km/s', doc: 'rotation' },
    { name: 'reduced_chi_square', doc: 'of the best template' },
  ],
  recognises: true,
  parallel: 'jobs',
  plan({ inputs, output, config }: Request<ClassifySchema>) {
    const { set } = config.classify
    const rows = set ? readSetRows(set) : []
    const list = set ? [{ path: join(set, setTable.name), role: 'set' }] : []
    const files = rows.map(({ file }) => ({ path: join(set, file), role: 'template' }))
    return {
      jobs: inputs.map(({ name, path, stem }) => ({
        ...{ name, inputs: [path], products: set ? [join(output, `${stem.replace(/-1d$/, '')}-class.fits`)] : [] },
        parents: [{ path, role: 'spectrum' }, ...list, ...files],
        params: {},
      })),
      memoryPerJob: 200e6 + rows.length * 4e6,
    }
  },
  job: classifyExposure,
  outputFolder(_config, flags) {
    const tree = treeOf(flags)
    return tree && inTree(tree, 'class')
  },
})

function classifyExposure(
  { inputs, products, parents }: Job,
  { config, context, profile, log }: Tools<ClassifySchema>,
): Row[] {
  const input = inputs[0]!
  requireSpectrum(input)
  const { set, resolution, orders, tellurics } = config.classify
  const exposure = readStarExposure(input, profile)
  const stars = exposure.stars.map(({ fibre, object }) => {
    const own = exposure.spectra.orders.filter((one) => one.fibre === fibre && one.wavelength?.some((w) => w > 0))
    if (own.length === 0) throw new DataError(`${basename(input)} has no wavelengths`, 'run wavelength first')
    return { object, fibre, orders: tellurics === 'keep' ? own : maskTellurics(own, TELLURIC_BANDS) }
  })
  if (!set) {
    log.warn(`${basename(input)}: no set of templates, so no class (classify import makes one)`)
    return [{ input, status: 'done', measurements: { star: stars[0]!.object, template: 'none' } }]
  }
  const waves = stars.flatMap((star) => star.orders.flatMap(({ wavelength }) => [...wavelength!.filter((w) => w > 0)]))
  const [from, to] = waves.reduce(([low, high], w) => [Math.min(low, w), Math.max(high, w)], [1e9, 0] as [
    number,
    number,
  ])
  const members = loadSet(set, { resolution, from: from * 0.997, to: to * 1.003 })
  const found = stars.map((star) => ({ ...star, ...classified(input, star.orders, members, orders) }))
  for (const { notes } of found) for (const note of notes) log.warn(`${basename(input)}: ${note}`)
  const product = writeProduct(products[0]!, classHdus(found), context, parents)
  return [{ input, status: 'done', product, measurements: measured(found[0]!) }]
}

function classified(
  input: string,
  orders: Parameters<typeof classifyStar>[0],
  members: Parameters<typeof classifyStar>[1],
  most: number,
) {
  try {
    return classifyStar(orders, members, most)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new DataError(`${basename(input)}: ${error.message}`, 'see templates.csv of the set')
  }
}

function requireSpectrum(path: string): void {
  const file = openFits(path)
  const whole = file.hdus.some(({ name }) => name === SPECTRUM)
  file.close()
  if (!whole) throw new DataError(`${basename(path)} has no table ${SPECTRUM}`, 'give -1d files')
}

type Found = Classification & { object: string; fibre: number }

const known = (value: number) => (Number.isFinite(value) ? value : undefined)

function measured({ object, best, parameters, errors }: Found) {
  return {
    ...{ star: object, template: best.name, teff_k: known(parameters.teff), teff_error_k: known(errors.teff) },
    ...{ logg_dex: known(parameters.logg), logg_error_dex: known(errors.logg) },
    ...{ metallicity_dex: known(parameters.metallicity), metallicity_error_dex: known(errors.metallicity) },
    ...{ vsini_km_s: parameters.vsini / 1000, reduced_chi_square: best.chiSquare / best.pixels },
  }
}

/** The classes of the stars in cards, and how every template fits in a table. */
function classHdus(stars: readonly Found[]): NewHdu[] {
  const cards = stars.flatMap(
    ({ object, fibre, best, parameters, errors }, k): [string, string | number | undefined, string][] => {
      const mark = k === 0 ? '' : String(k + 1)
      return [
        [`OBJECT${mark}`, object, 'star'],
        [`FIBER${mark}`, fibre, 'fiber of the star'],
        [`TEFF${mark}`, known(parameters.teff), '[K] effective temperature'],
        [`TEFFE${mark}`, known(errors.teff), '[K] one sigma from the noise'],
        [`LOGG${mark}`, known(parameters.logg), '[dex] surface gravity'],
        [`LOGGE${mark}`, known(errors.logg), '[dex] one sigma from the noise'],
        [`FEH${mark}`, known(parameters.metallicity), '[dex] metallicity'],
        [`FEHE${mark}`, known(errors.metallicity), '[dex] one sigma from the noise'],
        [`VSINI${mark}`, parameters.vsini / 1000, '[km/s] rotation'],
        [`TEMPLAT${mark}`, best.name, 'template that fits best'],
      ]
    },
  )
  const rows = stars.flatMap(({ fibre, fits }) => fits.map((fit) => ({ ...fit, fibre })))
  const real = (name: string, value: (row: (typeof rows)[number]) => number, unit?: string) => ({
    ...{ name, format: 'D', values: Float64Array.from(rows, value) },
    ...(unit && { unit }),
  })
  const length = Math.max(1, ...rows.map(({ name }) => name.length))
  return [
    {
      kind: 'empty',
      header: createHeader(
        cards.flatMap(([keyword, value, comment]) => (value === undefined ? [] : [[keyword, value, comment] as const])),
      ),
    },
    {
      ...{ kind: 'table', name: 'FITS', rows: rows.length },
      columns: [
        { name: 'template', format: `${length}A`, values: rows.map(({ name }) => name) },
        { name: 'fiber', format: 'J', values: Int32Array.from(rows, ({ fibre }) => fibre) },
        real('teff', (row) => row.teff, 'K'),
        real('logg', (row) => row.logg),
        real('metallicity', (row) => row.metallicity),
        real('vsini', (row) => row.vsini / 1000, 'km/s'),
        real('chi2', (row) => row.chiSquare),
        real('pixels', (row) => row.pixels),
      ],
    },
  ]
}
