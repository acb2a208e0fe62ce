import {
  type Column,
  column,
  copyHeader,
  type FitsFile,
  type Header,
  type NewColumn,
  type NewHdu,
  numberOf,
  readTable,
  withFits,
} from '@nightpipe/fits'
import {
  type EchelleModel,
  type FittedLine,
  type WavelengthPolynomial,
  type WavelengthSolution,
  wavelengthEvaluator,
} from '@nightpipe/spectra'
import { fittedLinesOf, linesHdu, unnamedHdus, unnamedLinesOf } from './arc-lines.js'
import { type ArcPart, readWaveArcs } from './wave-arcs.js'

/** The table that holds solutions. */
export const SOLUTIONS = 'WAVESOL'

/** The wavelengths of an arc, as its files keep them. */
export interface ArcFile {
  solutions: WavelengthSolution[]
  /** matched lines of all fibres */
  lines: FittedLine[]
  /** start of the exposure; NaN where the header has none */
  mjd: number
  /** of an average: the arcs that it is of */
  members?: ArcPart[]
  header: Header
}

/** The tables WAVESOL (a row per fibre), ARCLINES (a row per line) and, where there are any, ARCOTHER (lines without a wavelength). */
export function solutionHdus(solutions: readonly WavelengthSolution[]): NewHdu[] {
  const most = Math.max(1, ...solutions.map(({ polynomial }) => polynomial.terms.length))
  const whole = (name: string, value: (one: WavelengthSolution) => number, comment = ''): NewColumn => {
    return { name, comment, format: 'J', values: Int32Array.from(solutions, value) }
  }
  const real = (name: string, value: (one: WavelengthSolution) => number, unit = ''): NewColumn => {
    return { name, ...(unit && { unit }), format: 'D', values: Float64Array.from(solutions, value) }
  }
  const degrees = (name: string, part: 0 | 1): NewColumn => {
    const values = new Int16Array(most * solutions.length).fill(-1)
    solutions.forEach(({ polynomial }, row) => {
      values.set(
        polynomial.terms.map((term) => term[part]),
        row * most,
      )
    })
    return { name, format: `${most}I`, values, comment: 'degree of each term; -1: none' }
  }
  const coefficients = new Float64Array(most * solutions.length)
  const covariance = new Float64Array(most * most * solutions.length)
  solutions.forEach(({ polynomial }, row) => {
    coefficients.set(polynomial.coefficients, row * most)
    const n = polynomial.terms.length
    for (let i = 0; i < n; i++) {
      const line = polynomial.covariance?.subarray(i * n, (i + 1) * n)
      if (line) covariance.set(line, row * most * most + i * most)
    }
  })
  const columns = [
    whole('fiber', ({ fibre }) => fibre),
    whole('width', ({ polynomial }) => polynomial.width, 'columns'),
    whole('first_order', ({ polynomial }) => polynomial.firstOrder, 'diffraction order of index 0'),
    whole('order_step', ({ polynomial }) => polynomial.orderStep, 'to the next index'),
    real('low_order', ({ polynomial }) => polynomial.lowOrder),
    real('high_order', ({ polynomial }) => polynomial.highOrder),
    degrees('degree_x', 0),
    degrees('degree_order', 1),
    { name: 'coefficients', format: `${most}D`, unit: 'Angstrom', values: coefficients },
    { name: 'covariance', format: `${most * most}D`, unit: 'Angstrom^2', values: covariance },
    whole('lines', ({ used }) => used, 'lines used'),
    real('rms', ({ rmsAngstrom }) => rmsAngstrom, 'Angstrom'),
    real('rms_velocity', ({ rmsVelocity }) => rmsVelocity, 'm/s'),
    real('precision', ({ precision }) => precision, 'm/s'),
    real('floor', ({ floor }) => floor, 'pixel'),
    real('chi_square', ({ chiSquare }) => chiSquare),
  ]
  return [
    { kind: 'table', name: SOLUTIONS, rows: solutions.length, columns },
    linesHdu(solutions),
    ...unnamedHdus(solutions),
  ]
}

/** Reads the solutions of an arc from any file that has them: its `-1d` file, a TRIP or a THAR; undefined where there are none. */
export function readArc(source: string | FitsFile): ArcFile | undefined {
  return withFits(source, arcOf)
}

