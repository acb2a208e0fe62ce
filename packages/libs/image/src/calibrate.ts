import { MaskBit } from './frame.js'

export interface Calibration {
  /** Overscan level to subtract, ADU: one for all, or one per row (then `width` says how long a row is). */
  overscan?: number | Float32Array
  width?: number
  /** Master bias, ADU, and its one-sigma error. */
  bias?: Float32Array
  biasError?: Float32Array
  /** Non-linearity: the true signal is net (1 + c0 net + c1 net² …), net being ADU above the bias. */
  linearity?: readonly number[]
  /** Master dark in ADU (per second, when `darkScale` is the exposure time), its error, and the factor it is scaled by. */
  dark?: Float32Array
  darkError?: Float32Array
  darkScale?: number
  /** Master flat, about 1, and its error. Below `minimumFlat` a pixel is marked as of low response. */
  flat?: Float32Array
  flatError?: Float32Array
  minimumFlat?: number
  /** Electrons per ADU, and read noise in electrons: what the error is made of. */
  gain?: number
  readNoise?: number
  /** Factor on the result: 1 for ADU, the gain for electrons, gain / exposure time for electrons per second. */
  scale?: number
  /** Raw ADU at and above which a pixel is saturated. */
  saturation?: number
  /** Bits that every pixel starts with: the bad pixel mask, or those of a master. */
  mask?: Int16Array
  /**
   * The expected signal, ADU above the bias with the dark in it, that photon noise is reckoned from. Without it the pixel
   * itself is taken: then a pixel that came out low also claims a small error, and weighted means come out low.
   */
  signal?: Float32Array
}

export interface CalibratedPixels {
  pixels: Float32Array
  /** One sigma, in the unit of `pixels`. */
  error?: Float32Array
  mask?: Int16Array
}

/**
 * A raw frame made into a calibrated one: scale · (raw - overscan - bias - darkScale · dark) / flat, in one pass. The
 * error joins read noise, photon noise and the errors of the masters. What cannot be computed (a NaN in the raw frame or
 * a master, a flat of zero or less) is NaN and marked `noData`. `out.pixels` may be `raw` itself.
 */
export function calibratePixels(raw: Float32Array, calibration: Calibration, out: CalibratedPixels): CalibratedPixels {
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
    const result = flat > 0 ? clean / flat : Number.NaN
    out.pixels[p] = scale * result
    if (out.error) {
      const photons = Math.max(0, c.signal ? c.signal[p] : net) / gain
      let variance = (readNoise / gain) ** 2 + photons + (c.biasError ? c.biasError[p] ** 2 : 0)
      variance *= slope * slope
      if (c.darkError) variance += (darkScale * c.darkError[p]) ** 2
      if (c.flatError) variance += (result * c.flatError[p]) ** 2
      out.error[p] = (scale * Math.sqrt(variance)) / (flat > 0 ? flat : Number.NaN)
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
