import { allocate, inKernelMemory, kernels, scoped } from '@nightpipe/kernels'
import { MAD_TO_SIGMA, medianOf } from '@nightpipe/math'
import { adaptiveSurface, robustSurface } from './adaptive-surface.js'
import { type Frame, measureCells } from './scattered-cells.js'
import { type SplineSurface, surfaceRows, surfaceValues } from './spline-surface.js'
import { hasTrace, type Traces, traceY } from './traces.js'

export interface ScatteredLightOptions {
  /** Rows beyond those of the extraction that stay clear of every fibre, at least; px. */
  margin?: number
  /** Rows that stay clear of every fibre in gaps that are narrower than one wishes, at least; px. */
  nearest?: number
  /** Fibres with light; all when absent. Where there is no other room, the place of a dark fibre serves. */
  lit?: readonly number[]
  /** Follow what varies over less than some 250 px, too, as far as the places tell it; not where wings of the orders are still to be told from it. */
  fine?: boolean
}

/** Light that belongs to no order: a smooth surface over the frame, as seen between the orders. */
export interface ScatteredLight {
  surface: SplineSurface
  width: number
  /** places where it was measured, and how many of them were left out as not smooth */
  cells: number
  rejected: number
  /** scatter of the places about the surface, and what a typical place is good for; in the unit of the frame */
  scatter: number
  /** of the surface at the places: lowest, median and highest */
  lowest: number
  median: number
  highest: number
}

/** Fewer places than this tell nothing about a surface. */
const FEWEST = 20

/**
 * Scattered light of a frame, from between its orders: in cells between neighbouring traces (of all fibres, whether they
 * are lit or not), at least `margin` beyond the rows that extraction takes, the clipped mean of the pixels. Where fibres
 * are packed more closely the place of a dark fibre serves, and the middle of narrow gaps, which counts less the brighter
 * its neighbours are. Through the cells goes a smooth surface, cells that stand out weighted down (Tukey's biweight), as fine as
 * they can tell: bright lines scatter light about themselves. Undefined where the orders leave no room.
 */
export function scatteredLight(
  frame: Frame,
  traces: Traces,
  { margin = 1, nearest = 0, lit, fine = true }: ScatteredLightOptions = {},
): ScatteredLight | undefined {
  const cells = measureCells(frame, traces, margin, nearest, lit)
  const n = cells.value.length
  if (n < FEWEST) return undefined
  const even = (length: number, least: number) => Math.min(13, Math.max(least, Math.round(length / 250)))
  const x = { low: least(cells.x), high: most(cells.x), pieces: even(frame.width, 3) }
  const y = { low: least(cells.y), high: most(cells.y), pieces: even(frame.height, 4) }
  if (!(x.high > x.low && y.high - y.low > SEEN * acrossOf(traces))) return undefined
  const { surface, residuals, rejected } = (fine ? adaptiveSurface : robustSurface)(cells, x, y)
  const levels = surfaceValues(surface, cells.x, cells.y).sort()
  return {
    ...{ surface, width: frame.width, cells: n, rejected, scatter: MAD_TO_SIGMA * medianOf(residuals.map(Math.abs)) },
    ...{ lowest: levels[0]!, median: levels[n >> 1]!, highest: levels[n - 1]! },
  }
}

/** Of the rows that the orders take in the middle column so much must have places: what is foretold for others is nothing. */
const SEEN = 0.5

function acrossOf(traces: Traces): number {
  const rows: number[] = []
  for (let order = 0; order < traces.orders; order++)
    for (let fibre = 0; fibre < traces.fibres; fibre++)
      if (hasTrace(traces, order, fibre)) rows.push(traceY(traces, order, fibre, traces.width >> 1))
  return rows.length ? Math.max(...rows) - Math.min(...rows) : 0
}

/** Subtracts it from the rows of a frame, in place. */
export function subtractScatteredLightInPlace({ surface, width }: ScatteredLight, pixels: Float32Array): void {
  const nodes = Math.ceil(width / NODE) + 1
  const rowOf = surfaceRows(surface, nodes, NODE)
  scoped(() => {
    const line = allocate(Float32Array, nodes)
    const row = inKernelMemory(pixels) ? undefined : allocate(Float32Array, width)
    for (let start = 0, y = 0; start < pixels.length; start += width, y++) {
      rowOf(y, line)
      const own = pixels.subarray(start, start + width)
      row?.set(own)
      kernels().subtractNodes((row ?? own).byteOffset, width, line.byteOffset)
      if (row) own.set(row)
    }
  })
}

/** The surface is linear over so many columns, as the kernel has it: it bends in them by a thousandth of what it does in a piece. */
const NODE = 8

const least = (values: Float64Array) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
const most = (values: Float64Array) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
