import type { LentFrame } from './clean-columns.js'
import type { LitTrace } from './lit-traces.js'
import type { ProfileTable } from './profile-table.js'

/** A calibrated frame: pixels net of bias, dark and scattered light. */
export interface SpectralFrame {
  width: number
  height: number
  pixels: Float32Array
  /** one sigma of each pixel */
  error?: Float32Array
  /** bits as in the MASK of frames; 0 is good */
  mask?: ArrayLike<number>
}

/** How pixels vary, and when one is not believed. */
export interface NoiseModel {
  /** of the read-out, in the unit of the pixels, squared */
  readVariance: number
  /** variance that a unit of light brings: 1 in electrons, 1 / gain in ADU */
  perElectron: number
  /** pixels brighter than the model by this many sigma are cosmic rays; beside a cosmic ray `near` sigma suffice */
  high: number
  near: number
  /** pixels darker than the model by this many sigma are bad */
  low: number
  /** how well profiles are known, as a fraction of the light in a pixel */
  accuracy: number
  /** lines may be tilted by up to this much, columns per row: light that goes by so much with its slope is no cosmic ray */
  tilt?: number
  /** and, while they are being measured, as a fraction of the light of the column: wings may yet be missing */
  blur?: number
}

/** What a group of traces needs, and where its results go. */
export interface GroupWork {
  frame: SpectralFrame
  group: readonly LitTrace[]
  profiles: ProfileTable
  /** fibres of the traces, to find their profiles */
  fibres: number
  /** rows used on either side of the centre */
  half: number
  noise: NoiseModel
  /** 'box': sums instead of what weighs best */
  method: 'optimal' | 'box'
  /** variance that pixels have without light, for each trace of the group and block of columns, unit² */
  dark: Float64Array[]
  darkBlock: number
  /** of the frame: 1 where a pixel was not believed; filled here */
  rejected: Uint8Array
  /** every how many columns one is extracted; 1 unless only profiles are wanted */
  step?: number
  /** the frame in kernel memory: columns without anything odd are then done by the kernel */
  lent?: LentFrame
}

/** The results of one trace; arrays over the columns of the detector. */
export interface TraceFlux {
  flux: Float64Array
  error: Float64Array
  /** how much of what all pixels could tell of the flux the good ones told, 0 … 1 */
  seen: Float32Array
  /** pixels not believed, in the rows used */
  hits: Uint8Array
  /** saturated pixels in the core */
  saturated: Uint8Array
  /** columns in which the detector gives less than beside them */
  weak: Uint8Array
}

export const createTraceFlux = (width: number): TraceFlux => ({
  flux: new Float64Array(width).fill(Number.NaN),
  error: new Float64Array(width).fill(Number.NaN),
  seen: new Float32Array(width),
  hits: new Uint8Array(width),
  saturated: new Uint8Array(width),
  weak: new Uint8Array(width),
})
