import { rmSync } from 'node:fs'
import { basename } from 'node:path'
import { DataError, type Job, type Row, runMemory, type Tools, writeProduct } from '@nightpipe/command'
import { numberOf, openFits, sideHdus } from '@nightpipe/fits'
import { LIGHT_SPEED } from '@nightpipe/math'
import { writeFigure } from '@nightpipe/plot'
import { atCentreOfLight, type LineMask, maskOfTemplate, vacuumToAir } from '@nightpipe/spectra'
import {
  type Circumstances,
  meterOf,
  radvHdus,
  readStarExposure,
  readZero,
  type StarExposure,
  spectraHdus,
  type ZeroFile,
} from '@nightpipe/spectrographs'
import { velocityHeader } from './header.js'
import { ironMask, readMask, readTellurics, readUt1 } from './inputs.js'
import { type Measured, type MeasureOptions, measureStar, NoVelocity, unmeasured } from './measure.js'
import type { RvJob } from './plan.js'
import { velocityFigure } from './plot.js'
import type { RvConfig, RvSchema } from './schema.js'
import { velocityTables } from './tables.js'
import { type VelocityErrors, velocityErrors } from './zero-point.js'

/** One star of an exposure: what it took when, what was measured, and its velocity at the barycentre. */
export interface StarVelocity {
  circumstances: Circumstances
  measured: Measured
  errors: VelocityErrors
  /** name of the template, and why it was taken */
  template?: string | undefined
  /** m/s, barycentric; undefined where the correction is not known */
  rv?: number | undefined
}

/** Reads an exposure, measures its stars, writes what was found. */
export async function measureExposure(job: Job<RvJob>, tools: Tools<RvSchema>): Promise<Row[]> {
  const { config, context } = tools
  const { params, products, parents } = job
  const input = job.inputs[0]!
  const exposure = readStarExposure(input, tools.profile, starOptions(params, config))
  const stars = measureAll(exposure, params, config)
  const header = velocityHeader(exposure, stars)
  const file = openFits(input)
  try {
    const spectrum = file.hdus.find(({ name }) => name === 'SPECTRUM')!
    const sides = sideHdus(file, spectrum).filter(({ name }) => !name || !/^(CCF|LINE|VELOCITY)$/.test(name))
    const hdus = [...spectraHdus(exposure.spectra, header, { air: vacuumToAir }), ...velocityTables(stars), ...sides]
    writeProduct(products[0]!, hdus, context, parents)
    if (params.radv) writeRadv(params.radv, exposure, stars, job, tools)
    if (params.expm) writeProduct(params.expm, [meterImage(file, exposure)], context, parents)
  } finally {
    file.close()
  }
  if (params.plot) await writeFigure(params.plot, velocityFigure(params.raw, exposure, stars))
  for (const { circumstances, measured } of stars) {
    for (const note of [...circumstances.notes, ...measured.notes]) tools.log.warn(`${job.name}: ${note}`)
  }
  const none = stars.every(({ measured }) => measured.by === 'none')
  const reason = none ? stars.flatMap(({ measured }) => measured.notes).join('; ') : undefined
  return [{ input, status: 'done', reason, product: products[0], measurements: measurementsOf(stars) }]
}

/** All stars of an exposure. One that cannot be measured does not spoil the other; a spectrum without a velocity remains one. */
function measureAll(exposure: StarExposure, params: RvJob, config: RvConfig): StarVelocity[] {
  const tried = exposure.stars.map((circumstances) => {
    try {
      return measureOne(exposure, circumstances, params, config)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      return { circumstances, error }
    }
  })
  const told = tried.some((one) => !('error' in one))
  return tried.map((one): StarVelocity => {
    if (!('error' in one)) return one
    const { circumstances, error } = one
    if (told || error instanceof NoVelocity) {
      const measured = unmeasured(error.message)
      return { circumstances, measured, errors: velocityErrors(measured, exposure, circumstances.fibre, undefined) }
    }
    throw new DataError(
      `${basename(exposure.path)}, fibre ${circumstances.fibre}: ${error.message}`,
      'see that it has wavelengths and light, and a template of its kind',
    )
  })
}

function starOptions({ targets }: RvJob, { barycentre }: RvConfig) {
  const { longitude, latitude, height, place, secular, ut1 } = barycentre
  return {
    ...{ targets, preferHeader: place === 'header', keepSecular: secular === 'keep' },
    ...(longitude !== undefined && latitude !== undefined && { site: { longitude, latitude, height } }),
    ...(ut1 && { ut1: readUt1(ut1) }),
  }
}

