import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { TriggerContext } from '@nightpipe/alerts'
import {
  DataError,
  defineCommand,
  type Job,
  productPath,
  type Request,
  type Row,
  type Tools,
  VERSION,
  writeProduct,
} from '@nightpipe/command'
import type { ConfigOf } from '@nightpipe/config'
import { describeFrame } from '@nightpipe/config'
import { FITS_EXTENSIONS, type InputFile, stemOf } from '@nightpipe/files'
import { cardLookup, imageHdu, openFits } from '@nightpipe/fits'
import { writeFigure } from '@nightpipe/plot'
import {
  type Burst,
  contentOf,
  KINDS,
  type Kind,
  type Observation,
  productHdus,
  type Results,
  withLegacyZeros,
} from '@nightpipe/products'
import { formatMjd, parseDate } from '@nightpipe/sky'
import { chartFrame, findingChart } from './chart.js'
import { fillSchema } from './fill-schema.js'
import { findDescriptor, loadDescriptor } from './find-descriptor.js'
import { readTrigger } from './read-trigger.js'
import { tellReplaced } from './replaces.js'
import { type Exposure, kindOfTable, observationsTable, readResults } from './tables-read.js'

type Config = ConfigOf<typeof fillSchema>
type FillTools = Tools<typeof fillSchema>

interface FillParams {
  kind: Kind
  descriptor: string
  tables: string[]
  /** when each frame was exposed, by its stem */
  frames: [string, Exposure][]
  /** the frame that the finding chart is cut from */
  chartFrame?: string
}

/** What subtraction makes beside the frame: no picture of the sky. */
const MADE = /\.(diff|score|candidates|phot|cat)$/

/** The results of pipelines into products. */
export const fillProducts = defineCommand({
  name: 'product-build',
  subcommand: 'fill',
  summary: 'the results of a pipeline into products: candidates, positions, light curves, power laws',
  description:
    'Reads the tables that subtraction and photometry make (candidates.csv, lightcurves.csv, stars.csv), or an ' +
    'observations.csv of any other pipeline, and the frames for their exposure times; fills the products of ' +
    '[product] kinds. What is not known has no value: empty text, NaN, TNULL; never 0 unless --legacy-zero asks for it. ' +
    'Upper limits have a column of their own. With no candidate at all the products are made too, and say so (CANDNUMB 0).',
  examples: [
    { run: 'product-build fill -s diff/ -r products/ --trigger trigger_sb22020379.dat', doc: 'after subtraction' },
    {
      run: 'product-build fill -s observations.csv -r products/ --kind LC --kind QTI --t0 2022-02-03T05:12:00',
      doc: 'two products',
    },
  ],
  schema: fillSchema,
  flags: {
    trigger: { type: 'text', doc: 'trigger file of voevent parse', placeholder: 'FILE', config: 'observation.trigger' },
    t0: { type: 'text', doc: 'time of the trigger (UTC)', placeholder: 'DATE', config: 'observation.t0' },
    kind: {
      type: 'list',
      doc: 'product to make, several times for several',
      choices: KINDS,
      placeholder: 'KIND',
      config: 'product.kinds',
    },
    'legacy-zero': { type: 'flag', doc: 'write 0 where nothing was detected', config: 'product.legacy zero' },
  },
  measurements: [
    { name: 'card', type: 'text', doc: 'the product' },
    { name: 'candidates', type: 'integer', doc: 'candidates in it' },
    { name: 'observations', type: 'integer', doc: 'observations that it was made from' },
    { name: 'rows', type: 'integer', doc: 'rows of its table' },
  ],
  extensions: ['.csv', ...FITS_EXTENSIONS],
  tables: [observationsTable],
  parallel: 'jobs',
  plan: planFill,
  job: fillOne,
})

