import type { Job, Row } from '@nightpipe/command'
import { combineFlatFiles } from './combine-flat-files.js'
import type { MasterTools } from './make-master.js'
import { makeTemplate } from './make-template.js'
import type { SpectraJob } from './spectra-job.js'

/** Extracted spectra combined, by their kind. */
export const combineSpectra = (job: Job<SpectraJob>, tools: MasterTools): Row[] =>
  job.params.kind === 'FLAT' ? combineFlatFiles(job, tools) : makeTemplate(job, tools)
