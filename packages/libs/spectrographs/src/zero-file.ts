import {
  type Column,
  column,
  copyHeader,
  createHeader,
  type FitsFile,
  type Header,
  type NewColumn,
  type NewHdu,
  numberOf,
  readTable,
  setCard,
  textOf,
  withFits,
} from '@nightpipe/fits'
import type { TemplateOrder, VelocityTemplate } from '@nightpipe/spectra'
import { type ArcPart, readWaveArcs, waveArcsHdus } from './wave-arcs.js'

/** What is known of the star of a template. */
export interface ZeroStar {
  target: string
  fibre: number
  /** m/s, that was taken out */
  velocity: number
  teff?: number | undefined
  logg?: number | undefined
  bmag?: number | undefined
  vmag?: number | undefined
  jmag?: number | undefined
  kmag?: number | undefined
}

/** A velocity template as a file holds it. */
export interface ZeroFile extends VelocityTemplate {
  header: Header
  /** undefined where the file does not say */
  target?: string | undefined
  averaged: number
  /** what the wavelengths were multiplied by, less 1 */
  redshift: number
  /** what the arcs leave unknown of its wavelengths; undefined where the file does not tell */
  arcs?: ArcPart[] | undefined
}

/** What a ZERO file is made of. */
export interface NewZeroFile {
  template: VelocityTemplate
  star: ZeroStar
  /** columns and orders of the spectrograph */
  width: number
  orders: number
  /** names of the exposures */
  files: readonly string[]
  /** 1 + redshift brings wavelengths of the first exposure to rest */
  redshift: number
  /** wavelengths as the spectrograph saw them, Angstrom, by order */
  laboratory?: readonly (Float64Array | undefined)[]
  /** the lamp of the calibration fibre, by order */
  lamp?: readonly (Float64Array | undefined)[]
  /** what the arcs of its exposures leave unknown of its wavelengths, where they all tell */
  arcs?: readonly ArcPart[] | undefined
}

/** nm in the file, Angstrom in memory. */
const ANGSTROM = 10

/**
 * A ZERO file: no image, the star in the header, and a table of one row: Star and ThAr (float), WavelenStar at rest and
 * WavelenLab (double, nm, vacuum), each columns × orders. Besides what the NRES pipeline wrote: StarErr, Response of the columns
 * that its exposures had (where they are of several velocities), and ZEROCONT, which
 * says that the continuum was left in (there it was taken off). ZERORES, where it stands, is the resolution for which wavelengths are those
 * of the centre of light.
 */
export function zeroHdus(made: NewZeroFile, cards?: Header): NewHdu[] {
  const header = cards ? copyHeader(cards) : createHeader()
  for (const [keyword, value, comment] of cardsOf(made)) setCard(header, keyword, value, comment)
  const { width, orders } = made
  const plane = (
    cell: (index: number) => ArrayLike<number> | undefined,
    scale: number,
    Values: typeof Float64Array | typeof Float32Array,
  ) => {
    const out = new Values(width * orders).fill(Number.NaN)
    for (let index = 0; index < orders; index++) {
      const from = cell(index)
      for (let x = 0; from && x < width; x++) out[index * width + x] = from[x]! * scale
    }
    return out
  }
  const byIndex = new Map(made.template.orders.map((one) => [one.index, one]))
  const column = (
    name: string,
    type: 'E' | 'D',
    values: Float32Array | Float64Array,
    comment: string,
    unit?: string,
  ): NewColumn => ({
    ...{ name, format: `${width * orders}${type}`, dim: [width, orders], values, comment },
    ...(unit && { unit }),
  })
  return [
    { kind: 'empty', header },
    {
      kind: 'table',
      name: 'ZERO',
      rows: 1,
      columns: [
        column(
          'Star',
          'E',
          plane((k) => byIndex.get(k)?.flux, 1, Float32Array),
          'spectrum of the star',
        ),
        column(
          'ThAr',
          'E',
          plane((k) => made.lamp?.[k], 1, Float32Array),
          'lamp beside it',
        ),
        column(
          'WavelenStar',
          'D',
          plane((k) => byIndex.get(k)?.wavelength, 1 / ANGSTROM, Float64Array),
          'vacuum, at rest',
          'nm',
        ),
        column(
          'WavelenLab',
          'D',
          plane((k) => made.laboratory?.[k], 1 / ANGSTROM, Float64Array),
          'vacuum, as seen',
          'nm',
        ),
        column(
          'StarErr',
          'E',
          plane((k) => byIndex.get(k)?.uncertainty, 1, Float32Array),
          'one sigma of Star',
        ),
        ...(made.template.orders.some(({ response }) => response)
          ? [
              column(
                'Response',
                'E',
                plane((k) => byIndex.get(k)?.response, 1, Float32Array),
                'of the columns, as the star shows it; 0: none',
              ),
            ]
          : []),
      ],
    },
    ...waveArcsHdus(made.arcs ?? []),
  ]
}

