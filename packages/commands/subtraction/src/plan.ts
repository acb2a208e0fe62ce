import { existsSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { ConfigError, DataError, type Job, type Plan, type Request, type Row, tableMadeBy } from '@nightpipe/command'
import { describeFrame, type FrameFacts, type InstrumentProfile } from '@nightpipe/config'
import { expandInputs, type InputFile } from '@nightpipe/files'
import { cardLookup, frameHdu, openFits, readFrame } from '@nightpipe/fits'
import { angularSeparation, type CardLookup, type Direction, readWcs } from '@nightpipe/sky'
import { findStars } from '@nightpipe/stars'
import { isAllOf } from './part-of-stack.js'
import type { SubtractionSchema } from './schema.js'
import type { Side } from './side.js'
import type { SubtractionJob } from './subtract.js'

/** What is known of a frame from its header. */
interface Listed {
  file: InputFile
  lookup: Side['lookup']
  facts: FrameFacts
  width: number
  height: number
  /** Middle of the frame on the sky, where it is known. */
  centre?: Direction
}

/** Planes of two frames, and what becomes of them, as bytes for each pixel. */
const BYTES_PER_PIXEL = 150

/** Finds the reference of each frame. Headers only, except where the best frame must be found. */
export function planSubtraction(request: Request<SubtractionSchema>): Plan<SubtractionJob> {
  const { config, profile, inputs } = request
  const { file, best } = config.reference
  if (!file && !best) {
    throw new ConfigError('[reference] names no reference', 'give file = FRAME or FOLDER, or best = yes')
  }
  if (
    config.photometry.positions.length % 2 === 1 ||
    config.photometry.positions.some((text) => !Number.isFinite(Number(text)))
  ) {
    throw new ConfigError('[photometry] positions must be pairs of degrees: ra, dec, ra, dec')
  }
  if (config.candidates.stamp > 0 && config.candidates.stamp % 2 === 0) {
    throw new ConfigError(
      `[candidates] stamp = ${config.candidates.stamp}: a stamp needs a middle`,
      'give an odd number',
    )
  }
  const rows: Row[] = []
  const listed = list(inputs, profile, rows)
  const choose = file ? templateOf(resolve(file), request) : bestOf(listed, request)
  const jobs: Job<SubtractionJob>[] = []
  for (const one of listed) {
    const reference = choose(one)
    if (reference === undefined) {
      const { filter, object } = one.facts
      const reason = `no reference of ${object ?? 'its field'} in filter ${filter ?? 'unknown'}`
      rows.push({ input: one.file.path, status: 'failed', reason })
    } else if (reference === one.file.path) {
      rows.push({ input: one.file.path, status: 'rejected', reason: 'it is the reference itself' })
    } else if (isAllOf(one, one.file.path, reference)) {
      const reason = `${basename(reference)} was made of this frame alone`
      rows.push({ input: one.file.path, status: 'rejected', reason })
    } else jobs.push(jobFor(one.file, reference, request))
  }
  const largest = listed.reduce((most, { width, height }) => Math.max(most, width * height), 0)
  return { jobs, rows, memoryPerJob: BYTES_PER_PIXEL * largest }
}

function jobFor({ path, name, stem }: InputFile, reference: string, { output, config }: Request<SubtractionSchema>) {
  const kinds = ['diff', ...(config.products.score ? ['score'] : []), 'candidates']
  return {
    ...{ name, inputs: [path], products: kinds.map((kind) => join(output, `${stem}.${kind}.fits`)) },
    parents: [
      { path, role: 'frame' },
      { path: reference, role: 'reference' },
    ],
    params: { reference, referenceName: basename(reference), stem },
  }
}

function list(inputs: readonly InputFile[], profile: InstrumentProfile, rows: Row[]): Listed[] {
  return inputs.flatMap((file) => {
    try {
      const table = tableMadeBy(file.path)
      if (!table) return [describe(file, profile)]
      rows.push({ input: file.path, status: 'rejected', reason: `is a table that ${table} made` })
      return []
    } catch (error) {
      if (!(error instanceof Error)) throw error
      rows.push({ input: file.path, status: 'failed', reason: error.message })
      return []
    }
  })
}

function describe(file: InputFile, profile: InstrumentProfile): Listed {
  const fits = openFits(file.path)
  try {
    const hdu = frameHdu(fits)
    const lookup = cardLookup(hdu)
    const [width, height] = hdu.axes as [number, number]
    const facts = describeFrame(lookup as never, profile, { width, height, name: file.name })
    const wcs = readWcs(lookup as CardLookup)
    const seen = wcs?.toSky((width - 1) / 2, (height - 1) / 2)
    const { raDeg, decDeg } = facts
    const pointed = raDeg !== undefined && decDeg !== undefined ? ([raDeg, decDeg] as Direction) : undefined
    return { file, lookup, facts, width, height, centre: seen ? [seen[0], seen[1]] : pointed }
  } finally {
    fits.close()
  }
}

/** The one template, or that of a folder which has the filter of a frame and lies nearest to it. */
function templateOf(path: string, { profile, config }: Request<SubtractionSchema>) {
  if (!existsSync(path)) throw new ConfigError(`[reference] file: ${path} does not exist`)
  if (!statSync(path).isDirectory()) return () => path
  const templates = list(expandInputs([path]), profile, [])
  if (templates.length === 0) throw new DataError(`${path} holds no frame`, 'name a folder of templates')
  return (frame: Listed) => {
    const same = templates.filter(({ facts }) => sameFilter(facts.filter, frame.facts.filter))
    const near = same
      .map((template) => ({ template, away: distance(template, frame) }))
      .filter(({ away }) => away <= config.reference.radius)
    near.sort((a, b) => a.away - b.away || (a.template.file.path < b.template.file.path ? -1 : 1))
    return near[0]?.template.file.path
  }
}

const plain = (text: string | undefined) => text?.trim().toLowerCase()
const sameFilter = (a: string | undefined, b: string | undefined) => plain(a) === plain(b)

/** Degrees between two frames; 0 for the same object where coordinates are missing. */
function distance(a: Listed, b: Listed): number {
  if (a.centre && b.centre) return angularSeparation(a.centre, b.centre)
  return plain(a.facts.object) === plain(b.facts.object) ? 0 : Number.POSITIVE_INFINITY
}

/** Of the frames of a field and filter the one that shows faint stars best: sharp, deep, with little sky. */
function bestOf(frames: readonly Listed[], { log }: Request<SubtractionSchema>) {
  const best = new Map<string, { path: string; limit: number }>()
  const groupOf = ({ facts, width, height }: Listed) =>
    `${plain(facts.object) ?? ''} ${plain(facts.filter) ?? ''} ${width}x${height}`
  for (const frame of frames) {
    const group = groupOf(frame)
    const { gain, saturation } = frame.facts
    let limit = Number.NEGATIVE_INFINITY
    try {
      // the magnitude of the faintest star, brought to the same light by the bright stars
      const { quality, stars } = findStars(readFrame(frame.file.path), { gain, saturation })
      const brightest = Float64Array.from(stars.flux).sort().reverse().slice(5, 25)
      const scale =
        brightest.length > 0 ? brightest.reduce((a, b) => a + Math.log10(Math.max(b, 1e-9)), 0) / brightest.length : 0
      limit = quality.limitingMagnitude + 2.5 * scale
    } catch (error) {
      if (!(error instanceof Error)) throw error
      log.detail(`${frame.file.name}: ${error.message}`)
    }
    const known = best.get(group)
    if (!known || limit > known.limit) best.set(group, { path: frame.file.path, limit })
  }
  return (frame: Listed) => best.get(groupOf(frame))?.path
}
