import type { Context, Parent } from '@nightpipe/command'
import { writeProduct } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import { createHeader, type Header, type NewHdu, setCard } from '@nightpipe/fits'
import { wcsCards } from '@nightpipe/sky'
import { formatCsv } from '@nightpipe/table'
import { amplifierAt, type Camera, rawPosition } from './camera.js'
import type { Hit } from './cosmics.js'
import type { Exposed } from './expose.js'
import type { Exposure } from './night.js'
import type { Seen } from './scene.js'
import type { Settings } from './schema.js'
import { wcsOf } from './sources.js'
import { TRUTH_BIT } from './truth-bits.js'

/** The columns of the stars of a frame: name, unit, doc. */
export const STAR_COLUMNS = [
  ['id', '', 'as in stars.csv'],
  ['kind', '', 'star, variable, transient or mover'],
  ['ra_deg', 'deg', 'right ascension at mid-exposure, ICRS'],
  ['dec_deg', 'deg', 'declination at mid-exposure, ICRS'],
  ['x_px', 'pixel', 'in the image without prescan and overscan; 0 is the centre of the first pixel'],
  ['y_px', 'pixel', 'in the image without prescan and overscan; 0 is the centre of the first pixel'],
  ['x_fits', 'pixel', 'in the raw frame; 1 is the centre of the first pixel'],
  ['y_fits', 'pixel', 'in the raw frame; 1 is the centre of the first pixel'],
  ['magnitude', 'mag', 'outside the atmosphere, in the filter of the frame'],
  ['flux_e', 'electron', 'in the exposure, through clouds, before the flat'],
  ['flux_adu', 'adu', 'the same over the gain of its amplifier'],
] as const

type StarRow = Record<(typeof STAR_COLUMNS)[number][0], string | number>

/** A row for each source whose centre is in the frame. */
export function starRows(camera: Camera, seen: readonly Seen[]): StarRow[] {
  return seen
    .filter(({ inside }) => inside)
    .map(({ source, ra, dec, x, y, magnitude, electrons }) => {
      const [rawX, rawY] = rawPosition(camera, x, y)
      return {
        ...{ id: source.id, kind: source.kind, ra_deg: ra, dec_deg: dec, x_px: x, y_px: y, magnitude },
        ...{ x_fits: rawX + 1, y_fits: rawY + 1, flux_e: electrons },
        flux_adu: electrons / amplifierAt(camera, Math.round(x), Math.round(y)).gain,
      }
    })
}

/** Numbers with the digits that mean something. */
const DIGITS: Readonly<Record<string, number>> = { ra_deg: 9, dec_deg: 9, magnitude: 5, flux_e: 3, flux_adu: 3 }
const printed = (name: string, value: string | number) =>
  typeof value === 'number' ? String(Number(value.toFixed(DIGITS[name] ?? 4))) : value

/** truth/stars/<frame>.csv. */
export function writeStars(path: string, rows: readonly StarRow[]): void {
  const names = STAR_COLUMNS.map(([name]) => name)
  writeAtomically(path, formatCsv([names, ...rows.map((row) => names.map((name) => printed(name, row[name])))]))
}

/** truth/frames/<frame>.fits: what made the frame what it is. Returns the path that it has in the end. */
export function writeFrameTruth(
  path: string,
  settings: Settings,
  camera: Camera,
  frame: Exposure,
  exposed: Exposed,
  rows: readonly StarRow[],
  raw: { name: string; digest: string },
  context: Context,
  parents: readonly Parent[],
): string {
  const header = frameHeader(settings, camera, frame, exposed)
  setCard(header, 'RAWFILE', raw.name, 'the raw frame')
  setCard(header, 'RAWSUM', raw.digest, 'SHA-256 of its bytes')
  const hdus: NewHdu[] = [
    { kind: 'empty', header },
    maskHdu(settings, camera, frame, exposed),
    ...(rows.length ? [starTable(rows)] : []),
    cosmicTable(settings, camera, exposed.hits),
    levelTable(camera, exposed.levels),
  ]
  return writeProduct(path, hdus, context, parents)
}

