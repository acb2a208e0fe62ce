import { medianOf, power } from '@nightpipe/math'
import type { FoundStars } from './found.js'
import { goodStars } from './quality.js'
import { StarFlag } from './stars.js'

/** What stars differ by among themselves: the profile changes over the frame and with the place within a pixel. */
const SPREAD = 0.04
/** A star differs from the others by up to so many sigma. */
const USUAL = 3
/** A cosmic ray has so many times the light of a star in its highest pixel. */
const SHARP = 2

/** How much of its light a source has in its core: what tells stars, galaxies and cosmic rays apart. */
export interface Cores {
  /** Highest value of the image filtered with the profile of the stars, and its noise. */
  filteredPeak: Float64Array
  noise: Float64Array
  /** Light in a circle as wide as two full widths at half maximum. */
  light: Float64Array
}

/**
 * Sets `starness` and the flag of cosmic rays. A source is compared with the bright whole stars of the frame: light of
 * the filtered peak over light within the circle, in sigma of what noise makes of it; 1 as the stars, 1/2 at three sigma,
 * then towards 0. Cosmic rays are sharper than stars: much of their light is in one pixel. Without stars all are 1.
 */
export function judgeStars(stars: FoundStars, { filteredPeak, noise, light }: Cores): void {
  const good = goodStars(stars).filter((i) => light[i] > 0 && filteredPeak[i] > 0)
  stars.starness.fill(1)
  if (good.length === 0) return
  const core = medianOf(good.map((i) => filteredPeak[i] / light[i]))
  const sharpness = medianOf(good.map((i) => stars.peak[i] / filteredPeak[i]))
  for (let i = 0; i < stars.count; i++) {
    const relative = noise[i] / filteredPeak[i]
    const deviation = (filteredPeak[i] / light[i] / core - 1) / Math.hypot(relative, SPREAD)
    stars.starness[i] = light[i] > 0 ? 1 / (1 + power(deviation / USUAL, 4)) : 0
    // the noise of one pixel is some times that of the filtered image
    const limit = SHARP * sharpness + USUAL * relative * sharpness
    if (stars.peak[i] / filteredPeak[i] > limit) {
      stars.flags[i] |= StarFlag.cosmicRay
      stars.starness[i] = 0
    }
  }
}
