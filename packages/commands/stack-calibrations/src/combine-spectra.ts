import type { Job, Row } from '@nightpipe/command'
import { combineArcs } from './combine-arcs.js'
import { combineFlatFiles } from './combine-flat-files.js'
import type { MasterTools } from './make-master.js'
import { makeTemplate } from './make-template.js'
import type { SpectraJob } from './spectra-job.js'

const HOW = { FLAT: combineFlatFiles, DOUBLE: combineArcs, ZERO: makeTemplate }

/** Extracted spectra combined, by their kind. */
export const combineSpectra = (job: Job<SpectraJob>, tools: MasterTools): Row[] | Promise<Row[]> =>
  HOW[job.params.kind](job, tools)