function planFill({ inputs, output, config, profile, log }: Request<typeof fillSchema>) {
  const tables = inputs
    .filter(({ name }) => name.endsWith('.csv'))
    .filter(({ path }) => kindOfTable(path) !== undefined)
  if (tables.length === 0)
    throw new DataError(
      'no table of results among the inputs',
      'candidates.csv and lightcurves.csv of subtraction, or observations.csv',
    )
  const images = inputs.filter(({ name }) => !name.endsWith('.csv'))
  const frames = images.flatMap((file): [InputFile, Exposure][] => {
    const facts = exposureOf(file, profile, log)
    return facts ? [[file, facts]] : []
  })
  const burst = burstPart(config)
  const paths = tables.map(({ path }) => path)
  const exposures = frames.map(([{ stem }, exposure]): [string, Exposure] => [stem, exposure])
  const pictures = frames.filter(([{ stem }]) => !MADE.test(stem)).map(([{ path }]) => path)
  const wantsChart =
    config.images.chart && pictures.length > 0 && config.product.kinds.some((kind) => /^Q?PO$/i.test(kind))
  const picture = wantsChart ? chartFrame(pictures, resultsOf(paths, new Map(exposures), config)) : undefined
  const unknown = config.product.kinds.filter((kind) => !KINDS.includes(kind.toUpperCase() as Kind))
  if (unknown.length > 0)
    throw new DataError(`no product is called ${unknown.join(', ')}`, `there are ${KINDS.join(', ')}`)
  const jobs = config.product.kinds.map((word): Job<FillParams> => {
    const kind = word.toUpperCase() as Kind
    const model = kind === 'QPO' ? 'PO' : kind
    const descriptor = findDescriptor(`${model}_GFT_${config.product.instrument}`, config.product.descriptor)
    const version = config.product.processing > 1 ? `_v${config.product.processing}` : ''
    const stem = [`${kind}_GFT_${config.product.instrument}`, burst.burstId].filter(Boolean).join('_')
    const chart = model === 'PO' && picture !== undefined
    return {
      name: `${stem}${version}`,
      inputs: [],
      products: [`${stem}${version}.fits`, ...(chart ? [`${stem}${version}.png`] : [])].map((file) =>
        join(output, file),
      ),
      parents: [
        ...loadDescriptor(descriptor).files.map((path) => ({ path, role: 'descriptor' })),
        ...tables.map(({ path }) => ({ path, role: 'results' })),
        ...(config.observation.trigger ? [{ path: config.observation.trigger, role: 'trigger' }] : []),
        ...(chart ? frames.map(([{ path }]) => ({ path, role: 'frame' })) : []),
      ],
      params: {
        ...{ kind, descriptor, tables: paths, frames: exposures },
        ...(chart ? { chartFrame: picture } : {}),
      },
    }
  })
  return { jobs }
}

/** When a frame was exposed; frames that say nothing of it are of no use here. */
function exposureOf(file: InputFile, profile: Request['profile'], log: Request['log']): Exposure | undefined {
  try {
    const fits = openFits(file.path)
    try {
      const hdu = imageHdu(fits)
      const { axes } = hdu
      const size = { width: axes[0] ?? 0, height: axes[1] ?? 0, name: file.name }
      const { mjd, exposureSeconds } = describeFrame(cardLookup(hdu), profile, size)
      return { startMjd: mjd, seconds: exposureSeconds }
    } finally {
      fits.close()
    }
  } catch (error) {
    log.detail(`${file.shown} is no frame: ${(error as Error).message}`)
    return undefined
  }
}

function burstPart({ observation }: Config) {
  const trigger: Partial<TriggerContext> = observation.trigger ? readTrigger(observation.trigger) : {}
  const said =
    observation.t0 === ''
      ? undefined
      : /^\d{4,6}(\.\d+)?$/.test(observation.t0)
        ? Number(observation.t0)
        : parseDate(observation.t0)?.mjd
  if (observation.t0 !== '' && said === undefined)
    throw new DataError(`[observation] t0 '${observation.t0}' is no time`, 'as 2022-02-03T05:12:00, or an MJD')
  if (observation.trigger !== '' && !existsSync(observation.trigger))
    throw new DataError(`no trigger file ${observation.trigger}`)
  return { burstId: observation.burst || trigger.burstId, obsId: trigger.obsId, triggerMjd: said ?? trigger.t0Mjd }
}

