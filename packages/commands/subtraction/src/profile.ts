import { DataError } from '@nightpipe/command'
import { median } from '@nightpipe/math'

/** Stars that the point spread is made of, by index. */
interface Stars {
  x: ArrayLike<number>
  y: ArrayLike<number>
}

const LANCZOS = 3
/** So many stars, at most, and from so many on the nearest ones serve a part of the field. */
const MOST = 60
const NEAREST = 24

/**
 * The point spread of an image near a place, (2 half + 1)² values of sum 1: the median of its stars, each moved to the
 * centre of a pixel and scaled to the same light. `good` are stars that stand alone, the brightest first.
 */
export function pointSpread(
  image: Image,
  stars: Stars,
  good: readonly number[],
  half: number,
  near?: readonly [x: number, y: number],
): Float64Array {
  let chosen = good.slice(0, 4 * MOST)
  if (near && chosen.length > NEAREST) {
    const distance = (i: number) => Math.hypot(stars.x[i]! - near[0], stars.y[i]! - near[1])
    chosen = chosen.sort((i, j) => distance(i) - distance(j)).slice(0, NEAREST)
  }
  const stamps = chosen.slice(0, MOST).flatMap((i) => centredStar(image, stars.x[i]!, stars.y[i]!, half) ?? [])
  const side = 2 * half + 1
  if (stamps.length === 0) {
    throw new DataError('no star is good enough to take the point spread from', 'are saturation and masks right?')
  }
  const values = new Float64Array(stamps.length)
  const spread = Float64Array.from({ length: side * side }, (_, p) => {
    stamps.forEach((stamp, k) => {
      values[k] = stamp[p]!
    })
    return median(values)
  })
  return tapered(spread, half)
}

/** Pixels, in units of `factor` where there is one. */
export interface Image {
  pixels: Float32Array
  factor?: Float32Array
  width: number
  height: number
}

/** A star scaled to the same light. */
function centredStar(image: Image, cx: number, cy: number, half: number): Float64Array | undefined {
  const stamp = centredStamp(image, cx, cy, half)
  const side = 2 * half + 1
  const light = stamp?.reduce((sum, value, p) => {
    const [u, v] = [(p % side) - half, Math.floor(p / side) - half]
    return u * u + v * v <= (half / 2) ** 2 ? sum + value : sum
  }, 0)
  return stamp && light! > 0 ? stamp.map((value) => value / light!) : undefined
}

/** An image on pixels about a place between them; undefined when that lies too near to the edge. */
export function centredStamp(
  { pixels, factor, width, height }: Image,
  cx: number,
  cy: number,
  half: number,
): Float64Array | undefined {
  const [x0, y0] = [Math.floor(cx), Math.floor(cy)]
  const reach = half + LANCZOS
  if (x0 < reach || y0 < reach || x0 + reach + 1 >= width || y0 + reach + 1 >= height) return undefined
  const [wx, wy] = [taps(cx - x0), taps(cy - y0)]
  const side = 2 * half + 1
  const rows = side + 2 * LANCZOS - 1
  const between = new Float64Array(side * rows)
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < side; x++) {
      const from = (y0 - half - LANCZOS + 1 + y) * width + x0 - half - LANCZOS + 1 + x
      let sum = 0
      if (factor) for (let k = 0; k < 2 * LANCZOS; k++) sum += wx[k]! * pixels[from + k]! * factor[from + k]!
      else for (let k = 0; k < 2 * LANCZOS; k++) sum += wx[k]! * pixels[from + k]!
      between[y * side + x] = sum
    }
  }
  const stamp = new Float64Array(side * side)
  for (let p = 0; p < stamp.length; p++) {
    for (let k = 0; k < 2 * LANCZOS; k++) stamp[p]! += wy[k]! * between[p + k * side]!
  }
  return stamp
}

function taps(fraction: number): number[] {
  const sinc = (t: number) => (t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t))
  const weights = Array.from({ length: 2 * LANCZOS }, (_, k) => {
    const t = k - LANCZOS + 1 - fraction
    return Math.abs(t) < LANCZOS ? sinc(t) * sinc(t / LANCZOS) : 0
  })
  const total = weights.reduce((a, b) => a + b)
  return weights.map((weight) => weight / total)
}

/** Brought to 0 towards the edge, so that nothing ends with a step, and to sum 1. */
function tapered(spread: Float64Array, half: number): Float64Array {
  const side = 2 * half + 1
  const tapered = spread.map((value, p) => {
    const r = Math.hypot((p % side) - half, Math.floor(p / side) - half) / (half + 0.5)
    const weight = r < 0.7 ? 1 : r > 1 ? 0 : 0.5 + 0.5 * Math.cos((Math.PI * (r - 0.7)) / 0.3)
    return Math.max(0, value) * weight
  })
  const total = tapered.reduce((a, b) => a + b)
  return tapered.map((value) => value / total)
}

/** Full width at half maximum of a point spread: the diameter of the disc that has its area above half of the peak. */
export function widthOf(spread: Float64Array): number {
  const side = Math.round(Math.sqrt(spread.length))
  const half = Math.max(...spread) / 2
  let area = 0
  for (let y = 0; y < side - 1; y++) {
    for (let x = 0; x < side - 1; x++) {
      // each square between four pixels, in 16 parts
      const [a, b, c, d] = [0, 1, side, side + 1].map((k) => spread[y * side + x + k]!) as [
        number,
        number,
        number,
        number,
      ]
      for (let k = 0; k < 16; k++) {
        const [u, v] = [((k & 3) + 0.5) / 4, ((k >> 2) + 0.5) / 4]
        if ((a * (1 - u) + b * u) * (1 - v) + (c * (1 - u) + d * u) * v > half) area++
      }
    }
  }
  return 2 * Math.sqrt(area / 16 / Math.PI)
}
