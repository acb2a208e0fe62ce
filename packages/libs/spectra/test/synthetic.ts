import { random } from '@nightpipe/math'
import { emptyTraces, setColumnsOnDetector, type Traces, traceY } from '../src/index.js'

/** A small frame of curved orders with two fibres, made here and nowhere else: exact fluxes, profiles, noise, cosmic rays. */
export interface Synthetic {
  traces: Traces
  pixels: Float32Array
  error: Float32Array
  /** flux of an order of a fibre in a column, electrons */
  truth: (order: number, fibre: number, x: number) => number
  cosmic: Set<number>
}

export interface SyntheticOptions {
  width?: number
  height?: number
  orders?: number
  /** electrons per column of each fibre */
  fluxes: readonly ((x: number, order: number) => number)[]
  readNoise?: number
  seed?: number
  /** cosmic rays per 1000 pixels */
  cosmicRays?: number
  /** rows that the orders lie above where the traces say */
  moved?: number
  /** sigma of the profile, px; its skirt is a tenth of it, thrice as wide */
  sigma?: number
  separation?: number
  spacing?: number
  noiseless?: boolean
}

/** The light of a pixel of height 1 of a Gaussian with a wide skirt, u above the centre. */
export function pixelShare(u: number, sigma: number): number {
  const part = (s: number) => (erf((u + 0.5) / (s * Math.SQRT2)) - erf((u - 0.5) / (s * Math.SQRT2))) / 2
  return 0.9 * part(sigma) + 0.1 * part(2 * sigma)
}

/** Abramowitz & Stegun 7.1.26 iterated on the series: good to 1e-12 by the Taylor series for what a profile needs. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x)
  let term = x
  let sum = x
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

export function synthetic(options: SyntheticOptions): Synthetic {
  const { width = 300, height = 120, orders = 3, fluxes, readNoise = 5, seed = 1, sigma = 1.4 } = options
  const { separation = 13, spacing = 36, moved = 0, cosmicRays = 0 } = options
  const traces = emptyTraces({ width, height, orders, fibres: fluxes.length, terms: 3, rows: 11, blocks: 4 })
  fillTraces(traces, sigma, separation, spacing)
  const pixels = new Float32Array(width * height)
  const truth = (order: number, fibre: number, x: number) => fluxes[fibre]!(x, order)
  for (let order = 0; order < orders; order++) {
    for (let fibre = 0; fibre < fluxes.length; fibre++) {
      for (let x = 0; x < width; x++) {
        const y = traceY(traces, order, fibre, x) + moved
        for (let row = Math.max(0, Math.ceil(y - 12)); row <= Math.min(height - 1, y + 12); row++) {
          pixels[row * width + x]! += truth(order, fibre, x) * pixelShare(row - y, widthAt(sigma, x, width))
        }
      }
    }
  }
  const random1 = random(seed)
  const error = new Float32Array(pixels.length)
  const cosmic = new Set<number>()
  for (let p = 0; p < pixels.length; p++) {
    const expected = pixels[p]!
    error[p] = Math.sqrt(readNoise ** 2 + expected)
    if (!options.noiseless) pixels[p] = poisson(random1, expected) + readNoise * random1.normal()
  }
  for (let k = 0; k < (cosmicRays * pixels.length) / 1000; k++) {
    const at = Math.floor(random1.uniform() * pixels.length)
    const length = 1 + Math.floor(4 * random1.uniform())
    const step = random1.uniform() < 0.5 ? 1 : width
    for (let j = 0; j < length && at + j * step < pixels.length; j++) {
      pixels[at + j * step]! += 200 + 3000 * random1.uniform()
      cosmic.add(at + j * step)
    }
  }
  return { traces, pixels, error, truth, cosmic }
}

const widthAt = (sigma: number, x: number, width: number) => sigma * (1 + 0.2 * (x / width - 0.5))

const poisson = (from: { normal(): number; uniform(): number }, mean: number): number => {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * from.normal()))
  let [k, product, limit] = [0, from.uniform(), Math.exp(-mean)]
  while (product > limit) {
    product *= from.uniform()
    k++
  }
  return k
}

function fillTraces(traces: Traces, sigma: number, separation: number, spacing: number): void {
  const { width, orders, fibres, blocks } = traces
  const perRow = 8
  const samples = 2 * 10 * perRow + 1
  const values = new Float32Array(blocks * orders * fibres * samples)
  for (let order = 0; order < orders; order++) {
    for (let fibre = 0; fibre < fibres; fibre++) {
      const own = order * fibres + fibre
      traces.coefficients.set([20.3 + spacing * order + separation * fibre, 1.7, 3.1], own * 3)
      setColumnsOnDetector(traces, order, fibre)
      for (let block = 0; block < blocks; block++) {
        const x = ((block + 0.5) * width) / blocks - 0.5
        const at = (block * orders * fibres + own) * samples
        for (let k = 0; k < samples; k++) {
          values[at + k] = pixelShare((k - (samples - 1) / 2) / perRow, widthAt(sigma, x, width))
        }
      }
    }
  }
  traces.fine = { perRow, samples, values }
}
