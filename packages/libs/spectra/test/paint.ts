import { random } from '@nightpipe/math'

/** A frame painted for tests, with no code shared with what is tested. */
export interface Painting {
  width: number
  height: number
  /** y of order o, fibre f at column x */
  y(o: number, f: number, x: number): number
  orders: number
  fibres: readonly number[]
  /** electrons in a column of an order */
  light(o: number, f: number, x: number): number
  /** of the Gaussian across, px */
  sigma: number | ((o: number, x: number) => number)
  readNoise?: number
  /** electrons in every pixel */
  background?: (x: number, y: number) => number
  cosmicRays?: number
  hotPixels?: number
  badColumns?: readonly number[]
  seed?: number
  /** no noise at all */
  clean?: boolean
}

export interface Painted {
  width: number
  height: number
  pixels: Float32Array
  error: Float32Array
  mask: Int16Array
}

/** Abramowitz & Stegun 7.1.26 would do for figures; here the series is summed, for tests that ask for 1e-4 px. */
function erf(x: number): number {
  if (Math.abs(x) > 4) return Math.sign(x) // 1.5e-8 from it
  let [sum, term] = [x, x]
  for (let n = 1; n < 120 && Math.abs(term) > 1e-12; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

export function paint(p: Painting): Painted {
  const { width, height, readNoise = 4, seed = 1 } = p
  const pixels = new Float32Array(width * height)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) pixels[y * width + x] = p.background?.(x, y) ?? 0
  for (let o = 0; o < p.orders; o++) {
    for (const f of p.fibres) {
      for (let x = 0; x < width; x++) {
        const [centre, light] = [p.y(o, f, x), p.light(o, f, x)]
        const sigma = typeof p.sigma === 'number' ? p.sigma : p.sigma(o, x)
        const below = (edge: number) => erf((edge - centre) / (sigma * Math.SQRT2)) / 2
        const reach = Math.ceil(6 * sigma)
        for (
          let y = Math.max(0, Math.round(centre) - reach);
          y <= Math.min(height - 1, Math.round(centre) + reach);
          y++
        ) {
          pixels[y * width + x]! += light * (below(y + 0.5) - below(y - 0.5))
        }
      }
    }
  }
  const draw = random(seed)
  const error = pixels.map((value) => Math.sqrt(Math.max(0, value) + readNoise ** 2))
  if (!p.clean) for (let k = 0; k < pixels.length; k++) pixels[k]! += error[k]! * draw.normal()
  for (let k = 0; k < (p.cosmicRays ?? 0); k++) {
    // a straight track of a few pixels
    const [x, y, angle, length] = [
      draw.uniform() * width,
      draw.uniform() * height,
      draw.uniform() * 7,
      2 + draw.uniform() * 12,
    ]
    for (let s = 0; s < length; s++) {
      const [a, b] = [Math.floor(x + s * Math.cos(angle)), Math.floor(y + s * Math.sin(angle))]
      if (a >= 0 && a < width && b >= 0 && b < height) pixels[b * width + a]! += 3000 + 4000 * draw.uniform()
    }
  }
  for (let k = 0; k < (p.hotPixels ?? 0); k++) pixels[Math.floor(draw.uniform() * pixels.length)]! += 20000
  for (const x of p.badColumns ?? []) for (let y = 0; y < height; y++) pixels[y * width + x] = 3000 * draw.uniform()
  return { width, height, pixels, error, mask: new Int16Array(pixels.length) }
}
