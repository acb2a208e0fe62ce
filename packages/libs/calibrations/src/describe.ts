import { basename } from 'node:path'
import { imageHdu, numberOf, openFits, textOf } from '@nightpipe/fits'
import { mjdToJd } from '@nightpipe/sky'
import type { CalibrationRow } from './table.js'

/** The row of a master, read from its own header. What the header does not say stays undefined, even what the table requires. */
export function describeMaster(path: string): CalibrationRow {
  const file = openFits(path)
  try {
    const { header, axes } = imageHdu(file)
    const number = (keyword: string) => numberOf(header, keyword)
    const text = (keyword: string) => textOf(header, keyword)
    const mjd = number('MJD-OBS')
    const row: Partial<CalibrationRow> = {
      filename: basename(path),
      type: text('IMAGETYP')?.replace('master ', ''),
      instrument: text('INSTRUME'),
      camera: text('CAMERA'),
      site: text('SITEID'),
      filter: text('FILTER'),
      binning: text('BINNING'),
      readmode: text('READMODE'),
      width_px: axes[0],
      height_px: axes[1],
      exposure_s: number('EXPTIME'),
      depth_s: number('TOTALEXP'),
      navg: number('NFRAMES'),
      jd: mjd === undefined ? undefined : mjdToJd(mjd),
      date: text('DATE-OBS'),
      mean: number('MEAN'),
      median: number('MEDIAN'),
      rms: number('RMS'),
      unit: text('BUNIT'),
      gain_e: number('GAIN'),
      readnoise_e: number('RDNOISE'),
      flags: '0000',
      np_id: text('NP_ID'),
    }
    return row as CalibrationRow
  } finally {
    file.close()
  }
}
