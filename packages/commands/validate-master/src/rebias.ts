import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type CalibrationRow, describeMaster } from '@nightpipe/calibrations'
import {
  DataError,
  isCurrent,
  type Job,
  type Parent,
  productPath,
  type Request,
  type Row,
  type Tools,
  writeProduct,
} from '@nightpipe/command'
import {
  copyHeader,
  createHeader,
  type FitsFrame,
  type Header,
  imageHdu,
  numberOf,
  openFits,
  readFrame,
  removeCard,
  setCard,
} from '@nightpipe/fits'
import { MaskBit } from '@nightpipe/image'
import { generations, isInForce, nameInForce, readBank } from './bank.js'
import { momentsOf } from './compare.js'
import type { schema } from './schema.js'
import { type ValidationJob, validate } from './validate.js'

/** The mean of a bias master and its latest generations: a deeper one, to be validated like any other. */
export interface RebiasJob extends ValidationJob {
  members: string[]
}

/** A bias of the bank, and the masters that its mean is made of, the newest data last. */
export interface RebiasGroup {
  name: string
  members: string[]
}

type Candidate = { path: string; row: CalibrationRow }

/** The latest `count` biases of each kind: of those given, else of the bank, the one in force and its generations. */
export function rebiasGroups(bank: string, given: readonly Candidate[], count: number): RebiasGroup[] {
  const rows = readBank(bank)
  const groups = new Map<string, string[]>()
  if (given.length === 0) {
    for (const { filename } of rows.filter(({ type }) => type === 'bias')) {
      const inForce = join(bank, filename)
      groups.set(filename, [...generations(bank, filename), ...(existsSync(inForce) ? [inForce] : [])])
    }
  }
  for (const { path, row } of given.filter((one) => one.row.type === 'bias')) {
    const name = nameInForce(rows, row)
    groups.set(name, [...(groups.get(name) ?? []), path])
  }
  return [...groups]
    .map(([name, masters]) => ({ name, members: masters.filter((path) => !isMean(path)).slice(-count) }))
    .filter(({ members }) => members.length >= 2)
}

/** A mean of masters is no member of the next one: its frames would count twice. */
function isMean(path: string): boolean {
  const file = openFits(path)
  try {
    return (numberOf(imageHdu(file).header, 'NMASTERS') ?? 1) > 1
  } finally {
    file.close()
  }
}

/** True when the mean of just these masters, with this configuration, is what is in force. */
export function isMeanInForce(
  { bank, name, candidate }: RebiasJob,
  parents: readonly Parent[],
  { context }: Request<typeof schema>,
): boolean {
  const made = productPath(candidate, context)
  const mean = { products: [made], parents: parents.filter(({ role }) => role === 'bias') }
  return isCurrent(mean, context) && isInForce(bank, name, describeMaster(made), made)
}

export async function rebias(job: Job<RebiasJob>, tools: Tools<typeof schema>): Promise<Row[]> {
  const { members } = job.params
  const { frame, headers } = meanOf(members)
  const axes = [frame.width, frame.height]
  const unit = createHeader([['BUNIT', 'adu', 'unit of the pixels']])
  const candidate = writeProduct(
    job.params.candidate,
    [
      { kind: 'image', bitpix: -32, axes, pixels: frame.pixels, header: headerOf(frame, headers) },
      { kind: 'image', name: 'ERR', bitpix: -32, axes, pixels: frame.error, header: unit },
      { kind: 'image', name: 'MASK', bitpix: 16, axes, pixels: frame.mask },
    ],
    tools.context,
    job.parents.filter(({ role }) => role === 'bias'),
  )
  const [row] = await validate({ ...job, params: { ...job.params, candidate } }, tools)
  return job.inputs.map((input) => ({ ...row, input }))
}

type Mean = Pick<FitsFrame, 'width' | 'height'> & { pixels: Float32Array; error: Float32Array; mask: Int16Array }

/**
 * Pixel by pixel, the plain mean; what is bad in one is bad in the mean. One master is in memory at a time, however many
 * there are.
 */
function meanOf(paths: readonly string[]): { frame: Mean; headers: Header[] } {
  const first = readFrame(paths[0])
  const { width, height } = first
  const n = width * height
  const [sum, variance, mask] = [new Float64Array(n), new Float64Array(n), new Int16Array(n)]
  const headers = paths.map((path, k) => {
    const frame = k === 0 ? first : readFrame(path)
    if (frame.width !== width || frame.height !== height)
      throw new DataError(
        `${frame.name} is ${frame.width}x${frame.height} but ${first.name} is ${width}x${height}`,
        'withdraw one of them',
      )
    for (let p = 0; p < n; p++) {
      sum[p] += frame.pixels[p]
      variance[p] += (frame.error?.[p] ?? 0) ** 2
      mask[p] |= frame.mask?.[p] ?? 0
    }
    return frame.header
  })
  const count = paths.length
  const pixels = Float32Array.from(sum, (value) => value / count)
  const error = Float32Array.from(variance, (value) => Math.sqrt(value) / count)
  return { frame: { width, height, pixels, error, mask }, headers }
}

/** The header of the latest master, with what is said of frames and pixels true of the mean. */
function headerOf(mean: Mean, headers: readonly Header[]): Header {
  const header = copyHeader(headers.at(-1)!)
  for (const keyword of ['NP_CMD', 'NP_VER', 'NP_CFG', 'NP_ID', 'CHECKSUM', 'DATASUM']) removeCard(header, keyword)
  const total = (keyword: string, missing: number) =>
    headers.reduce((sum, one) => sum + (numberOf(one, keyword) ?? missing), 0)
  setCard(header, 'NFRAMES', total('NFRAMES', 1), 'frames combined')
  setCard(header, 'NMASTERS', headers.length, 'masters averaged')
  if (numberOf(header, 'NREJECT') !== undefined) setCard(header, 'NREJECT', total('NREJECT', 0))
  for (const [keyword, bit] of [
    ['NBAD', MaskBit.bad],
    ['NLOWRESP', MaskBit.lowResponse],
    ['NNODATA', MaskBit.noData],
  ] as const)
    setCard(
      header,
      keyword,
      mean.mask.reduce((count, value) => count + (value & bit ? 1 : 0), 0),
    )
  const own = momentsOf({ name: '', ...mean })
  for (const keyword of ['mean', 'median', 'rms'] as const) setCard(header, keyword.toUpperCase(), own[keyword])
  return header
}
