import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { Job, Row } from '@nightpipe/command'
import { type Header, imageHdu, numberOf, removeCard, setCard, textOf, withFits } from '@nightpipe/fits'
import { type OrderImage, orderOf } from '@nightpipe/spectrographs'
import { amplitudeCard, type Flat, litOf } from './combine-flat-files.js'
import type { Unreadable } from './examine.js'
import type { ExtractedLamp, ExtractLampArgs } from './extract-lamp.js'
import type { MasterTools } from './make-master.js'
import type { SpectraJob } from './spectra-job.js'

/** Images of raw flats, one for each pair of fibres, to extracted ones; those that cannot be used get their row. */
export async function extractedLamps({ params }: Job<SpectraJob>, tools: MasterTools, rows: Row[]): Promise<Flat[]> {
  const { singles, traces = '' } = params
  const there = singles.filter(({ path }) => existsSync(path))
  const asked = there.map(({ path }): ExtractLampArgs => ({ path, traces, profile: tools.profile }))
  const answers = await tools.map<ExtractLampArgs, ExtractedLamp | Unreadable>('extractLamp', asked, {
    digests: 'later',
  })
  return there.flatMap((single, k): Flat[] => {
    const answer = answers[k]!
    const refuse = (status: Row['status'], reason: string) => {
      rows.push({ input: single.path, status, reason })
      return []
    }
    if ('unreadable' in answer) return refuse('failed', answer.unreadable)
    const header = withFits(single.path, (file) => imageHdu(file).header)
    const image = imageOf(answer, header)
    const lit = litOf(image).filter((fibre) => hasLight(answer, fibre))
    const dark = (single.fibres ?? []).filter((fibre) => !lit.includes(fibre))
    if (dark.length > 0) tools.log.warn(`${basename(single.path)}: no light in fibre ${dark.join(', ')}`)
    return lit.length > 0
      ? [{ ...image, header, single, lit }]
      : refuse('rejected', 'no fibre has light where its traces are')
  })
}

/** Whether any order of a fibre shows a response in half of its columns: noise does not. */
const hasLight = ({ width, spectra }: ExtractedLamp, fibre: number): boolean =>
  spectra.some(
    ({ fibre: own, response }) =>
      own === fibre && response.reduce((n, value) => n + (value > 0 ? 1 : 0), 0) > width / 2,
  )

/** The responses as the files of extracted flats hold them, their amplitudes in the header. */
function imageOf({ width, orders, fibres, spectra }: ExtractedLamp, header: Header): OrderImage {
  const planes = Math.max(3, fibres)
  const image = { width, orders, planes, values: new Float32Array(width * orders * planes) }
  for (const { index, fibre, response, amplitude } of spectra) {
    orderOf(image, fibre, index).set(response)
    setCard(header, amplitudeCard(fibre, index), amplitude, '[electron] at response 1')
  }
  return image
}

/** Cards of the images that say nothing of their spectra. */
const OF_THE_IMAGE = [
  'MEAN',
  'MEDIAN',
  'RMS',
  'NBAD',
  'NHOT',
  'NLOWRESP',
  'NNODATA',
  'NFRAMES',
  'BINNING',
  'BUNIT',
  'RDNOISE',
]

/** The header of a master that was made of images of raw flats: how many frames, which ones, by which traces. */
export function lampCards(header: Header, flats: readonly Flat[], traces: string): void {
  for (const name of OF_THE_IMAGE) removeCard(header, name)
  const frames = flats.flatMap(({ header: own }) => framesOf(own))
  setCard(header, 'NFRAVGD', frames.length, 'frames averaged')
  const seconds = flats.reduce((sum, { header: own }) => sum + (numberOf(own, 'TOTALEXP') ?? 0), 0)
  setCard(header, 'TOTALEXP', seconds, '[s] exposure of all frames together')
  setCard(header, 'GAIN', 1, '[electron/electron] amplitudes are electrons')
  setCard(header, 'NX', flats[0]!.width, 'columns')
  setCard(header, 'NORD', flats[0]!.orders, 'orders')
  setCard(header, 'NFIB', flats[0]!.planes, 'fibers')
  setCard(header, 'L1IDTRAC', basename(traces), 'traces')
  for (const [k, name] of frames.sort().entries()) {
    if (k < 999) setCard(header, imageCard(k), name, 'frame that it is made of')
  }
}

const imageCard = (k: number) => `IMCOM${String(k + 1).padStart(3, '0')}`

/** The names of the frames of an image. */
function framesOf(header: Header): string[] {
  const count = numberOf(header, 'NFRAVGD') ?? 0
  return Array.from({ length: count }, (_, k) => textOf(header, imageCard(k)) ?? '')
}
