import { defineCommand } from '@nightpipe/command'
import { inTree, openTree, treeFlags, treeOf } from '@nightpipe/spectrographs'
import { enterProducts } from './enter.js'
import { extractFrame } from './extract-frame.js'
import { planExtraction } from './plan.js'
import { schema } from './schema.js'

/** Calibrated frames of a spectrograph to the spectra of all lit fibres. */
export const extract = defineCommand({
  name: 'extract',
  summary: 'spectra from traced frames, optimal and box, with errors and masks',
  description:
    'The light of each order of each lit fibre, column by column: rows are weighted by the profile of the light and by their ' +
    'noise, neighbouring fibres and orders are solved together, and pixels that the profile does not allow (cosmic rays) are ' +
    'kept out. Every exposure becomes one file <name>-1d.fits, whose table SPECTRUM has a row per order and fibre: flux and ' +
    'uncertainty in electrons, the response of the flat (blaze), and a mask. A flat also becomes the file of the responses ' +
    'that --flat wants.',
  examples: [
    { run: 'extract -s reduced/ -r spectra/ --traces TRAC.fits', doc: 'all frames of a folder' },
    {
      run: 'extract -s temp/red --root /data --site cpt --nres-instrument nres03',
      doc: 'in the tree of a spectrograph: traces and flats are chosen there, products entered there',
    },
    {
      run: 'extract -s reduced/star.fits -r spectra/ --traces TRAC.fits --flat spectra/lamp-flat.fits',
      doc: 'with the response of a flat',
    },
  ],
  schema,
  flags: {
    ...treeFlags,
    traces: { type: 'text', doc: 'traces of the orders, as trace0 and trace-refine make them', placeholder: 'FILE' },
    wavelengths: {
      type: 'text',
      doc: 'a TRIPLE, or a -1d file with wavelengths: what the list of bad wavelengths is looked up by',
      placeholder: 'FILE',
    },
    flat: {
      type: 'list',
      doc: 'extracted flats; fibres are taken from those in which they have light',
      placeholder: 'FILE',
    },
  },
  measurements: [
    { name: 'orders', doc: 'orders extracted, of all fibres', type: 'integer' },
    { name: 'snr', doc: 'signal to noise of a column: 90th percentile of the orders of the brightest fibre' },
    { name: 'electrons', unit: 'electron', doc: 'extracted from the brightest fibre' },
    { name: 'shift_px', unit: 'px', doc: 'of the traces, to where the light lies' },
    { name: 'cosmic', doc: 'pixels that the profile did not allow', type: 'integer' },
    { name: 'cosmic_columns', doc: 'columns of orders with such pixels', type: 'integer' },
  ],
  recognises: true,
  parallel: 'jobs',
  bytesPerThread: 160 * 2 ** 20,
  plan: planExtraction,
  job: extractFrame,
  outputFolder(_config, flags) {
    const tree = treeOf(flags)
    return tree && inTree(tree, 'temp', 'extr')
  },
  async finish({ flags }, rows, plan) {
    const tree = openTree(flags)
    if (tree) await enterProducts(tree, rows, plan)
    // the report names the -1d file of an exposure; what else was made is for standard output too
    const done = new Set(rows.filter(({ status }) => status === 'done').map(({ input }) => input))
    const made = plan.jobs.filter(({ inputs }) => done.has(inputs[0]!))
    return { ok: true, reasons: [], products: made.flatMap(({ products }) => products.slice(1)) }
  },
})