function arcOf(file: FitsFile): ArcFile | undefined {
  const hdu = file.hdus.find((one) => one.name === SOLUTIONS && one.kind === 'table')
  const lines = fittedLinesOf(file)
  if (!hdu || !lines) return undefined
  const table = readTable(hdu)
  const of = (name: string): Column => {
    const found = column(table, name)
    if (!found) throw new RangeError(`${file.name}: the table ${SOLUTIONS} has no column ${name}`)
    return found
  }
  const numbers = (name: string) => Array.from(of(name).values as ArrayLike<number>, Number)
  const unnamed = unnamedLinesOf(file)
  const cellsOf = new Map(table.columns.map(({ name }) => [name, numbers(name)]))
  const solutions = numbers('fiber').map((fibre, row): WavelengthSolution => {
    const one = (name: string) => cellsOf.get(name)![row]!
    const most = of('coefficients').repeat
    const part = (name: string, size: number) => cellsOf.get(name)!.slice(row * size, (row + 1) * size)
    const [alongX, alongOrder] = [part('degree_x', most), part('degree_order', most)]
    const terms = alongX.flatMap((x, k): [number, number][] => (x < 0 ? [] : [[x, alongOrder[k]!]]))
    const n = terms.length
    const all = part('covariance', most * most)
    const covariance = Float64Array.from({ length: n * n }, (_, k) => all[Math.floor(k / n) * most + (k % n)]!)
    const numbering = { width: one('width'), firstOrder: one('first_order'), orderStep: one('order_step') }
    const range = { lowOrder: one('low_order'), highOrder: one('high_order') }
    const coefficients = Float64Array.from(part('coefficients', most).slice(0, n))
    return {
      ...{ fibre, polynomial: { ...numbering, ...range, terms, coefficients, covariance } },
      ...{ lines: lines.filter((line) => line.fibre === fibre), used: one('lines') },
      unnamed: unnamed.filter((line) => line.fibre === fibre),
      ...{ rmsAngstrom: one('rms'), rmsVelocity: one('rms_velocity'), precision: one('precision') },
      ...{ floor: one('floor'), chiSquare: one('chi_square') },
    }
  })
  const header = copyHeader(file.hdus[0]!.header)
  const members = readWaveArcs(file)
  return { solutions, lines, header, mjd: numberOf(header, 'MJD-OBS') ?? Number.NaN, ...(members && { members }) }
}

/** The middle of the exposure of an arc; of an average, or where the header does not tell, the time that is `given`. */
export function middleOfArc(header: Header, given: number): number {
  const [start, seconds] = ['MJD-OBS', 'EXPTIME'].map((keyword) => numberOf(header, keyword))
  if (start === undefined || seconds === undefined || (numberOf(header, 'NFRAVGD') ?? 1) > 1) return given
  return start + seconds / 172800
}

/** The optical model of an arc, where one was fitted: of the reference fibre, and how others lie beside it. */
export interface ArcModel {
  model: EchelleModel
  /** F00 … F09 by fibre; the reference fibre has none */
  displacements: Map<number, ArrayLike<number>>
}

/** Wavelengths of all orders, nm, x fastest. */
function wavelengthPlane(polynomial: WavelengthPolynomial, orders: number): Float64Array {
  const { width } = polynomial
  const plane = new Float64Array(width * orders)
  const wavelengthAt = wavelengthEvaluator(polynomial)
  for (let index = 0; index < orders; index++) {
    for (let x = 0; x < width; x++) plane[index * width + x] = wavelengthAt(index, x) / 10
  }
  return plane
}

/**
 * THAR, as the NRES pipeline lays it out: nm in vacuum of (column, order, fibre); a table of the optics (a row per fibre), one of the
 * coefficients C00 to C14, one of the matched lines; and our own tables after them. Fibres without a solution are 0.
 */
