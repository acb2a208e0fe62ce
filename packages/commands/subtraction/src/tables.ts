import { defineTable, type RowOf } from '@nightpipe/table'

/** Every candidate of every frame of the output folder. */
export const candidatesTable = defineTable({
  name: 'candidates',
  columns: [
    { name: 'frame', type: 'text', doc: 'stem of the frame', required: true },
    { name: 'number', type: 'integer', doc: 'number in its table of candidates', required: true },
    { name: 'reference', type: 'text', doc: 'what was subtracted', required: true },
    { name: 'mjd', type: 'number', unit: 'd', doc: 'middle of the exposure (UTC)' },
    { name: 'filter', type: 'text', doc: 'filter' },
    { name: 'ra_deg', type: 'number', unit: 'deg', doc: 'right ascension' },
    { name: 'dec_deg', type: 'number', unit: 'deg', doc: 'declination' },
    { name: 'x_px', type: 'number', unit: 'px', doc: 'column in the frame, from 1', required: true },
    { name: 'y_px', type: 'number', unit: 'px', doc: 'row in the frame, from 1', required: true },
    { name: 'x_ref_px', type: 'number', unit: 'px', doc: 'column in the reference, from 1', required: true },
    { name: 'y_ref_px', type: 'number', unit: 'px', doc: 'row in the reference, from 1', required: true },
    { name: 'score', type: 'number', unit: 'sigma', doc: 'significance, with the sign of the flux', required: true },
    { name: 'flux', type: 'number', doc: 'new minus reference, unit of the frame' },
    { name: 'flux_error', type: 'number', doc: 'one sigma' },
    { name: 'mag', type: 'number', unit: 'mag', doc: 'magnitude of the flux' },
    { name: 'mag_error', type: 'number', unit: 'mag', doc: 'one sigma' },
    { name: 'kind', type: 'text', doc: 'new, variable or faded' },
    { name: 'good', type: 'flag', doc: 'nothing speaks against it', required: true },
    { name: 'reasons', type: 'text', doc: 'what does' },
    { name: 'source', type: 'text', doc: 'the source of lightcurves.csv that it belongs to' },
    { name: 'mover', type: 'text', doc: 'the moving object of movers.csv that it belongs to' },
  ],
  key: ['frame', 'number'],
})
export type CandidateRow = RowOf<typeof candidatesTable>

/** The light of each source in every difference, found there or not. */
export const lightCurvesTable = defineTable({
  name: 'lightcurves',
  columns: [
    { name: 'source', type: 'text', doc: 'name of the source, by its place', required: true },
    { name: 'frame', type: 'text', doc: 'stem of the frame', required: true },
    { name: 'mjd', type: 'number', unit: 'd', doc: 'middle of the exposure (UTC)' },
    { name: 'filter', type: 'text', doc: 'filter' },
    { name: 'ra_deg', type: 'number', unit: 'deg', doc: 'right ascension' },
    { name: 'dec_deg', type: 'number', unit: 'deg', doc: 'declination' },
    { name: 'flux', type: 'number', doc: 'new minus reference, unit of the frame' },
    { name: 'flux_error', type: 'number', doc: 'one sigma' },
    { name: 'mag', type: 'number', unit: 'mag', doc: 'where it is detected and the zero point known' },
    { name: 'mag_error', type: 'number', unit: 'mag', doc: 'one sigma' },
    { name: 'upper_limit_mag', type: 'number', unit: 'mag', doc: 'where it is not detected' },
    { name: 'detected', type: 'flag', doc: 'flux above the limit of [photometry]', required: true },
  ],
  key: ['source', 'frame'],
  sort: ['source', 'mjd', 'frame'],
})
export type LightRow = RowOf<typeof lightCurvesTable>

/** Moving objects: candidates of several epochs on a straight line. */
export const moversTable = defineTable({
  name: 'movers',
  columns: [
    { name: 'mover', type: 'text', doc: 'its name, by where and when it was seen first', required: true },
    { name: 'reference', type: 'text', doc: 'reference of its field', required: true },
    { name: 'epochs', type: 'integer', doc: 'frames that show it', required: true },
    { name: 'mjd_first', type: 'number', unit: 'd', doc: 'first of them' },
    { name: 'mjd_last', type: 'number', unit: 'd', doc: 'last of them' },
    { name: 'x_ref_px', type: 'number', unit: 'px', doc: 'column in the reference at the first' },
    { name: 'y_ref_px', type: 'number', unit: 'px', doc: 'row in the reference at the first' },
    { name: 'ra_deg', type: 'number', unit: 'deg', doc: 'right ascension at the first' },
    { name: 'dec_deg', type: 'number', unit: 'deg', doc: 'declination at the first' },
    { name: 'rate_px_h', type: 'number', unit: 'px/h', doc: 'its motion' },
    { name: 'rate_arcsec_h', type: 'number', unit: 'arcsec/h', doc: 'its motion, where the scale is known' },
    { name: 'angle_deg', type: 'number', unit: 'deg', doc: 'direction of its motion in the reference, from +x to +y' },
    { name: 'rms_px', type: 'number', unit: 'px', doc: 'distance from the straight line' },
  ],
  key: ['mover'],
})
export type MoverRow = RowOf<typeof moversTable>
