import { inTree, type Tree } from '@nightpipe/spectrographs'
import { defineTable, type RowOf, readTable, upsertRows } from '@nightpipe/table'

/** The state of every exposure of a spectrograph: what it was made of, how far it came, and what was measured. */
export const exposuresTable = defineTable({
  name: 'exposures.csv',
  doc: 'the exposures of a spectrograph tree: how far each came, what it was made of, what was measured',
  columns: [
    { name: 'name', type: 'text', doc: 'the raw frame, without .fits.fz', required: true },
    { name: 'day', type: 'text', doc: 'its night, YYYYMMDD' },
    { name: 'type', type: 'text', doc: 'bias, dark, flat, arc or object' },
    { name: 'fibres', type: 'text', doc: 'what each fibre sees' },
    { name: 'target', type: 'text', doc: 'the stars' },
    { name: 'mjd', type: 'number', doc: 'start of the exposure', unit: 'd' },
    { name: 'exposure_s', type: 'number', doc: 'exposure time', unit: 's' },
    { name: 'status', type: 'text', doc: 'working, done, rejected (set aside by a rule), failed', required: true },
    { name: 'stage', type: 'text', doc: 'the last command that had it' },
    { name: 'reason', type: 'text', doc: 'why it was set aside, or failed' },
    { name: 'snr', type: 'number', doc: 'signal to noise of a column, brightest fibre' },
    { name: 'electrons', type: 'number', doc: 'extracted from the brightest fibre', unit: 'electron' },
    { name: 'cosmic_px', type: 'number', doc: 'pixels that the profile did not allow', unit: 'px' },
    { name: 'drift_m_s', type: 'number', doc: 'drift against the arc, from the lamp beside the star', unit: 'm/s' },
    { name: 'lines', type: 'number', doc: 'lamp lines of the wavelength solution' },
    { name: 'residual_m_s', type: 'number', doc: 'scatter of the lamp lines about the wavelengths', unit: 'm/s' },
    { name: 'rv_m_s', type: 'number', doc: 'barycentric radial velocity', unit: 'm/s' },
    { name: 'rv_error_m_s', type: 'number', doc: 'one sigma of it', unit: 'm/s' },
    { name: 'seconds', type: 'number', doc: 'time that it took, all commands together', unit: 's' },
    { name: 'product', type: 'text', doc: 'the last product, relative to the tree' },
    { name: 'raw', type: 'text', doc: 'size and date of the raw file, and its digest' },
    { name: 'made_of', type: 'text', doc: 'digest of the raw frame, its calibrations, configuration and version' },
  ],
  key: ['name'],
})
export type ExposureRow = RowOf<typeof exposuresTable>

const pathOf = (tree: Tree) => inTree(tree, 'csv', exposuresTable.name)

/** The rows by name, and how to change them; only the holder of the lock of the tree's nights writes. */
export interface Exposures {
  rows: Map<string, ExposureRow>
  put(rows: readonly ExposureRow[]): Promise<void>
}

export function openExposures(tree: Tree): Exposures {
  const rows = new Map(readTable(pathOf(tree), exposuresTable, { orEmpty: true }).map((row) => [row.name, row]))
  return {
    rows,
    async put(changed) {
      if (changed.length === 0) return
      for (const row of changed) rows.set(row.name, row)
      await upsertRows(pathOf(tree), exposuresTable, changed)
    },
  }
}
