import { MaskBit } from '@nightpipe/image'
import { allocate, inKernelMemory, kernels, type Typed } from '@nightpipe/kernels'
import { type Interpolation, TAPS, tapWeights } from './interpolant.js'

/** Rows of a frame in memory: rows `first` to `first + rows` of `height`. */
export interface FrameRows {
  width: number
  height: number
  first: number
  rows: number
  pixels: Float32Array
  error?: Float32Array
  mask?: Int16Array
}

/** Bits of pixels whose value says nothing; those that were interpolated have a value that does. */
const UNUSABLE = MaskBit.bad | MaskBit.cosmicRay | MaskBit.noData
/** Fractions of a pixel that have weights in the table. */
const PHASES = 2048
const ROW = 8

/** What kernels read: a record of addresses and sizes, and the arrays, all in kernel memory until that is released. */
export interface Source extends FrameRows {
  job: number
  taps: number
  margin: number
}

/**
 * Rows of a frame made ready for resampling, in kernel memory (within the caller's `scoped`). Arrays that lie there
 * already are used up: bad pixels are filled in from their neighbours (`level` where they have none), errors squared. Lanczos undershoots where a star is
 * narrower than it can follow, or cut off by saturation: no new pixel is further below the lowest of the four about its
 * place than `margin`.
 */
export function sourceRows(
  rows: FrameRows,
  method: Interpolation,
  level: number,
  margin = Number.POSITIVE_INFINITY,
): Source {
  const n = rows.rows * rows.width
  const pixels = placed(rows.pixels, Float32Array, n)
  const error = rows.error && placed(rows.error, Float32Array, n)
  let mask = rows.mask && placed(rows.mask, Int16Array, n)
  const address = (array?: Typed) => array?.byteOffset ?? 0
  const kernel = kernels()
  const holes = kernel.countNotFinite(address(pixels), n) + (error ? kernel.countNotFinite(address(error), n) : 0)
  if (holes > 0) {
    mask ??= allocate(Int16Array, n).fill(0)
    kernel.markNotFinite(address(pixels), address(mask), n, MaskBit.noData)
    if (error) kernel.markNotFinite(address(error), address(mask), n, MaskBit.noData)
  }
  if (error) for (let p = 0; p < n; p++) error[p] *= error[p]
  let near: Int16Array | undefined
  if (mask) {
    for (const kept of [0, MaskBit.interpolated]) {
      // what was interpolated keeps its value, unless that is not a number
      if (kept || holes) {
        const bits = kept ? UNUSABLE : MaskBit.noData
        kernel.fillBad(address(pixels), address(error), address(mask), rows.width, rows.rows, bits, kept, level)
      }
    }
    near = allocate(Int16Array, n)
    kernel.nearBits(address(mask), rows.width, rows.rows, address(near), address(allocate(Int16Array, rows.width + 8)))
  }
  const job = allocate(Int32Array, 11)
  job.set([
    address(pixels),
    address(error),
    address(mask),
    address(near),
    rows.width,
    rows.height,
    rows.first,
    rows.rows,
  ])
  job.set([TAPS[method], address(weightTable(method))], 8)
  new Float32Array(job.buffer, job.byteOffset + 40, 1)[0] = margin
  return { ...rows, pixels, error, mask, job: job.byteOffset, taps: TAPS[method], margin }
}

function placed<T extends Float32Array | Int16Array>(
  array: T,
  type: { new (buffer: ArrayBufferLike, offset: number, length: number): T; BYTES_PER_ELEMENT: number },
  n: number,
): T {
  if (array.length < n) throw new RangeError(`${array.length} pixels, and ${n} are needed`)
  if (inKernelMemory(array)) return array
  const copy = allocate(type as never, n) as unknown as T
  copy.set(array.subarray(0, n) as never)
  return copy
}

/** Weights that this thread has made: that takes 0.3 ms, which is too long for each strip. */
const made = new Map<Interpolation, Float32Array>()

/** The weights of all fractions, in kernel memory. */
function weightTable(method: Interpolation): Float32Array {
  const table = allocate(Float32Array, (PHASES + 1) * ROW)
  const before = made.get(method)
  if (before) {
    table.set(before)
    return table
  }
  table.fill(0)
  const taps = TAPS[method]
  if (taps > 2) kernels().lanczosTable(taps, PHASES, table.byteOffset, 0)
  else {
    const weights = new Float64Array(taps)
    for (let phase = 0; phase <= PHASES; phase++) table.set(tapWeights(method, phase / PHASES, weights), phase * ROW)
  }
  made.set(method, table.slice())
  return table
}
