import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  DataError,
  defineCommand,
  type Job,
  type Parent,
  type Row,
  type Tools,
  tableMadeBy,
  writeProduct,
} from '@nightpipe/command'
import type { InputFile } from '@nightpipe/files'
import { type FitsFrame, openFits, readFrame } from '@nightpipe/fits'
import { scoped } from '@nightpipe/kernels'
import { buildPsf, findStars, type Psf } from '@nightpipe/stars'
import { calibrate, catalogueFor } from './calibrate.js'
import { photFacts } from './frame-facts.js'
import { limitMagnitudes, photHeader } from './frame-header.js'
import { measureFrame } from './measure-frame.js'
import { measureTargets } from './measure-targets.js'
import { psfHdus } from './psf-product.js'
import { type PhotometrySchema, schema } from './schema.js'
import { makeSeries } from './series.js'
import { photTable } from './star-table.js'
import { targetTable } from './target-table.js'
import { readTargets } from './targets.js'

/** Stars measured and calibrated on a catalogue, light curves, limiting magnitudes. */
export const photometry = defineCommand({
  name: 'photometry',
  summary: 'stars measured and calibrated on a catalogue, light curves, limiting magnitudes',
  description:
    'Measures all stars of calibrated frames of any tool: sums in circles brought to the whole light by the growth curve, ' +
    'and fits of a model of the profile that is made from the frame itself, also in crowded fields. With a catalogue, each ' +
    'frame gets its zero point with colour and place, robustly and with honest errors, and its limiting magnitude, by the ' +
    'noise and by stars that are put in. Targets of a list are measured whether they are seen or not. Over several frames, ' +
    'every star gets its light curve against an ensemble of quiet stars.',
  examples: [
    {
      run: 'photometry --input aligned/ --output phot/ --set "zero point.catalogue=gaia"',
      doc: 'calibrated on a catalogue',
    },
    {
      run: 'photometry -s night/ -r phot -c transit.ini --set targets.list=hatp32.csv',
      doc: 'a light curve of one star',
    },
    { run: 'photometry -s bulge.fits -r phot --set psf.fit=crowded', doc: 'a crowded field' },
  ],
  schema,
  measurements: [
    { name: 'stars', doc: 'sources measured', type: 'integer' },
    { name: 'seeing_px', unit: 'px', doc: 'median full width at half maximum' },
    { name: 'zero_point_mag', unit: 'mag', doc: 'magnitude of one unit of the frame in a second' },
    { name: 'zero_point_error_mag', unit: 'mag', doc: 'one sigma of it' },
    { name: 'zero_point_stars', doc: 'stars that it comes from', type: 'integer' },
    { name: 'scatter_mag', unit: 'mag', doc: 'robust scatter of single reference stars' },
    { name: 'colour_term', doc: 'magnitudes for each magnitude of colour' },
    { name: 'airmass', doc: 'of the header' },
    { name: 'limit_mag', unit: 'mag', doc: 'limit by the noise of empty circles' },
    { name: 'limit_psf_mag', unit: 'mag', doc: 'limit by the noise of a fit' },
    { name: 'limit_injected_mag', unit: 'mag', doc: 'where half of the stars put in are found' },
    { name: 'note', doc: 'why there is no zero point', type: 'text' },
  ],
  parallel: 'both',
  helpers: true,
  plan({ inputs, output, config }) {
    // a wrong catalogue or list costs a second, not a night
    catalogueFor(config)
    const { catalogue } = config['zero point']
    const extra = [catalogue, config.targets.list].filter((path) => path !== '')
    const lost = extra.find((path) => !existsSync(path))
    if (lost) throw new DataError(`there is no ${lost}`, 'check [zero point] catalogue and [targets] list')
    if (config.targets.list !== '') readTargets(config.targets.list)
    const shared = [
      ...(config.targets.list === '' ? [] : [{ path: resolve(config.targets.list), role: 'targets' }]),
      ...(catalogue === '' ? [] : [{ path: tellTale(catalogue), role: 'catalogue' }]),
    ]
    const rows = tablesAmong(inputs)
    const tables = new Set(rows.map(({ input }) => input))
    const frames = inputs.filter(({ path }) => !tables.has(path))
    return {
      rows,
      jobs: frames.map(({ name, path, stem }) => ({
        ...{ name, inputs: [path], params: {} },
        products: [
          ...(config.psf.model === 'only' ? [] : [join(output, `${stem}.phot.fits`)]),
          ...(config.psf.model === 'no' ? [] : [join(output, `${stem}.psf.fits`)]),
        ],
        parents: [{ path, role: 'frame' }, ...shared],
      })),
    }
  },
  job: measure,
  finish: makeSeries,
})

