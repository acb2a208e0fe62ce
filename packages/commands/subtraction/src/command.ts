import { defineCommand } from '@nightpipe/command'
import { joinEpochs } from './finish.js'
import { planSubtraction } from './plan.js'
import { schema } from './schema.js'
import { subtractFrame, tasks } from './subtract.js'
import { candidatesTable, lightCurvesTable, moversTable } from './tables.js'

/** New frames minus a reference, and the candidates in the differences. */
export const subtraction = defineCommand({
  name: 'subtraction',
  summary: 'new frames minus a reference: difference, significance, and a list of vetted candidates',
  description:
    'Takes a reference, or template, off each frame: by a matching kernel that changes over the field (Alard & Lupton), ' +
    'with the noise made white again, or by proper subtraction (ZOGY). The reference is brought onto the grid of the ' +
    'frame where it does not lie there already. Products of a frame: the difference with ERR and MASK (<stem>.diff.fits), ' +
    'the significance of a point source at each pixel (<stem>.score.fits) and the candidates with their stamps ' +
    '(<stem>.candidates.fits). What speaks against a candidate is said with it: edge, masked, saturated, dipole, residual ' +
    'of a bright star, cosmic ray, shape, seam, trail, dark. Over all frames of the output folder: candidates.csv, lightcurves.csv (each ' +
    'source in every difference, with upper limits apart) and movers.csv (what moves from epoch to epoch).',
  examples: [
    {
      run: 'subtraction -s new/ -r diff/ --set reference.file=template.fits',
      doc: 'frames of a folder minus one frame',
    },
    { run: 'subtraction -s reduced/ -r diff/ --set reference.best=yes', doc: 'minus the best frame of each field' },
    {
      run: 'subtraction -s new.fits -r diff/ --set reference.file=templates/ --set subtraction.method=zogy',
      doc: 'the template of the field and filter, by proper subtraction',
    },
  ],
  schema,
  measurements: [
    { name: 'reference', type: 'text', doc: 'what was subtracted' },
    { name: 'registration', type: 'text', doc: 'how it came onto the grid of the frame' },
    { name: 'registration_px', unit: 'px', doc: 'rms of the stars after registration' },
    { name: 'seeing_px', unit: 'px', doc: 'FWHM of the frame' },
    { name: 'reference_seeing_px', unit: 'px', doc: 'FWHM of the reference' },
    { name: 'convolved', type: 'text', doc: 'which image the kernel was applied to' },
    { name: 'stamps', type: 'integer', doc: 'stamps that the kernel was fitted to' },
    { name: 'ratio', doc: 'flux in the frame over flux in the reference' },
    { name: 'chi2', doc: 'median reduced chi² of the stamps' },
    { name: 'noise_ratio', doc: 'noise of the difference over its expectation' },
    { name: 'score_sigma', doc: 'scatter of the score before it was normalised' },
    { name: 'candidates', type: 'integer', doc: 'candidates' },
    { name: 'rejected', type: 'integer', doc: 'candidates rejected' },
    { name: 'ratio_low', doc: 'ratio where least light came through; only where it differs over the field: clouds' },
    { name: 'ratio_high', doc: 'ratio where most light came through, likewise' },
  ],
  tables: [candidatesTable, lightCurvesTable, moversTable],
  parallel: 'both',
  plan: planSubtraction,
  job: subtractFrame,
  tasks,
  finish: joinEpochs,
})
