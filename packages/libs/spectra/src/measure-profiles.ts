import { medianOf } from '@nightpipe/math'
import { extractGroup, type GroupWork, type NoiseModel, type SpectralFrame, type TraceFlux } from './extract-group.js'
import { darkVariance } from './frame-noise.js'
import { groupTraces, type LitTrace } from './lit-traces.js'
import { type ProfileTable, reachOf, sampleProfile } from './profile-table.js'
import type { Traces } from './traces.js'

/** Samples per row of measured profiles, and rows on either side of the centre beyond half of those extracted. */
const PER_ROW = 8
const BEYOND = 2
/** Blocks along an order, where the traces do not say. */
const BLOCKS = 12
/** Half-width, in rows, of the triangle by which samples are averaged: wide enough to bridge the phases that a level order leaves out. */
const BRIDGE = 0.3
/** Rounds from a guess to the profile: each leaves a tenth of what was wrong. */
const ROUNDS = 4
/** A correction known worse than this share of the light is not made. */
const WORST = 0.004

/** Profiles of all lit traces, measured in the frame itself: from a Gaussian as wide as the light, then from what that leaves over. */
export function measureProfiles(
  frame: SpectralFrame,
  traces: Traces,
  lit: readonly LitTrace[],
  noise: NoiseModel,
): ProfileTable {
  let table = gaussianProfiles(frame, traces, lit)
  // while profiles are wrong, what is left over is no cosmic ray: less and less of it is allowed
  for (let round = 0; round < ROUNDS; round++) {
    const accuracy = Math.max(noise.accuracy, 0.3 / 4 ** round)
    table = refineProfiles(frame, traces, lit, table, { ...noise, accuracy })
  }
  return table
}

/** Gaussians of the width that the light of each trace has: from its second moment, the median along the order. */
function gaussianProfiles(frame: SpectralFrame, traces: Traces, lit: readonly LitTrace[]): ProfileTable {
  const reach = Math.ceil(traces.rows / 2) + BEYOND
  const samples = 2 * reach * PER_ROW + 1
  const blocks = traces.blocks || BLOCKS
  const count = traces.orders * traces.fibres
  const values = new Float64Array(blocks * count * samples)
  for (const trace of lit) {
    const sigma = widthOf(frame, trace, traces.rows / 2)
    const own = trace.order * traces.fibres + trace.fibre
    for (let block = 0; block < blocks; block++) {
      const at = (block * count + own) * samples
      for (let k = 0; k < samples; k++) values[at + k] = Math.exp(-0.5 * ((k / PER_ROW - reach) / sigma) ** 2)
    }
  }
  const table = { width: frame.width, blocks, traces: count, perRow: PER_ROW, samples, values }
  normalise(table)
  return table
}

/** The width of a trace, rows: that of the light within half of the extraction, of columns whose light is well above noise. */
function widthOf({ width, height, pixels }: SpectralFrame, trace: LitTrace, half: number): number {
  const widths: number[] = []
  for (let x = trace.first; x <= trace.last; x += 8) {
    const y = trace.y[x]!
    let [sum, second, floor] = [0, 0, Number.POSITIVE_INFINITY]
    const rows: [number, number] = [Math.max(0, Math.ceil(y - half)), Math.min(height - 1, Math.floor(y + half))]
    for (let r = rows[0]; r <= rows[1]; r++) floor = Math.min(floor, pixels[r * width + x]!)
    for (let r = rows[0]; r <= rows[1]; r++) {
      const light = pixels[r * width + x]! - floor
      sum += light
      second += light * (r - y) ** 2
    }
    if (sum > 0 && second > 0) widths.push(Math.sqrt(second / sum))
  }
  const sigma = widths.length > 0 ? medianOf(Float64Array.from(widths)) : half / 3
  return Math.max(0.6, Math.min(sigma, half))
}

/** Columns that share an estimate of the noise between the orders. */
const NOISE_BLOCK = 256

