import { basename, dirname, join } from 'node:path'
import { type Context, type Parent, writeProduct } from '@nightpipe/command'
import { SKIP_FOLDER, writeAtomically } from '@nightpipe/files'
import { createHeader, type NewColumn, type NewHdu } from '@nightpipe/fits'
import { formatMjd } from '@nightpipe/sky'
import { formatCsv } from '@nightpipe/table'
import { binned, type Defect } from './maps.js'
import type { Exposure } from './night.js'
import { TRUTH_README } from './readme.js'
import { writeReferenceCatalogue } from './reference-catalogue.js'
import { nth, type Settings } from './schema.js'
import { type Source, wcsOf } from './sources.js'
import type { Studio } from './studio.js'

type Cell = string | number | undefined
type Record = { [name: string]: Cell }

const rounded = (value: number, digits: number) => Number(value.toFixed(digits))

/** CSV of rows that all have the same names. */
function csvOf(rows: readonly Record[]): string {
  const names = Object.keys(rows[0] ?? {})
  return formatCsv([names, ...rows.map((row) => names.map((name) => String(row[name] ?? '')))])
}

/** truth/stars: a row for each source of each field. */
export function sourceRows(settings: Settings, { night, sources }: Studio): Record[] {
  const { filters } = settings
  return night.fields.flatMap((field) =>
    sources(field).map((source: Source) => ({
      ...{ id: source.id, field, kind: source.kind },
      ...{ ra_deg: rounded(source.ra, 9), dec_deg: rounded(source.dec, 9), colour_mag: rounded(source.colour, 4) },
      ...Object.fromEntries(
        filters.names.map((filter, k) => [
          `${filter}_mag`,
          rounded(source.magnitude + nth(filters.colour, k) * source.colour, 5),
        ]),
      ),
      period_h: source.periodHours,
      moment_mjd: source.mjd === undefined ? undefined : rounded(source.mjd, 8),
      motion_east_arcsec_h: source.motion && rounded(source.motion[0], 4),
      motion_north_arcsec_h: source.motion && rounded(source.motion[1], 4),
      ...{ pmra_mas_yr: source.proper?.[0], pmdec_mas_yr: source.proper?.[1] },
      ref_epoch: settings['reference catalogue'].epoch,
    })),
  )
}

/** truth/frames.csv: a row for each frame, with the conditions and the plate solution (FITS convention). */
export function frameRows(settings: Settings, { camera, night }: Studio): Record[] {
  return night.exposures.map((frame) => {
    const { conditions } = frame
    const known = {
      ...{ frame: frame.name, type: frame.type, filter: frame.filter, field: frame.field },
      ...{ exposure_s: frame.seconds, mjd: rounded(frame.mjd, 8), start: formatMjd(frame.mjd) },
    }
    const sky: Record = conditions ? skyCells(settings, camera.binning, frame) : {}
    const empty = Object.fromEntries(SKY_NAMES.map((name) => [name, undefined]))
    return { ...known, ...empty, ...sky }
  })
}

const SKY_NAMES = [
  ...['ra_deg', 'dec_deg', 'header_ra_deg', 'header_dec_deg', 'crpix1', 'crpix2', 'cd1_1', 'cd1_2', 'cd2_1', 'cd2_2'],
  ...['seeing_arcsec', 'fwhm_px', 'beta', 'ellipticity', 'angle_deg', 'transparency', 'sky_e_s', 'background_e'],
  ...['background_adu', 'gradient_x', 'gradient_y', 'fringes', 'trail_east_arcsec', 'trail_north_arcsec', 'satellites'],
]

function skyCells(settings: Settings, binning: number, frame: Exposure): Record {
  const c = frame.conditions!
  const { pixel, matrix } = wcsOf(settings, frame, binning).linear
  const sky = c.sky * binning ** 2
  return {
    ...{ ra_deg: rounded(c.ra, 9), dec_deg: rounded(c.dec, 9) },
    ...{ header_ra_deg: rounded(c.headerRa, 9), header_dec_deg: rounded(c.headerDec, 9) },
    ...{ crpix1: pixel[0] + 1, crpix2: pixel[1] + 1 },
    ...{ cd1_1: matrix[0], cd1_2: matrix[1], cd2_1: matrix[2], cd2_2: matrix[3] },
    seeing_arcsec: rounded(c.seeing, 5),
    fwhm_px: rounded(c.seeing / settings.telescope['pixel scale'] / binning, 5),
    beta: settings.sky.beta,
    ellipticity: rounded(c.ellipticity, 5),
    angle_deg: rounded((c.angle * 180) / Math.PI, 3),
    transparency: rounded(c.transparency, 6),
    sky_e_s: rounded(sky, 6),
    background_e: rounded(sky * frame.seconds, 4),
    background_adu: rounded((sky * frame.seconds) / nth(settings.detector.gain, 0), 4),
    ...{ gradient_x: rounded(c.gradient[0], 6), gradient_y: rounded(c.gradient[1], 6), fringes: c.fringes },
    trail_east_arcsec: rounded(c.trail[0], 5),
    trail_north_arcsec: rounded(c.trail[1], 5),
    satellites: c.satellites,
  }
}