export function tharHdus(
  solutions: readonly WavelengthSolution[],
  header: Header,
  { orders, fibres, fitted }: { orders: number; fibres: number; fitted?: ArcModel },
): NewHdu[] {
  const width = solutions[0]!.polynomial.width
  const pixels = new Float64Array(width * orders * fibres)
  for (const { fibre, polynomial } of solutions) pixels.set(wavelengthPlane(polynomial, orders), fibre * width * orders)
  const rows = solutions.length
  const same = (name: string, value: number | undefined): NewColumn => {
    return { name, format: 'D', values: new Float64Array(rows).fill(value ?? Number.NaN) }
  }
  const model = fitted?.model
  const optics = [
    same('SINALP', model?.sinAlpha),
    same('FL', model?.focalLength),
    same('Y0', model?.y0),
    same('Z0', model?.z0),
  ]
  const residual = Array.from({ length: 15 }, (_, k) => same(`C${String(k).padStart(2, '0')}`, model?.residual[k]))
  return [
    { kind: 'image', header, bitpix: -64, axes: [width, orders, fibres], pixels },
    { kind: 'table', name: 'OPTICS', rows, columns: optics },
    { kind: 'table', name: 'COEFS', rows, columns: residual },
    matchHdu(solutions),
    ...solutionHdus(solutions),
  ]
}

/** The lines in the columns and units of the old files: nm, px, order indices. */
function matchHdu(solutions: readonly WavelengthSolution[]): NewHdu {
  const lines = solutions.flatMap((solution) => solution.lines)
  const real = (name: string, value: (line: FittedLine) => number): NewColumn => {
    return { name, format: 'D', values: Float64Array.from(lines, value) }
  }
  const whole = (name: string, value: (line: FittedLine) => number): NewColumn => {
    return { name, format: 'J', values: Int32Array.from(lines, value) }
  }
  const columns = [
    real('matchlam', (line) => (line.wavelength + line.residual) / 10),
    real('matchamp', (line) => line.flux),
    real('matchwid', (line) => line.fwhm),
    real('matchline', (line) => line.wavelength / 10),
    real('matchxpos', (line) => line.x),
    whole('matchord', (line) => line.index),
    real('matcherr', (line) => line.sigma / 10),
    real('matchdif', (line) => line.residual / 10),
    real('matchwts', (line) => (line.used ? 1 : 0)),
    whole('matchbest', (line) => Number(line.used)),
  ]
  return { kind: 'table', name: 'MATCH', rows: lines.length, columns }
}

/** TRIP: nm in vacuum of (column, order) of the reference fibre, and our own tables with all fibres. Its cards are `tripCards`. */
export function tripHdus(
  solutions: readonly WavelengthSolution[],
  header: Header,
  { orders, reference }: { orders: number; reference: number },
): NewHdu[] {
  const middle = solutions.find(({ fibre }) => fibre === reference) ?? solutions[0]!
  const pixels = wavelengthPlane(middle.polynomial, orders)
  return [
    { kind: 'image', header, bitpix: -64, axes: [middle.polynomial.width, orders], pixels },
    ...solutionHdus(solutions),
  ]
}

/** What a TRIP says of the optics, in the names of the old files: keyword, value, comment. */
export function tripCards({ model, displacements }: ArcModel): [string, number | string, string][] {
  const number = (k: number) => String(k).padStart(2, '0')
  const sets = [...displacements].sort(([a], [b]) => a - b)
  return [
    ['ORD0', model.firstOrder, 'diffraction order of index 0'],
    ['GRSPC', model.grooveSpacing, '[um] groove spacing'],
    ['SINALP', model.sinAlpha, 'sine of the angle of incidence'],
    ['FL', model.focalLength, '[mm] focal length of the camera'],
    ['Y0', model.y0, '[mm] where gamma is 0'],
    ['Z0', model.z0, 'n - 1 of the air in the spectrograph'],
    ['GLASS', model.glass, 'of the prism'],
    ['APEX', model.apex, '[deg] of the prism'],
    ['LAMCEN', model.centralWavelength, '[um] of minimum deviation'],
    ['ROT', model.rotation, '[deg] of the detector'],
    ['PIXSIZ', model.pixelSize, '[mm]'],
    ['NX', model.nx, 'columns'],
    ['NORD', model.orders, 'orders'],
    ['NCOEFS', model.residual.length, 'coefficients COEFS'],
    ...Array.from(model.residual, (value, k): [string, number, string] => [`COEFS${number(k)}`, value, '[nm]']),
    ...sets.flatMap(([, f], set) =>
      Array.from(f, (value, k): [string, number, string] => [`FIBCOE${k}${set}`, value, '[pixel] displacement']),
    ),
  ]
}
