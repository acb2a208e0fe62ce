import { calibrationsTable } from '@nightpipe/calibrations'
import { defineCommand } from '@nightpipe/command'
import { combineRows } from './combine-rows.js'
import { examineFrame } from './examine.js'
import { makeMaster } from './make-master.js'
import { rescaleRows } from './normalise.js'
import { planMasters } from './plan.js'
import { registerMasters } from './register.js'
import { schema } from './schema.js'
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
    'All masters are registered in calibrations.csv beside them.',
  examples: [
    { run: 'stack-calibrations --input raw/ --output masters/', doc: 'all that the folder holds' },
    {
      run: 'stack-calibrations --input raw/ --output masters/ --type bias --start 2017-12-16T08:00:00 --end 2017-12-17T08:00:00',
      doc: 'the biases of one day',
    },
  ],
  schema,
  flags: {
    type: {
      type: 'text',
      doc: 'only this type of calibration: bias, dark, flat or arc',
      placeholder: 'TYPE',
      config: 'select.types',
    },
    'calibration-type': {
      type: 'text',
      doc: 'the same as --type',
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
    { name: 'saturated', doc: 'fraction of the pixels that is saturated' },
    { name: 'stars', doc: 'fraction of the pixels that stand out as stars do' },
    { name: 'gain_e_adu', doc: 'gain measured on the frames of this master', unit: 'e/adu' },
    { name: 'readnoise_e', doc: 'read noise measured on the frames of this master', unit: 'e' },
  ],
  tables: [calibrationsTable],
  parallel: 'strips',
  plan: planMasters,
  job: makeMaster,
  tasks: { examineFrame, comparePair, combineRows, rescaleRows },
  finish: registerMasters,
})
