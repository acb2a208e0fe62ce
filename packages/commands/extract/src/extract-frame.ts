import { type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { companion, imageHdu, openFits, readIntegers, readPixels, sideHdus } from '@nightpipe/fits'
import {
  type Extraction,
  type ExtractOptions,
  extractOrders,
  flatResponse,
  litTraces,
  measureProfiles,
  measureShift,
  type OrderSpectrum,
  type Spectra,
  type SpectralFrame,
  SpectrumBit,
  type Traces,
  weakResponse,
} from '@nightpipe/spectra'
import { orderOf, readTraces, spectraHdus } from '@nightpipe/spectrographs'
import { flatsOf } from './flats.js'
import { spectraHeader } from './header.js'
import { imagesOf } from './images.js'
import type { ExtractJob } from './plan.js'
import { qualityOf } from './quality.js'
import type { ExtractSchema } from './schema.js'

/** One calibrated frame to the spectra of its lit fibres. */
export function extractFrame(job: Job<ExtractJob>, tools: Tools<ExtractSchema>): Row[] {
  const input = job.inputs[0]!
  const file = openFits(input)
  try {
    const { params } = job
    const image = imageHdu(file)
    const [width, height] = image.axes as [number, number]
    const [error, mask] = [companion(file, image, 'ERR'), companion(file, image, 'MASK')]
    const frame = {
      ...{ width, height, pixels: readPixels(image, { plane: 0 }) },
      error: error && readPixels(error, { plane: 0 }),
      mask: mask && readIntegers(mask, { plane: 0, into: new Int16Array(width * height) }),
    }
    const traces = readTraces(params.traces)
    const found = extractOrders(frame, traces, optionsOf(frame, traces, params, tools))
    const extraction = inElectrons(found, params.gain)
    const amplitudes = params.type === 'flat' ? ownBlaze(extraction) : givenBlaze(extraction, params, traces.orders)
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

function optionsOf(
  frame: SpectralFrame,
  traces: Traces,
  { gain, readNoise, lit, steady }: ExtractJob,
  { config }: Tools<ExtractSchema>,
): ExtractOptions {
  const { extraction, 'cosmic rays': rays } = config
  const noise = { readVariance: (readNoise / gain) ** 2, perElectron: 1 / gain }
  const moves = extraction.shift === 'auto' && extraction['shift reach'] > 0
  const shift = moves
    ? measureShift(frame, traces, { ...noise, fibres: steady, reach: extraction['shift reach'] }).shift
    : 0
  const limits = { high: rays.high, near: rays.near, low: rays.low, accuracy: rays.accuracy }
  const own = config.profile.from === 'frame'
  const profiles = own
    ? measureProfiles(frame, traces, litTraces(traces, lit, shift), { ...noise, ...limits })
    : undefined
  return { fibres: lit, method: extraction.method, rows: extraction.rows, shift, profiles, ...noise, ...limits }
}

/** Fluxes in the unit of the pixels as electrons, in place. */
function inElectrons(extraction: Extraction, gain: number): Extraction {
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
    const { response, amplitude } = flatResponse(one)
    one.blaze = response
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
    const response = Float64Array.from(orderOf(flat, one.fibre, one.index))
    one.blaze = response
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