/** truth/defects.csv: pixels of the unbinned detector, from 0. */
const defectRows = (defects: readonly Defect[]): Record[] =>
  defects.map(({ kind, x, y, value }) => ({ kind, x_px: x, y_px: y, value: rounded(value, 5) }))

/** All tables of the night, in the folder of `paths.stars`. */
export function writeNightTables(
  settings: Settings,
  studio: Studio,
  path: string,
  context: Context,
  parents: readonly Parent[],
) {
  const folder = dirname(path)
  const rows = sourceRows(settings, studio)
  const product = writeProduct(path, [{ kind: 'empty' }, tableOf('STARS', rows)], context, parents)
  writeAtomically(join(folder, 'stars.csv'), csvOf(rows))
  writeReferenceCatalogue(join(folder, 'catalogue.fits'), settings, studio, context, parents)
  writeAtomically(join(folder, 'frames.csv'), csvOf(frameRows(settings, studio)))
  writeAtomically(join(folder, 'defects.csv'), csvOf(defectRows(studio.defects())))
  const { camera, night } = studio
  const parameters = { settings, camera, night: { fields: night.fields, science_mjd: night.science } }
  writeAtomically(join(folder, 'parameters.json'), `${JSON.stringify(parameters, finite, 2)}\n`)
  writeAtomically(join(folder, 'README.md'), TRUTH_README)
  writeAtomically(join(folder, SKIP_FOLDER), 'Truth of a simulated night: no frames to be reduced.\n')
  return product
}

/** The files of `writeNightTables` beside the first. */
export const TABLES = [
  'catalogue.fits',
  'stars.csv',
  'frames.csv',
  'defects.csv',
  'parameters.json',
  'README.md',
  SKIP_FOLDER,
]

/** JSON knows no infinity: a full well that does not end is null. Where a catalogue lies is no matter of the night. */
const finite = (name: string, value: unknown) =>
  typeof value === 'number' && !Number.isFinite(value) ? null : name === 'catalogue' ? basename(String(value)) : value

function tableOf(name: string, rows: readonly Record[]): NewHdu {
  const columns = Object.keys(rows[0] ?? {}).map((key): NewColumn => {
    const values = rows.map((row) => row[key])
    const words = values.every((value) => value === undefined || typeof value === 'string') && key !== 'moment_mjd'
    if (words && values.some((value) => value !== undefined))
      return { name: key, values: values.map((v) => String(v ?? '')) }
    return { name: key, values: Float64Array.from(values, (value) => Number(value ?? Number.NaN)) }
  })
  return { kind: 'table', name, rows: rows.length, columns }
}

export type Calibration = 'bias' | 'dark' | { flat: string }

/** truth/bias.fits, dark.fits and flat_<filter>.fits: the calibrations without noise, as the image has its pixels. */
export function writeCalibration(
  settings: Settings,
  studio: Studio,
  what: Calibration,
  path: string,
  context: Context,
  parents: readonly Parent[],
): string {
  const { camera } = studio
  const { width } = settings.detector
  const { bias, dark, flat } = studio.maps(typeof what === 'object' ? what.flat : undefined, 1)
  const [pixels, unit, meaning] =
    what === 'bias'
      ? [bias, 'adu', 'structure of the bias above the level of its row']
      : what === 'dark'
        ? [binned(dark, width, camera.binning, false), 'electron/s', 'dark current']
        : [binned(flat!, width, camera.binning, true), '', 'response to light, mean 1 before defects']
  const header = createHeader([
    ['BUNIT', unit, meaning],
    ...camera.amplifiers.flatMap(({ name, gain, readNoise, level }): [string, number, string][] => [
      [`GAIN${name}`, gain, '[electron/adu] gain'],
      [`RDNOISE${name}`, readNoise, '[electron] read noise'],
      [`LEVEL${name}`, level, '[adu] bias level without drift'],
    ]),
    ['NONLIN', camera.curve, '[1/electron] q is seen as q (1 - NONLIN q)'],
  ])
  const axes = [camera.width, camera.height]
  return writeProduct(path, [{ kind: 'image', header, bitpix: -32, axes, pixels }], context, parents)
}
