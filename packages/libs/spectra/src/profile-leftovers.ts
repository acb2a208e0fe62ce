import type { GroupWork, TraceFlux } from './group-work.js'
import type { LitTrace } from './lit-traces.js'
import { type ProfileTable, reachOf, sampleProfile } from './profile-table.js'

/** What profiles leave over of the light, sample by sample, and how well that is known: [block][trace][sample], as the profiles. */
export interface Leftovers {
  over: Float64Array
  known: Float64Array
}

export const createLeftovers = ({ values }: ProfileTable): Leftovers => ({
  over: new Float64Array(values.length),
  known: new Float64Array(values.length),
})

/** Adds what the fluxes of a group give its pixels, all traces together. */
export function addModel(work: GroupWork, results: readonly TraceFlux[], model: Float32Array): void {
  const { frame, group, profiles, fibres, step = 1 } = work
  const { width, height } = frame
  const reach = reachOf(profiles)
  const share = new Float64Array(2 * reach + 1)
  const origin = Math.min(...group.map(({ first }) => first))
  group.forEach((trace, a) => {
    for (let x = origin; x <= trace.last; x += step) {
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

/** Half-width, in rows, of the triangle by which samples are averaged: wide enough to bridge the phases that a level order leaves out. */
const BRIDGE = 0.3
/** Columns with less light than this tell nothing of profiles, and noise that looks like light would tell something wrong. */
const LEAST_LIGHT = 5

/** Adds what is left over of a trace to that of the two blocks about each column. */
export function addLeftovers(
  work: GroupWork,
  a: number,
  { flux, error }: TraceFlux,
  light: Float32Array,
  into: Leftovers,
): void {
  const { frame, group, profiles, fibres, step = 1 } = work
  const trace = group[a]!
  const size = frame.width / profiles.blocks
  for (let x = Math.min(...group.map(({ first }) => first)); x <= trace.last; x += step) {
    if (!(flux[x]! > LEAST_LIGHT * error[x]!)) continue
    const place = (x + 0.5) / size - 0.5
    for (let block = Math.max(0, Math.floor(place)); block <= Math.min(profiles.blocks - 1, place + 1); block++) {
      const near = 1 - Math.abs(place - block)
      const own = (block * profiles.traces + trace.order * fibres + trace.fibre) * profiles.samples
      addColumn(work, a, x, flux[x]!, near, light, own, into)
    }
  }
}

function addColumn(
  { frame, half, noise, rejected, group, dark, darkBlock, profiles }: GroupWork,
  a: number,
  x: number,
  flux: number,
  near: number,
  light: Float32Array,
  own: number,
  { over, known }: Leftovers,
): void {
  const { width, height, pixels, mask } = frame
  const { samples, perRow } = profiles
  const bridge = BRIDGE * perRow
  const y = group[a]!.y[x]!
  const variance0 = dark[a]![Math.floor(x / darkBlock)]!
  for (let r = Math.max(0, Math.ceil(y - half)); r <= Math.min(height - 1, Math.floor(y + half)); r++) {
    const at = r * width + x
    if (rejected[at] || mask?.[at] || !Number.isFinite(pixels[at])) continue
    const weight = (near * flux) / (variance0 + noise.perElectron * Math.max(0, light[at]!))
    const rest = pixels[at]! - light[at]!
    const place = (r - y) * perRow + (samples - 1) / 2
    for (let k = Math.max(0, Math.ceil(place - bridge)); k <= Math.min(samples - 1, place + bridge); k++) {
      const part = weight * (1 - Math.abs(k - place) / bridge)
      over[own + k]! += part * rest
      known[own + k]! += part * flux
    }
  }
}

/** A correction known worse than this share of the light is not made. */
const WORST = 0.004

/** Corrects profiles by what they left over: of the block where that is known well enough, else of the order, else of the fibre. */
export function correctProfiles(
  table: ProfileTable,
  lit: readonly LitTrace[],
  fibres: number,
  { over, known }: Leftovers,
): void {
  const { blocks, traces, samples, values } = table
  const enough = 1 / WORST ** 2
  const placeOf = ({ order, fibre }: LitTrace, block: number) => (block * traces + order * fibres + fibre) * samples
  for (const fibre of new Set(lit.map((trace) => trace.fibre))) {
    const mine = lit.filter((trace) => trace.fibre === fibre)
    for (let k = 0; k < samples; k++) {
      const sumOf = (some: readonly LitTrace[], of: Float64Array) => {
        let sum = 0
        for (const trace of some) for (let block = 0; block < blocks; block++) sum += of[placeOf(trace, block) + k]!
        return sum
      }
      const all = { over: sumOf(mine, over), known: sumOf(mine, known) }
      for (const trace of mine) {
        const whole = { over: sumOf([trace], over), known: sumOf([trace], known) }
        for (let block = 0; block < blocks; block++) {
          const at = placeOf(trace, block) + k
          const levels = [{ over: over[at]!, known: known[at]! }, whole, all]
          const told = levels.find((level) => level.known > enough)
          if (told) values[at] = Math.max(0, values[at]! + told.over / told.known)
        }
      }
    }
  }
}
