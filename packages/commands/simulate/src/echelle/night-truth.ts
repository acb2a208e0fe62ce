import { dirname, join } from 'node:path'
import { type Context, type Parent, writeProduct } from '@nightpipe/command'
import { SKIP_FOLDER, writeAtomically } from '@nightpipe/files'
import { createHeader } from '@nightpipe/fits'
import { LIGHT_SPEED } from '@nightpipe/math'
import { formatMjd } from '@nightpipe/sky'
import { formatCsv } from '@nightpipe/table'
import { defectsOf } from '../imaging/maps.js'
import { conditionsOf } from './frame.js'
import { orderOf } from './optics.js'
import { objectsOf } from './raw-header.js'
import { TRUTH_README } from './readme.js'
import { starNameOf } from './schema.js'
import { driftedWavelength, pixelOf } from './spectrum.js'
import type { Studio } from './studio.js'

/** Beside the frames: what these files of truth/ are called. */
export const TABLES = [
  'frames.csv',
  'traces.csv',
  'lines.csv',
  'defects.csv',
  'parameters.json',
  'README.md',
  SKIP_FOLDER,
]

type Cell = string | number | undefined
type Record = { [name: string]: Cell }

const rounded = (value: number, digits: number) => Number(value.toFixed(digits))

function csvOf(names: readonly string[], rows: readonly Record[]): string {
  const stray = Object.keys(rows[0] ?? {}).find((name) => !names.includes(name))
  if (stray !== undefined) throw new RangeError(`a table of the truth has no column ${stray}`)
  return formatCsv([[...names], ...rows.map((row) => names.map((name) => String(row[name] ?? '')))])
}

/** All tables of the night; `path` is that of traces.fits, in the same folder. */
export function writeNightTables(studio: Studio, path: string, context: Context, parents: readonly Parent[]): string {
  const folder = dirname(path)
  const product = writeTraces(studio, path, context, parents)
  const put = (name: string, text: string) => writeAtomically(join(folder, name), text)
  put('frames.csv', csvOf(FRAME_COLUMNS, frameRows(studio)))
  put('traces.csv', csvOf(['order', 'index', 'fibre', 'along_px', 'across_px'], traceRows(studio)))
  put('lines.csv', csvOf(LINE_COLUMNS, lineRows(studio)))
  const defects = defectsOf(studio.settings).map(({ kind, x, y, value }) => ({ kind, x_px: x, y_px: y, value }))
  put('defects.csv', csvOf(['kind', 'x_px', 'y_px', 'value'], defects))
  put('parameters.json', `${JSON.stringify(studio.settings, null, 2)}\n`)
  put('README.md', TRUTH_README)
  put(SKIP_FOLDER, 'Truth of a simulated night: no frames to be reduced.\n')
  return product
}

const FRAME_COLUMNS = [
  ...['frame', 'night', 'type', 'objects', 'fault', 'start', 'mjd', 'exposure_s', 'star', 'star_km_s'],
  ...['barycentric_km_s', 'redshift_seen', 'mjd_middle', 'bjd_tdb', 'transparency'],
  ...['drift_along_px', 'drift_across_px', 'drift_stretch_px', 'drift_m_s'],
]

/** frames.csv: a row for each frame. */
function frameRows(studio: Studio): Record[] {
  const { settings, along, frames } = studio
  const middle = Math.floor(settings.optics.orders / 2)
  return frames.map((frame) => {
    const { drift, series, motion } = conditionsOf(studio, frame)
    const still = studio.wavelength(middle, settings.fibres.arc)(along / 2)
    const moved = driftedWavelength(studio, drift, middle, settings.fibres.arc)(along / 2)
    return {
      ...{ frame: frame.name, night: frame.night, type: frame.type, objects: objectsOf(frame), fault: frame.fault },
      ...{
        start: formatMjd(frame.mjd),
        mjd: rounded(frame.mjd, 9),
        exposure_s: frame.seconds,
        star: frame.star && starNameOf(frame.star),
      },
      ...{ star_km_s: motion?.star, barycentric_km_s: motion && rounded(motion.barycentric, 9) },
      redshift_seen: motion && motion.stretch - 1,
      mjd_middle: series && rounded(series.middle, 9),
      bjd_tdb: motion && rounded(motion.bjdTdb, 9),
      transparency: series && rounded(series.mean, 6),
      ...{ drift_along_px: rounded(drift.along, 7), drift_across_px: rounded(drift.across, 7) },
      drift_stretch_px: rounded(drift.stretch, 7),
      // A lamp line that has moved to larger pixels looks blue-shifted to whom the old wavelengths are dear.
      drift_m_s: rounded(LIGHT_SPEED * (still / moved - 1), 4),
    }
  })
}

/** traces.csv: the centres before any drift, every 32 pixels. */
function traceRows(studio: Studio): Record[] {
  const { settings, along } = studio
  const rows: Record[] = []
  for (let index = 0; index < settings.optics.orders; index++) {
    for (let fibre = 0; fibre < settings.fibres.count; fibre++) {
      const at = studio.trace(index, fibre)
      for (let p = 0; p <= along; p += 32) {
        const pixel = Math.min(p, along - 1)
        rows.push({ order: orderOf(settings, index), index, fibre, along_px: pixel, across_px: rounded(at(pixel), 5) })
      }
    }
  }
  return rows
}

/** traces.fits: TRACE and WAVELENGTH before any drift, at every pixel of every order and fibre. */
function writeTraces(studio: Studio, path: string, context: Context, parents: readonly Parent[]): string {
  const { settings, along } = studio
  const { orders } = settings.optics
  const axes = [along, orders, settings.fibres.count]
  const length = axes.reduce((a, b) => a * b)
  const [traces, waves] = [new Float64Array(length), new Float64Array(length)]
  for (let fibre = 0; fibre < settings.fibres.count; fibre++) {
    for (let index = 0; index < orders; index++) {
      const from = along * (index + orders * fibre)
      const [trace, wave] = [studio.trace(index, fibre), studio.wavelength(index, fibre)]
      for (let p = 0; p < along; p++) {
        traces[from + p] = trace(p)
        waves[from + p] = wave(p)
      }
    }
  }
  const image = (name: string, unit: string, pixels: Float64Array) =>
    ({ kind: 'image', name, header: createHeader([['BUNIT', unit, 'unit']]), bitpix: -64, axes, pixels }) as const
  const hdus = [{ kind: 'empty' } as const, image('TRACE', 'pixel', traces), image('WAVELENGTH', 'Angstrom', waves)]
  return writeProduct(path, hdus, context, parents)
}

const LINE_COLUMNS = ['order', 'index', 'fibre', 'wavelength_angstrom', 'ion', 'along_px', 'electrons']

/** lines.csv: lines of the lamp of some strength in the fibre of the lamp, before any drift. */
function lineRows(studio: Studio): Record[] {
  const { settings, along } = studio
  const fibre = settings.fibres.arc
  const rows: Record[] = []
  for (let index = 0; index < settings.optics.orders; index++) {
    const at = studio.wavelength(index, fibre)
    const [low, high] = [Math.min(at(0), at(along - 1)), Math.max(at(0), at(along - 1))]
    for (const { wavelength, ion, electrons } of studio.lamp()) {
      if (wavelength < low || wavelength > high) continue
      const light = electrons * studio.response(index)(wavelength)
      if (light < 100) continue
      const place = rounded(pixelOf(at, wavelength, along), 5)
      const cells = { wavelength_angstrom: wavelength, ion, along_px: place, electrons: rounded(light, 1) }
      rows.push({ order: orderOf(settings, index), index, fibre, ...cells })
    }
  }
  return rows
}
