import { defineCommand } from '@nightpipe/command'
import { inTree, openTree, treeFlags } from '@nightpipe/spectrographs'
import { judge } from './judge.js'
import { planRefinement } from './plan.js'
import { refine } from './refine.js'
import { schema } from './schema.js'

const flats = (which: string) =>
  ({
    type: 'list',
    doc: `flats ${which}; the same as --input, for they say themselves what they light`,
    placeholder: 'FILE…',
  }) as const

/** Traces and profiles measured on flats. */
export const traceRefine = defineCommand({
  name: 'trace-refine',
  summary: 'order traces and cross-dispersion profiles fitted on flats',
  description:
    'Measures where the orders lie, to a thousandth of a pixel on good flats, and how their light is spread across the ' +
    'dispersion: profiles, fine ones and by rows, for blocks along each order and fibre. It starts from the traces of ' +
    'trace0 or of an earlier refinement, which may be some pixels off. Flats that light the same fibres are combined, which ' +
    'also takes cosmic rays out. With flats of fibres 0 and 1, and of 1 and 2, all three are refined; a fibre that no flat ' +
    'lights keeps its trace. A fit that cannot be trusted is told (exit 4), and not used in a tree.',
  examples: [
    {
      run: 'trace-refine --input reduced/ --output traces/ --traces traces/flat-trace0.fits',
      doc: 'calibrated (or raw) flats',
    },
    {
      run: 'trace-refine --root /data --site cpt --nres-instrument nres03 --camera fa13 --flat1 a.fits --flat2 b.fits',
      doc: 'in the tree of a spectrograph, from its traces nearest in time',
    },
  ],
  schema,
  flags: {
    flat1: flats('of the first pair of fibres'),
    flat2: flats('of the second pair'),
    flat_filename1: flats('as --flat1'),
    flat_filename2: flats('as --flat2'),
    traces: {
      type: 'text',
      doc: 'traces to start from; in a tree by default those nearest in time',
      placeholder: 'FILE',
    },
    ...treeFlags,
  },
  measurements: [
    { name: 'fibres', doc: 'fibres with light', type: 'text' },
    { name: 'orders', doc: 'orders', type: 'integer' },
    { name: 'lit', doc: 'orders of lit fibres that show light, as part' },
    { name: 'shift_px', doc: 'how far the image had moved across the orders', unit: 'px' },
    { name: 'fwhm_px', doc: 'width of an order across the dispersion', unit: 'px' },
    {
      name: 'scatter_px',
      doc: 'scatter of the centres of columns about the polynomial (median of the orders)',
      unit: 'px',
    },
    { name: 'error_px', doc: 'one sigma of a trace (median of the orders)', unit: 'px' },
    { name: 'worst_px', doc: 'the largest of them', unit: 'px' },
    { name: 'rejected', doc: 'pixels left out as cosmic rays or bad', type: 'integer' },
    { name: 'doubt', doc: 'why the traces are not to be trusted', type: 'text' },
  ],
  inputs: 'optional',
  recognises: true,
  parallel: 'jobs',
  outputFolder: (_config, flags) => {
    const tree = openTree(flags)
    return tree && inTree(tree, 'trace')
  },
  plan: planRefinement,
  job: refine,
  finish: judge,
})
