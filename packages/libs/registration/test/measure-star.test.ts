import { MaskBit } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { random } from '@nightpipe/math'
import t from 'tap'

t.test('the kernel sums the light under a window as the plain code does, without spoiled pixels', async (t) => {
  const { normal } = random(2)
  const [width, height, level, noise, gain] = [40, 30, 100, 9, 1.7]
  const [x0, x1, y0, y1, x, y, sigma] = [8, 31, 5, 26, 19.3, 15.8, 3.2]
  scoped(() => {
    const pixels = allocate(Float32Array, width * height)
    const mask = allocate(Int16Array, width * height).fill(0)
    for (let p = 0; p < pixels.length; p++) {
      const [dx, dy] = [(p % width) - x, Math.floor(p / width) - y]
      pixels[p] = level + 800 * Math.exp(-(dx * dx + dy * dy) / 9) + 3 * normal()
    }
    pixels[12 * width + 20] = Number.NaN
    pixels[13 * width + 20] = Number.POSITIVE_INFINITY
    mask[14 * width + 21] = MaskBit.cosmicRay
    mask[14 * width + 22] = MaskBit.bad // it counts here
    const along = (first: number, last: number, centre: number) => {
      const weights = allocate(Float64Array, last - first + 1)
      return weights.map((_, k) => Math.exp(-((first + k - centre) ** 2) / (2 * sigma ** 2)))
    }
    const lend = (values: Float64Array) => {
      const own = allocate(Float64Array, values.length)
      own.set(values)
      return own
    }
    const [wx, wy, sums] = [lend(along(x0, x1, x)), lend(along(y0, y1, y)), allocate(Float64Array, 7)]
    for (const masked of [true, false]) {
      const expected = new Float64Array(7)
      for (let v = y0; v <= y1; v++) {
        for (let u = x0; u <= x1; u++) {
          const value = pixels[v * width + u] - level
          const spoiled = masked && (mask[v * width + u] & (MaskBit.noData | MaskBit.cosmicRay)) !== 0
          if (!Number.isFinite(value) || spoiled) continue
          const [w, dx, dy] = [wx[u - x0] * wy[v - y0], u - x, v - y]
          const terms = [1, dx, dy, dx * dx, dy * dy, dx * dy].map((factor) => w * value * factor)
          terms.push(w * w * (noise + Math.max(0, value) / gain) * (dx * dx + dy * dy))
          for (const [k, term] of terms.entries()) expected[k] += term
        }
      }
      kernels().windowSums(
        ...([pixels.byteOffset, masked ? mask.byteOffset : 0, MaskBit.noData | MaskBit.cosmicRay, width] as const),
        ...([x0, x1, y0, y1, x, y, level, noise, gain, wx.byteOffset, wy.byteOffset, sums.byteOffset] as const),
      )
      for (let k = 0; k < 7; k++) {
        t.ok(Math.abs(sums[k] - expected[k]) < 1e-11 * Math.max(1, Math.abs(expected[k]), expected[0]), `sum ${k}`)
      }
    }
  })
})
