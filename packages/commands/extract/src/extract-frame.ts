import { type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { companion, imageHdu, openFits, readIntegers, readPixels, sideHdus } from '@nightpipe/fits'
import { type Extraction, extractOrders, flatResponse, type Spectra, SpectrumBit } from '@nightpipe/spectra'
import { orderImageHdus, orderOf, readTraces, spectraHdus, toOrderImage } from '@nightpipe/spectrographs'
import { flatsOf } from './flats.js'
import { spectraHeader } from './header.js'
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
    const extraction = inElectrons(
      extractOrders(frame, readTraces(params.traces), optionsOf(params, tools)),
      params.gain,
    )
    const traces = readTraces(params.traces)
    const amplitudes = params.type === 'flat' ? ownBlaze(extraction) : givenBlaze(extraction, params, traces.orders)
    const quality = qualityOf(extraction)
    const header = spectraHeader(image.header, job, extraction, quality, amplitudes, tools)
    const hdus = [...spectraHdus(extraction, header), quality.table, ...sideHdus(file, image)]
    const product = writeProduct(job.products[0]!, hdus, tools.context, job.parents)
    if (params.type === 'flat') {
      const all = Array.from({ length: Math.max(3, traces.fibres) }, (_, fibre) => fibre)
      const flat = toOrderImage(extraction, traces.orders, all, ({ blaze }) => blaze)
      writeProduct(job.products[1]!, orderImageHdus(flat, header), tools.context, job.parents)
    }
    return [{ input, status: 'done', product, measurements: quality.measurements }]
  } finally {
    file.close()
  }
}

function optionsOf({ gain, readNoise, lit }: ExtractJob, { config }: Tools<ExtractSchema>) {
  const { extraction, 'cosmic rays': rays } = config
  return {
    ...{ fibres: lit, method: extraction.method, rows: extraction.rows },
    ...{ readVariance: (readNoise / gain) ** 2, perElectron: 1 / gain },
    ...{ high: rays.high, near: rays.near, low: rays.low, accuracy: rays.accuracy },
  }
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
    for (let x = 0; x < response.length; x++) if (response[x] === 0) one.mask[x]! |= SpectrumBit.lowResponse
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
    for (let x = 0; x < response.length; x++) if (response[x] === 0) one.mask[x]! |= SpectrumBit.lowResponse
  }
  return []
}
