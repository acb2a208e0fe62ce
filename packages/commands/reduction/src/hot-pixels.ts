import { runMemory } from '@nightpipe/command'
import type { Hdu } from '@nightpipe/fits'
import { type SkyMap, sampleSky } from '@nightpipe/image'
import { allocate, inKernelMemory, kernels, scoped } from '@nightpipe/kernels'
import type { RawFrame } from './frames.js'
import { type AlignedReader, alignedReader } from './planes.js'

/** Pixels of a master that stand this far from the smooth level are hot (or dead). */
const HOT = 5

/** A master without its noise: a smooth level, what columns differ from it by, and the pixels that differ from that. */
interface HotPixels {
  map: SkyMap
  /** where columns count */
  columns?: Float32Array
  /** variance about the level, pixels that differ left out */
  variance: number
  /** Row-major positions, rising, and the values there. */
  positions: Int32Array
  values: Float32Array
  errors?: Float32Array
}

/** A thread that reduces many frames looks through their dark once. */
const known = runMemory<string, HotPixels>()

/**
 * A dark of a few frames is noisier than the dark current is uneven: the smooth level instead, except where a pixel is
 * hot. The error is that of the master at hot pixels, and none elsewhere.
 */
export function hotOnly(
  { path, read, withColumns = false }: { path: string; read: AlignedReader; withColumns?: boolean },
  error: Hdu | undefined,
  frame: RawFrame,
  width: number,
): { pixels: AlignedReader; error?: AlignedReader; variance: number } {
  const height = Math.max(...frame.facts.amplifiers.map(({ place }) => place.y1))
  const key = `${path} ${width}x${height}${error ? ' with errors' : ''}`
  const readError = error && alignedReader(error, frame, width)
  const hot = known.get(key) ?? scoped(() => findHot(read, readError, width, height, withColumns))
  known.set(key, hot)
  const pixels: AlignedReader = (firstRow, rows, into) =>
    scoped(() => {
      const putRow = smoothRows(hot.map, hot.map.level, width, hot.columns)
      const row = allocate(Float32Array, width)
      for (let y = 0; y < rows; y++) {
        const here = into.subarray(y * width, (y + 1) * width) as Float32Array
        if (inKernelMemory(here)) putRow(firstRow + y, here)
        else here.set(putRow(firstRow + y, row))
      }
      return putHot(hot, hot.values, firstRow * width, into.subarray(0, rows * width))
    })
  const errors: AlignedReader = (firstRow, rows, into) =>
    putHot(hot, hot.errors!, firstRow * width, into.subarray(0, rows * width).fill(0))
  return { pixels, error: error && errors, variance: hot.variance }
}

/** Scratch is left in kernel memory, which the caller gives back. */
function findHot(
  read: AlignedReader,
  readError: AlignedReader | undefined,
  width: number,
  height: number,
  withColumns: boolean,
): HotPixels {
  const whole = read(0, height, allocate(Float32Array, width * height))
  const map = sampleSky(whole, width, height)
  const columns = withColumns ? columnsOf(whole, map, width, height) : undefined
  const [level, sigma] = [allocate(Float32Array, width), allocate(Float32Array, width)]
  const [levelRow, sigmaRow] = [smoothRows(map, map.level, width, columns), smoothRows(map, map.sigma, width)]
  const here = allocate(Int32Array, width)
  const squares = allocate(Float64Array, 1).fill(0)
  const positions: number[] = []
  for (let y = 0; y < height; y++) {
    const row = whole.byteOffset + 4 * y * width
    const [at, limit] = [levelRow(y, level).byteOffset, sigmaRow(y, sigma).byteOffset]
    const n = kernels().hotPixels(row, at, limit, HOT, width, y * width, here.byteOffset, squares.byteOffset)
    for (let k = 0; k < n; k++) positions.push(here[k])
  }
  const at = (plane: Float32Array) => Float32Array.from(positions, (p) => plane[p])
  const variance = squares[0] / Math.max(1, whole.length - positions.length)
  const found = { map, columns, variance, positions: Int32Array.from(positions), values: at(whole) }
  if (!readError) return found
  return { ...found, errors: at(readError(0, height, whole)) }
}

/** What each column differs from the smooth level by: the mean, pixels that stand out left out. */
function columnsOf(whole: Float32Array, map: SkyMap, width: number, height: number): Float32Array {
  const [level, sigma] = [allocate(Float32Array, width), allocate(Float32Array, width)]
  const [sums, counts] = [allocate(Float64Array, width).fill(0), allocate(Float64Array, width).fill(0)]
  const [levelRow, sigmaRow] = [smoothRows(map, map.level, width), smoothRows(map, map.sigma, width)]
  for (let y = 0; y < height; y++) {
    const row = whole.byteOffset + 4 * y * width
    const [at, limit] = [levelRow(y, level).byteOffset, sigmaRow(y, sigma).byteOffset]
    kernels().addQuiet(row, at, limit, HOT, width, sums.byteOffset, counts.byteOffset)
  }
  return Float32Array.from(sums, (sum, x) => (counts[x] > 0 ? sum / counts[x] : 0))
}

/**
 * The smooth level of one row after the other, linear between the centres of the tiles both ways, plus that of the columns
 * where they count. Rows, and scratch, lie in kernel memory.
 */
function smoothRows(map: SkyMap, values: Float32Array, width: number, columns?: Float32Array) {
  const more = columns && allocate(Float32Array, width)
  more?.set(columns!)
  let [low, high] = [allocate(Float32Array, width), allocate(Float32Array, width)]
  let [tileOfLow, tileOfHigh] = [-1, -1]
  return (y: number, into: Float32Array): Float32Array => {
    const v = Math.min(map.rows - 1, Math.max(0, (y + 0.5) / map.tile - 0.5))
    const tile = Math.min(map.rows - 1, Math.floor(v))
    const next = Math.min(map.rows - 1, tile + 1)
    if (tile === tileOfHigh) {
      ;[low, high] = [high, low]
      tileOfLow = tile
      tileOfHigh = -1
    }
    if (tile !== tileOfLow) alongTiles(map, values, tile, low)
    if (next !== tileOfHigh) alongTiles(map, values, next, high)
    ;[tileOfLow, tileOfHigh] = [tile, next]
    kernels().blendRows(low.byteOffset, high.byteOffset, v - tile, more?.byteOffset ?? 0, width, into.byteOffset)
    return into
  }
}

/** The values of a row of tiles, linear between their centres. */
function alongTiles({ columns, tile }: SkyMap, values: Float32Array, row: number, into: Float32Array): void {
  for (let x = 0; x < into.length; x++) {
    const u = Math.min(columns - 1, Math.max(0, (x + 0.5) / tile - 0.5))
    const i = Math.floor(u)
    const [from, to] = [values[row * columns + i], values[row * columns + Math.min(columns - 1, i + 1)]]
    into[x] = from + (u - i) * (to - from)
  }
}

function putHot({ positions }: HotPixels, values: Float32Array, start: number, into: Float32Array): Float32Array {
  let [low, high] = [0, positions.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (positions[middle] < start) low = middle + 1
    else high = middle
  }
  for (let k = low; k < positions.length && positions[k] < start + into.length; k++) {
    into[positions[k] - start] = values[k]
  }
  return into
}
