import { formatMjd } from '@nightpipe/sky'
import type { Cards } from './trace-file.js'

/** What the header of a TRACE file says of its making, beside its layout. */
export interface TraceOrigin {
  site?: string
  camera?: string
  instrument?: string
  /** start of the data */
  mjd?: number
  /** first and last fibre with light in the (first) frame */
  lit: readonly number[]
  /** rows of an order, as the profile or the table says */
  height: number
  /** file that it was made from, without its folder */
  source: string
  /** trace-refine writes MJDC instead of MJD */
  refined: boolean
}

/** The cards of the NRES pipeline. */
export function traceCards({ site, camera, instrument, mjd, lit, height, source, refined }: TraceOrigin): Cards {
  const day = mjd ? formatMjd(mjd).slice(0, 10).replaceAll('-', '') : undefined
  const name = ['trace', site, instrument, camera, day].filter(Boolean).join('_')
  const dated: Cards = mjd
    ? [
        [refined ? 'MJDC' : 'MJD', mjd, '[d] of the data'],
        ['DATE-OBS', formatMjd(mjd), 'of the data'],
        ['DAY-OBS', day, 'of the data'],
        ['L1PUBDAT', formatMjd(mjd), 'free from this date'],
      ]
    : []
  const said: [string, string | undefined, string][] = [
    ['SITEID', site, 'site'],
    ['INSTRUME', camera, 'camera'],
    ['TELESCOP', instrument, 'spectrograph'],
  ]
  return [
    ['FIB0', Math.min(...lit), 'first fiber with light'],
    ['FIB1', Math.max(...lit), 'last fiber with light'],
    ['ORDWIDTH', height, '[pixel] height of an order'],
    ['MEDBOXSZ', 17, '[pixel] median box of the background'],
    ['FILE_IN', source, 'made from'],
    ...said.filter(([, value]) => value),
    ...dated,
    ['TELID', 'igla'],
    ['PROPID', 'calibrate'],
    ['BLKUID', '000000000'],
    ['OBSTYPE', 'TRACE', 'type of product'],
    ['OUTNAME', name, 'name in the archive'],
    ['RLEVEL', 91, 'reduction level'],
  ]
}
