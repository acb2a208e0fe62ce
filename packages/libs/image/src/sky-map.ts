import { allocate, inKernelMemory, kernels, scoped } from '@nightpipe/kernels'
import { MAD_TO_SIGMA, median } from '@nightpipe/math'

/** The sky of a frame, quickly: coarse tiles, each judged on a sample of its pixels. */
export interface SkyMap {
  columns: number
  rows: number
  tile: number
  /** Level and one-sigma noise of each tile, row by row. */
  level: Float32Array
  sigma: Float32Array
  /** Medians over the tiles: what a header calls the sky. */
  medianLevel: number
  medianSigma: number
}

/** Samples of a tile that stars, or masks, leave over: fewer say nothing about the sky. */
const ENOUGH = 12

/** Of large frames a sparser sample will do: 64 pixels of a tile, 576 of nine. */
const stepFor = (pixels: number) => (pixels > 2 ** 22 ? 8 : 4)

/**
 * Median level and scaled-MAD noise of tiles `tile` pixels wide, from every `step`-th pixel of every `step`-th row; then
 * the median of each 3 x 3 tiles, so that bright stars do not show. Pixels that are NaN or masked are left out. A frame
 * without good pixels has level and sigma NaN.
 */
export function sampleSky(
  pixels: Float32Array,
  width: number,
  height: number,
  { tile = 64, step = stepFor(width * height), mask }: { tile?: number; step?: number; mask?: Int16Array } = {},
): SkyMap {
  const columns = Math.ceil(width / tile)
  const rows = Math.ceil(height / tile)
  const where = { width, height, tile, step, columns, rows }
  const near = inKernelMemory(pixels) && (!mask || inKernelMemory(mask))
  const { level, sigma } = near ? tilesByKernel(pixels, mask, where) : tilesByLoop(pixels, mask, where)
  const smoothLevel = smooth(level, columns, rows)
  const smoothSigma = smooth(sigma, columns, rows)
  const medianLevel = medianOfGood(smoothLevel)
  const medianSigma = medianOfGood(smoothSigma)
  return { columns, rows, tile, level: smoothLevel, sigma: smoothSigma, medianLevel, medianSigma }
}

interface Tiling {
  width: number
  height: number
  tile: number
  step: number
  columns: number
  rows: number
}

/** Level and noise of each tile. */
interface Tiles {
  level: Float32Array
  sigma: Float32Array
}

function tilesByKernel(pixels: Float32Array, mask: Int16Array | undefined, where: Tiling): Tiles {
  const { width, height, tile, step, columns, rows } = where
  return scoped(() => {
    const [level, sigma] = [allocate(Float32Array, columns * rows), allocate(Float32Array, columns * rows)]
    const sample = allocate(Float64Array, Math.ceil(tile / step) ** 2)
    kernels().skyTiles(
      ...([pixels.byteOffset, mask?.byteOffset ?? 0, width, height, tile, step, ENOUGH] as const),
      ...([level.byteOffset, sigma.byteOffset, sample.byteOffset] as const),
    )
    return { level: new Float32Array(level), sigma: new Float32Array(sigma) }
  })
}

/** The same for pixels that lie elsewhere. */
function tilesByLoop(pixels: Float32Array, mask: Int16Array | undefined, where: Tiling): Tiles {
  const { width, height, tile, step, columns, rows } = where
  const level = new Float32Array(columns * rows)
  const sigma = new Float32Array(columns * rows)
  const sample = new Float64Array(Math.ceil(tile / step) ** 2)
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const n = sampleTile(pixels, width, height, i * tile, j * tile, tile, step, mask, sample)
      const centre = n < ENOUGH ? Number.NaN : median(sample, n)
      for (let k = 0; k < n; k++) sample[k] = Math.abs(sample[k] - centre)
      level[j * columns + i] = centre
      sigma[j * columns + i] = n < ENOUGH ? Number.NaN : MAD_TO_SIGMA * median(sample, n)
    }
  }
  return { level, sigma }
}

function sampleTile(
  pixels: Float32Array,
  width: number,
  height: number,
  x0: number,
  y0: number,
  tile: number,
  step: number,
  mask: Int16Array | undefined,
  sample: Float64Array,
): number {
  let n = 0
  const bottom = Math.min(height, y0 + tile)
  const right = Math.min(width, x0 + tile)
  for (let y = y0; y < bottom; y += step) {
    // staggered: a bad column, or a pattern of the read-out, does not meet every sample
    for (let x = x0 + (((y / step) % step) | 0); x < right; x += step) {
      const p = y * width + x
      const value = pixels[p]
      if (Number.isNaN(value) || (mask && mask[p] !== 0)) continue
      sample[n++] = value
    }
  }
  return n
}

/** The median of each 3 x 3 tiles, unknown ones left out. Alone among unknown ones a tile takes the median of all. */
function smooth(values: Float32Array, columns: number, rows: number): Float32Array {
  return scoped(() => {
    const [from, to] = [allocate(Float32Array, values.length), allocate(Float32Array, values.length)]
    from.set(values)
    const window = allocate(Float64Array, 9)
    kernels().skySmooth(from.byteOffset, columns, rows, medianOfGood(values), window.byteOffset, to.byteOffset)
    return new Float32Array(to)
  })
}

function medianOfGood(values: Float32Array): number {
  return scoped(() => {
    const good = allocate(Float64Array, values.length)
    let n = 0
    for (let k = 0; k < values.length; k++) if (!Number.isNaN(values[k])) good[n++] = values[k]
    return kernels().medianOfDoubles(good.byteOffset, n)
  })
}

/** The level of a map at a pixel, bilinear between the centres of the tiles. */
export function skyAt({ columns, rows, tile }: SkyMap, values: Float32Array, x: number, y: number): number {
  const u = Math.min(columns - 1, Math.max(0, (x + 0.5) / tile - 0.5))
  const v = Math.min(rows - 1, Math.max(0, (y + 0.5) / tile - 0.5))
  const i = Math.min(columns - 1, Math.floor(u))
  const j = Math.min(rows - 1, Math.floor(v))
  const fx = u - i
  const fy = v - j
  const right = Math.min(columns - 1, i + 1)
  const up = Math.min(rows - 1, j + 1)
  const low = values[j * columns + i] * (1 - fx) + values[j * columns + right] * fx
  const high = values[up * columns + i] * (1 - fx) + values[up * columns + right] * fx
  return low * (1 - fy) + high * fy
}
