import { basename, join } from 'node:path'
import { type CalibrationRow, safeName } from '@nightpipe/calibrations'
import { type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import { createHeader, readFrame } from '@nightpipe/fits'
import type { Frame } from '@nightpipe/image'
import { chart, writeFigure } from '@nightpipe/plot'
import { parseDate } from '@nightpipe/sky'
import { compareMasters } from './compare.js'
import type { Limits, schema } from './schema.js'
import { headerReasons, limitsFor } from './verdict.js'

/** Masters of one kind in order of time. */
export interface ChainJob {
  members: { path: string; row: CalibrationRow }[]
}

/** One step of a chain: a master compared with what the chain was before it. */
interface Step {
  date: string
  camera: string
  filter: string
  type: string
  file: string
  min: number
  mean: number
  median: number
  rms: number
}

type ChainTools = Tools<typeof schema>

export const chainName = (row: CalibrationRow) =>
  ['chain', row.type, row.instrument, row.type === 'flat' ? (row.filter ?? 'none') : '', row.binning]
    .filter(Boolean)
    .map(safeName)
    .join('_')

export const chainProducts = (records: string, row: CalibrationRow) =>
  ['.fits', '.json', '.png'].map((ending) => join(records, `${chainName(row)}${ending}`))

/**
 * Walks a bank of old masters: each is compared with the first (`none`), with the one before (`previous`), with the
 * absolute difference that the step before left (`difference`), or with the mean of all before (`mean`). Leaves the list
 * of steps, its figure, and a map of how much each pixel varied over the whole chain.
 */
export async function walkChain(job: Job<ChainJob>, tools: ChainTools): Promise<Row[]> {
  const { members } = job.params
  const limits = limitsFor(tools.config.limits as Record<string, Limits>, members[0].row)
  let reference: Frame = readFrame(members[0].path)
  const spread = startSpread(reference)
  const steps: Step[] = []
  const rows: Row[] = [{ input: members[0].path, status: 'done', product: job.products[0] }]
  for (const { path, row } of members.slice(1)) {
    const odd = headerReasons(row, members[0].row)
    if (odd.length > 0) {
      rows.push({ input: path, status: 'rejected', reason: odd.map(({ text }) => text).join('; ') })
      continue
    }
    const frame = readFrame(path)
    const { minimum, mean, median, rms, pixels } = compareMasters(
      frame,
      reference,
      limits.mode,
      tools.config.compare.sigma,
    )
    const file = basename(path)
    steps.push({
      date: row.date ?? '',
      camera: row.instrument,
      filter: row.filter ?? '',
      type: row.type,
      file,
      min: minimum,
      mean,
      median,
      rms,
    })
    rows.push({
      input: path,
      status: 'done',
      product: job.products[0],
      measurements: { meandiff: mean, mediandiff: median, rmsdiff: rms },
    })
    addToSpread(spread, frame)
    reference = nextReference(tools.config.chain.update, reference, frame, pixels, spread)
  }
  const header = createHeader([['BUNIT', members[0].row.unit ?? '', 'deviation of each pixel over the chain']])
  const pixels = spreadOf(spread)
  writeProduct(
    job.products[0],
    [{ kind: 'image', bitpix: -32, axes: [reference.width, reference.height], pixels, header }],
    tools.context,
    job.parents,
  )
  writeAtomically(job.products[1], `${JSON.stringify(steps, null, 2)}\n`)
  await writeFigure(job.products[2], figureOf(job.name, steps))
  return rows
}

function nextReference(update: string, reference: Frame, frame: Frame, pixels: Float32Array, spread: Spread): Frame {
  if (update === 'previous') return frame
  if (update === 'difference') return { ...frame, pixels: pixels.map(Math.abs), error: undefined }
  if (update === 'mean') return { ...frame, pixels: Float32Array.from(spread.mean), error: undefined }
  return reference
}

/** Mean and sum of squared deviations of each pixel so far (Welford 1962, Technometrics 4, 419). */
interface Spread {
  n: number
  mean: Float64Array
  squares: Float64Array
}

const startSpread = (frame: Frame): Spread => ({
  n: 1,
  mean: Float64Array.from(frame.pixels),
  squares: new Float64Array(frame.pixels.length),
})

function addToSpread(spread: Spread, { pixels }: Frame): void {
  spread.n++
  for (let p = 0; p < pixels.length; p++) {
    const from = pixels[p] - spread.mean[p]
    spread.mean[p] += from / spread.n
    spread.squares[p] += from * (pixels[p] - spread.mean[p])
  }
}

const spreadOf = ({ n, squares }: Spread) => Float32Array.from(squares, (s) => Math.sqrt(s / n))

function figureOf(name: string, steps: readonly Step[]) {
  const x = steps.map((step, k) => parseDate(step.date)?.mjd ?? k)
  return chart({
    title: `${name.replaceAll('_', ' ')}: each against the one it is compared with`,
    x: { label: 'date (UTC)', time: steps.every((step) => step.date !== '') },
    y: { label: 'mean, with rms' },
    series: [
      { kind: 'points', x, y: steps.map((s) => s.mean), error: steps.map((s) => s.rms), label: 'mean' },
      { kind: 'level', y: 0, colour: '#888888' },
    ],
  })
}
