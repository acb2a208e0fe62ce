import {
  type Column,
  column,
  copyHeader,
  type FitsFile,
  type Header,
  type NewColumn,
  type NewHdu,
  readTable,
  type Table,
  withFits,
} from '@nightpipe/fits'
import type { OrderSpectrum, Spectra } from '@nightpipe/spectra'

/** The name of the table that holds the spectra of an exposure. */
export const SPECTRUM = 'SPECTRUM'

/** What the file of an exposure holds: its spectra, and the cards of its primary header. */
export interface SpectrumFile extends Spectra {
  header: Header
}

/** Reads a `-1d` file: the table SPECTRUM, a row per order and fibre. */
export function readSpectra(source: string | FitsFile): SpectrumFile {
  return withFits(source, readOpen)
}

function readOpen(file: FitsFile): SpectrumFile {
  const hdu = file.hdus.find(({ name, kind }) => name === SPECTRUM && kind === 'table')
  if (!hdu) throw new RangeError(`${file.name} has no table ${SPECTRUM} (is it a -1d file, as extract makes them?)`)
  const table = readTable(hdu)
  const needed = (name: string): Column => {
    const found = column(table, name)
    if (!found) throw new RangeError(`${file.name}: the table ${SPECTRUM} has no column ${name}`)
    return found
  }
  const flux = needed('flux')
  const width = flux.repeat
  const scalars = (name: string) => Array.from(needed(name).values as ArrayLike<number | bigint>, Number)
  const [order, fibre] = [scalars('order'), scalars('fiber')]
  const index = column(table, 'index') ? scalars('index') : order
  const [fluxes, errors] = [vectors(flux, table, width), vectors(needed('uncertainty'), table, width)]
  const masks = vectors(needed('mask'), table, width)
  const [blazes, blazeErrors, waves] = ['blaze', 'blaze_uncertainty', 'wavelength'].map((name) => {
    const found = column(table, name)
    return found && vectors(found, table, width)
  })
  const unknown = order.every((m, row) => m === index[row]) // the file then counts orders, for want of their numbers
  const orders = order.map(
    (m, row): OrderSpectrum => ({
      ...{ index: index[row]!, order: unknown ? 0 : m, fibre: fibre[row]! },
      ...{ flux: fluxes[row]!, uncertainty: errors[row]!, mask: new Int32Array(masks[row]!) },
      ...(blazes && { blaze: blazes[row]! }),
      ...(blazeErrors && { blazeError: blazeErrors[row]! }),
      ...(waves && { wavelength: waves[row]! }),
    }),
  )
  return { width, orders, header: copyHeader(file.hdus[0]!.header) }
}

/** The cells of a vector column, one array per row. */
function vectors({ values, repeat, name }: Column, { rows }: Table, width: number): Float64Array[] {
  if (repeat !== width) throw new RangeError(`the column ${name} has ${repeat} values a row, but flux has ${width}`)
  const all = values as Float32Array
  return Array.from({ length: rows }, (_, row) => new Float64Array(all.subarray(row * width, (row + 1) * width)))
}

/**
 * The `-1d` file of an exposure: the cards of `header` in the primary HDU, and the table SPECTRUM with a row per order and
 * fibre. `order` is the diffraction order, or the index where that is not known; wavelengths are vacuum, Angstrom.
 * `unit` is that of flux and uncertainty. `air` turns vacuum wavelengths into those in air.
 */
export function spectraHdus(
  { width, orders }: Spectra,
  header: Header,
  { unit = 'electron', air }: { unit?: string; air?: (vacuum: number) => number } = {},
): NewHdu[] {
  const whole = (name: string, comment: string, value: (one: OrderSpectrum) => number): NewColumn => ({
    ...{ name, comment, format: 'J', values: Int32Array.from(orders, value) },
  })
  const vector = (name: string, type: 'E' | 'D' | 'J', cell: Cell, more: Partial<NewColumn>): NewColumn => {
    const Values = { E: Float32Array, D: Float64Array, J: Int32Array }[type]
    const values = new Values(width * orders.length)
    orders.forEach((one, row) => {
      const from = cell(one)
      if (from) values.set(from, row * width)
      else values.fill(Number.NaN, row * width, (row + 1) * width)
    })
    return { name, format: `${width}${type}`, values, ...more }
  }
  const columns = [
    whole('order', 'diffraction order (index where unknown)', ({ order, index }) => order || index),
    whole('fiber', 'fibre', ({ fibre }) => fibre),
    whole('index', 'from the bottom of the detector, from 0', ({ index }) => index),
    vector('wavelength', 'D', (one) => one.wavelength, { unit: 'Angstrom', comment: 'vacuum' }),
    vector('flux', 'E', (one) => one.flux, { unit }),
    vector('uncertainty', 'E', (one) => one.uncertainty, { unit, comment: 'one sigma' }),
    vector('blaze', 'E', (one) => one.blaze, { comment: 'response of the flat, 1 at its highest' }),
    vector('mask', 'J', (one) => one.mask, { comment: '0 is good' }),
  ]
  // last but for what comes later, so that files of before are read as they were
  if (orders.some(({ blazeError }) => blazeError)) {
    const comment = 'one sigma of blaze, common to all exposures with this flat'
    columns.push(vector('blaze_uncertainty', 'E', (one) => one.blazeError, { comment }))
  }
  if (air) {
    const inAir = ({ wavelength }: OrderSpectrum) => wavelength?.map((w) => (w > 0 ? air(w) : Number.NaN))
    columns.push(vector('wavelength_air', 'D', inAir, { unit: 'Angstrom', comment: 'in air' }))
  }
  return [
    { kind: 'empty', header },
    { kind: 'table', name: SPECTRUM, rows: orders.length, columns },
  ]
}

type Cell = (one: OrderSpectrum) => ArrayLike<number> | undefined
