import type { Canvas } from './paint.js'
import type { Settings } from './schema.js'

/** Pixels of a cell of the coarse map. */
export const CELL = 16

/** Scattered light on a coarse grid: a value for the middle of each cell. */
export interface CoarseMap {
  values: Float64Array
  width: number
  height: number
}

/** A part of the light of the canvas, spread far and wide: two Gaussians, with nothing coming back from beyond the edges. */
export function scatteredMap({ pixels, along, across }: Canvas, settings: Settings): CoarseMap {
  const [width, height] = [Math.ceil(along / CELL), Math.ceil(across / CELL)]
  const light = new Float64Array(width * height)
  for (let y = 0; y < across; y++) {
    const row = Math.floor(y / CELL) * width
    for (let x = 0; x < along; x++) light[row + Math.floor(x / CELL)]! += pixels[y * along + x]!
  }
  const { part, size, near } = settings['scattered light']
  const sigma = (size * Math.max(along, across)) / CELL
  const wide = blurred(light, width, height, sigma)
  const close = blurred(light, width, height, sigma / 4)
  const values = wide.map((value, k) => (part * ((1 - near) * value + near * close[k]!)) / CELL ** 2)
  return { values, width, height }
}

function blurred(light: Float64Array, width: number, height: number, sigma: number): Float64Array {
  return alongRows(
    transposed(alongRows(transposed(light, width, height), height, width, sigma), height, width),
    width,
    height,
    sigma,
  )
}

function transposed(values: Float64Array, width: number, height: number): Float64Array {
  const out = new Float64Array(values.length)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) out[x * height + y] = values[y * width + x]!
  return out
}

function alongRows(values: Float64Array, width: number, height: number, sigma: number): Float64Array {
  const half = Math.ceil(4 * sigma)
  const kernel = Float64Array.from({ length: 2 * half + 1 }, (_, k) => Math.exp(-0.5 * ((k - half) / sigma) ** 2))
  const sum = kernel.reduce((a, b) => a + b)
  const out = new Float64Array(values.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let value = 0
      for (let k = Math.max(0, x - half); k <= Math.min(width - 1, x + half); k++) {
        value += values[y * width + k]! * kernel[x - k + half]!
      }
      out[y * width + x] = value / sum
    }
  }
  return out
}

/** Adds the map to the canvas, times `factor`; linear between the middles of cells. */
export function addMap(canvas: Canvas, map: CoarseMap, factor = 1): void {
  const { pixels, along, across } = canvas
  for (let y = 0; y < across; y++) {
    const at = Math.min(Math.max((y + 0.5) / CELL - 0.5, 0), map.height - 1)
    const k = Math.min(Math.floor(at), Math.max(0, map.height - 2))
    const v = at - k
    const below = k * map.width
    const above = Math.min(k + 1, map.height - 1) * map.width
    for (let x = 0; x < along; x++) {
      const ax = Math.min(Math.max((x + 0.5) / CELL - 0.5, 0), map.width - 1)
      const i = Math.min(Math.floor(ax), Math.max(0, map.width - 2))
      const u = ax - i
      const j = Math.min(i + 1, map.width - 1)
      const low = (1 - u) * map.values[below + i]! + u * map.values[below + j]!
      const high = (1 - u) * map.values[above + i]! + u * map.values[above + j]!
      pixels[y * along + x]! += factor * ((1 - v) * low + v * high)
    }
  }
}
