import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { CalibrationRow } from '@nightpipe/calibrations'
import { DataError, type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { copyHeader, createHeader, type FitsFrame, numberOf, readFrame, removeCard, setCard } from '@nightpipe/fits'
import { generations } from './bank.js'
import { momentsOf } from './compare.js'
import type { schema } from './schema.js'
import { type ValidationJob, validate } from './validate.js'

/** The mean of a bias master and its latest generations: a deeper one, to be validated like any other. */
export interface RebiasJob extends ValidationJob {
  members: string[]
}

/** The latest `count` biases of a kind, the one in force last. */
export function rebiasMembers(bank: string, { filename }: CalibrationRow, count: number): string[] {
  const inForce = join(bank, filename)
  const all = [...generations(bank, filename), ...(existsSync(inForce) ? [inForce] : [])]
  return all.slice(-count)
}

export async function rebias(job: Job<RebiasJob>, tools: Tools<typeof schema>): Promise<Row[]> {
  const frames = job.params.members.map((path) => readFrame(path))
  const [last] = frames.slice(-1)
  const odd = frames.find((f) => f.width !== last.width || f.height !== last.height)
  if (odd)
    throw new DataError(
      `${odd.name} is ${odd.width}x${odd.height} but ${last.name} is ${last.width}x${last.height}`,
      'withdraw one of them',
    )
  const mean = meanOf(frames)
  const header = copyHeader(last.header)
  for (const keyword of ['NP_CMD', 'NP_VER', 'NP_CFG', 'NP_ID', 'CHECKSUM', 'DATASUM']) removeCard(header, keyword)
  const frameCount = frames.reduce((sum, { header: h }) => sum + (numberOf(h, 'NFRAMES') ?? 1), 0)
  const own = momentsOf({ ...last, ...mean })
  setCard(header, 'NFRAMES', frameCount, 'frames combined')
  setCard(header, 'NMASTERS', frames.length, 'masters averaged')
  for (const [keyword, value] of [
    ['MEAN', own.mean],
    ['MEDIAN', own.median],
    ['RMS', own.rms],
  ] as const)
    setCard(header, keyword, value)
  const axes = [last.width, last.height]
  const unit = createHeader([['BUNIT', 'adu', 'unit of the pixels']])
  writeProduct(
    job.params.candidate,
    [
      { kind: 'image', bitpix: -32, axes, pixels: mean.pixels, header },
      { kind: 'image', name: 'ERR', bitpix: -32, axes, pixels: mean.error, header: unit },
      { kind: 'image', name: 'MASK', bitpix: 16, axes, pixels: mean.mask },
    ],
    tools.context,
    job.parents.filter(({ role }) => role === 'bias'),
  )
  return validate(job, tools)
}

/** Pixel by pixel, the plain mean; what is bad in one is bad in the mean. */
function meanOf(frames: readonly FitsFrame[]): { pixels: Float32Array; error: Float32Array; mask: Int16Array } {
  const n = frames[0].pixels.length
  const [pixels, error, mask] = [new Float32Array(n), new Float32Array(n), new Int16Array(n)]
  for (let p = 0; p < n; p++) {
    let [sum, variance] = [0, 0]
    for (const frame of frames) {
      sum += frame.pixels[p]
      variance += (frame.error?.[p] ?? 0) ** 2
      mask[p] |= frame.mask?.[p] ?? 0
    }
    pixels[p] = sum / frames.length
    error[p] = Math.sqrt(variance) / frames.length
  }
  return { pixels, error, mask }
}
