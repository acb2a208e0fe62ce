import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import {
  ConfigError,
  defineCommand,
  type Job,
  type Parent,
  type Row,
  type Tools,
  writeProduct,
} from '@nightpipe/command'
import { sha256OfFile, stemOf } from '@nightpipe/files'
import { createHeader } from '@nightpipe/fits'
import { writeCalibrated } from './calibrated.js'
import { cameraOf } from './camera.js'
import { expose } from './expose.js'
import { starRows, writeFrameTruth, writeStars } from './frame-truth.js'
import { type Exposure, fieldOf, nightOf } from './night.js'
import { type Calibration, TABLES, writeCalibration, writeNightTables } from './night-truth.js'
import { writeRawFrame } from './raw-frame.js'
import { seenIn } from './scene.js'
import { type Settings, schema } from './schema.js'
import { studioOf } from './studio.js'

type Task = { kind: 'frame'; index: number } | { kind: 'tables' } | { kind: 'calibration'; what: Calibration }

export const imaging = defineCommand<typeof schema, Task>({
  name: 'simulate',
  subcommand: 'imaging',
  summary: 'a raw night of a camera, with its truth',
  description: `Makes bias, dark, twilight flat and science frames as a camera writes them, and beside them, in truth/, what \
is in them: stars, conditions, calibrations without noise, cosmic rays, plate solutions.

The same seed gives the same bytes, whatever the number of workers. truth/README.md says how frames are made.`,
  examples: [
    { run: 'simulate imaging --output night', doc: 'a small night as the defaults make it' },
    {
      run: 'simulate imaging -r night --width 4096 --height 4096 --seed 7 --set "detector.amplifiers=4" --compress',
      doc: 'a large camera with four amplifiers, frames compressed by tiles',
    },
    {
      run: 'simulate imaging -r wide --set field.catalogue=catalogues/tycho2 --set field.stars=0 --set "telescope.pixel scale=10" --set files.wcs=approximate --set "telescope.scale error=0.1"',
      doc: 'real stars (docs/guide/catalogues.md), and headers that are wrong by up to 10 percent',
    },
    { run: 'simulate imaging -r exact --set noise.noiseless=yes', doc: 'frames that calibration must undo exactly' },
  ],
  schema,
  flags: {
    seed: { type: 'integer', doc: 'another seed is another night', config: 'random.seed' },
    width: { type: 'integer', doc: 'columns that see light', placeholder: 'PIXELS', config: 'detector.width' },
    height: { type: 'integer', doc: 'rows that see light', placeholder: 'PIXELS', config: 'detector.height' },
  },
  measurements: [
    { name: 'type', type: 'text', doc: 'type of frame' },
    { name: 'filter', type: 'text', doc: 'filter' },
    { name: 'exposure_s', unit: 's', doc: 'exposure time' },
    { name: 'sources', type: 'integer', doc: 'sources in the frame' },
    { name: 'saturated_px', unit: 'px', type: 'integer', doc: 'saturated pixels' },
    { name: 'cosmics', type: 'integer', doc: 'particles that hit the frame' },
  ],
  inputs: 'none',
  parallel: 'jobs',
  plan({ output, config, profile, context, log }) {
    check(config)
    if (config.files.gzip && context.compress) {
      throw new ConfigError('[files] gzip and [output] compress are both asked for', 'one of them is enough')
    }
    const night = nightOf(config, profile)
    cameraOf(config, profile)
    const others = framesOfOthers(output, night.exposures)
    if (others) log.warn(`${output} also holds ${others} frames of another night: remove them, or take another folder`)
    const truth = join(output, 'truth')
    const parents = catalogueParents(config, night.fields)
    const aside = (name: string, products: string[], params: Task): Job<Task> => ({
      ...{
        name,
        inputs: [],
        products: products.map((product) => join(truth, product)),
        aside: true,
        parents,
        params,
      },
    })
    const calibrations: [string, Calibration][] = [
      ['bias', 'bias'],
      ['dark', 'dark'],
      ...config.filters.names.map((flat): [string, Calibration] => [`flat_${flat}`, { flat }]),
    ]
    const jobs = [
      aside('truth tables', ['stars.fits', ...TABLES], { kind: 'tables' }),
      ...night.exposures.map((frame, index) => frameJob(config, output, frame, index, parents)),
      ...calibrations.map(([name, what]) => aside(`truth ${name}`, [`${name}.fits`], { kind: 'calibration', what })),
    ]
    return { jobs, memoryPerJob: memoryOf(config, 1) }
  },
  job: (job, tools) => [make(job, tools)],
})

/** What the schema cannot see. */
function check({ filters, files, detector }: Settings): void {
  if (filters.names.length === 0) throw new ConfigError('[filters] names: at least one filter is needed')
  if (new Set(filters.names).size < filters.names.length) throw new ConfigError('[filters] names: one stands twice')
  if (files.wcs !== 'none' && detector.amplifiers > 1) {
    throw new ConfigError(
      '[files] wcs: a plate solution of raw pixels needs one amplifier',
      'overscans between the data have no place on the sky; truth/frames has the solution',
    )
  }
}

