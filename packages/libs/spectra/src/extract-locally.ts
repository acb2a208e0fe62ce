import { scoped } from '@nightpipe/kernels'
import { addBackgroundNoise } from './background-noise.js'
import type { Extraction, ExtractOptions } from './extract.js'
import type { SpectralFrame } from './group-work.js'
import { litTraces } from './lit-traces.js'
import { localBackground, withoutBackground } from './local-background.js'
import { measureProfiles } from './measure-profiles.js'
import { profileTable, reachOf } from './profile-table.js'
import type { Traces } from './traces.js'

type Extractor<T> = (frame: SpectralFrame, traces: Traces, options: ExtractOptions) => T

/** Extracts a frame net of the light that is left between its fibres; the noise of that is in the errors. */
export function extractLocally<T extends Extraction>(
  extractor: Extractor<T>,
  frame: SpectralFrame,
  traces: Traces,
  options: ExtractOptions,
): T {
  const lit = litTraces(traces, options.fibres ?? [...Array(traces.fibres).keys()], options.shift)
  const profiles = options.profiles ?? profileTable(traces) ?? measureProfiles(frame, traces, lit, options)
  const background = localBackground(frame, lit, profiles)
  const extraction = scoped(() =>
    extractor(withoutBackground(frame, background, reachOf(profiles)), traces, { ...options, profiles }),
  )
  addBackgroundNoise(extraction, background, profiles, traces.fibres, options)
  return extraction
}
