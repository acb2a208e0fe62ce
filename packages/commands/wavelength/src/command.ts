import { defineCommand, type Plan, type Row } from '@nightpipe/command'
import { addStandards, inTree, openTree, type Tree, treeFlags, treeOf } from '@nightpipe/spectrographs'
import { writeLineFeedback } from './feedback.js'
import { addWavelengths } from './job.js'
import { planWavelengths, type WavelengthJob } from './plan.js'
import { schema } from './schema.js'

/** Wavelengths of extracted spectra, from arcs and a line list, with the drift of each exposure. */
export const wavelength = defineCommand({
  name: 'wavelength',
  summary: 'wavelengths of extracted spectra, from arcs and a line list, with the drift of each exposure',
  description:
    'Takes the -1d files of extract, arcs and exposures alike. The lines of each arc are found, identified (with the rough numbers ' +
    'of the profile, or with none) and fitted; a solution counts only when lines that it never saw are where it says. Exposures ' +
    'get the wavelengths of the arcs before and after, moved by what their own lamp fibre shows to have drifted since. Every ' +
    'product is the same file with the columns wavelength (vacuum, Angstrom) and wavelength_air; arcs also keep their solution ' +
    'and lines (WAVESOL, ARCLINES), a figure of residuals, and in a tree THAR and TRIP. wavelength-lines.csv tells how good each ' +
    'line of the list is.',
  examples: [
    { run: 'wavelength -s spectra/ -r solved/', doc: 'all arcs and exposures of a folder' },
    {
      run: 'wavelength -s star-1d.fits -r solved/ --arc solved/arc-1d.fits',
      doc: 'with an arc that was solved before',
    },
    {
      run: 'wavelength -s temp/extr --root /data --site cpt --nres-instrument nres03',
      doc: 'in the tree of a spectrograph: arcs are entered and chosen there',
    },
  ],
  schema,
  flags: {
    ...treeFlags,
    arc: { type: 'list', doc: 'arcs besides those among the inputs: solved before, or spectra', placeholder: 'FILE' },
    'line-list': {
      type: 'text',
      doc: 'list of lines: a name of configs/lines, or a file',
      placeholder: 'FILE',
      config: 'lines.list',
    },
  },
  measurements: [
    { name: 'fibres', doc: 'that have wavelengths', type: 'text' },
    { name: 'found', doc: 'lines found in an arc', type: 'integer' },
    { name: 'lines', doc: 'lines fitted', type: 'integer' },
    { name: 'rms_angstrom', unit: 'Angstrom', doc: 'scatter of the lines, best fibre' },
    { name: 'rms_m_s', unit: 'm/s', doc: 'the same as velocity' },
    { name: 'precision_m_s', unit: 'm/s', doc: 'the same over the root of the number of lines (RVPRECSN)' },
    { name: 'terms', doc: 'of the polynomial', type: 'integer' },
    { name: 'first_order', doc: 'diffraction order of index 0', type: 'integer' },
    { name: 'way', doc: 'how lines were identified', type: 'text' },
    { name: 'drift_m_s', unit: 'm/s', doc: 'of the exposure since its arc' },
    { name: 'drift_error_m_s', unit: 'm/s', doc: 'one sigma of it' },
    { name: 'drift_lines', doc: 'lines it was measured by', type: 'integer' },
    { name: 'arc_age_days', unit: 'day', doc: 'from the nearest arc' },
  ],
  recognises: true,
  parallel: 'jobs',
  bytesPerThread: 16 * 2 ** 20,
  plan: planWavelengths,
  job: addWavelengths,
  outputFolder(_config, flags) {
    const tree = treeOf(flags)
    return tree && inTree(tree, 'temp', 'wave')
  },
  async finish({ flags, output }, rows, plan) {
    const tree = openTree(flags)
    const done = new Set(rows.filter(({ status }) => status === 'done').map(({ input }) => input))
    const made = plan.jobs.filter(({ inputs }) => done.has(inputs[0]!))
    if (tree) await enterTriples(tree, rows, plan)
    const feedback = writeLineFeedback(output, plan)
    return {
      ok: true,
      reasons: [],
      products: [...made.flatMap(({ products }) => products.slice(1)), ...(feedback ? [feedback] : [])],
    }
  },
})

/** Enters the TRIP files of a run in standards.csv. */
async function enterTriples(tree: Tree, rows: readonly Row[], { jobs }: Plan<WavelengthJob>): Promise<void> {
  const done = new Set(rows.filter(({ status }) => status === 'done').map(({ input }) => input))
  const entries = jobs
    .filter(({ inputs, params }) => params.kind === 'arc' && done.has(inputs[0]!))
    .flatMap(({ products, params: { arc, camera, start } }) => {
      const path = products.find((one) => /[/\\]TRIP[^/\\]*\.fits$/.test(one))
      if (!path) return []
      const fibres = arc!.solutions.map(({ fibre }) => fibre)
      return [{ type: 'TRIPLE' as const, path, averaged: 2, camera: camera ?? tree.camera, mjd: start + 0.001, fibres }]
    })
  await addStandards(tree, entries)
}
