import { basename } from 'node:path'
import { readCat } from '@nightpipe/catalogues'
import { cardLookup, column, imageHdu, numberOf, openFits, readTable, textOf } from '@nightpipe/fits'
import { readWcs, type Wcs } from '@nightpipe/sky'

/** A frame of a series, as its .phot.fits tells it. */
export interface SeriesFrame {
  /** The product, and the stem of its name. */
  path: string
  /** The frame that it was made of. */
  source: string
  name: string
  filter: string
  /** Middle of the exposure; NaN where the header has no time. */
  mjd: number
  exposure: number
  airmass: number
  seeing: number
  /** Width and height of the frame. */
  width: number
  height: number
  wcs?: Wcs
  zero: number
  zeroError: number
  /** Magnitude of a star at the limit; instrumental where there is no zero point. */
  limit: number
  x: Float64Array
  y: Float64Array
  xError: Float32Array
  yError: Float32Array
  flux: Float64Array
  fluxError: Float64Array
  flags: Int16Array
  /** Radius of the largest circle, px. */
  reach: number
  targets: TargetPoint[]
}

/** What a frame says of a target. */
export interface TargetPoint {
  name: string
  x: number
  y: number
  flux: number
  fluxError: number
  limit: number
}

/** Fluxes of a frame: each circle, then the whole light, then the fit where there is one; and calibrated magnitudes. */
export interface FrameFluxes {
  circles: { flux: Float64Array; error: Float64Array }[]
  total: { flux: Float64Array; error: Float64Array }
  psf?: { flux: Float64Array; error: Float64Array }
  calibrated?: Float64Array
}

export function readSeriesFrame(path: string, frameFile: string): SeriesFrame {
  const file = openFits(path)
  try {
    const { header } = file.hdus[0]!
    const stars = readCat(file)
    const flux = values(stars.table, 'FLUX_TOTAL')
    const number = (keyword: string) => numberOf(header, keyword) ?? Number.NaN
    const source = sizeOf(frameFile)
    return {
      ...{
        path,
        source: frameFile,
        name: basename(path).replace(/\.phot\.fits(\.fz)?$/, ''),
        filter: textOf(header, 'PHFILT') ?? '',
      },
      ...{ mjd: number('PHMJD'), exposure: number('PHEXP') || 1, airmass: number('PHAIRM'), seeing: number('SEEING') },
      ...{ zero: number('MAGZP'), zeroError: number('MAGZPERR'), limit: number('LIMMAG'), ...source },
      ...{ x: stars.x, y: stars.y, xError: stars.xError, yError: stars.yError, flags: stars.flags },
      reach: Math.max(0, ...stars.apertures.radii),
      ...{ flux, fluxError: values(stars.table, 'FLUXERR_TOTAL'), targets: targetsOf(file) },
    }
  } finally {
    file.close()
  }
}

/** Size and plate solution of the frame itself. */
function sizeOf(path: string): { width: number; height: number; wcs?: Wcs } {
  const file = openFits(path)
  try {
    const hdu = imageHdu(file)
    return { width: hdu.axes[0]!, height: hdu.axes[1]!, wcs: readWcs(cardLookup(hdu)) }
  } finally {
    file.close()
  }
}

export function readFrameFluxes(path: string): FrameFluxes {
  const file = openFits(path)
  try {
    const { apertures, table } = readCat(file)
    const has = (name: string) => column(table, name) !== undefined
    return {
      circles: apertures.radii.map((_, k) => ({ flux: apertures.flux[k]!, error: apertures.error[k]! })),
      total: { flux: values(table, 'FLUX_TOTAL'), error: values(table, 'FLUXERR_TOTAL') },
      ...(has('FLUX_PSF') ? { psf: { flux: values(table, 'FLUX_PSF'), error: values(table, 'FLUXERR_PSF') } } : {}),
      ...(has('MAG_CAL') ? { calibrated: values(table, 'MAG_CAL') } : {}),
    }
  } finally {
    file.close()
  }
}

const values = (table: Parameters<typeof column>[0], name: string) =>
  Float64Array.from((column(table, name)?.values ?? []) as ArrayLike<number>)

function targetsOf(file: ReturnType<typeof openFits>): TargetPoint[] {
  const hdu = file.hdus.find(({ name }) => name === 'TARGETS')
  if (!hdu) return []
  const table = readTable(hdu)
  const names = column(table, 'NAME')!.values as string[]
  const [x, y, flux, error, limit] = ['X', 'Y', 'FLUX_TOTAL', 'FLUXERR_TOTAL', 'MAG_LIMIT'].map((name) =>
    values(table, name),
  )
  return names.map((name, i) => ({
    ...{ name: name.trim(), x: x![i]! - 1, y: y![i]! - 1, flux: flux![i]!, fluxError: error![i]!, limit: limit![i]! },
  }))
}