/** Tables that another command left beside the frames; what cannot be read fails as the frame that it was to be. */
function tablesAmong(inputs: readonly InputFile[]): Row[] {
  return inputs.flatMap(({ path }) => {
    try {
      const table = tableMadeBy(path)
      return table ? [{ input: path, status: 'rejected', reason: `is a table that ${table} made` }] : []
    } catch (error) {
      if (error instanceof DataError) return []
      throw error
    }
  })
}

function measure({ inputs, products, parents }: Job, tools: Tools<PhotometrySchema>): Row[] {
  const { config, context, profile } = tools
  if (config.psf.model === 'only') return modelOnly(inputs[0]!, products[0]!, parents, tools)
  const [input, product, modelPath] = [inputs[0]!, products[0]!, products[1]]
  const file = openFits(input)
  try {
    return scoped(() => {
      const frame = readFrame(file, { lent: true })
      const facts = photFacts(file, profile)
      const measures = measured(() => measureFrame(frame, facts, config), frame.name)
      const outcome = calibrate(measures, facts, frame, config)
      const calibration = typeof outcome === 'string' ? undefined : outcome
      const limits = limitMagnitudes(measures, facts, calibration?.zero.value ?? 0, config.limit.significance)
      const header = photHeader(frame.header, measures, facts, calibration, limits)
      const targets = config.targets.list === '' ? [] : readTargets(config.targets.list)
      const tables = [photTable(measures, facts, calibration, config)]
      if (targets.length > 0) {
        tables.push(targetTable(measureTargets(frame, measures, facts, calibration, targets, config), facts.unit))
      }
      writeProduct(product, [{ kind: 'empty', header }, ...tables], context, parents)
      if (modelPath) writeModel(modelPath, frame, measures.psf, context, parents)
      const { zero } = calibration ?? {}
      return [
        {
          ...{ input, status: 'done', product },
          measurements: {
            ...{ stars: measures.count, seeing_px: measures.found.quality.seeing },
            ...{ zero_point_mag: zero?.value, zero_point_error_mag: zero?.error, zero_point_stars: zero?.count },
            ...{ scatter_mag: zero?.scatter, colour_term: calibration?.colour ? zero?.colourTerm : undefined },
            ...{ airmass: facts.airmass, limit_mag: limits.aperture, limit_psf_mag: finite(limits.psf) },
            limit_injected_mag: limits.injected,
            note: typeof outcome === 'string' && outcome !== '' ? outcome : undefined,
          },
        },
      ]
    })
  } finally {
    file.close()
  }
}

function writeModel(
  path: string,
  frame: FitsFrame,
  psf: Psf | undefined,
  context: Tools['context'],
  parents: Parent[],
) {
  if (!psf)
    throw new DataError(`${frame.name}: no star is fit for a model of the profile`, 'set psf.model=no for such frames')
  writeProduct(path, psfHdus(frame.header, psf), context, parents)
}

/** Only the bright stars are sought, and the model is made of them. */
function modelOnly(
  input: string,
  product: string,
  parents: Parent[],
  { config, context, profile }: Tools<PhotometrySchema>,
): Row[] {
  const file = openFits(input)
  try {
    return scoped(() => {
      const frame = readFrame(file, { lent: true })
      const facts = photFacts(file, profile)
      const [gain, saturation] = [config.noise.gain ?? facts.gain, config.noise.saturation ?? facts.saturation]
      const threshold = Math.max(BRIGHT, config.detection.threshold)
      const psf = measured(() => {
        const { stars, quality } = findStars(frame, {
          ...{ threshold, isophote: 4, apertures: [], gain, saturation, mesh: config.detection.mesh },
          net: frame.pixels, // nothing else is made of them
        })
        const { order, stars: most } = config.psf
        return buildPsf(frame, stars, { order, most, gain, saturation, skySigma: quality.skySigma, net: true })
      }, frame.name)
      writeModel(product, frame, psf, context, parents)
      const width = psf.fwhm((frame.width - 1) / 2, (frame.height - 1) / 2)
      return [{ input, status: 'done', product, measurements: { stars: psf.stars, seeing_px: width } }]
    })
  } finally {
    file.close()
  }
}

/** Stars fainter than this many sigma tell little of the profile. */
const BRIGHT = 12

/** The file that changes when a catalogue does: itself, or the one in its folder that tells what is in it. */
const tellTale = (path: string) => resolve(statSync(path).isDirectory() ? join(path, 'catalogue.json') : path)

const finite = (value: number) => (Number.isFinite(value) ? value : undefined)

function measured<T>(work: () => T, name: string): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof RangeError)
      throw new DataError(`${name}: ${error.message}`, 'is it a frame of stars?', { cause: error })
    throw error
  }
}
