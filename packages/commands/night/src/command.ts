import { exposuresTable, windowFlags } from '@nightpipe/chain'
import { defineConductor } from '@nightpipe/command'
import { requireTree, treeFlags } from '@nightpipe/spectrographs'
import { conduct } from './conduct.js'
import { schema } from './schema.js'

/** The nights of an echelle spectrograph, unattended. */
export const echelle = defineConductor({
  name: 'night',
  subcommand: 'echelle',
  summary: 'the nights of an echelle spectrograph: calibrations stacked, traces refined, all spectra and velocities',
  description:
    'Takes the raw frames of a night (the last 24 hours, unless told otherwise) from <root>/<site>/<nres>/<day>/raw: reduces and ' +
    'stacks biases, darks, flats and arcs, refines the traces on the flats, and brings every star to its spectrum and velocity. ' +
    'The state of every exposure is in csv/exposures.csv: a second call does only what is new, or whose calibrations, ' +
    'configuration or version have changed, and a frame that cannot be used is left there with its reason while the night goes ' +
    'on. The same call over any stretch of dates reprocesses it. The tree must have been set up (site-setup).',
  examples: [
    {
      run: 'night echelle --root /data --site cpt --nres-instrument nres03 --camera fl13',
      doc: 'the last 24 hours, from cron',
    },
    { run: 'night echelle --tree /data/cpt/nres03/reduced --date 20171216 20171217', doc: 'these nights' },
    {
      run: 'night echelle --tree /data/cpt/nres03/reduced --start 2017-12-01 --end 2018-01-01 --metrics nres03.prom',
      doc: 'a month again: only what has changed',
    },
  ],
  schema,
  flags: {
    ...treeFlags,
    ...windowFlags,
    metrics: { type: 'text', doc: 'write what was measured for Prometheus (its text format)', placeholder: 'FILE' },
  },
  measurements: [],
  inputs: 'optional',
  tables: [exposuresTable],
  outputFolder: (_config, flags) => requireTree(flags).folder,
  conduct,
})
