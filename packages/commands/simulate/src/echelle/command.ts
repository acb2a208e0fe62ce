import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ConfigError, defineCommand, type Job, type Parent, type Row, type Tools } from '@nightpipe/command'
import { type Maps, mapsOf } from './detector.js'
import { makeFrame } from './frame.js'
import { writeFrameTruth } from './frame-truth.js'
import { lineFile } from './lines.js'
import type { Exposure } from './night.js'
import { starNames, starOf } from './night.js'
import { TABLES, writeNightTables } from './night-truth.js'
import { writeRaw } from './raw-file.js'
import { type Settings, schema } from './schema.js'
import { type Studio, studioOf } from './studio.js'

type Task = { kind: 'frame'; index: number } | { kind: 'tables' }

export const echelle = defineCommand<typeof schema, Task>({
  name: 'simulate',
  subcommand: 'echelle',
  summary: 'raw nights of an echelle spectrograph, with their truth',
  description: `Makes bias, dark, flat, arc and star frames of a cross-dispersed echelle spectrograph fed by fibres or a slit, in the \
container of NRES or as plain images, and beside them, in truth/, what is in them: traces, wavelengths, fluxes, velocities, drifts, cosmic rays.

The same seed gives the same bytes, whatever the number of workers. Presets stand in configs/simulate: echelle-small, echelle-medium, \
echelle-nres, echelle-teaching.`,
  examples: [
    { run: 'simulate echelle --config configs/simulate/echelle-small.ini --output night', doc: 'a night in seconds' },
    {
      run: 'simulate echelle -c configs/simulate/echelle-nres.ini -r archive --seed 7 --compress',
      doc: 'a night of NRES',
    },
    {
      run: 'simulate echelle -c configs/simulate/echelle-small.ini -r faulty --set "faults.lamp off=1" --set "faults.no header=1"',
      doc: 'with frames that must be set aside',
    },
  ],
  schema,
  flags: { seed: { type: 'integer', doc: 'another seed is another night', config: 'random.seed' } },
  measurements: [
    { name: 'type', type: 'text', doc: 'type of frame' },
    { name: 'fibres', type: 'text', doc: 'what each fibre sees' },
    { name: 'exposure_s', unit: 's', doc: 'exposure time' },
    { name: 'saturated_px', unit: 'px', type: 'integer', doc: 'pixels at full well' },
    { name: 'cosmics', type: 'integer', doc: 'particles that hit the frame' },
  ],
  inputs: 'none',
  parallel: 'jobs',
  plan({ output, config, profile, context }) {
    const { frames } = studioOf(config, profile, context)
    const parents = parentsOf(config)
    const truth = join(output, 'truth')
    const tables: Job<Task> = {
      ...{ name: 'truth tables', inputs: [], aside: true, parents, params: { kind: 'tables' } },
      products: ['traces.fits', ...TABLES].map((name) => join(truth, name)),
    }
    const jobs = frames.map((frame, index): Job<Task> => {
      const raw = join(rawFolder(output, config, frame), `${frame.name}.fits`)
      const products = [raw, join(truth, 'frames', `${frame.name}.fits`)]
      return { name: frame.name, inputs: [], products, bare: [raw], parents, params: { kind: 'frame', index } }
    })
    return { jobs: [tables, ...jobs], memoryPerJob: memoryOf(config) }
  },
  job: (job, tools) => [make(job, tools)],
})

const rawFolder = (output: string, { files, site }: Settings, { day }: Exposure) =>
  files.layout === 'flat' ? output : join(output, site.site, site.instrument, day, 'raw')

/** The files that a night depends on: other lines or templates are another night. */
function parentsOf(settings: Settings): Parent[] {
  const templates = starNames(settings).map((name) => starOf(settings, name).template)
  for (const file of templates.filter((file) => file !== '' && !existsSync(file))) {
    throw new ConfigError(`[star] template: there is no ${file}`)
  }
  return [
    { path: resolve(lineFile(settings.arc.lines)), role: 'lines' },
    ...[...new Set(templates)].filter((file) => file !== '').map((file) => ({ path: resolve(file), role: 'template' })),
  ]
}

/** Canvas, its turned copy, charge, three maps, raw frame and mask, the spectra, and what writing takes. */
function memoryOf({ detector, optics, fibres }: Settings): number {
  const spectra = optics.orders * fibres.count * Math.max(detector.width, detector.height) * 90
  return detector.width * detector.height * 34 + spectra + 80e6
}

let known: { key: string; maps: Maps } | undefined

function mapsFor(settings: Settings, key: string): Maps {
  if (known?.key !== key) known = { key, maps: mapsOf(settings) }
  return known.maps
}

function make(job: Job<Task>, tools: Tools<typeof schema>): Row {
  const { config, profile, context } = tools
  const studio = studioOf(config, profile, context)
  for (const product of job.products) mkdirSync(dirname(product), { recursive: true })
  if (job.params.kind === 'frame') return makeOne(job, studio, studio.frames[job.params.index]!, tools)
  const [first] = job.products as [string]
  writeNightTables(studio, first, context, job.parents)
  return { input: job.name, status: 'done', product: first }
}

function makeOne(job: Job<Task>, studio: Studio, frame: Exposure, tools: Tools<typeof schema>): Row {
  const { config, profile, context } = tools
  const [raw, truth] = job.products as [string, string]
  const made = makeFrame(studio, mapsFor(config, context.configDigest), frame)
  writeRaw(raw, config, profile, frame, made.exposed, made.conditions.series, context.compress)
  writeFrameTruth(truth, studio, frame, made, context, job.parents)
  let saturated = 0
  for (const bits of made.exposed.mask) if (bits & 2) saturated++
  return {
    ...{ input: frame.name, status: 'done', product: raw },
    measurements: {
      ...{ type: frame.type, fibres: frame.light.join('&'), exposure_s: frame.seconds },
      ...{ saturated_px: saturated, cosmics: made.exposed.hits.length },
    },
  }
}
