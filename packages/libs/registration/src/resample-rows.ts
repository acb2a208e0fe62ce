import { allocate, inKernelMemory, kernels, scoped } from '@nightpipe/kernels'
import { type Interpolation, TAPS, tapWeights } from './interpolant.js'
import { forRuns, type NodeMap, newRun, type Run, type RunMap } from './pixel-map.js'
import type { Source } from './source-rows.js'

/** Rows `first` to `first + rows` of the new grid. All arrays lie in kernel memory. */
export interface NewRows {
  width: number
  first: number
  rows: number
  pixels: Float32Array
  error?: Float32Array
  mask?: Int16Array
}

export interface RowOptions {
  method: Interpolation
  /** Multiply by the area of a new pixel in old ones, so that stars keep their flux; else surfaces their brightness. */
  conserve: boolean
}

/** Fills rows of the new grid. Each pixel depends on its own place only, so that strips give what the whole would. */
export function resampleRows(source: Source, map: RunMap, out: NewRows, { method, conserve }: RowOptions): void {
  for (const array of [out.pixels, out.error, out.mask]) {
    if (array && !inKernelMemory(array)) throw new RangeError('new rows must lie in kernel memory')
  }
  const shift = pureShift(map)
  if (shift && method !== 'flux' && !out.error && !out.mask && isInside(source, shift, out)) {
    resampleShifted(source, shift, out, method)
    return
  }
  if ('spacing' in map && method !== 'flux') {
    resampleNodes(source, map, out, conserve)
    return
  }
  const { resampleRun, resampleArea } = kernels()
  const run = newRun()
  for (let y = 0; y < out.rows; y++) {
    forRuns(map, out.first + y, out.width, run, ({ x, count, u, v, du, dv, eu, ev }: Run) => {
      const p = y * out.width + x
      const targets = [
        out.pixels.byteOffset + 4 * p,
        out.error ? out.error.byteOffset + 4 * p : 0,
        out.mask ? out.mask.byteOffset + 2 * p : 0,
      ] as const
      const area = Math.abs(du * ev - dv * eu)
      if (method === 'flux') resampleArea(source.job, count, u, v, du, dv, eu, ev, conserve ? 1 : 1 / area, ...targets)
      else resampleRun(source.job, count, u, v, du, dv, conserve ? area : 1, ...targets)
    })
  }
}

/** All runs between nodes by the kernel: there are tens of thousands of them. */
function resampleNodes(source: Source, { u, v, spacing, columns }: NodeMap, out: NewRows, conserve: boolean): void {
  scoped(() => {
    const nodes = (values: Float64Array) => {
      const copy = allocate(Float64Array, values.length)
      copy.set(values)
      return copy.byteOffset
    }
    kernels().resampleNodes(
      ...([source.job, nodes(u), nodes(v), spacing, columns] as const),
      ...([out.first, out.rows, out.width, conserve ? 1 : 0] as const),
      ...([out.pixels.byteOffset, out.error?.byteOffset ?? 0, out.mask?.byteOffset ?? 0] as const),
    )
  })
}

function pureShift(map: RunMap): [dx: number, dy: number] | undefined {
  if (!('affine' in map)) return undefined
  const [a, b, c, d, e, f] = map.affine
  return a === 1 && b === 0 && d === 0 && e === 1 ? [c, f] : undefined
}

/** True when no new pixel lies beyond the frame. */
function isInside({ width, height }: Source, [dx, dy]: readonly [number, number], out: NewRows): boolean {
  const inRow = dx >= -0.5 && out.width - 1 + dx <= width - 0.5
  return inRow && out.first + dy >= -0.5 && out.first + out.rows - 1 + dy <= height - 0.5
}

function resampleShifted(source: Source, [dx, dy]: readonly [number, number], out: NewRows, method: Interpolation) {
  const taps = TAPS[method]
  const half = taps === 1 ? 0.5 : 0
  const [x0, y0] = [Math.floor(dx + half), Math.floor(dy + half)]
  const before = (taps >> 1) - (taps > 1 ? 1 : 0)
  scoped(() => {
    const weights = [dx - x0, dy - y0].map((fraction) => {
      const row = allocate(Float32Array, 8)
      row.set(tapWeights(method, fraction, new Float64Array(taps)))
      return row.byteOffset
    })
    const scratch = allocate(Float32Array, taps * out.width).byteOffset
    kernels().resampleShift(
      ...[source.pixels.byteOffset, source.width, source.rows, x0 - before, out.first + y0 - source.first - before],
      ...[weights[0], weights[1], taps, out.width, out.rows, out.pixels.byteOffset, scratch],
    )
    if (taps > 2 && Number.isFinite(source.margin)) {
      kernels().liftRows(
        ...[source.pixels.byteOffset, source.width, source.rows, x0, out.first + y0 - source.first],
        ...[out.width, out.rows, source.margin, out.pixels.byteOffset],
      )
    }
  })
}
