import { type CalibratedPixels, type Calibration, MaskBit } from '../src/index.js'

/** What calibratePixels does, said plainly and in float64. */
export function calibrateOracle(raw: Float32Array, calibration: Calibration, out: CalibratedPixels): CalibratedPixels {
  const c = calibration
  const { darkScale = 1, scale = 1, gain = 1, readNoise = 0, minimumFlat = 0 } = c
  const { saturation = Number.POSITIVE_INFINITY, width = raw.length } = c
  for (let p = 0; p < raw.length; p++) {
    const value = raw[p]
    const overscan = typeof c.overscan === 'object' ? c.overscan[Math.floor(p / width)] : (c.overscan ?? 0)
    const net = value - overscan - (c.bias ? c.bias[p] : 0)
    const { signal, slope } = linear(net, c.linearity)
    const clean = signal - (c.dark ? darkScale * c.dark[p] : 0)
    const flat = c.flat ? c.flat[p] : 1
    const quotient = flat > 0 ? clean / flat : Number.NaN
    const result = Number.isFinite(quotient) ? quotient : Number.NaN
    out.pixels[p] = scale * result
    if (out.error) {
      const read = (readNoise / gain) ** 2
      const bright = Math.max(0, net)
      const trusted = (bright * bright ** 2) / (bright ** 2 + read + 1e-30)
      let variance = c.signal ? Math.max(read / 4, read + c.signal[p] / gain) : read + trusted / gain
      if (c.biasError) variance += (c.biasWeight ?? 1) * c.biasError[p] ** 2
      variance *= slope * slope
      if (c.darkError) variance += (darkScale * c.darkError[p]) ** 2
      if (c.flatError) variance += (result * c.flatError[p]) ** 2
      out.error[p] = (scale * Math.sqrt(variance)) / (Number.isFinite(result) ? flat : Number.NaN)
    }
    if (out.mask) {
      let bits = c.mask ? c.mask[p] : 0
      if (value >= saturation) bits |= MaskBit.saturated
      if (!(flat >= minimumFlat)) bits |= MaskBit.lowResponse
      if (!Number.isFinite(result)) bits |= MaskBit.noData
      out.mask[p] = bits
    }
  }
  return out
}

function linear(net: number, coefficients?: readonly number[]): { signal: number; slope: number } {
  let signal = net
  let slope = 1
  let power = 1
  coefficients?.forEach((c, i) => {
    power *= net
    signal += c * power * net
    slope += (i + 2) * c * power
  })
  return { signal, slope }
}
