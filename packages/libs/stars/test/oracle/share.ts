import type { Part, Patch } from './deblend.js'

/** Every pixel of a region to one of the cores (lists of pixels of it): its own, or that whose Gaussian is brightest there. */
export function shareOut({ pixels, values }: Patch, cores: readonly Int32Array[], width: number): Part[] {
  const owner = new Int32Array(pixels.length).fill(-1)
  const area = new Int32Array(cores.length)
  cores.forEach((core, k) => {
    for (const i of core) owner[i] = k
  })
  const shapes = cores.map((core) => gaussianOf(core, pixels, values, width))
  for (let i = 0; i < pixels.length; i++) {
    if (owner[i] < 0) owner[i] = brightestAt(shapes, pixels[i] % width, Math.floor(pixels[i] / width))
    area[owner[i]]++
  }
  const parts = cores.map((_, k) => ({
    pixels: new Int32Array(area[k]),
    values: new Float32Array(area[k]),
    deblended: true,
  }))
  area.fill(0)
  for (let i = 0; i < pixels.length; i++) {
    const k = owner[i]
    parts[k].pixels[area[k]] = pixels[i]
    parts[k].values[area[k]++] = values[i]
  }
  return parts
}

interface Gaussian {
  x: number
  y: number
  xx: number
  yy: number
  xy: number
  /** Logarithm of the amplitude. */
  amplitude: number
}

function brightestAt(shapes: readonly Gaussian[], x: number, y: number): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let k = 0; k < shapes.length; k++) {
    const s = shapes[k]
    const dx = x - s.x
    const dy = y - s.y
    const cost = (s.xx * dx * dx + s.yy * dy * dy + s.xy * dx * dy) / 2 - s.amplitude
    if (cost < least) {
      least = cost
      best = k
    }
  }
  return best
}

/** The Gaussian with the moments of a core. */
function gaussianOf(core: Int32Array, pixels: Int32Array, values: Float32Array, width: number): Gaussian {
  const x0 = pixels[core[0]] % width
  const y0 = Math.floor(pixels[core[0]] / width)
  let [sum, sx, sy, sxx, syy, sxy] = [0, 0, 0, 0, 0, 0]
  for (const i of core) {
    const value = values[i]
    const row = Math.floor(pixels[i] / width)
    const y = row - y0
    const x = pixels[i] - row * width - x0
    sum += value
    sx += value * x
    sy += value * y
    sxx += value * x * x
    syy += value * y * y
    sxy += value * x * y
  }
  const [x, y] = [sx / sum, sy / sum]
  const varianceX = Math.max(sxx / sum - x * x, 0.5)
  const varianceY = Math.max(syy / sum - y * y, 0.5)
  const mixed = sxy / sum - x * y
  const determinant = Math.max(varianceX * varianceY - mixed * mixed, 0.1)
  return {
    ...{ x: x + x0, y: y + y0, xx: varianceY / determinant, yy: varianceX / determinant },
    ...{ xy: (-2 * mixed) / determinant, amplitude: Math.log(sum / Math.sqrt(determinant)) },
  }
}
