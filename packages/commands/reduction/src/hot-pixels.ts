import type { Hdu } from '@nightpipe/fits'
import { type SkyMap, sampleSky, skyAt } from '@nightpipe/image'
import type { RawFrame } from './frames.js'
import { type AlignedReader, alignedReader } from './planes.js'

/** Pixels of a dark that stand this far from the smooth level are hot (or dead). */
const HOT = 5

/** A dark without its noise: a smooth level, and the pixels that differ from it. */
interface HotPixels {
  map: SkyMap
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
  { path, read }: { path: string; read: AlignedReader },
  error: Hdu | undefined,
  frame: RawFrame,
  width: number,
): { pixels: AlignedReader; error?: AlignedReader } {
  const height = Math.max(...frame.facts.amplifiers.map(({ place }) => place.y1))
  const key = `${path} ${width}x${height}${error ? ' with errors' : ''}`
  const hot = known.get(key) ?? findHot(read, error && alignedReader(error, frame, width), width, height)
  known.set(key, hot)
  const pixels: AlignedReader = (firstRow, rows, into) => {
    for (let y = 0; y < rows; y++) smoothRow(hot.map, firstRow + y, into.subarray(y * width, (y + 1) * width))
    return putHot(hot, hot.values, firstRow * width, into.subarray(0, rows * width))
  }
  const errors: AlignedReader = (firstRow, rows, into) =>
    putHot(hot, hot.errors!, firstRow * width, into.subarray(0, rows * width).fill(0))
  return { pixels, error: error && errors }
}

function findHot(read: AlignedReader, readError: AlignedReader | undefined, width: number, height: number): HotPixels {
  const whole = read(0, height, new Float32Array(width * height))
  const map = sampleSky(whole, width, height)
  const [level, limit] = [new Float32Array(width), new Float32Array(width)]
  const positions: number[] = []
  for (let y = 0; y < height; y++) {
    smoothRow(map, y, level)
    smoothRow({ ...map, level: map.sigma }, y, limit)
    for (let x = 0; x < width; x++) {
      if (Math.abs(whole[y * width + x] - level[x]) > HOT * limit[x]) positions.push(y * width + x)
    }
  }
  const at = (plane: Float32Array) => Float32Array.from(positions, (p) => plane[p])
  const found = { map, positions: Int32Array.from(positions), values: at(whole) }
  if (!readError) return found
  return { ...found, errors: at(readError(0, height, whole)) }
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
