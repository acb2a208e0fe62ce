import { defineCommand } from '@nightpipe/command'
import { inTree, openTree, treeFlags, treeOf } from '@nightpipe/spectrographs'
import { enterVelocities } from './enter.js'
import { measureExposure } from './job.js'
import { planVelocities } from './plan.js'
import { schema } from './schema.js'

/** Extracted spectra with wavelengths to radial velocities at the barycentre of the Solar System. */
export const rv = defineCommand({
  name: 'rv',
  summary: 'barycentric correction and radial velocities of extracted spectra',
  description:
    'The velocity of each star in exposures that wavelength has calibrated. All orders are compared with a template at once, by ' +
    'least squares with a polynomial for the continuum of each, until the velocity stands still; only then are pixels set aside that ' +
    'the template cannot explain. Without a template the lines of a mask are averaged. The middle of the exposure is that of its ' +
    'light, as the exposure meter saw it; the barycentric correction (Wright & Eastman 2014) is good to 1 cm/s. The answer is the ' +
    'file <name>-1d.fits again, with RV, RVERR, BARYCORR and TCORR in its header and tables of orders, correlation and mean line.',
  examples: [
    {
      run: 'rv -s spectra/ -r velocities/ --template ZERO.fits',
      doc: 'all -1d files of a folder, against one template',
    },
    {
      run: 'rv -s spectra/ -r velocities/ --mask G2.mas --set "velocity.mask medium=air"',
      doc: 'with a mask in air wavelengths',
    },
    {
      run: 'rv -s temp/wave --root /data --site cpt --nres-instrument nres03',
      doc: 'in the tree of a spectrograph: the template of each star is chosen from zeros.csv, rv.csv gets a row',
    },
  ],
  schema,
  flags: {
    ...treeFlags,
    template: {
      type: 'text',
      doc: 'template of velocity (ZERO file)',
      placeholder: 'FILE',
      config: 'velocity.template',
    },
    mask: { type: 'text', doc: 'lines of a mask', placeholder: 'FILE', config: 'velocity.mask' },
    targets: {
      type: 'text',
      doc: 'catalogue of stars (targets.csv)',
      placeholder: 'FILE',
      config: 'barycentre.targets',
    },
  },
  measurements: [
    { name: 'star', doc: 'its name', type: 'text' },
    { name: 'fibre', doc: 'that it is in', type: 'integer' },
    { name: 'by', doc: 'template or mask', type: 'text' },
    { name: 'template', doc: 'file of the template', type: 'text' },
    { name: 'rv_m_s', unit: 'm/s', doc: 'radial velocity, barycentric: c z' },
    { name: 'rv_error_m_s', unit: 'm/s', doc: 'one sigma of it' },
    { name: 'photon_limit_m_s', unit: 'm/s', doc: 'what the photons alone would allow' },
    { name: 'measured_m_s', unit: 'm/s', doc: 'c z as seen' },
    { name: 'barycentric_m_s', unit: 'm/s', doc: 'barycentric correction, c z' },
    { name: 'bjd_tdb', unit: 'd', doc: 'flux-weighted middle at the barycentre' },
    { name: 'middle_mjd', unit: 'd', doc: 'flux-weighted middle, UTC' },
    {
      name: 'meter_readings',
      doc: 'readings of the exposure meter that counted; 0: the middle by the clock',
      type: 'integer',
    },
    { name: 'place_from', doc: 'where the coordinates are from', type: 'text' },
    { name: 'orders', doc: 'orders that gave the velocity', type: 'integer' },
    { name: 'jitter_m_s', unit: 'm/s', doc: 'scatter of orders beyond their errors' },
    { name: 'clipped', doc: 'pixels set aside', type: 'integer' },
    { name: 'ccf_height', doc: 'height of the correlation, 0 to 1' },
    { name: 'line_fwhm_m_s', unit: 'm/s', doc: 'full width of the mean line' },
    { name: 'line_contrast', doc: 'depth of the mean line' },
    { name: 'bisector_span_m_s', unit: 'm/s', doc: 'of the mean line' },
    { name: 'rv2_m_s', unit: 'm/s', doc: 'of a second star, in another fibre' },
    { name: 'rv2_error_m_s', unit: 'm/s', doc: 'one sigma of it' },
    {
      name: 'template_m_s',
      unit: 'm/s',
      doc: 'one sigma of the template, the same for all that is compared with it; not in the error',
    },
    { name: 'rv_total_error_m_s', unit: 'm/s', doc: 'one sigma of the velocity, that of the template included' },
    { name: 'second_lines_m_s', unit: 'm/s', doc: 'c z as seen of a second set of lines: a double star; empty: none' },
    { name: 'second_lines_part', doc: 'their correlation, over that of the star' },
  ],
  recognises: true,
  parallel: 'jobs',
  bytesPerThread: 16 * 2 ** 20,
  plan: planVelocities,
  job: measureExposure,
  outputFolder(_config, flags) {
    const tree = treeOf(flags)
    return tree && inTree(tree, 'spec')
  },
  async finish({ flags }, rows, plan) {
    const tree = openTree(flags)
    const done = new Set(rows.filter(({ status }) => status === 'done').map(({ input }) => input))
    const made = plan.jobs.filter(({ inputs }) => done.has(inputs[0]!))
    if (tree) await enterVelocities(tree, made)
    return { ok: true, reasons: [], products: made.flatMap(({ products }) => products.slice(1)) }
  },
})
