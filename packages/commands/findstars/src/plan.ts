import { join } from 'node:path'
import { ConfigError, DataError, type Job, type Plan, type Request, type Row, tableMadeBy } from '@nightpipe/command'
import { describeFrame } from '@nightpipe/config'
import { cardLookup, frameHdu, openFits } from '@nightpipe/fits'
import { angularSeparation } from '@nightpipe/sky'
import { optionsOf } from './options.js'
import type { FindSchema } from './schema.js'

export interface FindJob {
  gain?: number
  saturation?: number
}

/** Endings of the products of a frame after its stem, as the configuration asks for them; the catalogue first. */
export function endingsOf({ products }: Request<FindSchema>['config']): string[] {
  const endings = ['.cat.fits']
  if (products.segmentation) endings.push('.segm.fits')
  if (products.background) endings.push('.net.fits')
  for (const format of products.formats) {
    const ending = { csv: '.cat.csv', votable: '.cat.xml', regions: '.cat.reg' }[format.toLowerCase()]
    if (!ending) throw new ConfigError(`[products] formats: no format ${format} (known: csv, votable, regions)`)
    endings.push(ending)
  }
  return endings
}

/** Types of frames that show no stars. */
const CALIBRATIONS: readonly string[] = ['bias', 'dark', 'flat', 'arc']

/** Bytes that a pixel of a frame takes: itself, its error and mask, and what sources need. */
const BYTES_PER_PIXEL = 16

interface Header {
  job: Job<FindJob>
  pixels: number
  mjd?: number
  pointing?: [number, number]
}

/** Headers only: what is no frame fails here, and what the telescope had moved on to is set aside. */
export function planFinding(request: Request<FindSchema>): Plan<FindJob> {
  optionsOf(request.config)
  const endings = endingsOf(request.config)
  const rows: Row[] = []
  const frames: Header[] = []
  const stems = new Map<string, string>()
  for (const { path, name, stem, shown } of request.inputs) {
    try {
      const table = tableMadeBy(path)
      if (table) {
        rows.push({ input: path, status: 'rejected', reason: `is a table that ${table} made` })
        continue
      }
      const twin = stems.get(stem)
      if (twin) throw new DataError(`has the same name as ${twin}`, 'put their catalogues into different folders')
      stems.set(stem, shown)
      const products = endings.map((ending) => join(request.output, stem + ending))
      const header = readHeader(path, shown, request)
      if (CALIBRATIONS.includes(header.type)) {
        rows.push({ input: path, status: 'rejected', reason: `is no frame of the sky: ${header.type}` })
        continue
      }
      frames.push({
        ...header,
        job: { name, inputs: [path], products, parents: [{ path, role: 'frame' }], params: header.facts },
      })
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      rows.push({
        ...{ input: path, status: 'failed' },
        reason: error.advice ? `${error.message} (${error.advice})` : error.message,
      })
    }
  }
  const kept = withoutJumps(frames, request.config.quality.jump, rows)
  const largest = frames.reduce((most, { pixels }) => Math.max(most, pixels), 0)
  return { jobs: kept.map(({ job }) => job), rows, memoryPerJob: BYTES_PER_PIXEL * largest + 60e6 }
}

function readHeader(path: string, shown: string, { profile, config }: Request<FindSchema>) {
  const file = openFits(path)
  try {
    const image = frameHdu(file)
    const [width, height] = image.axes as [number, number]
    const facts = describeFrame(cardLookup(image) as never, profile, { width, height, name: shown })
    const { gain = facts.gain, saturation = facts.saturation } = config.photometry
    const { raDeg, decDeg, mjd } = facts
    const pointing: [number, number] | undefined =
      raDeg === undefined || decDeg === undefined ? undefined : [raDeg, decDeg]
    return { pixels: width * height, mjd, pointing, type: facts.type, facts: { gain, saturation } }
  } finally {
    file.close()
  }
}

/** The first frame after the telescope has moved is set aside: it may not have settled. */
function withoutJumps(frames: Header[], limit: number | undefined, rows: Row[]): Header[] {
  if (limit === undefined) return frames
  const inTime = frames.filter(({ mjd, pointing }) => mjd !== undefined && pointing)
  inTime.sort((p, q) => p.mjd! - q.mjd! || (p.job.name < q.job.name ? -1 : 1))
  const moved = new Set<Header>()
  inTime.forEach((frame, i) => {
    if (i === 0) return
    const distance = angularSeparation(frame.pointing!, inTime[i - 1]!.pointing!)
    if (distance <= limit) return
    moved.add(frame)
    const reason = `pointing ${distance.toPrecision(3)} deg from that of ${inTime[i - 1]!.job.name} ([quality] jump)`
    rows.push({ input: frame.job.inputs[0]!, status: 'rejected', reason })
  })
  return frames.filter((frame) => !moved.has(frame))
}
