import type { Hdu } from '@nightpipe/fits'
import { type SkyMap, sampleSky, skyAt } from '@nightpipe/image'
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
const known = new Map<string, HotPixels>()

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
  const hot = known.get(key) ?? findHot(read, readError, width, height, withColumns)
  known.set(key, hot)
  const pixels: AlignedReader = (firstRow, rows, into) => {
    for (let y = 0; y < rows; y++) levelRow(hot, firstRow + y, into.subarray(y * width, (y + 1) * width))
    return putHot(hot, hot.values, firstRow * width, into.subarray(0, rows * width))
  }
  const errors: AlignedReader = (firstRow, rows, into) =>
    putHot(hot, hot.errors!, firstRow * width, into.subarray(0, rows * width).fill(0))
  return { pixels, error: error && errors, variance: hot.variance }
}

function findHot(
  read: AlignedReader,
  readError: AlignedReader | undefined,
  width: number,
  height: number,
  withColumns: boolean,
): HotPixels {
  const whole = read(0, height, new Float32Array(width * height))
  const map = sampleSky(whole, width, height)
  const columns = withColumns ? columnsOf(whole, map, width, height) : undefined
  const [level, limit] = [new Float32Array(width), new Float32Array(width)]
  const positions: number[] = []
  let squares = 0
  for (let y = 0; y < height; y++) {
    levelRow({ map, columns }, y, level)
    smoothRow({ ...map, level: map.sigma }, y, limit)
    for (let x = 0; x < width; x++) {
      const off = whole[y * width + x] - level[x]
      if (Math.abs(off) > HOT * limit[x]) positions.push(y * width + x)
      else squares += off * off
    }
  }
  const at = (plane: Float32Array) => Float32Array.from(positions, (p) => plane[p])
  const variance = squares / Math.max(1, whole.length - positions.length)
  const found = { map, columns, variance, positions: Int32Array.from(positions), values: at(whole) }
  if (!readError) return found
  return { ...found, errors: at(readError(0, height, whole)) }
}

/** What each column differs from the smooth level by: the mean, pixels that stand out left out. */
function columnsOf(whole: Float32Array, map: SkyMap, width: number, height: number): Float32Array {
  const [level, limit] = [new Float32Array(width), new Float32Array(width)]
  const [sums, counts] = [new Float64Array(width), new Float64Array(width)]
  for (let y = 0; y < height; y++) {
    smoothRow(map, y, level)
    smoothRow({ ...map, level: map.sigma }, y, limit)
    for (let x = 0; x < width; x++) {
      const off = whole[y * width + x] - level[x]
      if (!(Math.abs(off) <= HOT * limit[x])) continue
      sums[x] += off
      counts[x]++
    }
  }
  return Float32Array.from(sums, (sum, x) => (counts[x] > 0 ? sum / counts[x] : 0))
}

/** The level of a row: smooth, and by columns where those count. */
function levelRow({ map, columns }: Pick<HotPixels, 'map' | 'columns'>, y: number, into: Float32Array): void {
  smoothRow(map, y, into)
  if (columns) for (let x = 0; x < into.length; x++) into[x] += columns[x]
}

/** The smooth level along a row: linear between the centres of the tiles. */
function smoothRow(map: SkyMap, y: number, into: Float32Array): void {
  const { tile, columns } = map
  for (let i = 0; i <= columns; i++) {
    const from = Math.max(0, Math.round((i - 0.5) * tile))
    const to = Math.min(into.length, Math.round((i + 0.5) * tile))
    if (from >= to) continue
    const first = skyAt(map, map.level, from, y)
    const step = to - from > 1 ? (skyAt(map, map.level, to - 1, y) - first) / (to - from - 1) : 0
    for (let x = from; x < to; x++) into[x] = first + step * (x - from)
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
