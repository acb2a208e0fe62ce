import {
  type CardValue,
  copyHeader,
  type Header,
  type NewColumn,
  type NewHdu,
  removeCard,
  setCard,
} from '@nightpipe/fits'
import { type CardLookup, readWcs } from '@nightpipe/sky'
import type { Difference } from './difference.js'
import type { LightPoint } from './light.js'
import type { Registered } from './register.js'
import type { SubtractionConfig } from './schema.js'
import type { Side } from './side.js'
import { cutStamp } from './stamps.js'
import type { Transparency } from './transparency.js'
import type { Vetted } from './vet.js'

/** All that the products of a frame are made of. */
export interface Result {
  fresh: Side
  reference: Registered
  referenceName: string
  mask: Int16Array
  difference: Difference
  candidates: Vetted[]
  points: LightPoint[]
  forced: ForcedPoint[]
  mjd?: number
  /** From a pixel of the new frame to one of the reference, [a, b, c, d, e, f]. */
  toReference: readonly number[]
  transparency?: Transparency
}

export interface ForcedPoint extends LightPoint {
  ra: number
  dec: number
  x: number
  y: number
}

const digits = (value: number) => Number(value.toPrecision(7))

/** The difference with ERR and MASK. */
export function differenceHdus(result: Result, config: SubtractionConfig): NewHdu[] {
  const { fresh, difference, mask, reference } = result
  const header = resultHeader(result, config)
  const axes = [fresh.width, fresh.height]
  const unit = headerUnit(fresh)
  const plane = (name: string, pixels: Float32Array): NewHdu => {
    return { kind: 'image', name, header: planeHeader(unit), bitpix: -32, axes, pixels }
  }
  return [
    { kind: 'image', header, bitpix: -32, axes, pixels: difference.difference },
    plane('ERR', difference.error),
    { kind: 'image', name: 'MASK', header: planeHeader(''), bitpix: 16, axes, pixels: mask },
    ...(config.products.convolved ? [plane('REFERENCE', reference.net)] : []),
  ]
}

/** The score, and the error of the flux of a point source at each pixel: flux = score * error. */
export function scoreHdus(result: Result, config: SubtractionConfig): NewHdu[] {
  const { fresh, difference } = result
  const header = resultHeader(result, config)
  setCard(header, 'BUNIT', '', 'significance of a point source, in sigma')
  const axes = [fresh.width, fresh.height]
  return [
    { kind: 'image', header, bitpix: -32, axes, pixels: difference.score },
    {
      ...{ kind: 'image', name: 'FLUXERR', header: planeHeader(headerUnit(fresh)), bitpix: -32, axes },
      pixels: difference.fluxError,
    },
  ]
}

function planeHeader(unit: string): Header {
  const header: Header = { cards: [] }
  setCard(header, 'BUNIT', unit, 'unit of the pixels')
  return header
}

export const headerUnit = ({ lookup }: Side): string => String(lookup('BUNIT') ?? 'adu')

function resultHeader(result: Result, config: SubtractionConfig): Header {
  const { fresh, difference, reference, candidates, transparency } = result
  const header = copyHeader(fresh.frame.header)
  for (const name of ['EXTNAME', 'EXTVER', 'BSCALE', 'BZERO', 'DATAMIN', 'DATAMAX']) removeCard(header, name)
  const set = (keyword: string, value: CardValue, comment: string) => setCard(header, keyword, value, comment)
  const number = (keyword: string, value: number, comment: string) => {
    if (Number.isFinite(value)) set(keyword, digits(value), comment)
  }
  set('BUNIT', headerUnit(fresh), 'unit of the pixels')
  set('SUBREF', result.referenceName, 'what was subtracted')
  set('SUBMETH', config.subtraction.method, 'alard: matching kernel; zogy: proper subtraction')
  set('SUBREG', reference.how, 'how the reference came onto this grid')
  number('SUBREGR', reference.rms, '[pix] rms of the stars after registration')
  number('SUBRATIO', difference.ratio, 'flux in this frame over flux in the reference')
  if (transparency) {
    number('SUBRLOW', transparency.low * difference.ratio, 'the same where least light came through')
    number('SUBRHIGH', transparency.high * difference.ratio, 'the same where most did')
  }
  number('SEEING', difference.seeing.fresh, '[pix] FWHM of this frame')
  number('SEEINGRF', difference.seeing.reference, '[pix] FWHM of the reference')
  number('SUBNOISE', difference.noiseRatio, 'noise of the difference over its expectation')
  number('SUBSCORE', difference.scoreSigma, 'scatter of the score before it was normalised')
  number('SUBASTX', difference.imperfection.shiftX, '[pix] scatter of positions along x')
  number('SUBASTY', difference.imperfection.shiftY, '[pix] scatter of positions along y')
  number('SUBFLUX', difference.imperfection.relative, 'scatter of the fluxes of stars, as a part')
  const { match } = difference
  if (match) {
    set('SUBCONV', match.convolved, 'which image the kernel was applied to')
    set('SUBBASIS', match.basis.kind, 'shapes that the kernel is made of')
    set('SUBHALF', match.basis.half, '[pix] half of the side of the kernel')
    set('SUBORDER', match.model.order, 'degree of its change over the field')
    set('SUBSTAMP', match.used.filter(Boolean).length, 'stamps that it was fitted to')
    number('SUBCHI', match.quality, 'reduced chi2 of the stamps')
  }
  set('NCAND', candidates.filter(({ reasons }) => reasons.length === 0).length, 'candidates')
  set('NREJECT', candidates.filter(({ reasons }) => reasons.length > 0).length, 'candidates rejected')
  result.toReference.forEach((value, k) => {
    set(`SUBMAP${k + 1}`, Number(value.toPrecision(12)), 'to pixels of the reference, both from 0')
  })
  return header
}

