import { median } from '@nightpipe/math'
import type { FittedLine } from './wavelength-fit.js'

/** Variance of a pixel as a full width at half maximum: (8 ln 2) / 12, px². */
const PIXEL = (8 * Math.LN2) / 12

/**
 * The resolution that the lines of a lamp show: wavelength over full width at half maximum, pixels included (lines are fitted by
 * Gaussians integrated over pixels, so that of the pixel is added); the median of those that the fit used. NaN where there are none.
 */
export function lineResolution(lines: readonly FittedLine[]): number {
  const all = lines
    .filter(({ used, flags }) => used && flags === 0)
    .map(({ wavelength, dispersion, fwhm }) => wavelength / (dispersion * Math.sqrt(fwhm ** 2 + PIXEL)))
  return all.length > 0 ? median(all) : Number.NaN
}
