import { defineCommand } from '@nightpipe/command'
import { inTree, openTree, treeFlags } from '@nightpipe/spectrographs'
import { planTrace } from './plan.js'
import { register } from './register.js'
import { schema } from './schema.js'
import { makeTrace } from './trace.js'

/** The first estimate of where the orders lie. */
export const trace0 = defineCommand({
  name: 'trace0',
  summary: 'first estimate of the order traces: from a hand-made text file, or found on flats',
  description:
    'Says where each order of each fibre lies, to half a pixel or so: trace-refine makes it exact. With frames it finds the ' +
    'orders by itself: flats are best, one or two (of which each lights some fibres), but any frame with light in the ' +
    'orders serves. With --filename it reads the text file of orders traced by hand, and frames are used for the figure ' +
    'only. Two frames with different fibres lit, as tung&tung&none and none&tung&tung, give all fibres; a fibre that no ' +
    'frame lights is put beside the others. The product is a TRACE file and a figure of the traces over the frame.',
  examples: [
    { run: 'trace0 --input flat01.fits flat12.fits --output traces/', doc: 'found on two flats' },
    {
      run: 'trace0 --filename cpt_nres03_trace.2017a.txt --root /data --site cpt --nres-instrument nres03 --camera fl13',
      doc: 'from a hand trace, in the tree of a spectrograph',
    },
  ],
  schema,
  flags: {
    filename: { type: 'text', doc: 'orders traced by hand, a text file', placeholder: 'FILE' },
    date: {
      type: 'text',
      doc: 'date of the product where no frame tells (UTC; default: of the text file)',
      placeholder: 'DATE',
    },
    ...treeFlags,
  },
  measurements: [
    { name: 'orders', doc: 'orders found', type: 'integer' },
    { name: 'fibres', doc: 'fibres traced', type: 'text' },
    { name: 'fwhm_px', doc: 'width of an order across the dispersion', unit: 'px' },
    {
      name: 'rms_px',
      doc: 'scatter of centres, or of points traced by hand, about the polynomials (median)',
      unit: 'px',
    },
    { name: 'worst_px', doc: 'the largest of them', unit: 'px' },
    { name: 'faintest', doc: 'how sure the faintest order is, in sigma' },
  ],
  inputs: 'optional',
  recognises: true,
  parallel: 'jobs',
  outputFolder: (_config, flags) => {
    const tree = openTree(flags)
    return tree && inTree(tree, 'trace')
  },
  plan: planTrace,
  job: makeTrace,
  finish: register,
})
