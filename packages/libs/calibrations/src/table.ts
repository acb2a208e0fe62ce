import { defineTable, type RowOf } from '@nightpipe/table'

/** The state of a folder of masters: one row per master, beside the masters. */
export const CALIBRATIONS_FILE = 'calibrations.csv'

export const calibrationsTable = defineTable({
  name: 'calibrations',
  columns: [
    { name: 'filename', type: 'text', doc: 'the master, relative to this table', required: true },
    { name: 'type', type: 'text', doc: 'bias, dark, flat or arc', required: true },
    { name: 'instrument', type: 'text', doc: 'instrument, by its canonical name', required: true },
    { name: 'camera', type: 'text', doc: 'detector, where the header tells it apart from the instrument' },
    { name: 'site', type: 'text', doc: 'site code' },
    { name: 'filter', type: 'text', doc: 'filter, by its canonical name' },
    { name: 'binning', type: 'text', doc: 'binning, columns x rows', required: true },
    { name: 'readmode', type: 'text', doc: 'read-out mode' },
    { name: 'width_px', type: 'integer', doc: 'columns of the master', required: true },
    { name: 'height_px', type: 'integer', doc: 'rows of the master', required: true },
    { name: 'exposure_s', type: 'number', doc: 'exposure that the values are for: 1 for a dark per second', unit: 's' },
    { name: 'depth_s', type: 'number', doc: 'exposure of all its frames together', unit: 's' },
    { name: 'navg', type: 'integer', doc: 'frames combined; 1 is a single frame', required: true },
    { name: 'jd', type: 'number', doc: 'Julian date (UTC) of the start of the first frame', unit: 'd' },
    { name: 'date', type: 'text', doc: 'the same as ISO 8601' },
    { name: 'mean', type: 'number', doc: 'mean of the good pixels' },
    { name: 'median', type: 'number', doc: 'median of the good pixels' },
    { name: 'rms', type: 'number', doc: 'clipped standard deviation of the good pixels' },
    { name: 'unit', type: 'text', doc: 'unit of mean, median and rms' },
    { name: 'gain_e', type: 'number', doc: 'gain measured by photon transfer, or of the header', unit: 'e/adu' },
    { name: 'readnoise_e', type: 'number', doc: 'read noise measured on pairs, or of the header', unit: 'e' },
    { name: 'flags', type: 'text', doc: 'four characters: 0 usable or 1 not; unused; fibres; unused', required: true },
    { name: 'np_id', type: 'text', doc: 'digest of inputs, configuration and version' },
  ],
  key: ['filename'],
  sort: ['type', 'instrument', 'filter', 'binning', 'jd', 'filename'],
})

/** One master. Missing is undefined, never 0. */
export type CalibrationRow = RowOf<typeof calibrationsTable>
