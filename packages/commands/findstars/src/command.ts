import { defineCommand } from '@nightpipe/command'
import { findInFrame } from './find-in-frame.js'
import { planFinding } from './plan.js'
import { schema } from './schema.js'

/** Background, detection, deblending, shapes and fluxes: a catalogue of the stars of each frame. */
export const findstars = defineCommand({
  name: 'findstars',
  summary: 'background, detection, deblending, shapes and fluxes: a catalogue of the stars of each frame',
  description:
    'Finds the stars of calibrated frames of any tool and measures them. The background is taken off by meshes, the ' +
    'image filtered with the profile of its own stars, and connected pixels split where several stars touch. Each star ' +
    'gets its windowed centroid, shape, total flux in an ellipse and fluxes in circles, with errors: from the ERR plane ' +
    'of the frame, or from the noise of the sky and the gain. Masked pixels count for nothing. Products are tables, ' +
    '<stem>.cat.fits, on request also CSV, VOTable and DS9 regions. Frames that fail a rule of [quality] are set aside.',
  examples: [
    { run: 'findstars --input reduced/ --output stars/', doc: 'all frames of a folder' },
    {
      run: 'findstars -s m67.fits -r stars --set detection.threshold=10 --set products.formats=regions',
      doc: 'the brighter stars of a frame, also as regions for DS9',
    },
    {
      run: 'findstars -s m67.fits -r stars --set detection.method=sextractor --set products.names=sextractor',
      doc: 'as SExtractor does it, with its names',
    },
  ],
  schema,
  measurements: [
    { name: 'stars', doc: 'stars found', type: 'integer' },
    { name: 'good', doc: 'those of them that tell the quality: bright, whole, alone', type: 'integer' },
    { name: 'seeing_px', unit: 'px', doc: 'median full width at half maximum' },
    { name: 'ellipticity', doc: 'ellipticity of the profile: 1 - 1 / elongation' },
    { name: 'elongation', doc: 'median axis ratio of the profile of the stars' },
    { name: 'theta_kurtosis', doc: 'excess kurtosis of the position angles: -1.2 when even, high when trailed' },
    { name: 'sky', doc: 'median background, unit of the frame' },
    { name: 'sky_sigma', doc: 'noise of a pixel of the sky, unit of the frame' },
    { name: 'limit_mag', unit: 'mag', doc: 'instrumental magnitude of a point source at the threshold' },
    { name: 'peak', doc: 'highest pixel of a star above the background, unit of the frame' },
  ],
  parallel: 'both',
  helpers: true,
  plan: planFinding,
  job: findInFrame,
})
