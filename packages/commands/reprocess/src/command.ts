import { defineConductor } from '@nightpipe/command'
import { publishedTable } from './approve.js'
import { conduct } from './conduct.js'
import { differencesTable } from './differences.js'
import { schema } from './schema.js'

/** Off-line re-processing by an instrument scientist: nothing is published before it was looked at and approved. */
export const reprocess = defineConductor({
  name: 'reprocess',
  summary:
    'products of a burst made again by a changed pipeline, compared with those of the store, published when approved',
  description:
    'Fetches the newest products of a burst from a store into OUTPUT/old, runs a pipeline on the frames into OUTPUT/work, and ' +
    'fills the same products anew in OUTPUT/new. differences.csv and differences.json tell every value that the old and ' +
    'the new products hold, candidates being matched by their positions; pictures/ has the images and the surroundings of each ' +
    'candidate side by side with their difference, and blinking (animated PNG) where --before names the output of the earlier ' +
    'pipeline; index.html shows it all. Called again, it makes only what is missing or has changed.\n\n' +
    'Nothing is sent before `reprocess --approve OUTPUT`: it refuses (exit code 4) when anything has changed since the report, ' +
    'here or in the store, and then sends the new products. They carry the next version (PROC_VER, MY_VERS, _v2 in the name) ' +
    'and the SHA-256 of the product that each takes the place of (NP_REPL); the store keeps the old ones.\n\n' +
    '--input may also name the output of an earlier pipeline: its raw frames are taken again, or its reduced frames where ' +
    'the raw ones are gone, and it serves as --before.',
  examples: [
    {
      run: 'reprocess --burst sb22020379 --store http://127.0.0.1:5000 --input raw/20220203 --pipeline svom-new/ -r again/',
      doc: 'run and compare; then look at again/index.html',
    },
    { run: 'reprocess --approve again/ --key-file key.txt', doc: 'publish what was looked at' },
    {
      run: 'reprocess --burst sb22020379 --store http://127.0.0.1:5000 --input reduced/20220203 --pipeline svom-new/ -r again/',
      doc: 'with the images of the earlier pipeline beside the new ones',
    },
  ],
  schema,
  flags: {
    burst: { type: 'text', doc: 'identity of the burst', placeholder: 'ID', config: 'burst.id' },
    observation: { type: 'text', doc: 'which of its observations', placeholder: 'ID', config: 'burst.observation' },
    store: { type: 'text', doc: 'the store of products', placeholder: 'URL', config: 'store.url' },
    'key-file': { type: 'text', doc: 'file with the key of the store', placeholder: 'FILE', config: 'store.key file' },
    pipeline: {
      type: 'text',
      doc: 'the changed pipeline: folder of its configuration, or a shipped one',
      placeholder: 'DIR',
      config: 'pipeline.config',
    },
    before: {
      type: 'text',
      doc: 'output of the earlier pipeline, whose images are compared',
      placeholder: 'DIR',
      config: 'pipeline.before',
    },
    'before-pipeline': {
      type: 'text',
      doc: 'the earlier pipeline, to be run again for its images',
      placeholder: 'DIR',
      config: 'pipeline.before config',
    },
    approve: { type: 'text', doc: 'publish the products of this folder, as its report shows them', placeholder: 'DIR' },
  },
  measurements: [],
  tables: [differencesTable, publishedTable],
  inputs: 'optional',
  outputFolder: (_, { approve }) => (typeof approve === 'string' ? approve : undefined),
  conduct,
})
