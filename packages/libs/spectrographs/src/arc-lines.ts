import { column, type FitsFile, type NewColumn, type NewHdu, readTable } from '@nightpipe/fits'
import {
  diffractionOrder,
  type FittedLine,
  namedLine,
  type SpectralLine,
  type WavelengthSolution,
} from '@nightpipe/spectra'

/** The table of the lines that solutions were made from. */
export const ARC_LINES = 'ARCLINES'
/** The table of lines that have no wavelength, for drifts. */
export const UNNAMED_LINES = 'ARCOTHER'

/** Which columns of ARCLINES are whole numbers, and which are not, with their units. */
const WHOLE = ['fibre', 'index', 'listed', 'flags'] as const
const REAL = {
  x: 'pixel',
  error: 'pixel',
  wavelength: 'Angstrom',
  residual: 'Angstrom',
  velocity: 'm/s',
  sigma: 'Angstrom',
  dispersion: 'Angstrom/pixel',
  flux: '',
  fluxError: '',
  fwhm: 'pixel',
  chiSquare: '',
} as const

/** The table ARCLINES, a row per line. */
export function linesHdu(solutions: readonly WavelengthSolution[]): NewHdu {
  const lines = solutions.flatMap((solution) => solution.lines)
  const order = solutions.flatMap(({ polynomial, lines: own }) =>
    own.map(({ index }) => diffractionOrder(polynomial, index)),
  )
  const columns: NewColumn[] = [
    { name: 'order', format: 'J', values: Int32Array.from(order) },
    ...WHOLE.map((name) => ({ name, format: 'J', values: Int32Array.from(lines, (line) => line[name]) })),
    { name: 'used', format: 'J', values: Int32Array.from(lines, (line) => Number(line.used)), comment: '1: fitted' },
    ...Object.entries(REAL).map(([name, unit]) => ({
      ...{ name, format: 'D', ...(unit && { unit }) },
      values: Float64Array.from(lines, (line) => line[name as keyof typeof REAL]),
    })),
  ]
  return { kind: 'table', name: ARC_LINES, rows: lines.length, columns }
}

/** What is known of a line without a wavelength: whole numbers, and others. */
const UNNAMED = {
  whole: ['fibre', 'index', 'flags'],
  real: ['x', 'error', 'flux', 'fluxError', 'fwhm', 'chiSquare'],
} as const

/** The table ARCOTHER, where there are lines without a wavelength. */
export function unnamedHdus(solutions: readonly WavelengthSolution[]): NewHdu[] {
  const lines = solutions.flatMap(({ unnamed = [] }) => unnamed)
  if (lines.length === 0) return []
  const columns: NewColumn[] = [
    ...UNNAMED.whole.map((name) => ({ name, format: 'J', values: Int32Array.from(lines, (line) => line[name]) })),
    ...UNNAMED.real.map((name) => ({ name, format: 'D', values: Float64Array.from(lines, (line) => line[name]) })),
  ]
  return [{ kind: 'table', name: UNNAMED_LINES, rows: lines.length, columns }]
}

type Cells<Name extends string> = Readonly<Record<Name, ArrayLike<number>>>

/** Columns of a table of lines, and how many rows it has; undefined where the file has no such table. */
function cellsOf<Name extends string>(file: FitsFile, table: string, names: readonly Name[]) {
  const hdu = file.hdus.find((one) => one.name === table && one.kind === 'table')
  if (!hdu) return undefined
  const all = readTable(hdu)
  const cells = names.map((name) => {
    const found = column(all, name)
    if (!found) throw new RangeError(`${file.name}: the table ${table} has no column ${name}`)
    return [name, found.values as ArrayLike<number>]
  })
  return { rows: all.rows, at: Object.fromEntries(cells) as Cells<Name> }
}

/** The lines of ARCLINES; undefined where there is no such table. */
export function fittedLinesOf(file: FitsFile): FittedLine[] | undefined {
  const names = [...WHOLE, ...(Object.keys(REAL) as (keyof typeof REAL)[]), 'used'] as const
  const found = cellsOf(file, ARC_LINES, names)
  return found && Array.from({ length: found.rows }, (_, row) => fittedLine(found.at, row))
}

/** The lines of ARCOTHER; files of before have none. */
export function unnamedLinesOf(file: FitsFile): SpectralLine[] {
  const found = cellsOf(file, UNNAMED_LINES, [...UNNAMED.whole, ...UNNAMED.real])
  return found ? Array.from({ length: found.rows }, (_, row) => spectralLine(found.at, row)) : []
}

// Names are spelt out: objects that are filled by computed names are read ten times as slowly, and lines are read in every fit.
type Measured = (typeof UNNAMED.whole)[number] | (typeof UNNAMED.real)[number]

function spectralLine(at: Cells<Measured>, row: number): SpectralLine {
  return {
    index: Number(at.index[row]),
    fibre: Number(at.fibre[row]),
    x: Number(at.x[row]),
    error: Number(at.error[row]),
    flux: Number(at.flux[row]),
    fluxError: Number(at.fluxError[row]),
    fwhm: Number(at.fwhm[row]),
    chiSquare: Number(at.chiSquare[row]),
    flags: Number(at.flags[row]),
  }
}

function fittedLine(
  at: Cells<Measured | (typeof WHOLE)[number] | keyof typeof REAL | 'used'>,
  row: number,
): FittedLine {
  return namedLine(spectralLine(at, row), {
    wavelength: Number(at.wavelength[row]),
    listed: Number(at.listed[row]),
    dispersion: Number(at.dispersion[row]),
    sigma: Number(at.sigma[row]),
    residual: Number(at.residual[row]),
    velocity: Number(at.velocity[row]),
    used: Number(at.used[row]) === 1,
  })
}
