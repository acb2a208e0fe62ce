import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { DataError, type Job, type Row, writeProduct } from '@nightpipe/command'
import { createHeader, type Header, type NewHdu, numberOf, setCard } from '@nightpipe/fits'
import { checkFlat, combineFlats, combineFlatsSplit, type FlatSample, type FlatVerdict } from '@nightpipe/spectra'
import { type OrderImage, orderImageHdus, orderOf, readOrderImage } from '@nightpipe/spectrographs'
import { extractedLamps, lampCards } from './lamp-flats.js'
import type { MasterTools } from './make-master.js'
import type { SpectraJob, SpectraSingle } from './spectra-job.js'
import { headerOfMany } from './tree-header.js'

/** An extracted flat. */
export interface Flat extends OrderImage {
  single: SpectraSingle
  header: Header
  /** fibres with light in it */
  lit: number[]
}

/** Extracted flats to the master flat: each fibre of the flats in which it has light. */
export async function combineFlatFiles(job: Job<SpectraJob>, tools: MasterTools): Promise<Row[]> {
  const { singles, tree } = job.params
  const rows: Row[] = []
  const flats = job.params.traces ? await extractedLamps(job, tools, rows) : readFlats(singles, rows)
  const least = job.params.traces ? 1 : tools.config.spectra['flat frames']
  if (flats.length < least) {
    if (flats.length === 0 && job.params.traces) return rows
    const reason = `only ${flats.length} of ${singles.length} flats can be used, ${least} needed`
    return [...rows, ...flats.map(({ single }): Row => ({ input: single.path, status: 'failed', reason }))]
  }
  const [first] = flats as [Flat, ...Flat[]]
  const master = combined(flats, tools.config.spectra['flat method'])
  const verdict = judge(master, flats)
  const header = headerOfMany(
    flats.map(({ single }) => single.path),
    tree,
    'FLAT',
    tools.profile,
  )
  flatCards(header, first.header, master, verdict)
  if (job.params.traces) lampCards(header, flats, job.params.traces)
  const error: NewHdu = {
    ...{ kind: 'image', name: 'ERR', bitpix: -32, axes: [master.width, master.orders, master.planes] },
    ...{ pixels: master.errors, header: createHeader([['BUNIT', '', 'unit of the values']]) },
  }
  const parents = job.parents.filter(({ path }) => existsSync(path))
  const product = writeProduct(job.products[0]!, [...orderImageHdus(master, header), error], tools.context, parents)
  if (verdict.code < 0) tools.log.warn(`${basename(product)} is not fit for use: ${verdict.reason}; it is flagged so`)
  const measurements = { type: 'flat', fibres: master.lit.join(' '), verdict: verdict.code }
  return [...rows, ...flats.map(({ single }): Row => ({ input: single.path, status: 'done', product, measurements }))]
}

/**
 * The check of the NRES pipeline. Many values near the top mean saturation there; where the frames themselves know that
 * no pixel was saturated, they mean a spectrograph whose detector does not reach to the ends of its orders.
 */
function judge(master: MasterFlat, flats: readonly Flat[]): FlatVerdict {
  const verdict = checkFlat((order, fibre) => orderOf(master, fibre, order), master.orders, master.lit)
  const clean = flats.every(({ header }) => numberOf(header, 'NSAT') === 0)
  return verdict.code === -4 && clean ? { code: 1 } : verdict
}

/** Flats of the shape of the first, with light, that are no averages. */
function readFlats(singles: readonly SpectraSingle[], rows: Row[]): Flat[] {
  const flats: Flat[] = []
  for (const single of singles) {
    const set = (status: Row['status'], reason: string) => rows.push({ input: single.path, status, reason })
    try {
      const image = readOrderImage(single.path)
      const averaged = numberOf(image.header, 'NFRAVGD') ?? 1
      const lit = litOf(image)
      const [first] = flats
      if (averaged !== 1) set('rejected', `is an average of ${averaged} flats`)
      else if (lit.length === 0) set('rejected', 'no fibre has light in it')
      else if (first && (first.width !== image.width || first.orders !== image.orders)) {
        set(
          'rejected',
          `has ${image.width} columns and ${image.orders} orders, the first ${first.width} and ${first.orders}`,
        )
      } else flats.push({ ...image, single, lit })
    } catch (error) {
      if (!(error instanceof DataError || error instanceof RangeError)) throw error
      set('failed', error.message)
    }
  }
  return flats
}

