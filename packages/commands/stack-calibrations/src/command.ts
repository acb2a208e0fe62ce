import { calibrationsTable } from '@nightpipe/calibrations'
import { defineCommand, type Job } from '@nightpipe/command'
import { inTree, treeFlags, treeOf } from '@nightpipe/spectrographs'
import { combineRows } from './combine-rows.js'
import { combineSpectra } from './combine-spectra.js'
import { examineFrame, readToEnd } from './examine.js'
import { extractLamp } from './extract-lamp.js'
import { makeMaster } from './make-master.js'
import { rescaleRows } from './normalise.js'
import { type MasterJob, planMasters } from './plan.js'
import { registerMasters } from './register.js'
import { schema } from './schema.js'
import { lendMemory, readShared, shareRows } from './share-rows.js'
import type { SpectraJob } from './spectra-job.js'
import { comparePair } from './transfer.js'

/** Individual calibrations to masters: sorted into groups, checked, combined, registered. */
export const stackCalibrations = defineCommand({
  name: 'stack-calibrations',
  summary: 'individual bias, dark and flat frames combined into masters, per type, instrument, filter and binning',
  description:
    'Sorts the frames of a folder into groups (type, instrument, filter for flats, binning, read-out mode, exposure time ' +
    'for darks) and makes one master of each: overscan subtracted and trimmed, bias from darks and flats, darks scaled to ' +
    'one second, flats divided by their own level, then combined with outliers rejected by the noise expected of each ' +
    'pixel. Frames that would spoil a master are set aside, and the report says why. A master holds the image, ERR (one ' +
    'sigma) and MASK (hot, dead, low response), its statistics, and the read noise and gain measured on pairs of frames. ' +
    'All masters are registered in calibrations.csv beside them. In the tree of a spectrograph (--root, --site, ' +
    '--nres-instrument, or --tree) singles of csv/standards.csv between --start and --end are stacked, or raw frames: those ' +
    'of --input, or of the folders of the days; masters get their rows there. Raw flats of a pair of fibres become one image ' +
    'first, whose orders are extracted once.',
  examples: [
    { run: 'stack-calibrations --input raw/ --output masters/', doc: 'all that the folder holds' },
    {
      run: 'stack-calibrations --input raw/ --output masters/ --type bias --start 2017-12-16T08:00:00 --end 2017-12-17T08:00:00',
      doc: 'the biases of one day',
    },
    {
      run: 'stack-calibrations --tree reduced/ --calibration-type FLAT --start 2019-04-05T08:00:00 --end 2019-04-06T08:00:00 -s raw/',
      doc: 'raw flats of a spectrograph to its master flat, by the traces of its tree',
    },
    {
      run: 'stack-calibrations --root /archive --site cpt --nres-instrument nres03 --camera fl13 --calibration-type BIAS --start 2017-12-01T08:00:00 --end 2017-12-19T08:00:00 --days',
      doc: 'in the tree of a spectrograph: a master bias of each of 18 days',
    },
  ],
  schema,
  outputFolder(_config, flags) {
    const tree = treeOf(flags)
    return tree && inTree(tree, 'temp', 'stack')
  },
  inputs: 'optional',
  flags: {
    ...treeFlags,
    days: {
      type: 'flag',
      doc: 'in a tree: successive windows of one day each between --start and --end, a master for each',
    },
    type: {
      type: 'text',
      doc: 'only this type of calibration: bias, dark, flat or arc',
      placeholder: 'TYPE',
      config: 'select.types',
    },
    'calibration-type': {
      type: 'text',
      doc: 'the same as --type; in a tree BIAS, DARK, FLAT, ARC or TEMPLATE',
      placeholder: 'TYPE',
      config: 'select.types',
    },
    start: {
      type: 'text',
      doc: 'only frames taken at or after this date (UTC)',
      placeholder: 'DATE',
      config: 'select.start',
    },
    end: {
      type: 'text',
      doc: 'only frames taken at or before this date (UTC)',
      placeholder: 'DATE',
      config: 'select.end',
    },
    site: { type: 'text', doc: 'only frames of this site', placeholder: 'SITE', config: 'select.site' },
    camera: { type: 'text', doc: 'only frames of this camera', placeholder: 'CAMERA', config: 'select.camera' },
    instrument: {
      type: 'text',
      doc: 'only frames of this instrument',
      placeholder: 'NAME',
      config: 'select.instrument',
    },
    target: { type: 'text', doc: 'only frames of this target', placeholder: 'NAME', config: 'select.target' },
  },
  measurements: [
    { name: 'type', doc: 'type of the frame', type: 'text' },
    { name: 'filter', doc: 'filter', type: 'text' },
    { name: 'exposure_s', doc: 'exposure time', unit: 's' },
    { name: 'overscan_adu', doc: 'level of the overscan', unit: 'adu' },
    { name: 'level_adu', doc: 'median above the overscan', unit: 'adu' },
    { name: 'noise_adu', doc: 'pixel-to-pixel noise', unit: 'adu' },
    { name: 'fibres', doc: 'fibres of a spectrograph that the master has', type: 'text' },
    { name: 'verdict', doc: 'of the check of a master flat of spectra: 1 is good', type: 'integer' },
    { name: 'saturated', doc: 'fraction of the pixels that is saturated' },
    { name: 'stars', doc: 'fraction of the pixels that stand out as stars do' },
    { name: 'gain_e_adu', doc: 'gain measured on the frames of this master', unit: 'e/adu' },
    { name: 'readnoise_e', doc: 'read noise measured on the frames of this master', unit: 'e' },
  ],
  tables: [calibrationsTable],
  parallel: 'strips',
  plan: planMasters,
  job: (job, tools) =>
    'group' in job.params ? makeMaster(job as Job<MasterJob>, tools) : combineSpectra(job as Job<SpectraJob>, tools),
  tasks: {
    examineFrame,
    comparePair,
    combineRows,
    lendMemory,
    shareRows,
    readShared,
    rescaleRows,
    readToEnd,
    extractLamp,
  },
  finish: registerMasters,
})
