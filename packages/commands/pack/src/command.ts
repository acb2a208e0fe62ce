import { defineCommand } from '@nightpipe/command'
import { inTree, treeFlags, treeOf } from '@nightpipe/spectrographs'
import { makeBundle } from './bundle.js'
import { planBundles } from './plan.js'
import { schema } from './schema.js'

/** The bundle of each exposure, for archives and observers. */
export const pack = defineCommand({
  name: 'pack',
  summary: 'the bundle of each exposure: spectra, figures and header in one tar.gz',
  description:
    'Takes the -1d file of each exposure, as rv (or wavelength, or extract) makes it, and packs what an observer gets: a FITS ' +
    'file in the layout of the e91 files of NRES (SPECRAW, SPECFLAT, SPECBLAZE, THARRAW, THARFLAT, WAVESPEC, WAVETHAR, ' +
    'SPECXCOR, RVBLOCKFIT), the -1d file itself, figures as a PDF, the header as text, and a page that says what is what. ' +
    'The same exposure gives the same bytes.',
  examples: [
    {
      run: 'pack -s spec/cptnrs03-fa13-20181128-0005-e00-1d.fits --tree /data/cpt/nres03/reduced',
      doc: 'into tar/ of the tree',
    },
    { run: 'pack -s "spectra/*-1d.fits" -r bundles/', doc: 'without a tree' },
  ],
  schema,
  flags: treeFlags,
  measurements: [
    { name: 'hdus', doc: 'HDUs of the FITS file', type: 'integer' },
    { name: 'pages', doc: 'pages of figures', type: 'integer' },
    { name: 'bytes', doc: 'size of the bundle', type: 'integer' },
  ],
  parallel: 'jobs',
  outputFolder(_config, flags) {
    const tree = treeOf(flags)
    return tree && inTree(tree, 'tar')
  },
  plan: planBundles,
  job: makeBundle,
})
