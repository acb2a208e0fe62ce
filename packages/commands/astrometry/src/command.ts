import { defineCommand } from '@nightpipe/command'
import { solveJob, solveOneTask, solveTask } from './job.js'
import { planAstrometry } from './plan.js'
import { schema } from './schema.js'

/** Plate solutions of frames from a local catalogue, with distortion. */
export const astrometry = defineCommand({
  name: 'astrometry',
  summary: 'plate solutions of frames from a local catalogue, with distortion',
  description:
    'Finds out where frames are on the sky, from the pattern of their stars, and writes it into their headers: TAN, with SIP ' +
    'or TPV distortion where the stars call for it. It needs a catalogue of reference stars on this machine: make one with ' +
    '`catalogue import` from a file that you have, or with `catalogue fetch` from VizieR or Gaia. A rough pointing and the size ' +
    'of a pixel are taken from the header, or from [pointing]; with radius = 180 no pointing is needed. Frames may be turned ' +
    'and mirrored. A solution is written only if chance cannot have made it; else the report says what was tried. Inputs may ' +
    'also be the tables of findstars (<stem>.cat.fits), which then get RA and DEC.',
  examples: [
    { run: 'astrometry --input reduced/ --output solved/ --set catalogue.folder=gaia/', doc: 'all frames of a night' },
    {
      run: 'astrometry -s m67.fits -r solved --set catalogue.folder=tycho2/ --set pointing.ra=08:51:18 --set pointing.dec=11:48 --set pointing.scale=1.2',
      doc: 'a frame whose header knows nothing',
    },
    {
      run: 'astrometry -s sky.fits -r solved --set catalogue.folder=tycho2/ --set pointing.radius=180 --set pointing.scale=20,60',
      doc: 'anywhere in the sky',
    },
    {
      run: 'astrometry -s night/ -r solved --solver astrometry.net',
      doc: 'by an installed solve-field and its index files',
    },
  ],
  schema,
  flags: {
    solver: {
      type: 'text',
      doc: 'own, or astrometry.net',
      choices: ['own', 'astrometry.net'],
      placeholder: 'NAME',
      config: 'solver.method',
    },
    catalogue: {
      type: 'text',
      doc: 'folder or file of reference stars',
      placeholder: 'PATH',
      config: 'catalogue.folder',
    },
  },
  measurements: [
    { name: 'stars', doc: 'stars of the frame that were offered', type: 'integer' },
    { name: 'references', doc: 'stars of the catalogue around it', type: 'integer' },
    { name: 'matched', doc: 'stars in the fit', type: 'integer' },
    { name: 'rms_arcsec', unit: 'arcsec', doc: 'rms of their residuals along an axis' },
    { name: 'rms_px', unit: 'px', doc: 'the same' },
    { name: 'order', doc: 'order of the polynomials; 1: no distortion', type: 'integer' },
    { name: 'ra_deg', unit: 'deg', doc: 'right ascension of the middle of the frame' },
    { name: 'dec_deg', unit: 'deg', doc: 'declination of it' },
    { name: 'scale_arcsec', unit: 'arcsec', doc: 'size of a pixel' },
    { name: 'turn_deg', unit: 'deg', doc: 'the y axis, from north through east' },
    { name: 'hand', doc: 'normal (east left of north), or mirrored', type: 'text' },
    { name: 'offset_deg', unit: 'deg', doc: 'distance from where the frame was said to be' },
    { name: 'log_false', doc: 'log10 of the matches as good as this that chance is expected to make' },
  ],
  parallel: 'both',
  helpers: true,
  plan: planAstrometry,
  job: solveJob,
  tasks: { solve: solveTask, solveOne: solveOneTask },
})