/** How many frames an earlier night with other settings has left in the folder. */
function framesOfOthers(output: string, exposures: readonly Exposure[]): number {
  const folder = join(output, 'truth', 'frames')
  if (!existsSync(folder)) return 0
  const ours = new Set(exposures.map(({ name }) => name))
  return readdirSync(folder).filter((file) => !file.startsWith('.') && !ours.has(stemOf(file))).length
}

/** The catalogues whose stars shine: other ones are another night. */
function catalogueParents(config: Settings, fields: readonly string[]): Parent[] {
  const paths = new Set(fields.map((name) => fieldOf(config, name).catalogue).filter((path) => path !== ''))
  return [...paths].map((path) => {
    if (!existsSync(path)) throw new ConfigError(`[field] catalogue: there is no ${path}`)
    const folder = statSync(path).isDirectory()
    return { path: resolve(folder ? join(path, 'catalogue.json') : path), role: 'catalogue' }
  })
}

function frameJob(
  config: Settings,
  output: string,
  frame: Exposure,
  index: number,
  parents: readonly Parent[],
): Job<Task> {
  const { name, type } = frame
  const raw = join(output, config.files.gzip ? `${name}.fits.gz` : `${name}.fits`)
  const products = [raw, join(output, 'truth', 'frames', `${name}.fits`)]
  if (frame.conditions) products.push(join(output, 'truth', 'stars', `${name}.csv`))
  if (config.files.calibrated && type === 'object') products.push(join(output, 'truth', 'calibrated', `${name}.fits`))
  if (config.files.light && type === 'object') products.push(join(output, 'truth', 'light', `${name}.fits`))
  return { name, inputs: [], products, bare: [raw], parents: [...parents], params: { kind: 'frame', index } }
}

/** Canvas, charge, dark, bias, raw frame, mask, what writing takes, and flats. */
function memoryOf({ detector }: Settings, flats: number): number {
  return detector.width * detector.height * (4 * (3 + flats) + 12) + 60e6
}

function make(job: Job<Task>, tools: Tools<typeof schema>): Row {
  const { config, profile, context } = tools
  const studio = studioOf(config, profile, context)
  for (const product of job.products) mkdirSync(dirname(product), { recursive: true })
  const [first] = job.products as [string]
  const { params } = job
  if (params.kind === 'frame') return makeFrame(job, studio.night.exposures[params.index]!, tools)
  if (params.kind === 'tables') writeNightTables(config, studio, first, context, job.parents)
  else writeCalibration(config, studio, params.what, first, context, job.parents)
  return { input: job.name, status: 'done', product: first }
}

function makeFrame(
  job: Job<Task>,
  frame: Exposure,
  { config, profile, context, memoryBytes }: Tools<typeof schema>,
): Row {
  const { camera, sources, maps, night } = studioOf(config, profile, context)
  const [raw, truth, stars] = job.products as [string, string, string?]
  const [calibrated, lightPath] = ['calibrated', 'light'].map((folder) =>
    job.products.find((path) => basename(dirname(path)) === folder),
  )
  const starry = config.flat.stars && !config.noise.noiseless
  const withStars = frame.type === 'object' || (frame.type === 'flat' && starry)
  const seen = withStars ? seenIn(config, camera, frame, sources(frame.field ?? night.fields[0]!)) : []
  const spare = Math.floor((memoryBytes - memoryOf(config, 0)) / (4 * config.detector.width * config.detector.height))
  const exposed = expose(config, camera, maps(frame.filter, spare), frame, seen, night.exposures[0]!.mjd)
  writeRawFrame(raw, config, camera, profile, frame, exposed, context.compress)
  const rows = starRows(camera, seen)
  if (stars) writeStars(stars, rows)
  if (calibrated) {
    const flat = maps(frame.filter, spare)
    writeCalibrated(calibrated, config, camera, profile, flat, frame, exposed, context, job.parents)
  }
  if (lightPath && exposed.light) {
    const header = createHeader([['BUNIT', 'electron/s', 'light before the flat']])
    const axes = [camera.width, camera.height]
    writeProduct(lightPath, [{ kind: 'image', header, bitpix: -32, axes, pixels: exposed.light }], context, job.parents)
  }
  const described = { name: basename(raw), digest: sha256OfFile(raw) }
  writeFrameTruth(truth, config, camera, frame, exposed, rows, described, context, job.parents)
  let saturated = 0
  for (const bits of exposed.mask) if (bits & 2) saturated++
  return {
    ...{ input: frame.name, status: 'done', product: raw },
    measurements: {
      ...{ type: frame.type, filter: frame.filter, exposure_s: frame.seconds, sources: rows.length },
      ...{ saturated_px: saturated, cosmics: exposed.hits.length },
    },
  }
}