/** The candidates as a table, with their stamps. */
export function candidateHdus(result: Result, config: SubtractionConfig): NewHdu[] {
  const { fresh, difference, reference, points, toReference } = result
  const list = result.candidates
  const wcs = readWcs(fresh.lookup as CardLookup)
  const sky = list.map(({ x, y }) => wcs?.toSky(x, y) ?? [Number.NaN, Number.NaN])
  const unit = headerUnit(fresh)
  const [a, b, c, d, e, f] = toReference as [number, number, number, number, number, number]
  const real = (name: string, u: string, at: (v: Vetted, k: number) => number, comment: string): NewColumn => ({
    ...{ name, comment, ...(u ? { unit: u } : {}), values: Float64Array.from(list, at) },
  })
  const columns: NewColumn[] = [
    { name: 'NUMBER', values: Int32Array.from(list, (_, k) => k + 1), comment: 'by significance' },
    real('X', 'pix', ({ x }) => x + 1, 'pixels count from 1'),
    real('Y', 'pix', ({ y }) => y + 1, 'pixels count from 1'),
    real('RA', 'deg', (_, k) => sky[k]![0], 'of the WCS of the frame'),
    real('DEC', 'deg', (_, k) => sky[k]![1], 'of the WCS of the frame'),
    real('X_REF', 'pix', ({ x, y }) => a * x + b * y + c + 1, 'place in the reference'),
    real('Y_REF', 'pix', ({ x, y }) => d * x + e * y + f + 1, 'place in the reference'),
    real('SCORE', '', ({ score }) => score, 'significance in sigma, with the sign of the flux'),
    real('FLUX', unit, ({ flux }) => flux, 'new minus reference'),
    real('FLUX_ERR', unit, ({ fluxError }) => fluxError, 'one sigma'),
    real('MAG', 'mag', (_, k) => points[k]!.magnitude, 'where the flux is positive and the zero point known'),
    real('MAG_ERR', 'mag', (_, k) => points[k]!.magnitudeError, 'one sigma'),
    real('UPPER_LIMIT', 'mag', (_, k) => points[k]!.upperLimit, 'where there is no magnitude'),
    { name: 'KIND', format: '8A', values: list.map(({ kind }) => kind), comment: 'new, variable or faded' },
    { name: 'GOOD', values: list.map(({ reasons }) => reasons.length === 0), comment: 'nothing speaks against it' },
    { name: 'REASONS', format: '64A', values: list.map(({ reasons }) => reasons.join('; ')), comment: 'what does' },
    real('CHI2', '', ({ chi }) => chi, 'reduced chi2 against the point spread'),
    real('SHARPNESS', '', ({ sharpness }) => sharpness, 'brightest pixel over that of the point spread'),
    real('MASKED', '', ({ masked }) => masked, 'part of the point spread on masked pixels'),
    real('DEPTH', '', ({ depth }) => depth, 'opposite signal nearby, as a part'),
    real('HOST_FLUX', unit, ({ hostFlux }) => hostFlux, 'of the star at its place in the reference'),
    real('HOST_DISTANCE', 'pix', ({ hostDistance }) => hostDistance, 'to that star'),
  ]
  const side = config.candidates.stamp
  if (side > 0) {
    const stamps = (name: string, image: Float32Array): NewColumn => {
      const values = new Float32Array(list.length * side * side)
      for (const [k, { x, y }] of list.entries()) {
        values.set(cutStamp(image, fresh.width, x, y, side), k * side * side)
      }
      return { name, unit, format: `${side * side}E`, dim: [side, side], values, comment: 'stamp, without its sky' }
    }
    columns.push(stamps('STAMP_NEW', fresh.net), stamps('STAMP_REF', reference.net))
    columns.push(stamps('STAMP_DIFF', difference.difference))
  }
  const header = resultHeader(result, config)
  // coordinates belong to an image: here they would be of none
  const ofImages =
    /^(BUNIT|BSCALE|BZERO|BLANK|CTYPE\d|CUNIT\d|CRPIX\d|CRVAL\d|CDELT\d|CROTA\d|CD\d_\d|PC\d_\d|PV\d_\d+)$/
  const cards = header.cards.filter(({ keyword }) => !ofImages.test(keyword))
  const tables: NewHdu[] = [
    { kind: 'empty', header: { cards } },
    { kind: 'table', name: 'CANDIDATES', columns, rows: list.length },
  ]
  if (result.forced.length > 0) tables.push(forcedTable(result.forced, unit))
  return tables
}

function forcedTable(points: readonly ForcedPoint[], unit: string): NewHdu {
  const real = (name: string, u: string, at: (point: ForcedPoint) => number): NewColumn => {
    return { name, unit: u, values: Float64Array.from(points, at) }
  }
  const columns = [
    real('RA', 'deg', ({ ra }) => ra),
    real('DEC', 'deg', ({ dec }) => dec),
    real('X', 'pix', ({ x }) => x + 1),
    real('Y', 'pix', ({ y }) => y + 1),
    real('FLUX', unit, ({ flux }) => flux),
    real('FLUX_ERR', unit, ({ fluxError }) => fluxError),
    real('MAG', 'mag', ({ magnitude }) => magnitude),
    real('MAG_ERR', 'mag', ({ magnitudeError }) => magnitudeError),
    real('UPPER_LIMIT', 'mag', ({ upperLimit }) => upperLimit),
  ]
  return { kind: 'table', name: 'FORCED', columns, rows: points.length }
}
