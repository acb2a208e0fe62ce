import { type Job, type Row, runMemory, type Tools, writeProduct } from '@nightpipe/command'
import { imageHdu, openFits, sideHdus } from '@nightpipe/fits'
import { scoped } from '@nightpipe/kernels'
import {
  type Extraction,
  type ExtractOptions,
  extractLocally,
  extractOrders,
  extractUpright,
  flatResponse,
  hitFraction,
  type LineTilt,
  litTraces,
  MOST_HIT,
  measureProfiles,
  measureShift,
  type OrderSpectrum,
  type Spectra,
  type SpectralFrame,
  SpectrumBit,
  type Traces,
  weakResponse,
} from '@nightpipe/spectra'
import { orderOf, readOrderFrame, readTraces, spectraHdus } from '@nightpipe/spectrographs'
import { markBad } from './bad-wavelengths.js'
import { flatsOf } from './flats.js'
import { spectraHeader } from './header.js'
import { imagesOf } from './images.js'
import type { ExtractJob } from './plan.js'
import { qualityOf } from './quality.js'
import type { ExtractSchema } from './schema.js'

/** One calibrated frame to the spectra of its lit fibres. */
export function extractFrame(job: Job<ExtractJob>, tools: Tools<ExtractSchema>): Row[] {
  return scoped(() => extractOne(job, tools)) // the frame lies in kernel memory
}

function extractOne(job: Job<ExtractJob>, tools: Tools<ExtractSchema>): Row[] {
  const input = job.inputs[0]!
  const { params } = job
  const frame = readOrderFrame(input, job.name, tools.profile, true)
  if (!frame.calibrated)
    tools.log.warn(`${job.name}: is not calibrated (no ERR): its bias and scattered light are still in it`)
  const file = openFits(input)
  try {
    const image = imageHdu(file)
    const traces = tracesOf(params.traces)
    const extraction = inElectrons(extractSpectra(frame, traces, job, tools), params.gain)
    const amplitudes = params.type === 'flat' ? ownBlaze(extraction) : givenBlaze(extraction, params, traces.orders)
    markBad(extraction, params)
    const quality = qualityOf(extraction)
    const images = imagesOf(extraction, params, traces)
    const header = spectraHeader(image.header, job, extraction, quality, [...amplitudes, ...images.amplitudes], tools)
    const hdus = [...spectraHdus(extraction, header), quality.table, ...sideHdus(file, image)]
    const product = writeProduct(job.products[0]!, hdus, tools.context, job.parents)
    images.hdus.forEach((hdu, k) => {
      writeProduct(job.products[k + 1]!, hdu(header), tools.context, job.parents)
    })
    return [{ input, status: 'done', product, measurements: quality.measurements }]
  } finally {
    file.close()
  }
}

/** All frames of a run have the same few. */
const traceFiles = runMemory<string, Traces>()
function tracesOf(path: string): Traces {
  const traces = traceFiles.get(path) ?? readTraces(path)
  traceFiles.set(path, traces)
  return traces
}

function optionsOf(
  frame: SpectralFrame,
  traces: Traces,
  { gain, readNoise, lit, steady }: ExtractJob,
  { config }: Tools<ExtractSchema>,
): ExtractOptions {
  const { extraction, 'cosmic rays': rays } = config
  const noise = { readVariance: (readNoise / gain) ** 2, perElectron: 1 / gain }
  const reach = extraction['shift reach']
  const moves = extraction.shift === 'auto' && reach > 0
  const shift = moves ? measureShift(frame, traces, { ...noise, fibres: steady, reach }).shift : 0
  const limits = { high: rays.high, near: rays.near, low: rays.low, accuracy: rays.accuracy, tilt: rays.tilt }
  return { fibres: lit, method: extraction.method, rows: extraction.rows, shift, ...noise, ...limits }
}

/** Extracts with the profiles of the traces, or with those of the frame itself, as the configuration has it and the frame needs it. */
function extractSpectra(
  frame: SpectralFrame,
  traces: Traces,
  { params, name }: Job<ExtractJob>,
  tools: Tools<ExtractSchema>,
): Extraction & { tilt?: LineTilt } {
  const options = optionsOf(frame, traces, params, tools)
  const { from } = tools.config.profile
  const lit = () => litTraces(traces, params.lit, options.shift)
  const { tilt, background } = tools.config.extraction
  const along = (image: SpectralFrame, its: Traces, how: ExtractOptions): Extraction & { tilt?: LineTilt } => {
    const extractor = tilt === 'auto' ? extractUpright : extractOrders
    return background === 'local' ? extractLocally(extractor, image, its, how) : extractor(image, its, how)
  }
  const own = () => along(frame, traces, { ...options, profiles: measureProfiles(frame, traces, lit(), options) })
  if (from === 'frame') return own()
  const found = along(frame, traces, options)
  const hit = hitFraction(found)
  if (from === 'traces' || hit <= MOST_HIT) return found
  const percent = (100 * hit).toFixed(0)
  tools.log.warn(
    `${name}: the profiles of the traces do not fit in ${percent} % of the columns: they are measured in the frame`,
  )
  return own()
}

/** Fluxes in the unit of the pixels as electrons, in place. */
function inElectrons<T extends Extraction>(extraction: T, gain: number): T {
  if (gain === 1) return extraction
  for (const { flux, uncertainty } of extraction.orders) {
    for (let x = 0; x < flux.length; x++) {
      flux[x]! *= gain
      uncertainty[x]! *= gain
    }
  }
  return extraction
}

/** Electrons at response 1, by fibre and order: the cards AMPFL. */
export type Amplitudes = { index: number; fibre: number; amplitude: number }[]

/** Of a flat: its own response. */
function ownBlaze(spectra: Spectra): Amplitudes {
  return spectra.orders.map((one) => {
    const { response, error, amplitude } = flatResponse(one)
    one.blaze = response
    one.blazeError = error
    markLow(one, response)
    return { index: one.index, fibre: one.fibre, amplitude }
  })
}

/** Of other frames: the response of the flats. */
function givenBlaze(spectra: Spectra, { flats }: ExtractJob, orders: number): Amplitudes {
  if (flats.length === 0) return []
  const flat = flatsOf(flats, spectra.width, orders)
  for (const one of spectra.orders) {
    if (one.fibre >= flat.planes) continue
    const response = new Float64Array(orderOf(flat, one.fibre, one.index))
    one.blaze = response
    one.blazeError = new Float64Array(orderOf({ ...flat, values: flat.errors }, one.fibre, one.index))
    markLow(one, response)
  }
  return []
}

/** Columns without a response, and weak columns of the detector. */
function markLow({ mask }: OrderSpectrum, response: Float64Array): void {
  for (let x = 0; x < response.length; x++) {
    if (response[x] === 0 || weakResponse(response, x)) mask[x]! |= SpectrumBit.lowResponse
  }
}
