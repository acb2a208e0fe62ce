import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CALIBRATIONS_FILE, type CalibrationRow, calibrationsTable } from '@nightpipe/calibrations'
import type { Plan, Request, Row } from '@nightpipe/command'
import { imageHdu, numberOf, openFits, textOf } from '@nightpipe/fits'
import { mjdToJd } from '@nightpipe/sky'
import { upsertRows } from '@nightpipe/table'
import type { MasterJob } from './plan.js'
import type { schema } from './schema.js'

/** Every master of this run gets its row in calibrations.csv, read from the master itself. */
export async function registerMasters(
  request: Request<typeof schema>,
  _rows: readonly Row[],
  plan: Plan<MasterJob>,
): Promise<void> {
  const made = plan.jobs.flatMap((job) => job.products).filter((path) => existsSync(path))
  if (made.length === 0) return
  await upsertRows(join(request.output, CALIBRATIONS_FILE), calibrationsTable, made.map(rowOf))
}

function rowOf(path: string): CalibrationRow {
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
