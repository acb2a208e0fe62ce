import { type Frame, MaskBit } from '@nightpipe/image'
import { type Interpolation, mapFunction, type PixelMap, TAPS, tapWeights } from '../src/index.js'

const clamp = (value: number, size: number) => Math.max(0, Math.min(size - 1, value))

/** One new pixel, written down plainly: value, error, bits. */
export function onePixel(frame: Frame, map: PixelMap, x: number, y: number, method: Interpolation) {
  const taps = TAPS[method]
  const [u, v] = mapFunction(map)(x, y)
  const inside = u >= -0.5 && v >= -0.5 && u <= frame.width - 0.5 && v <= frame.height - 0.5
  if (!inside) return { value: Number.NaN, error: Number.NaN, bits: MaskBit.noData as number }
  const [x0, y0] = taps === 1 ? [Math.floor(u + 0.5), Math.floor(v + 0.5)] : [Math.floor(u), Math.floor(v)]
  const wx = tapWeights(method, u - x0, new Float64Array(taps))
  const wy = tapWeights(method, v - y0, new Float64Array(taps))
  const before = taps > 1 ? taps / 2 - 1 : 0
  let [value, variance, bits] = [0, 0, 0]
  for (let k = 0; k < taps; k++) {
    for (let j = 0; j < taps; j++) {
      const q = clamp(y0 + k - before, frame.height) * frame.width + clamp(x0 + j - before, frame.width)
      const w = wx[j] * wy[k]
      value += w * frame.pixels[q]
      variance += (w * (frame.error?.[q] ?? 0)) ** 2
      if (Math.abs(w) >= 0.1) bits |= frame.mask?.[q] ?? 0
    }
  }
  return { value, error: Math.sqrt(variance), bits }
}
