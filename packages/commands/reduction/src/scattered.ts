import { basename } from 'node:path'
import { DataError, runMemory } from '@nightpipe/command'
import { type Header, setCard } from '@nightpipe/fits'
import {
  hasTrace,
  movedTraces,
  type ScatteredLight,
  scatteredLight,
  startShift,
  subtractScatteredLightInPlace,
  type Traces,
  traceY,
} from '@nightpipe/spectra'
import { lightOf, litFibres, readTraces } from '@nightpipe/spectrographs'
import type { RawFrame } from './frames.js'
import type { ReductionConfig } from './schema.js'

/** A frame as its product will lie. */
export interface Turned {
  width: number
  height: number
  pixels: Float32Array
  error: Float32Array
  mask: Int16Array
}

const known = runMemory<string, Traces>()

/** The traces of a frame, each file read once by each thread; refused where they are of another size. */
export function tracesFor(path: string, { width, height }: Turned): Traces {
  const traces = known.get(path) ?? readTraces(path, { height })
  known.set(path, traces)
  if (traces.width === width && traces.height <= height) return traces
  throw new DataError(
    `the traces in ${basename(path)} are of ${traces.width}x${traces.height} pixels, the frame has ${width}x${height}`,
    'name others in [scattered light] traces, or set [scattered light] method = none',
  )
}

/** How far the orders of a flat are looked for, px: its traces may be of another night. */
const SEARCH = 4

/** Flats are reduced with traces that others made, and they are what new ones are made of: they say where their light is. */
export function tracesOnLight(frame: Turned, traces: Traces, { facts }: RawFrame): Traces {
  if (facts.type !== 'flat') return traces
  const lit = facts.fibres ? litFibres(facts.fibres) : Array.from({ length: traces.fibres }, (_, fibre) => fibre)
  const light = { width: frame.width, height: frame.height, rest: frame.pixels, bad: frame.mask }
  const shift = startShift([light], [lit.filter((fibre) => fibre < traces.fibres)], traces, SEARCH)
  return Math.abs(shift) < LEVEL ? traces : movedTraces(traces, shift)
}

/** A shift below this, px, is none: what is clear of the orders by a row is clear of them by this much less. */
const LEVEL = 0.2

/** Takes what is between the orders off as a smooth surface. */
export function takeScatteredOff(
  frame: Turned,
  traces: Traces,
  { facts }: RawFrame,
  config: ReductionConfig,
): ScatteredLight | undefined {
  const lit = facts.fibres && litFibres(facts.fibres)
  const found = scatteredLight(frame, traces, { margin: config['scattered light'].margin, ...(lit && { lit }) })
  if (found) subtractScatteredLightInPlace(found, frame.pixels)
  return found
}

export function scatteredCards(header: Header, path: string, found: ScatteredLight | undefined, unit: string): void {
  const digits = (value: number) => Number(value.toPrecision(7))
  setCard(header, 'TRACFILE', basename(path), 'where the orders are')
  if (!found) {
    setCard(header, 'SCATTER', 'none', 'scattered light: no room between the orders')
    return
  }
  setCard(header, 'SCATTER', 'surface', 'scattered light subtracted: how')
  setCard(header, 'SCATMED', digits(found.median), `[${unit}] scattered light, median`)
  setCard(header, 'SCATMIN', digits(found.lowest), `[${unit}] lowest`)
  setCard(header, 'SCATMAX', digits(found.highest), `[${unit}] highest`)
  setCard(header, 'SCATRMS', digits(found.scatter), `[${unit}] scatter about the surface`)
  setCard(header, 'SCATN', found.cells, 'places between the orders where it was measured')
}

/** Columns from one that is looked at to the next. */
const STEP = 16
/** A lamp is off when even its best light has less signal to noise than this in a column. */
const LAMP_ON = 5
/** Of a lamp of lines few columns have light; of a continuum half of those of its better orders. */
const LINES = 0.98
const BEST_ORDERS = 0.9

/** Why a fibre does not show what the header says: undefined when all do. Without scattered light, as it must be. */
export function darkFibre(
  frame: Turned,
  traces: Traces,
  { facts }: RawFrame,
  config: ReductionConfig,
): string | undefined {
  for (const [fibre, word] of (facts.fibres ?? []).entries()) {
    const light = lightOf(word)
    if (light === 'none' || fibre >= traces.fibres) continue
    if (facts.type === 'object' && light !== 'star') continue // a drift that cannot be measured spoils no spectrum
    const seen = lightOfFibre(frame, traces, fibre, light === 'arc')
    if (seen === undefined) continue
    const shown = `signal to noise ${Math.max(0, seen).toFixed(1)} in a column`
    const least = config.select['star light']
    if (light === 'star' && seen < least) return `no light of ${word} in fibre ${fibre}: clouds? (${shown})`
    if (light !== 'star' && seen < LAMP_ON) return `no light of ${word} in fibre ${fibre}: was the lamp off? (${shown})`
  }
  return undefined
}

/** Signal to noise of a column of a fibre where it is best; undefined where the fibre has no trace. */
function lightOfFibre(frame: Turned, traces: Traces, fibre: number, lines: boolean): number | undefined {
  const ofOrders: number[] = []
  const all: number[] = []
  for (let order = 0; order < traces.orders; order++) {
    if (!hasTrace(traces, order, fibre)) continue
    const at = order * traces.fibres + fibre
    const columns: number[] = []
    for (let x = traces.first[at]!; x <= traces.last[at]!; x += STEP)
      columns.push(columnOf(frame, traces, order, fibre, x))
    const good = Float64Array.from(columns.filter(Number.isFinite)).sort()
    if (good.length === 0) continue
    if (lines) all.push(...good)
    else ofOrders.push(good[good.length >> 1]!)
  }
  const sorted = Float64Array.from(lines ? all : ofOrders).sort()
  return sorted[Math.floor((lines ? LINES : BEST_ORDERS) * (sorted.length - 1))]
}

function columnOf({ width, height, pixels, error }: Turned, traces: Traces, order: number, fibre: number, x: number) {
  const first = Math.round(traceY(traces, order, fibre, x) - traces.rows / 2)
  let [sum, variance] = [0, 0]
  for (let y = Math.max(0, first); y < Math.min(height, first + traces.rows); y++) {
    sum += pixels[y * width + x]!
    variance += error[y * width + x]! ** 2
  }
  return sum / Math.sqrt(variance)
}