function measureOne(
  exposure: StarExposure,
  circumstances: Circumstances,
  { templates }: RvJob,
  { velocity }: RvConfig,
): StarVelocity {
  const { fibre, correction } = circumstances
  const chosen = templates.find((one) => one.fibre === fibre)
  const { template, lines } = chosen ? templateOf(chosen.path) : {}
  const options: MeasureOptions = {
    ...{ method: velocity.method, degree: velocity.degree, clip: velocity.clip, blocks: velocity.blocks },
    ...{ search: 1000 * velocity.search, guess: velocity.guess === undefined ? undefined : 1000 * velocity.guess },
    ...{ first: velocity.first, last: velocity.last, range: 1000 * velocity.range },
    tellurics: readTellurics(velocity.tellurics),
    template,
    mask: velocity.mask ? readMask(velocity.mask, velocity['mask medium']) : (lines ?? ironMask()),
  }
  const { header, orders } = exposure.spectra
  // With a template as it was made with: what both have alike drops out.
  const resolution = (template ? template.resolution : numberOf(header, 'RESOLUT')) ?? 0
  const own = orders.filter((one) => one.fibre === fibre).map((one) => atCentreOfLight(one, resolution))
  const measured = measureStar(own, options)
  const rv = correction && LIGHT_SPEED * ((1 + measured.z) * (1 + correction.z) - 1)
  const byTemplate = measured.by === 'template'
  const errors = velocityErrors(measured, exposure, fibre, byTemplate ? template?.arcs : undefined)
  return { circumstances, measured, errors, rv, template: byTemplate ? basename(chosen!.path) : undefined }
}

/** The templates of a thread, with their lines: read once. */
const templates = runMemory<string, { template: ZeroFile; lines: LineMask }>()

function templateOf(path: string): { template?: ZeroFile; lines?: LineMask } {
  const found = templates.get(path)
  if (found) return found
  const template = readZero(path)
  const made = { template, lines: maskOfTemplate(template) }
  templates.set(path, made)
  return made
}

function writeRadv(
  path: string,
  exposure: StarExposure,
  stars: readonly StarVelocity[],
  job: Job<RvJob>,
  { config, context }: Tools<RvSchema>,
): void {
  const told = stars.flatMap(({ measured, circumstances, template }) => {
    const { correlation, velocity, blocks } = measured
    if (!correlation || !velocity || !blocks || !template) return []
    const { fibre, correction } = circumstances
    return [{ fibre, correlation, velocity, blocks, template, z: correction?.z, bjd: correction?.bjdTdb }]
  })
  const orders = 1 + Math.max(...exposure.spectra.orders.map(({ index }) => index))
  // one of an earlier run that found a velocity would be of another spectrum
  if (told.length === 0) rmSync(path, { force: true })
  else writeProduct(path, radvHdus(told, orders, config.velocity.blocks), context, job.parents)
}

/** EXPM: flux-weighted middle (MJD UTC), counts, and the scatter of readings, each for three fibres. */
function meterImage(file: ReturnType<typeof openFits>, { stars }: StarExposure) {
  const values = new Float64Array(9).fill(Number.NaN)
  for (const { fibre, middle } of stars) if (fibre < 3) values[fibre] = middle.mjd
  for (let fibre = 0; fibre < 3; fibre++) {
    const counts = meterOf(file, fibre).map((one) => one.counts)
    if (counts.length === 0) continue
    const total = counts.reduce((a, b) => a + b, 0)
    const mean = total / counts.length
    values[3 + fibre] = total
    values[6 + fibre] = Math.sqrt(counts.reduce((a, b) => a + (b - mean) ** 2, 0) / counts.length) / (mean || 1)
  }
  return { kind: 'image' as const, bitpix: -64 as const, axes: [9], pixels: values }
}

/** Missing is empty. */
const known = (value: number | undefined) => (Number.isFinite(value) ? value : undefined)

function measurementsOf(stars: readonly StarVelocity[]): Record<string, number | string | undefined> {
  const { circumstances, measured, errors, rv, template } = stars[0]!
  const { correction, middle, star } = circumstances
  const fit = measured.line?.fit
  return {
    ...{ star: circumstances.object, fibre: circumstances.fibre, by: measured.by, template },
    ...{ rv_m_s: known(rv), rv_error_m_s: known(errors.error), photon_limit_m_s: known(measured.limit) },
    measured_m_s: known(LIGHT_SPEED * measured.z),
    ...{ barycentric_m_s: correction?.velocity, bjd_tdb: correction?.bjdTdb, middle_mjd: middle.mjd },
    ...{ meter_readings: middle.readings, place_from: circumstances.sunlight ? 'Sun' : star?.from },
    ...{ orders: measured.velocity?.combined.parts, jitter_m_s: measured.velocity?.combined.jitter },
    ...{ clipped: measured.velocity?.orders.reduce((sum, one) => sum + one.clipped, 0) },
    ...{ ccf_height: measured.correlation?.height, line_fwhm_m_s: fit?.fwhm, line_contrast: fit?.contrast },
    ...{
      bisector_span_m_s: fit?.bisectorSpan,
      rv2_m_s: known(stars[1]?.rv),
      rv2_error_m_s: known(stars[1]?.errors.error),
    },
    template_m_s: errors.template,
    rv_total_error_m_s: known(errors.total),
    ...{ second_lines_m_s: measured.second?.velocity, second_lines_part: measured.second?.part },
  }
}
