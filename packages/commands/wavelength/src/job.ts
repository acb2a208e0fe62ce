import type { Job, Row, Tools } from '@nightpipe/command'
import { arcProducts } from './arc-products.js'
import { exposureProducts } from './exposure-products.js'
import type { WavelengthJob } from './plan.js'
import type { WavelengthSchema } from './schema.js'

/** An arc or an exposure with its wavelengths. */
export const addWavelengths = (job: Job<WavelengthJob>, tools: Tools<WavelengthSchema>): Promise<Row[]> | Row[] =>
  job.params.kind === 'arc' ? arcProducts(job, tools) : exposureProducts(job, tools)
