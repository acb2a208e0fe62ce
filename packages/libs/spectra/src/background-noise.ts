import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { lendTrace } from './clean-columns.js'
import type { Extraction } from './extract.js'
import type { NoiseModel } from './group-work.js'
import type { LitTrace } from './lit-traces.js'
import { BACKGROUND_BLOCK, type LocalBackground } from './local-background.js'
import { type ProfileTable, reachOf, sampleProfile } from './profile-table.js'

/** Adds the noise of the background to the errors: what a flux changes by when all its pixels do by one sigma. */
export function addBackgroundNoise(
  { orders, traces, width }: Extraction,
  background: LocalBackground,
  profiles: ProfileTable,
  fibres: number,
  noise: NoiseModel,
): void {
  orders.forEach(({ flux, uncertainty }, k) => {
    const { trace } = traces[k]!
    const a = background.traces.findIndex(({ order, fibre }) => order === trace.order && fibre === trace.fibre)
    const errors = background.error[a]!
    scoped(() => {
      const levers = leversOf(trace, flux, width, profiles, fibres, noise)
      for (let x = trace.first; x <= trace.last; x++) {
        const lever = Number.isNaN(levers[x]!) ? leverAt(trace, x, flux[x]!, profiles, fibres, noise) : levers[x]!
        const sigma = errors[Math.floor(x / BACKGROUND_BLOCK)]! * lever
        if (Number.isFinite(sigma)) uncertainty[x] = Math.sqrt(uncertainty[x]! ** 2 + sigma ** 2)
      }
    })
  })
}

/** What the flux of each column changes by when all its pixels do by 1; NaN where that is left to `leverAt`. */
function leversOf(
  trace: LitTrace,
  flux: Float64Array,
  width: number,
  profiles: ProfileTable,
  fibres: number,
  { readVariance, perElectron }: NoiseModel,
): Float32Array {
  const { traceFrame, traceNoise, traceLevers } = kernels()
  const [light, levers] = [allocate(Float32Array, width), allocate(Float32Array, width)]
  light.set(flux)
  traceFrame(0, 0, width, 0)
  traceNoise(perElectron, 0, 0, 0, 0)
  const centres = lendTrace(trace, profiles, fibres, 0)
  traceLevers(centres, trace.first, trace.last, readVariance, light.byteOffset, levers.byteOffset)
  return levers
}

function leverAt(
  trace: LitTrace,
  x: number,
  flux: number,
  profiles: ProfileTable,
  fibres: number,
  { readVariance, perElectron }: NoiseModel,
): number {
  const reach = reachOf(profiles)
  const share = new Float64Array(2 * reach + 1)
  const y = trace.y[x]!
  const own = trace.order * fibres + trace.fibre
  sampleProfile(profiles, own, x, y, Math.round(y) - reach, share.length, share, 0)
  let [lever, told] = [0, 0]
  for (let r = 0; r < share.length; r++) {
    const weighted = share[r]! / (readVariance + perElectron * Math.max(0, share[r]! * flux))
    lever += weighted
    told += weighted * share[r]!
  }
  return lever / told
}