export function litOf(image: OrderImage): number[] {
  const size = image.width * image.orders
  return Array.from({ length: image.planes }, (_, fibre) => fibre).filter((fibre) =>
    image.values.subarray(fibre * size, (fibre + 1) * size).some((value) => value > 0 && value !== 1),
  )
}

interface MasterFlat extends OrderImage {
  values: Float32Array
  errors: Float32Array
  lit: number[]
  rejected: number
  /** [fibre][order]: electrons at response 1, of all flats together */
  amplitudes: number[][]
}

/** Fibres that no flat has are 1, as the old files have it; the flags of the table do not name them. */
function combined(flats: readonly Flat[], method: 'weighted' | 'split'): MasterFlat {
  const [{ width, orders }] = flats as [Flat]
  const planes = Math.max(3, ...flats.map((flat) => flat.planes))
  const lit = [...new Set(flats.flatMap((flat) => flat.lit))].sort()
  const size = width * orders * planes
  const master = { width, orders, planes, values: new Float32Array(size), errors: new Float32Array(size) }
  const amplitudes: number[][] = []
  let rejected = 0
  for (let fibre = 0; fibre < planes; fibre++) {
    amplitudes.push([])
    const own = flats.filter((flat) => flat.lit.includes(fibre))
    if (own.length === 0) master.values.fill(1, fibre * width * orders, (fibre + 1) * width * orders)
    for (let order = 0; order < orders && own.length > 0; order++) {
      const samples = own.map((flat) => sampleOf(flat, fibre, order))
      const result = method === 'weighted' ? combineFlats(samples) : combineFlatsSplit(samples)
      const at = (fibre * orders + order) * width
      master.values.set(result.response, at)
      master.errors.set(result.error, at)
      rejected += result.rejected
      amplitudes[fibre]!.push(samples.reduce((sum, { amplitude = 0 }) => sum + amplitude, 0))
    }
  }
  return { ...master, lit, rejected, amplitudes }
}

export const amplitudeCard = (fibre: number, order: number) => `AMPFL${fibre}${String(order).padStart(2, '0')}`

function sampleOf(flat: Flat, fibre: number, order: number): FlatSample {
  const amplitude = numberOf(flat.header, amplitudeCard(fibre, order))
  return { response: orderOf(flat, fibre, order), ...(amplitude !== undefined && { amplitude }) }
}

function flatCards(header: Header, first: Header, master: MasterFlat, { code, reason }: FlatVerdict): void {
  // a master flat is dated by its first frame, others by their last
  for (const name of ['MJD-OBS', 'DATE-OBS', 'DAY-OBS', 'L1PUBDAT']) {
    const card = first.cards.find(({ keyword }) => keyword === name)
    if (card) setCard(header, name, card.value, card.comment)
  }
  const words = Array.from({ length: master.planes }, (_, fibre) => (master.lit.includes(fibre) ? 'tung' : 'none'))
  setCard(header, 'OBJECTS', words.join('&'), 'fibers with light in one of its frames')
  setCard(header, 'FLATCHK', code, reason ? reason.slice(0, 40) : '1: the flat is good')
  setCard(header, 'NREJECT', master.rejected, 'samples rejected in combining')
  for (const [fibre, orders] of master.amplitudes.entries()) {
    if (fibre > 9) continue
    for (const [order, amplitude] of orders.entries()) {
      if (order > 99 || !(amplitude > 0)) continue
      setCard(
        header,
        amplitudeCard(fibre, order),
        Number(amplitude.toPrecision(7)),
        '[electron] at response 1, all frames',
      )
    }
  }
}