function cardsOf({ star, files, redshift, template }: NewZeroFile): [string, string | number | boolean, string][] {
  const known = (keyword: string, value: number | undefined, comment: string): [string, number, string][] =>
    value === undefined ? [] : [[keyword, value, comment]]
  return [
    ['OBSTYPE', 'ZERO', 'template of radial velocity'],
    ['OBJECT', star.target, 'star of the template'],
    ...known('TEFF', star.teff, '[K] effective temperature'),
    ...known('LOGG', star.logg, '[dex] surface gravity'),
    ...known('BMAG', star.bmag, '[mag]'),
    ...known('VMAG', star.vmag, '[mag]'),
    ...known('JMAG', star.jmag, '[mag]'),
    ...known('KMAG', star.kmag, '[mag]'),
    ['REDSHIFT', -redshift, 'WavelenStar = WavelenLab (1 - REDSHIFT)'],
    ['ZERORV', star.velocity / 1000, '[km/s] c z of the star that was taken out'],
    ['FIBZ0', star.fibre, 'fibre of the star'],
    ['ZEROCONT', !template.subtracted, 'the continuum is left in'],
    ...known('ZERORES', template.resolution, 'wavelengths at the centre of light, resolution'),
    ['NAVG', files.length, 'exposures in it'],
    ...files
      .slice(0, 100)
      .map((name, k): [string, string, string] => [`FILIN${String(k).padStart(2, '0')}`, name, 'exposure']),
  ]
}

/** Reads a ZERO file, ours or one of the NRES pipeline. */
export function readZero(source: string | FitsFile): ZeroFile {
  return withFits(source, readOpen)
}

function readOpen(file: FitsFile): ZeroFile {
  const hdu = file.hdus.find(({ kind }) => kind === 'table')
  const table = hdu && readTable(hdu)
  const [flux, rest] = ['Star', 'WavelenStar'].map((name) => table && column(table, name))
  if (!flux || !rest)
    throw new RangeError(`${file.name} is no template of velocity: no table with Star and WavelenStar`)
  const [error, response] = ['StarErr', 'Response'].map((name) => column(table!, name))
  const header = copyHeader(file.hdus[0]!.header)
  const width = flux.dim?.[0] ?? 4096
  const cells = (one: Column, index: number, scale: number) =>
    Float64Array.from({ length: width }, (_, x) => Number((one.values as ArrayLike<number>)[index * width + x]) * scale)
  const orders = Array.from({ length: Math.floor(flux.repeat / width) }, (_, index): TemplateOrder => {
    const wavelength = cells(rest, index, ANGSTROM)
    return {
      index,
      order: 0,
      wavelength,
      flux: cells(flux, index, 1),
      ...(error && { uncertainty: cells(error, index, 1) }),
      ...responseOf(response && cells(response, index, 1)),
    }
  })
  return {
    ...{ orders: orders.filter(({ flux: one }) => one.some((value) => Number.isFinite(value) && value !== 0)), header },
    subtracted: !saysContinuum(header),
    resolution: numberOf(header, 'ZERORES'),
    target: textOf(header, 'OBJECT'),
    averaged: numberOf(header, 'NAVG') ?? 1,
    redshift: -(numberOf(header, 'REDSHIFT') ?? 0),
    arcs: readWaveArcs(file),
  }
}

/** An order without one is NaN throughout. */
const responseOf = (response: Float64Array | undefined) => (response?.some((one) => one > 0) ? { response } : {})

const saysContinuum = (header: Header) =>
  header.cards.some(({ keyword, value }) => keyword === 'ZEROCONT' && value === true)
