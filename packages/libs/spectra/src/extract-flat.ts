import { type Extraction, type ExtractOptions, extractOrders } from './extract.js'
import { extractLocally } from './extract-locally.js'
import { flatResponse } from './flat-response.js'
import type { SpectralFrame } from './group-work.js'
import { litTraces } from './lit-traces.js'
import { measureProfiles } from './measure-profiles.js'
import { scatteredLight, subtractScatteredLightInPlace } from './scattered-light.js'
import { SpectrumBit } from './spectrum.js'
import { startShift } from './start-profiles.js'
import { measureShift } from './trace-shift.js'
import { movedTraces, type Traces } from './traces.js'

/** How pixels are judged where nothing else is said: the defaults of `extract`. */
export const EXTRACTION_LIMITS = { high: 5, near: 3, low: 6, accuracy: 0.005, tilt: 0.08 } as const
/** The largest shift of the traces that is looked for, px. */
export const SHIFT_REACH = 5

/** More columns than this with pixels that do not fit are no cosmic rays: the profile does not fit. */
export const MOST_HIT = 0.05
/** Columns in which that would be seen. */
const BRIGHT = 20

/** The part of the bright columns in which pixels did not fit the profile. */
export function hitFraction({ orders }: Extraction): number {
  let [hit, bright] = [0, 0]
  for (const { flux, uncertainty, mask } of orders) {
    for (let x = 0; x < flux.length; x++) {
      if (!(flux[x]! > BRIGHT * uncertainty[x]!)) continue
      bright++
      if ((mask[x]! & SpectrumBit.cosmicRay) !== 0) hit++
    }
  }
  return bright > 0 ? hit / bright : 0
}

/**
 * Of so many frames together cosmic rays are out already, and their noise is so small that weak pixels of the detector would
 * be taken for odd ones: they are what a flat is for. Pixels may differ by this much from the profile.
 */
const VOTES = 3
const UNEVEN = 0.02

export interface FlatOptions {
  /** those with light */
  fibres: readonly number[]
  /** electrons per unit of the pixels */
  gain: number
  /** electrons */
  readNoise: number
  /** how many frames the image is the mean of */
  frames: number
}

/** The response of one order of one fibre; its amplitude in electrons. */
export interface ExtractedFlat {
  index: number
  fibre: number
  response: Float64Array
  amplitude: number
}

/**
 * An image of a flat, net of bias only, to the responses of its lit fibres: the light between its orders taken off in place,
 * its traces moved to where it lies, its orders extracted; with profiles of its own where those of the traces do not fit.
 */
export function extractFlat(
  frame: SpectralFrame,
  traces: Traces,
  { fibres, gain, readNoise, frames }: FlatOptions,
): { orders: ExtractedFlat[]; shift: number } {
  const noise = { readVariance: (readNoise / gain) ** 2, perElectron: 1 / gain }
  const { width, height, pixels, mask = new Uint8Array(0) } = frame
  const coarse = startShift([{ width, height, rest: pixels, bad: mask }], [fibres], traces, SHIFT_REACH)
  const light = scatteredLight({ width, height, pixels, mask: Int16Array.from(mask) }, movedTraces(traces, coarse), {
    lit: fibres,
  })
  if (light) subtractScatteredLightInPlace(light, pixels)
  const { shift } = measureShift(frame, traces, { ...noise, fibres, reach: SHIFT_REACH })
  const accuracy = frames < VOTES ? EXTRACTION_LIMITS.accuracy : UNEVEN
  const options: ExtractOptions = { fibres, shift, ...noise, ...EXTRACTION_LIMITS, accuracy }
  let found = extractLocally(extractOrders, frame, traces, options)
  if (hitFraction(found) > MOST_HIT) {
    const profiles = measureProfiles(frame, traces, litTraces(traces, fibres, shift), options)
    found = extractLocally(extractOrders, frame, traces, { ...options, profiles })
  }
  const orders = found.orders.map(({ index, fibre, flux, uncertainty, mask: bits }): ExtractedFlat => {
    const { response, amplitude } = flatResponse({ flux, uncertainty, mask: bits })
    return { index, fibre, response, amplitude: amplitude * gain }
  })
  return { orders, shift }
}
