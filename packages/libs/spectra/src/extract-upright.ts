import { scoped } from '@nightpipe/kernels'
import { type Extraction, type ExtractOptions, extractOrders } from './extract.js'
import type { SpectralFrame } from './group-work.js'
import { type LineTilt, measureTilt } from './line-tilt.js'
import { litTraces } from './lit-traces.js'
import { measureProfiles } from './measure-profiles.js'
import { profileTable, reachOf } from './profile-table.js'
import { straighten } from './straighten.js'
import type { Traces } from './traces.js'

/** Tilts that move the light of a column by less than this within a profile, or are known worse than so many sigma, are left. */
const LEAST_SHIFT = 0.02
const SIGNIFICANT = 5
/** A tilt that is still this part of the first is measured once more. */
const SETTLED = 0.05
const ROUNDS = 2
/** What is left of the tilt that pixels are allowed, once it is taken out. */
const LEFT_OVER = 0.25

/**
 * Spectra along the lines: extracted as they stand, their tilt measured in the lines of the frame itself, and extracted again
 * with the lines upright. The second spectrum lacks only the square of what the tilt had smeared the first by.
 */
export function extractUpright(
  frame: SpectralFrame,
  traces: Traces,
  options: ExtractOptions,
): Extraction & { tilt?: LineTilt } {
  const lit = () => litTraces(traces, options.fibres ?? [...Array(traces.fibres).keys()], options.shift)
  const profiles = options.profiles ?? profileTable(traces) ?? measureProfiles(frame, traces, lit(), options)
  const given = { ...options, profiles, dark: new Map<number, Float64Array>() }
  const found = extractOrders(frame, traces, given)
  const first = measureTilt(frame, found, profiles, traces.fibres, options)
  if (!first || !matters(first, reachOf(profiles))) return found
  const calm = { ...given, tilt: LEFT_OVER * (options.tilt ?? 0) }
  let [tilt, extraction] = [first, found]
  for (let round = 0; round < ROUNDS; round++) {
    const before = { tilt, extraction }
    const rest = scoped(() => {
      const upright = straighten(frame, before.extraction, profiles, traces.fibres, before.tilt)
      extraction = extractOrders(upright, traces, calm)
      return measureTilt(upright, extraction, profiles, traces.fibres, options)
    })
    if (!rest || Math.abs(rest.slope[0]) < SETTLED * Math.abs(first.slope[0])) break
    tilt = sumOf(tilt, rest)
  }
  return { ...extraction, tilt }
}

function matters({ slope, curve, error, curveError }: LineTilt, reach: number): boolean {
  const rows = reach / 3
  const shift = slope.reduce((sum, one) => sum + Math.abs(one), 0) * rows + Math.abs(curve) * rows * rows
  const known = Math.abs(slope[0]) > SIGNIFICANT * error || Math.abs(curve) > SIGNIFICANT * curveError
  return known && shift > LEAST_SHIFT
}

const sumOf = (a: LineTilt, b: LineTilt): LineTilt => ({
  ...a,
  slope: [a.slope[0] + b.slope[0], a.slope[1] + b.slope[1], a.slope[2] + b.slope[2]],
  curve: a.curve + b.curve,
})
