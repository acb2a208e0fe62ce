import {
  type CardValue,
  column,
  createHeader,
  type FitsFile,
  type Hdu,
  imageHdu,
  type NewHdu,
  numberOf,
  readPixels,
  readPixels64,
  readTable,
  withFits,
} from '@nightpipe/fits'
import { emptyTraces, hasTrace, setColumnsOnDetector, type Traces } from '@nightpipe/spectra'

/** Cards for the header of a product: keyword, value, comment. */
export type Cards = readonly (readonly [string, CardValue, string?])[]

/**
 * A TRACE file: the layout of the NRES pipeline in the primary HDU (float32; axes coefficient or row, order, fibre, plane;
 * plane 0 the Legendre coefficients, the others the profiles of the blocks), and behind it what that cannot hold: the
 * table ORDERS (coefficients to full precision, usable columns, errors) and the image PROFILES (the fine profiles).
 */
export function tracesHdus(traces: Traces, cards: Cards = []): NewHdu[] {
  const { orders, fibres, terms, rows, blocks, fine } = traces
  const deep = Math.max(rows, terms)
  const pixels = new Float32Array(deep * orders * fibres * (blocks + 1))
  for (let order = 0; order < orders; order++) {
    for (let fibre = 0; fibre < fibres; fibre++) {
      if (!hasTrace(traces, order, fibre)) continue // zeros stand for a fibre that is not lit
      const own = order * fibres + fibre
      const at = (plane: number) => ((plane * fibres + fibre) * orders + order) * deep
      pixels.set(traces.coefficients.subarray(own * terms, (own + 1) * terms), at(0))
      for (let block = 0; block < blocks; block++) {
        const from = (block * orders * fibres + own) * rows
        pixels.set(traces.profiles.subarray(from, from + rows), at(block + 1))
      }
    }
  }
  const header = createHeader([...layoutCards(traces), ...cards])
  const primary: NewHdu = { kind: 'image', header, bitpix: -32, axes: [deep, orders, fibres, blocks + 1], pixels }
  const table = ordersTable(traces)
  if (!fine) return [primary, table]
  const fineHeader = createHeader([
    ['PERROW', fine.perRow, 'samples per row; the middle one is the centre of the order'],
  ])
  const axes = [fine.samples, fibres, orders, blocks]
  return [
    primary,
    table,
    { kind: 'image', name: 'PROFILES', header: fineHeader, bitpix: -32, axes, pixels: fine.values },
  ]
}

function layoutCards({ width, height, orders, fibres, terms, rows, blocks, firstOrder, orderStep }: Traces): Cards {
  return [
    ['NX', width, 'columns of the detector'],
    ['NY', height, 'rows of the detector'],
    ['NFIB', fibres, 'fibers'],
    ['NPOLY', terms, 'Legendre coefficients of each trace'],
    ['NORD', orders, 'orders'],
    ['COWID', rows, 'rows of the profiles'],
    ['NBLOCK', blocks, 'profiles along an order'],
    ['ORDFIRST', firstOrder, 'diffraction order of index 0; 0: not known'],
    ['ORDSTEP', orderStep, 'to add for the next index'],
  ]
}

function ordersTable(traces: Traces): NewHdu {
  const { orders, fibres, terms, firstOrder, orderStep, coefficients, first, last } = traces
  const rows = orders * fibres
  const index = Int32Array.from({ length: rows }, (_, k) => Math.floor(k / fibres))
  const unknown = new Float64Array(rows).fill(Number.NaN)
  return {
    kind: 'table',
    name: 'ORDERS',
    rows,
    columns: [
      { name: 'index', values: index },
      {
        name: 'order',
        comment: 'diffraction order; 0: not known',
        values: index.map((i) => firstOrder && firstOrder + i * orderStep),
      },
      { name: 'fiber', values: Int32Array.from({ length: rows }, (_, k) => k % fibres) },
      { name: 'first', unit: 'pixel', comment: 'first usable column, from 0', values: first },
      { name: 'last', unit: 'pixel', comment: 'last usable column; less than the first: none', values: last },
      { name: 'rms', unit: 'pixel', comment: 'scatter of the measured centers', values: traces.scatter ?? unknown },
      { name: 'error', unit: 'pixel', comment: 'one sigma of the center', values: traces.error ?? unknown },
      { name: 'coefficients', unit: 'pixel', comment: 'Legendre', format: `${terms}D`, values: coefficients },
    ],
  }
}

/** What a file of others does not say. */
export interface TraceDefaults {
  height?: number
  firstOrder?: number
  orderStep?: number
}

/** Reads a TRACE file, ours or that of the NRES pipeline. */
export function readTraces(source: string | FitsFile, defaults: TraceDefaults = {}): Traces {
  return withFits(source, (file) => tracesOf(file, defaults))
}

function tracesOf(file: FitsFile, defaults: TraceDefaults): Traces {
  const image = imageHdu(file)
  const traces = readPlanes(image, defaults)
  const table = file.hdus.find((hdu) => hdu.name === 'ORDERS')
  if (table) readOrders(table, traces)
  const fine = file.hdus.find((hdu) => hdu.name === 'PROFILES')
  const perRow = fine && numberOf(fine.header, 'PERROW')
  if (!fine || !perRow) return traces
  return { ...traces, fine: { perRow, samples: fine.axes[0]!, values: readPixels(fine) } }
}

/** The primary HDU: all that a file of the NRES pipeline has. */
function readPlanes(image: Hdu, defaults: TraceDefaults): Traces {
  const { header, axes } = image
  const [deep = 0, orders = 0, fibres = 1, planes = 1] = axes
  const width = numberOf(header, 'NX')
  if (!width) throw new RangeError(`${image.file.name} is no TRACE file: it has no NX`)
  const height = numberOf(header, 'NY') ?? defaults.height ?? width
  const terms = Math.min(numberOf(header, 'NPOLY') ?? deep, deep)
  const rows = Math.min(numberOf(header, 'COWID') ?? deep, deep)
  const traces = emptyTraces({ width, height, orders, fibres, terms, rows, blocks: planes - 1 })
  traces.firstOrder = numberOf(header, 'ORDFIRST') ?? defaults.firstOrder ?? 0
  traces.orderStep = numberOf(header, 'ORDSTEP') ?? defaults.orderStep ?? 0
  const values = readPixels64(image)
  for (let own = 0; own < orders * fibres; own++) {
    const [order, fibre] = [Math.floor(own / fibres), own % fibres]
    const at = (plane: number) => ((plane * fibres + fibre) * orders + order) * deep
    const coefficients = values.subarray(at(0), at(0) + terms)
    if (coefficients.every((c) => c === 0)) continue
    traces.coefficients.set(coefficients, own * terms)
    for (let block = 0; block < planes - 1; block++) {
      const from = at(block + 1)
      traces.profiles.set(values.subarray(from, from + rows), (block * orders * fibres + own) * rows)
    }
    setColumnsOnDetector(traces, order, fibre)
  }
  return traces
}

function readOrders(hdu: Hdu, traces: Traces): void {
  const table = readTable(hdu)
  const numbers = (name: string) => column(table, name)!.values as ArrayLike<number>
  traces.coefficients.set(numbers('coefficients'))
  traces.first.set(numbers('first'))
  traces.last.set(numbers('last'))
  traces.scatter = Float64Array.from(numbers('rms'))
  traces.error = Float64Array.from(numbers('error'))
}
