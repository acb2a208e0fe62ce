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
import { openFits } from '@nightpipe/fits'
import { writeFigure } from '@nightpipe/plot'
import { classifyStar, maskTellurics, type OrderSpectrum, TELLURIC_BANDS } from '@nightpipe/spectra'
import { inTree, readStarExposure, SPECTRUM, treeFlags, treeOf } from '@nightpipe/spectrographs'
import { type Found, known, limitsText, summaryOf } from './found.js'
import { classFigure } from './plot.js'
import { classHdus } from './product.js'
import { resolutionOf } from './resolution.js'
import { type ClassifySchema, schema } from './schema.js'
import { loadSet, readSetRows, setTable } from './template-set.js'

/** Spectra of stars to temperature, gravity, metals and rotation, by the templates that they resemble. */
export const classify = defineCommand({
  name: 'classify',
  summary: 'temperature, gravity, metallicity and rotation of stars by comparison with templates',
  description:
    'Mixes the spectra of a set of templates (classify import makes one) into that of any star between them, turns and shifts it, gives ' +
    'each order its continuum, and fits all pixels at once. Errors are those of the noise and of the set, which is tried on its ' +
    'own members. What lies beyond the set, or turns too slowly to be seen, is told as a limit. Where the set is too small to mix, the ' +
    'nearest template is told. Without a set it says "none" for each star, and invents nothing.',
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
    { name: 'template', doc: 'the one that is most alike, or none', type: 'text' },
    { name: 'teff_k', unit: 'K', doc: 'effective temperature; empty: see limits' },
    { name: 'teff_error_k', unit: 'K', doc: 'one sigma, of noise and set; empty: the set has one value only' },
    { name: 'logg_dex', unit: 'dex', doc: 'surface gravity' },
    { name: 'logg_error_dex', unit: 'dex', doc: 'one sigma' },
    { name: 'metallicity_dex', unit: 'dex', doc: '[Fe/H]' },
    { name: 'metallicity_error_dex', unit: 'dex', doc: 'one sigma' },
    { name: 'vsini_km_s', unit: 'km/s', doc: 'rotation' },
    { name: 'reduced_chi_square', doc: 'of the fit' },
    { name: 'vsini_error_km_s', unit: 'km/s', doc: 'one sigma' },
    { name: 'method', doc: 'interpolated between templates, or the nearest one', type: 'text' },
    { name: 'limits', doc: 'what is not measured: beyond the set, or too slow to be seen (95 %)', type: 'text' },
  ],
  recognises: true,
  parallel: 'jobs',
  plan({ inputs, output, config }: Request<ClassifySchema>) {
    const { set, plots } = config.classify
    const endings = plots === 'yes' ? ['fits', 'png'] : ['fits']
    const rows = set ? readSetRows(set) : []
    const list = set ? [{ path: join(set, setTable.name), role: 'set' }] : []
    const files = rows.map(({ file }) => ({ path: join(set, file), role: 'template' }))
    return {
      jobs: inputs.map(({ name, path, stem }) => ({
        ...{ name, inputs: [path] },
        products: set ? endings.map((ending) => join(output, `${stem.replace(/-1d$/, '')}-class.${ending}`)) : [],
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

async function classifyExposure(
  { inputs, products, parents }: Job,
  { config, context, profile, log }: Tools<ClassifySchema>,
): Promise<Row[]> {
  const input = inputs[0]!
  requireSpectrum(input)
  const { set, orders, tellurics } = config.classify
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
  const { resolution, from } = resolutionOf(config.classify.resolution, exposure.spectra.header, input)
  log.detail(`${basename(input)}: resolution ${resolution}, ${from}`)
  const members = loadSet(set, { resolution, ...rangeOf(stars.flatMap((star) => star.orders)) })
  const found = stars.map((star) => ({
    ...star,
    ...classified(input, star.orders, members, { most: orders, resolution }),
  }))
  for (const star of found) {
    for (const note of star.notes) log.warn(`${basename(input)}: ${note}`)
    log.info(`${basename(input)}: ${star.object}: ${summaryOf(star)}`)
  }
  const product = writeProduct(products[0]!, classHdus(found, { resolution, from }), context, parents)
  if (products[1]) await writeFigure(products[1], classFigure(basename(product).replace('-class.fits', ''), found))
  return [{ input, status: 'done', product, measurements: measured(found[0]!) }]
}

/** What the set must hold, with room for the shift of the star; in whole steps, so that all exposures share it. */
function rangeOf(orders: readonly OrderSpectrum[]): { from: number; to: number } {
  let [low, high] = [Number.POSITIVE_INFINITY, 0]
  for (const { wavelength } of orders) {
    for (const lambda of wavelength!) {
      if (!(lambda > 0)) continue
      low = Math.min(low, lambda)
      high = Math.max(high, lambda)
    }
  }
  return { from: 50 * Math.floor((low * 0.997) / 50), to: 50 * Math.ceil((high * 1.003) / 50) }
}

function classified(
  input: string,
  orders: Parameters<typeof classifyStar>[0],
  members: Parameters<typeof classifyStar>[1],
  options: Parameters<typeof classifyStar>[2],
) {
  try {
    return classifyStar(orders, members, options)
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

function measured({ object, best, method, parameters, errors, limits, chiSquare, pixels }: Found) {
  return {
    ...{ star: object, template: best.name, teff_k: known(parameters.teff), teff_error_k: known(errors.teff) },
    ...{ logg_dex: known(parameters.logg), logg_error_dex: known(errors.logg) },
    ...{ metallicity_dex: known(parameters.metallicity), metallicity_error_dex: known(errors.metallicity) },
    ...{ vsini_km_s: known(parameters.vsini / 1000), vsini_error_km_s: known(errors.vsini / 1000) },
    ...{ reduced_chi_square: chiSquare / pixels, method, limits: limitsText(limits) },
  }
}