function frameHeader(settings: Settings, camera: Camera, frame: Exposure, { lost }: Exposed): Header {
  const { conditions } = frame
  const header = createHeader([
    ['FRAME', frame.name, 'name of the frame'],
    ['FRMTYPE', frame.type, 'type of frame'],
    ['EXPTIME', frame.seconds, '[s] exposure time'],
    ['MJD', frame.mjd, '[d] start, UTC'],
    ['LOST', lost, '[electron] bled out at the ends of columns'],
    ['SEED', settings.random.seed, 'of the night'],
  ])
  if (frame.filter) setCard(header, 'FILTER', frame.filter, 'filter')
  if (!conditions) return header
  const area = camera.binning ** 2
  setCard(header, 'SKY', conditions.sky * area, '[electron/s] in a pixel, in the middle')
  setCard(header, 'SEEING', conditions.seeing, '[arcsec] full width at half maximum')
  setCard(header, 'TRANSPAR', conditions.transparency, 'part of the light that comes through clouds')
  return header
}

/** The plate solution of the image without prescan and overscan goes with the mask, which has its shape. */
function maskHdu(settings: Settings, camera: Camera, frame: Exposure, { mask }: Exposed): NewHdu {
  const header = createHeader([
    ...(frame.conditions ? wcsCards(wcsOf(settings, frame, camera.binning)) : []),
    ...Object.entries(TRUTH_BIT).map(
      ([name, bit]) => [`BIT${bit}`, name === 'cosmicRay' ? 'cosmic ray' : name, 'pixels with this bit set'] as const,
    ),
  ])
  const axes = [camera.width, camera.height]
  return { kind: 'image', name: 'MASK', header, bitpix: 8, axes, pixels: mask, compress: { type: 'RICE_1' } }
}

function starTable(rows: readonly StarRow[]): NewHdu {
  const columns = STAR_COLUMNS.map(([name, unit, comment]) => {
    const values = rows.map((row) => row[name])
    const words = typeof values[0] === 'string'
    return {
      ...{ name, comment, values: words ? (values as string[]) : Float64Array.from(values as number[]) },
      ...(unit ? { unit } : {}),
    }
  })
  return { kind: 'table', name: 'STARS', rows: rows.length, columns }
}

/** The charge of every hit pixel, for tests that ask how much of it a mask has found. */
function cosmicTable({ detector }: Settings, camera: Camera, hits: readonly Hit[]): NewHdu {
  const found = hits.flatMap(({ kind, pixels }, event) => {
    const charges = new Map<number, number>()
    for (const [p, electrons] of pixels) {
      const x = Math.floor((p % detector.width) / camera.binning)
      const y = Math.floor(Math.floor(p / detector.width) / camera.binning)
      charges.set(y * camera.width + x, (charges.get(y * camera.width + x) ?? 0) + electrons)
    }
    return [...charges].map(([p, electrons]) => ({ p, electrons, event: event + 1, kind }))
  })
  const column = (of: (hit: (typeof found)[number]) => number) => Int32Array.from(found, of)
  return {
    ...{ kind: 'table', name: 'COSMICS', rows: found.length },
    columns: [
      { name: 'EVENT', values: column(({ event }) => event), comment: 'one particle' },
      { name: 'KIND', format: '5A', values: found.map(({ kind }) => kind), comment: 'muon, worm or point' },
      { name: 'X', unit: 'pixel', values: column(({ p }) => p % camera.width), comment: 'column of the image, from 0' },
      { name: 'Y', unit: 'pixel', values: column(({ p }) => Math.floor(p / camera.width)), comment: 'row, from 0' },
      { name: 'CHARGE', unit: 'electron', values: column(({ electrons }) => electrons), comment: 'that it left' },
    ],
  }
}

function levelTable({ amplifiers, height }: Camera, levels: readonly Float64Array[]): NewHdu {
  const columns = amplifiers.map(({ name, place }, k) => ({
    name: `LEVEL${name || 1}`,
    unit: 'adu',
    comment: 'bias level of the row; NaN in rows of another amplifier',
    values: Float64Array.from({ length: height }, (_, y) => levels[k]![y - place.y0] ?? Number.NaN),
  }))
  return { kind: 'table', name: 'LEVELS', rows: height, columns }
}
