import { MAD_TO_SIGMA, median } from '@nightpipe/math'

/** How strong a pattern is in a frame. */
export interface PatternFit {
  /** Factor of the pattern, and its error from the scatter of the sky. */
  scale: number
  error: number
}

/** Sky pixels further than this from the fit are no sky. */
const CLIP = 4
const ROUNDS = 5

/**
 * The factor of a pattern of the sky (fringes, a glow) in a frame: a straight line of the pixels of the sky against the
 * pattern, by least squares, those further than 4 sigma (scaled MAD) from it left out. A pattern that does not vary has
 * factor 0.
 */
export function fitPattern(pixels: Float32Array, pattern: Float32Array, positions: Int32Array): PatternFit {
  let use = positions.filter((p) => Number.isFinite(pattern[p]) && Number.isFinite(pixels[p]))
  let fit = { scale: 0, error: 0, level: 0 }
  for (let round = 0; round < ROUNDS && use.length > 2; round++) {
    fit = line(pixels, pattern, use)
    const residuals = Float64Array.from(use, (p) => Math.abs(pixels[p] - fit.level - fit.scale * pattern[p]))
    const limit = CLIP * MAD_TO_SIGMA * median(residuals.slice())
    const kept = use.filter((_, k) => residuals[k] <= limit)
    if (kept.length === use.length) break
    use = kept
  }
  return { scale: fit.scale, error: fit.error }
}

function line(pixels: Float32Array, pattern: Float32Array, use: Int32Array) {
  let [sx, sy] = [0, 0]
  for (const p of use) {
    sx += pattern[p]
    sy += pixels[p]
  }
  const [mx, my] = [sx / use.length, sy / use.length]
  let [xx, xy, yy] = [0, 0, 0]
  for (const p of use) {
    const [dx, dy] = [pattern[p] - mx, pixels[p] - my]
    xx += dx * dx
    xy += dx * dy
    yy += dy * dy
  }
  if (!(xx > 0)) return { scale: 0, error: 0, level: my }
  const scale = xy / xx
  const scatter = Math.max(0, yy - scale * xy) / Math.max(1, use.length - 2)
  return { scale, error: Math.sqrt(scatter / xx), level: my - scale * mx }
}

/**
 * Takes `scale` times a pattern off a frame, in place; the level of the sky stays, for the median of the pattern over
 * `positions` is put back. The error of the pattern joins that of the frame. Where the pattern has no value nothing is
 * done.
 */
export function subtractPatternInPlace(
  frame: { pixels: Float32Array; error?: Float32Array },
  pattern: Float32Array,
  patternError: Float32Array | undefined,
  positions: Int32Array,
  scale: number,
): void {
  const { pixels, error } = frame
  const values = Float64Array.from(
    positions.filter((p) => Number.isFinite(pattern[p])),
    (p) => pattern[p],
  )
  const level = values.length > 0 ? median(values) : 0
  for (let p = 0; p < pixels.length; p++) {
    const value = pattern[p] - level
    if (!Number.isFinite(value)) continue
    pixels[p] -= scale * value
    if (error && patternError && Number.isFinite(patternError[p]))
      error[p] = Math.hypot(error[p], scale * patternError[p])
  }
}
