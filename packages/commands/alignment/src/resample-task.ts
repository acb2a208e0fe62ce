import {
  companion,
  type FitsFile,
  frameHdu,
  openFits,
  readIntegers,
  readPixels,
  type StripPlan,
  writeStrip,
} from '@nightpipe/fits'
import { allocate, scoped } from '@nightpipe/kernels'
import {
  type FrameRows,
  type Interpolation,
  type RunMap,
  resampleRows,
  rowsNeeded,
  sourceRows,
} from '@nightpipe/registration'
import type { FrameInfo } from './frames.js'
import type { Grid } from './grid.js'

/** Rows of one product: plain data for a thread. */
export interface RowsArgs {
  plan: StripPlan
  frame: FrameInfo
  runs: RunMap
  width: number
  method: string
  conserve: boolean
  /** The sky, which stands where nothing is known. */
  level: number
  /** What a new pixel may be below its neighbours. */
  margin: number
  first: number
  rows: number
}

export interface RowsDone {
  /** Parts of the sums of the planes. */
  sums: number[]
}

/** New rows for each task, and rows of the frame that are more than such a task should have to read. */
const ROWS = 128
const MANY = 1024
/** Rows beyond those that are reached: what Lanczos4 and the filling in of bad pixels look at. */
const MARGIN = 8

/** New rows for each task: fixed by the map, so that products are the same whatever the number of threads. */
export function rowsPerTask(runs: RunMap, { width, height }: Grid, frame: FrameInfo): number {
  const middle = Math.max(0, Math.min(height - ROWS, Math.floor((height - ROWS) / 2)))
  const rows = Math.min(ROWS, height)
  // where the frame is turned by much, a few new rows reach over all of it: fewer, larger tasks read it less often
  const { rows: read } = rowsNeeded(runs, { width, first: middle, rows }, frame.height, MARGIN)
  return read > MANY ? Math.max(ROWS, Math.ceil(height / 4)) : ROWS
}

/** Reads what some new rows need, resamples and writes them. */
export function resampleSome(args: RowsArgs): RowsDone {
  const { plan, frame, runs, width, first, rows, level, margin, conserve } = args
  const method = args.method as Interpolation
  return scoped(() => {
    const n = width * rows
    const out = {
      ...{ width, first, rows, pixels: allocate(Float32Array, n) },
      ...(frame.hasError ? { error: allocate(Float32Array, n) } : {}),
      ...(frame.hasMask ? { mask: allocate(Int16Array, n) } : {}),
    }
    const needed = rowsNeeded(runs, { width, first, rows }, frame.height, MARGIN)
    const source = sourceRows(read(frame, needed), method, level, margin)
    resampleRows(source, runs, out, { method, conserve })
    const planes = [out.pixels, out.error, out.mask].filter((plane) => plane !== undefined)
    return { sums: planes.map((plane, k) => writeStrip(plan, k, first, plane)) }
  })
}

function read(frame: FrameInfo, { first, rows }: { first: number; rows: number }): FrameRows {
  const file = openKept(frame.path)
  const image = frameHdu(file)
  const n = rows * frame.width
  const range = { firstRow: first, rows, plane: 0 }
  const floats = () => ({ ...range, into: allocate(Float32Array, n) })
  const [error, mask] = [companion(file, image, 'ERR'), companion(file, image, 'MASK')]
  return {
    ...{ width: frame.width, height: frame.height, first, rows, pixels: readPixels(image, floats()) },
    ...(error && frame.hasError ? { error: readPixels(error, floats()) } : {}),
    // a mask counts even where none is written: what it marks is left out
    ...(mask ? { mask: readIntegers(mask, { ...range, into: allocate(Int16Array, n) }) } : {}),
  }
}

/** A thread keeps the file that it read from last: the next rows are of the same one. */
let kept: { path: string; file: FitsFile } | undefined

function openKept(path: string): FitsFile {
  if (kept?.path === path) return kept.file
  kept?.file.close()
  kept = undefined
  kept = { path, file: openFits(path) }
  return kept.file
}
