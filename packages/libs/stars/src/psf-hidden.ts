import { type Psf, samplePsf } from './psf-model.js'
import type { FittedStar } from './psf-residuals.js'

/** A sum of nine pixels of this many sigma is another star, no nearer than so many widths; its disc has this radius, widths. */
const [SEEN, NEAREST, DISC] = [4.5, 1.2, 1.4]
/** More of them in one stamp are no stars. */
const MOST = 12

/**
 * Takes discs out of the stamps where light is left that the model does not know: stars that nobody found, in the wings of
 * bright ones, which would pass for wings. Returns in how many stamps there was any.
 */
export function blankHidden(psf: Psf, stars: readonly FittedStar[], fwhm: number): number {
  return stars.filter((star) => star.good && blankIn(psf, star, fwhm)).length
}

function blankIn(psf: Psf, { stamp, x, y, flux, level }: FittedStar, fwhm: number): boolean {
  const { x0, y0, size, value, variance } = stamp
  const left = new Float64Array(size * size)
  samplePsf(psf.at(x, y), x, y, x0, y0, size, size, left)
  for (let k = 0; k < left.length; k++) left[k] = value[k] - level - flux * left[k]
  const away = (k: number) => Math.hypot((k % size) + x0 - x, Math.floor(k / size) + y0 - y)
  for (let n = 0; n < MOST; n++) {
    const at = brightest(left, variance, size, (k) => away(k) > NEAREST * fwhm)
    if (at < 0) return n > 0
    const [column, row] = [at % size, Math.floor(at / size)]
    for (let k = 0; k < left.length; k++) {
      if (((k % size) - column) ** 2 + (Math.floor(k / size) - row) ** 2 < (DISC * fwhm) ** 2) variance[k] = 0
    }
  }
  return true
}

/** The middle of the nine pixels that are together most significant, and enough so; -1: there are none. */
function brightest(left: Float64Array, variance: Float64Array, size: number, allowed: (k: number) => boolean): number {
  let [at, most] = [-1, SEEN]
  for (let row = 1; row < size - 1; row++) {
    for (let column = 1; column < size - 1; column++) {
      const middle = row * size + column
      if (!(variance[middle]! > 0) || !allowed(middle)) continue
      let [sum, noise] = [0, 0]
      for (let v = -size; v <= size; v += size) {
        for (let k = middle + v - 1; k <= middle + v + 1; k++) {
          if (!(variance[k]! > 0)) continue
          sum += left[k]!
          noise += variance[k]!
        }
      }
      const significance = sum / Math.sqrt(noise)
      if (significance > most) [at, most] = [middle, significance]
    }
  }
  return at
}
