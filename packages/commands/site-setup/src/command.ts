import { exposuresTable, windowFlags } from '@nightpipe/chain'
import { defineConductor } from '@nightpipe/command'
import { requireTree, treeFlags } from '@nightpipe/spectrographs'
import { setupTable } from './checklist.js'
import { conduct } from './conduct.js'
import { schema } from './schema.js'

/** A spectrograph from nothing. */
export const siteSetup = defineConductor({
  name: 'site-setup',
  summary: 'a spectrograph from nothing: folders, tables, masters, traces, arcs, a velocity template, first spectra',
  description:
    'A checklist that does itself. Makes the tree of a spectrograph (<root>/<site>/<nres>/reduced) and its tables, then, from the ' +
    'raw frames beside it (<root>/<site>/<nres>/<day>/raw), master biases and darks, the first traces (found on the flats, or ' +
    'from a text traced by hand), refined traces, master flats, arcs, the spectra of a standard star and a velocity template of ' +
    'them, and all other stars. Each command is printed as it is run, so that any of them can be run again by hand. It stops at ' +
    'a step that fails and says what to do; run again it goes on there. What is done stays done until its frames change.',
  examples: [
    {
      run: 'site-setup --root /data --site cpt --nres-instrument nres03 --camera fl13 --standard HD49933',
      doc: 'all raw frames that are there',
    },
    {
      run: 'site-setup --root /data --site cpt --nres-instrument nres03 --camera fl13 --hand-trace cpt_nres03_trace.2017a.txt --zero ZEROlsc2017317.27425.fits',
      doc: 'with traces by hand, and a template from elsewhere',
    },
    {
      run: 'site-setup --root data --site home --nres-instrument spec01 --camera asi --set instrument.profile=echelle-teaching --without dark template',
      doc: 'a small spectrograph of another make',
    },
  ],
  schema,
  flags: {
    ...treeFlags,
    ...windowFlags,
    'hand-trace': { type: 'text', doc: 'orders traced by hand, a text file', placeholder: 'FILE' },
    targets: {
      type: 'text',
      doc: 'list of stars for csv/targets.csv, as targets import reads them',
      placeholder: 'FILE',
    },
    zero: { type: 'text', doc: 'a velocity template from elsewhere: it is approved', placeholder: 'FILE' },
    standard: {
      type: 'text',
      doc: 'the star that the template is made of (default: that of most exposures)',
      placeholder: 'NAME',
    },
    without: {
      type: 'list',
      doc: 'steps that this spectrograph does without: bias, dark, arcs, template',
      choices: ['bias', 'dark', 'arcs', 'template'],
      placeholder: 'STEP…',
    },
  },
  measurements: [],
  inputs: 'optional',
  tables: [setupTable, exposuresTable],
  outputFolder: (_config, flags) => requireTree(flags).folder,
  conduct,
})
