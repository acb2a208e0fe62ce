import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { median } from '@nightpipe/math'
import { MaskBit } from './frame.js'
import type { SkyMap } from './sky-map.js'

/** What the search knows about a pixel. Weak ones respond little: they are noisier than those about them. */
export const State = { unusable: 1, nearSaturated: 2, flagged: 4, listed: 8, weak: 16 } as const

/**
 * A frame while cosmic rays are searched in it. Flagged and unusable pixels are repaired in `pixels` and `error`, which
 * lie in kernel memory, and what stood there is kept in `repairs`, to be put back.
 */
export interface CosmicWork {
  pixels: Float32Array
  error: Float32Array
  width: number
  height: number
  state: Uint8Array
  sky: SkyMap
  repairs: { position: number[]; pixel: number[]; error: number[] }
}

/** Half-width of the window from which pixels are repaired, and of the medians of van Dokkum (2001). */
const RADIUS = 2
const pixelWindow = new Float64Array((2 * RADIUS + 1) ** 2)
const errorWindow = new Float64Array((2 * RADIUS + 1) ** 2)

/** Marks what cannot be searched: pixels without a value, bad ones, and those within 2 px of a saturated one. */
export function prepareStates(
  pixels: Float32Array,
  error: Float32Array,
  width: number,
  height: number,
  mask?: Int16Array,
): { state: Uint8Array; unusable: number[] } {
  const state = new Uint8Array(pixels.length)
  const unusable: number[] = []
  const bad = MaskBit.bad | MaskBit.noData
  for (let p = 0; p < pixels.length; p++) {
    const bits = mask ? mask[p] : 0
    // x - x is 0 but for NaN and infinities
    if ((bits & bad) !== 0 || pixels[p] - pixels[p] !== 0 || !(error[p] >= 0)) {
      state[p] |= State.unusable
      unusable.push(p)
    }
    if ((bits & MaskBit.lowResponse) !== 0) state[p] |= State.weak
    if ((bits & MaskBit.saturated) !== 0) markAround(state, width, height, p)
  }
  return { state, unusable }
}

function markAround(state: Uint8Array, width: number, height: number, p: number): void {
  const x = p % width
  const y = (p - x) / width
  const right = Math.min(width - 1, x + RADIUS)
  for (let v = Math.max(0, y - RADIUS); v <= Math.min(height - 1, y + RADIUS); v++) {
    for (let u = Math.max(0, x - RADIUS); u <= right; u++) state[v * width + u] |= State.nearSaturated
  }
}

/**
 * Puts the median of the good pixels of the 5 x 5 about it in place of a pixel, and the median of their errors; the sky,
 * where there is no good one. True when the pixel changed.
 */
export function repair(work: CosmicWork, p: number): boolean {
  const { pixels, error, width, height, state } = work
  const x = p % width
  const y = (p - x) / width
  let n = 0
  for (let v = Math.max(0, y - RADIUS); v <= Math.min(height - 1, y + RADIUS); v++) {
    for (let u = Math.max(0, x - RADIUS); u <= Math.min(width - 1, x + RADIUS); u++) {
      const q = v * width + u
      if ((state[q] & (State.flagged | State.unusable)) !== 0) continue
      pixelWindow[n] = pixels[q]
      errorWindow[n++] = error[q]
    }
  }
  const before = pixels[p]
  pixels[p] = n > 0 ? median(pixelWindow, n) : work.sky.medianLevel
  error[p] = n > 0 ? median(errorWindow, n) : work.sky.medianSigma
  return pixels[p] !== before
}

/** Remembers what stands at a pixel that is about to be repaired. */
export function keep({ pixels, error, repairs }: CosmicWork, p: number): void {
  repairs.position.push(p)
  repairs.pixel.push(pixels[p])
  repairs.error.push(error[p])
}

/** Puts everything back as it was. */
export function restore({ pixels, error, repairs }: CosmicWork): void {
  for (let k = 0; k < repairs.position.length; k++) {
    pixels[repairs.position[k]] = repairs.pixel[k]
    error[repairs.position[k]] = repairs.error[k]
  }
}

/** The median of the (2 radius + 1)² pixels about each position; beyond the edge the edge pixel repeats. */
export function mediansAt(
  work: CosmicWork,
  plane: Float32Array,
  positions: ArrayLike<number>,
  radius: number,
): Float32Array {
  const { width, height } = work
  const n = positions.length
  const result = new Float32Array(n)
  const edge: number[] = []
  const isEdge = (p: number) => {
    const x = p % width
    const y = (p - x) / width
    return x < radius || y < radius || x >= width - radius || y >= height - radius
  }
  const roomy = width > 2 * radius && height > 2 * radius
  scoped(() => {
    const inside = allocate(Int32Array, n)
    const out = allocate(Float32Array, n)
    const scratch = allocate(Float32Array, 4 * (2 * radius + 1) ** 2)
    for (let k = 0; k < n; k++) {
      inside[k] = positions[k]
      if (roomy && !isEdge(positions[k])) continue
      edge.push(k)
      inside[k] = radius * width + radius // somewhere; the true value follows below
    }
    if (roomy) {
      const { windowMedians } = kernels()
      windowMedians(plane.byteOffset, width, inside.byteOffset, n, radius, scratch.byteOffset, out.byteOffset)
      result.set(out)
    }
  })
  for (const k of edge) result[k] = edgeMedian(plane, width, height, positions[k], radius)
  return result
}

function edgeMedian(plane: Float32Array, width: number, height: number, p: number, radius: number): number {
  const x = p % width
  const y = (p - x) / width
  const window: number[] = []
  for (let v = y - radius; v <= y + radius; v++) {
    const row = Math.min(height - 1, Math.max(0, v)) * width
    for (let u = x - radius; u <= x + radius; u++) window.push(plane[row + Math.min(width - 1, Math.max(0, u))])
  }
  return median(window)
}

/** The sub-sampled Laplacian at a pixel: the mean of max(0, 2 p - h - v) over neighbours left, right, above, below. */
export function laplacian({ pixels, width, height }: CosmicWork, p: number): number {
  const x = p % width
  const twice = 2 * pixels[p]
  const left = twice - pixels[x > 0 ? p - 1 : p]
  const right = twice - pixels[x < width - 1 ? p + 1 : p]
  const down = pixels[p >= width ? p - width : p]
  const up = pixels[p < width * (height - 1) ? p + width : p]
  return (Math.max(0, left - up) + Math.max(0, left - down) + Math.max(0, right - up) + Math.max(0, right - down)) / 4
}
