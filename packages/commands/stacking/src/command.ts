import { defineCommand } from '@nightpipe/command'
import { combineRows } from './combine-rows.js'
import { examineFrame, measureFrame } from './examine.js'
import { makeStack } from './make-stack.js'
import { matchFrame } from './match-frame.js'
import { planStacking, type StackJob } from './plan.js'
import { type StackingSchema, schema } from './schema.js'

/** Aligned frames of one field become a deep one. */
export const stacking = defineCommand<StackingSchema, StackJob>({
  name: 'stacking',
  summary: 'aligned frames combined into a deep one, with coverage and variance',
  description:
    'Combines frames that lie on one grid (see alignment) into one for each field and filter, and one of all filters. ' +
    'Frames are brought to the flux scale of the best of them by their stars and to its sky, weighed by their depth, and ' +
    'samples that no noise explains (cosmic rays, satellites) are set aside, without eating into the cores of stars. ' +
    'The stack comes with its error, its mask, its coverage, an effective gain, and a table of how each frame went in. ' +
    'Frames may cover different parts of the grid: the stack is then a mosaic.',
  examples: [
    { run: 'stacking --input aligned/ --output deep/', doc: 'a stack for each field and filter of a folder' },
    { run: 'alignment -s reduced/ -r aligned/ | stacking -s - -r deep/', doc: 'aligned and stacked in one line' },
    { run: 'stacking -s aligned/ -r deep/ --set combine.weights=seeing', doc: 'best for point sources' },
  ],
  schema,
  measurements: [
    { name: 'scale', doc: 'its pixels were multiplied by this' },
    { name: 'scale_error', doc: 'one sigma of that' },
    { name: 'stars', doc: 'stars that the scale is from', type: 'integer' },
    { name: 'offset', doc: 'level that was subtracted, unit of the frame' },
    { name: 'weight', doc: 'weight in the stack' },
    { name: 'seeing_px', unit: 'px', doc: 'median full width at half maximum' },
    { name: 'sky', doc: 'median sky, unit of the frame' },
    { name: 'sky_sigma', doc: 'noise of a pixel of the sky, unit of the frame' },
  ],
  parallel: 'strips',
  plan: planStacking,
  job: makeStack,
  tasks: { examine: examineFrame, measure: measureFrame, match: matchFrame, combine: combineRows },
})
