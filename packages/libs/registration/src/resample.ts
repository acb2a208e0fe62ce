import { type Frame, MaskBit } from '@nightpipe/image'
import { type Interpolation, TAPS, tapWeights } from './interpolant.js'
import { mapFunction, type PixelMap } from './pixel-map.js'

export interface ResampleOptions {
  /** Size of the new grid. */
  width: number
  height: number
  method: Interpolation
}

/** A frame on another grid. */
export interface Resampled extends Frame {
  mask: Int16Array
  /**
   * Neighbouring pixels now share noise. The noise of a sum over many pixels is this factor times what the errors of
   * the single pixels give.
   */
  noiseFactor: number
}

/** A pixel has the bits of those that have so large a part in it. */
const PART = 0.1

/**
 * A frame on another grid: each new pixel is interpolated at the place that `map` gives for its centre. Places up to half
 * a pixel beyond the outermost centres belong to the frame; further out there is no data (NaN, `noData`).
 */
export function resample(frame: Frame, map: PixelMap, { width, height, method }: ResampleOptions): Resampled {
  const taps = TAPS[method]
  const [wx, wy] = [new Float64Array(taps), new Float64Array(taps)]
  const at = mapFunction(map)
  const pixels = new Float32Array(width * height)
  const error = frame.error && new Float32Array(width * height)
  const mask = new Int16Array(width * height)
  let [squares, inside] = [0, 0]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const p = y * width + x
      const [u, v] = at(x, y)
      if (!(u >= -0.5 && v >= -0.5 && u <= frame.width - 0.5 && v <= frame.height - 0.5)) {
        pixels[p] = Number.NaN
        if (error) error[p] = Number.NaN
        mask[p] = MaskBit.noData
        continue
      }
      const [x0, y0] = taps === 1 ? [Math.round(u), Math.round(v)] : [Math.floor(u), Math.floor(v)]
      tapWeights(method, u - x0, wx)
      tapWeights(method, v - y0, wy)
      let [sum, variance, bits, square] = [0, 0, 0, 0]
      for (let k = 0; k < taps; k++) {
        const row = clamp(y0 + k - (taps >> 1) + (taps > 1 ? 1 : 0), frame.height) * frame.width
        for (let j = 0; j < taps; j++) {
          const q = row + clamp(x0 + j - (taps >> 1) + (taps > 1 ? 1 : 0), frame.width)
          const w = wx[j] * wy[k]
          sum += w * frame.pixels[q]
          square += w * w
          if (error) variance += (w * frame.error![q]) ** 2
          if (Math.abs(w) >= PART) bits |= frame.mask?.[q] ?? 0
        }
      }
      pixels[p] = sum
      if (error) error[p] = Math.sqrt(variance)
      mask[p] = bits
      squares += square
      inside++
    }
  }
  return {
    name: frame.name,
    width,
    height,
    pixels,
    error,
    mask,
    noiseFactor: inside ? 1 / Math.sqrt(squares / inside) : 1,
  }
}

const clamp = (value: number, size: number) => Math.max(0, Math.min(size - 1, value))
