import { defineCommand } from '@nightpipe/command'
import { inTree, treeFlags, treeOf } from '@nightpipe/spectrographs'
import { enterSingles } from './enter-singles.js'
import { planReduction } from './plan.js'
import { reduceFrame } from './reduce.js'
import { schema } from './schema.js'

/** Raw frames to calibrated frames, each with its error and mask. */
export const reduction = defineCommand({
  name: 'reduction',
  summary: 'raw frames to calibrated frames: bias, dark, flat, bad pixels, cosmic rays, errors',
  description:
    'Takes the overscan and the bias off, cuts to the light-sensitive part, makes counts proportional to light, takes the ' +
    'dark off and divides by the flat. Saturated pixels (with what they spilled over) and cosmic rays are marked, and ' +
    'every pixel gets its error. Products keep the name of their raw frame: the image, ERR (one sigma) and MASK. Masters ' +
    'are those that the configuration names, or are chosen from a folder of masters by instrument, filter, binning and ' +
    'date, or are made of the calibration frames among the inputs. Calibration frames are not reduced themselves.',
  examples: [
    { run: 'reduction --input raw/ --output reduced/', doc: 'a night: masters are made of its calibration frames' },
    {
      run: 'reduction --input raw/ --output reduced/ --set calibration.folder=masters/',
      doc: 'with masters that stack-calibrations made',
    },
    {
      run: 'reduction --input raw/ --root /archive --site cpt --nres-instrument nres03',
      doc: 'a night of a spectrograph, into its tree',
    },
    { run: 'reduction --config reduction.cfg', doc: 'all that the file says: inputs, output, masters' },
  ],
  schema,
  flags: {
    ...treeFlags,
    traces: {
      ...{ type: 'text', placeholder: 'FILE', config: 'scattered light.traces' },
      doc: 'where the orders of a spectrograph are: scattered light between them is taken off',
    },
  },
  outputFolder(_config, flags) {
    const tree = treeOf(flags)
    return tree && inTree(tree, 'temp', 'red')
  },
  measurements: [
    { name: 'instrument', doc: 'instrument', type: 'text' },
    { name: 'filter', doc: 'filter', type: 'text' },
    { name: 'object', doc: 'object', type: 'text' },
    { name: 'exposure_s', doc: 'exposure time', unit: 's' },
    { name: 'sky', doc: 'sky level, in the unit of the frame' },
    { name: 'sky_sigma', doc: 'noise of a pixel of the sky, in the unit of the frame' },
    { name: 'pattern', doc: 'factor of the pattern of the sky that was taken off' },
    { name: 'overscan_adu', doc: 'level of the (first) overscan', unit: 'adu' },
    { name: 'gain_e_adu', doc: 'gain used', unit: 'e/adu' },
    { name: 'readnoise_e', doc: 'read noise used', unit: 'e' },
    { name: 'saturated', doc: 'pixels saturated, or that saturated ones spilled over', type: 'integer' },
    { name: 'cosmic', doc: 'pixels hit by cosmic rays', type: 'integer' },
    { name: 'star_fwhm_px', doc: 'width of the stars that cosmic rays were told from', unit: 'px' },
    { name: 'compared', doc: 'other frames of the field that it was compared with', type: 'integer' },
    { name: 'scattered', doc: 'scattered light between the orders, median, in the unit of the frame' },
    { name: 'traces', doc: 'where its orders are', type: 'text' },
    { name: 'only_here', doc: 'pixels flagged because no other frame has them', type: 'integer' },
    { name: 'streak_px', doc: 'length of the longest of them: a satellite, where it is long', unit: 'px' },
    { name: 'bias', doc: 'master bias', type: 'text' },
    { name: 'bias_age_d', doc: 'frame minus master bias', unit: 'd' },
    { name: 'dark', doc: 'master dark', type: 'text' },
    { name: 'dark_age_d', doc: 'frame minus master dark', unit: 'd' },
    { name: 'flat', doc: 'master flat', type: 'text' },
    { name: 'flat_age_d', doc: 'frame minus master flat', unit: 'd' },
  ],
  // one frame alone is reduced in this thread: to start another would take longer than it saves
  parallel: 'both',
  bytesPerThread: 64 * 2 ** 20,
  overlap: true,
  plan: planReduction,
  job: reduceFrame,
  finish: enterSingles,
})
