import { medianOf, power } from '@nightpipe/math'
import { extractGroup } from './extract-group.js'
import { darkVariances } from './frame-noise.js'
import type { GroupWork, NoiseModel, SpectralFrame } from './group-work.js'
import { groupTraces, type LitTrace } from './lit-traces.js'
import { addLeftovers, addModel, correctProfiles, createLeftovers } from './profile-leftovers.js'
import { type ProfileTable, reachOf } from './profile-table.js'
import type { Traces } from './traces.js'

/** Samples per row of measured profiles, and rows on either side of the centre beyond half of those extracted. */
const PER_ROW = 8
const BEYOND = 2
/** Blocks along an order, where the traces do not say. */
const BLOCKS = 12
/** Rounds from a guess to the profile: each leaves a tenth of what was wrong. */
const ROUNDS = 4

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
    const still = power(4, -round)
    const accuracy = Math.max(noise.accuracy, 0.3 * still)
    table = refineProfiles(frame, traces, lit, table, { ...noise, accuracy, blur: 0.03 * still })
  }
  return table
}

/** Gaussians of the width that the light of each fibre has. */
export function gaussianProfiles(frame: SpectralFrame, traces: Traces, lit: readonly LitTrace[]): ProfileTable {
  const reach = Math.ceil(traces.rows / 2) + BEYOND
  const samples = 2 * reach * PER_ROW + 1
  const blocks = traces.blocks || BLOCKS
  const count = traces.orders * traces.fibres
  const values = new Float64Array(blocks * count * samples)
  for (const fibre of new Set(lit.map((trace) => trace.fibre))) {
    const mine = lit.filter((trace) => trace.fibre === fibre)
    const sigma = widthOf(frame, mine, traces.rows / 2)
    for (const { order } of mine) {
      for (let block = 0; block < blocks; block++) {
        const at = (block * count + order * traces.fibres + fibre) * samples
        for (let k = 0; k < samples; k++) values[at + k] = Math.exp(-0.5 * ((k / PER_ROW - reach) / sigma) ** 2)
      }
    }
  }
  const table = { width: frame.width, blocks, traces: count, perRow: PER_ROW, samples, values }
  normalise(table)
  return table
}

/** Columns whose light tells the width: the brightest of every so many. */
const BRIGHTEST = 20
const WIDTH_STEP = 4

/** The width of a fibre, rows: the second moment of the light about its traces, the median of the brightest columns. */
function widthOf({ width, height, pixels }: SpectralFrame, mine: readonly LitTrace[], half: number): number {
  const columns: { light: number; second: number }[] = []
  for (const { y: centres, first, last } of mine) {
    for (let x = first; x <= last; x += WIDTH_STEP) {
      const y = centres[x]!
      const [low, high] = [Math.max(0, Math.ceil(y - half)), Math.min(height - 1, Math.floor(y + half))]
      let [light, second, floor] = [0, 0, Number.POSITIVE_INFINITY]
      for (let r = low; r <= high; r++) floor = Math.min(floor, pixels[r * width + x]!)
      for (let r = low; r <= high; r++) {
        const value = pixels[r * width + x]! - floor
        light += value
        second += value * (r - y) ** 2
      }
      if (light > 0 && second > 0) columns.push({ light, second: second / light })
    }
  }
  columns.sort((a, b) => b.light - a.light)
  const best = columns.slice(0, Math.max(1, Math.floor(columns.length / BRIGHTEST)))
  const sigma = best.length > 0 ? Math.sqrt(medianOf(Float64Array.from(best, ({ second }) => second))) : half / 3
  return Math.max(0.6, Math.min(sigma, half))
}

/** Columns that are looked at, about: of wider frames every second, third, … one. */
const COLUMNS = 1400
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
  const leftovers = createLeftovers(table)
  const rejected = new Uint8Array(frame.width * frame.height)
  const light = new Float32Array(frame.width * frame.height)
  for (const group of groupTraces(lit, reachOf(table) + half + 1)) {
    const dark = darkVariances(frame, group, half, NOISE_BLOCK, noise.readVariance)
    const work: GroupWork = {
      ...{ frame, group, profiles: table, fibres: traces.fibres, half, method: 'optimal', noise },
      ...{ dark, darkBlock: NOISE_BLOCK, rejected, step: Math.max(1, Math.floor(frame.width / COLUMNS)) },
    }
    const results = extractGroup(work)
    addModel(work, results, light)
    for (let a = 0; a < group.length; a++) addLeftovers(work, a, results[a]!, light, leftovers)
  }
  correctProfiles(refined, lit, traces.fibres, leftovers)
  normalise(refined)
  return refined
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