async function fillOne(job: Job<FillParams>, { config, context }: FillTools): Promise<Row[]> {
  const { kind, tables, frames } = job.params
  const { descriptor } = loadDescriptor(job.params.descriptor)
  const results = resultsOf(tables, new Map(frames), config)
  const table = descriptor.extensions.find(({ type }) => type === 'bintable')
  if (!table) throw new DataError(`${descriptor.card} has no table to fill`)
  const [product, chart] = job.products as [string, string?]
  if (chart) {
    const frame = job.params.chartFrame!
    const name = basename(chart, '.png')
    await writeFigure(chart, findingChart(frame, results.candidates, config.images['chart size'], name))
  }
  const facts = {
    ...{ creator: 'nightpipe', pipelineVersion: VERSION, program: config.product.program },
    processing: config.product.processing,
    ...(chart ? { chart: urlOf(config.images['chart url'], 'chart', basename(chart)) } : {}),
  }
  const plain = contentOf(kind, table.name, results, facts)
  const content = config.product['legacy zero'] ? withLegacyZeros(plain) : plain
  const dated = { ...content, cards: { ...content.cards, DATE: newest(results.observations) } }
  const hdus = productHdus(descriptor, dated)
  tellReplaced(hdus[0]!, descriptor.card, config.product)
  writeProduct(product, hdus, context, job.parents)
  const measurements = {
    ...{ card: descriptor.card, candidates: results.candidates.length, observations: results.observations.length },
    rows: content.rows[table.name]!.length,
  }
  const made = productPath(product, context)
  // Inputs are the tables and frames, of which all products are made: the report has a row for each product.
  return [{ input: job.name, status: 'done', product: made, measurements }]
}

const urlOf = (pattern: string, what: string, name: string) =>
  pattern === '' ? name : pattern.replaceAll(`{${what}}`, name)

/** A product has no clock: its date is that of the newest exposure in it. */
function newest(observations: readonly Observation[]): string | undefined {
  if (observations.length === 0) return undefined
  return formatMjd(Math.max(...observations.map(({ endMjd, startMjd }) => endMjd ?? startMjd))).slice(0, 19)
}

function resultsOf(tables: readonly string[], frames: ReadonlyMap<string, Exposure>, config: Config): Results {
  const { candidates, observations } = readResults(tables, frames, config.observation.candidates)
  const filters =
    config.observation.filters.length > 0
      ? config.observation.filters
      : [...new Set(observations.map(({ filter }) => filter))].sort()
  const first = observations[0]?.startMjd
  const began =
    first === undefined ? undefined : formatMjd(first).slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_')
  const burst: Burst = {
    ...burstPart(config),
    ...{
      telescopeId: config.observation['telescope id'] || began,
      observationId: config.observation['observation id'] || undefined,
    },
    ...{ instrument: config.product.instrument, filters },
  }
  return { burst, candidates, observations: withImages(observations, config) }
}

/** Names and places of the images, as the config wants them. */
function withImages(observations: readonly Observation[], { images }: Config): Observation[] {
  const counted = new Map<string, string>()
  const counts = new Map<string, number>()
  for (const { filter, imageId } of observations) {
    if (imageId === undefined || counted.has(imageId)) continue
    const number = (counts.get(filter) ?? 0) + 1
    counts.set(filter, number)
    counted.set(imageId, `S_${filter}_${number}`)
  }
  return observations.map((one) => {
    if (one.imageId === undefined) return one
    const name = stemOf(one.imageId)
    const imageId = images.naming === 'number' ? counted.get(one.imageId)! : name
    return { ...one, imageId, ...(images.url ? { imageUrl: urlOf(images.url, 'image', name) } : {}) }
  })
}