/** Profiles corrected by what they leave over in a frame, where that is known well enough. */
export function refineProfiles(
  frame: SpectralFrame,
  traces: Traces,
  lit: readonly LitTrace[],
  table: ProfileTable,
  noise: NoiseModel,
): ProfileTable {
  const half = traces.rows / 2 + BEYOND - 0.5
  const refined = { ...table, values: Float64Array.from(table.values) }
  const rejected = new Uint8Array(frame.width * frame.height)
  const light = new Float32Array(frame.width * frame.height)
  for (const group of groupTraces(lit, reachOf(table) + half + 1)) {
    const dark = group.map((trace) => darkVariance(frame, trace, half, NOISE_BLOCK, noise.readVariance))
    const work: GroupWork = {
      ...{ frame, group, profiles: table, fibres: traces.fibres, half, method: 'optimal', noise },
      ...{ dark, darkBlock: NOISE_BLOCK, rejected },
    }
    const results = extractGroup(work)
    addModel(work, results, light)
    group.forEach((trace, a) => {
      correctTrace(work, trace, results[a]!, light, dark[a]!, refined)
    })
  }
  normalise(refined)
  return refined
}

/** Adds what the fluxes of a group give its pixels, all traces together. */
function addModel(
  { frame, group, profiles, fibres }: GroupWork,
  results: readonly TraceFlux[],
  model: Float32Array,
): void {
  const { width, height } = frame
  const reach = reachOf(profiles)
  const share = new Float64Array(2 * reach + 1)
  group.forEach((trace, a) => {
    for (let x = trace.first; x <= trace.last; x++) {
      const flux = results[a]!.flux[x]!
      if (!Number.isFinite(flux)) continue
      const first = Math.round(trace.y[x]!) - reach
      sampleProfile(profiles, trace.order * fibres + trace.fibre, x, trace.y[x]!, first, share.length, share, 0)
      for (let r = Math.max(0, -first); r < share.length && first + r < height; r++) {
        model[(first + r) * width + x]! += flux * share[r]!
      }
    }
  })
}

/** Adds to the profiles of a trace the weighted mean of what is left over, sample by sample, in every block. */
function correctTrace(
  { frame, half, noise, fibres, rejected }: GroupWork,
  trace: LitTrace,
  { flux }: TraceFlux,
  light: Float32Array,
  dark: Float64Array,
  table: ProfileTable,
): void {
  const { width, height, pixels, mask } = frame
  const { blocks, samples, perRow, values } = table
  const middle = (samples - 1) / 2
  const size = width / blocks
  const bridge = BRIDGE * perRow
  for (let block = 0; block < blocks; block++) {
    const [over, known] = [new Float64Array(samples), new Float64Array(samples)]
    const centre = (block + 0.5) * size - 0.5
    for (let x = Math.max(trace.first, Math.ceil(centre - size)); x <= Math.min(trace.last, centre + size); x++) {
      const f = flux[x]!
      if (!(f > 0)) continue
      const near = 1 - Math.abs(x - centre) / size
      const y = trace.y[x]!
      for (let r = Math.max(0, Math.ceil(y - half)); r <= Math.min(height - 1, Math.floor(y + half)); r++) {
        const at = r * width + x
        if (rejected[at] || mask?.[at] || !Number.isFinite(pixels[at])) continue
        const variance = dark[Math.floor(x / NOISE_BLOCK)]! + noise.perElectron * Math.max(0, light[at]!)
        const place = (r - y) * perRow + middle
        for (let k = Math.max(0, Math.ceil(place - bridge)); k <= Math.min(samples - 1, place + bridge); k++) {
          const weight = (near * (1 - Math.abs(k - place) / bridge) * f) / variance
          over[k]! += weight * (pixels[at]! - light[at]!)
          known[k]! += weight * f
        }
      }
    }
    const own = (block * table.traces + trace.order * fibres + trace.fibre) * samples
    for (let k = 0; k < samples; k++) {
      if (known[k]! > 1 / WORST ** 2) values[own + k] = Math.max(0, values[own + k]! + over[k]! / known[k]!)
    }
  }
}

/** Samples a row apart sum to 1 in every profile that has light. */
function normalise({ values, samples, perRow }: ProfileTable): void {
  for (let from = 0; from < values.length; from += samples) {
    for (let phase = 0; phase < perRow; phase++) {
      let sum = 0
      for (let k = phase; k < samples; k += perRow) sum += values[from + k]!
      if (sum > 0) for (let k = phase; k < samples; k += perRow) values[from + k]! /= sum
    }
  }
}
