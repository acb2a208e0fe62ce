/** How values between pixels are found. */
export type Interpolation = 'nearest' | 'bilinear' | 'lanczos3' | 'lanczos4' | 'flux'

/** Pixels about a place that have a part in its value: so many across. */
export const TAPS: Readonly<Record<Interpolation, number>> = {
  nearest: 1,
  bilinear: 2,
  lanczos3: 6,
  lanczos4: 8,
  flux: 2,
}

const sinc = (t: number) => (t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t))

/**
 * Weights of the pixels about a place that lies `fraction` (0 to 1) beyond the pixel in the middle (the last one at or
 * before it). They add up to 1, so that a level keeps its value (Lanczos's own are off by up to 1 %).
 */
export function tapWeights(method: Interpolation, fraction: number, out: Float64Array): Float64Array {
  const taps = TAPS[method]
  if (taps === 1) out[0] = 1
  else if (taps === 2) {
    out[0] = 1 - fraction
    out[1] = fraction
  } else {
    const half = taps / 2
    let sum = 0
    for (let k = 0; k < taps; k++) {
      const t = k - half + 1 - fraction
      out[k] = Math.abs(t) < half ? sinc(t) * sinc(t / half) : 0
      sum += out[k]
    }
    for (let k = 0; k < taps; k++) out[k] /= sum
  }
  return out
}
