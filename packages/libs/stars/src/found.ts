import type { SkyMesh } from './background.js'
import type { NoiseCorrelation } from './noise-correlation.js'
import type { Stars } from './stars.js'

/** The stars of a frame with what else was measured of them, one element for each star. */
export interface FoundStars extends Stars {
  /** Pixels within the isophote, and their sum with its error. */
  area: Int32Array
  isophotalFlux: Float64Array
  isophotalError: Float64Array
  /** Centroid within the isophote. */
  xIsophotal: Float64Array
  yIsophotal: Float64Array
  /** Box of the isophote: first and last pixel. */
  xMinimum: Int32Array
  xMaximum: Int32Array
  yMinimum: Int32Array
  yMaximum: Int32Array
  /** Semi-axes of the ellipse of the total flux over those of the isophote. */
  kronRadius: Float32Array
  /** Peak of the filtered image over its noise. */
  significance: Float32Array
}

/** What a frame is worth. Lengths in pixels, fluxes in the unit of the frame. */
export interface FrameQuality {
  /** Median full width at half maximum of the stars; NaN without any. */
  seeing: number
  /** Median axis ratio of the profile of the stars, as under a Gaussian window; ellipticity is 1 - 1 / elongation. */
  ellipticity: number
  elongation: number
  /** Excess kurtosis of the position angles: even ones have -1.2, trailed ones much more. */
  thetaKurtosis: number
  /** Highest pixel of a star above the background; NaN without stars. */
  highestPeak: number
  sky: number
  skySigma: number
  /** Instrumental magnitude (-2.5 log10 flux) of a point source at five sigma. */
  limitingMagnitude: number
  count: number
  /** How many stars these figures are from: bright, whole and alone. */
  good: number
}

export interface Found {
  stars: FoundStars
  /** Level and noise of the sky by meshes; `expand` and `expandRms` give them at every pixel. */
  background: SkyMesh & { expand(out?: Float32Array): Float32Array; expandRms(out?: Float32Array): Float32Array }
  quality: FrameQuality
  /** Where neighbouring pixels share their noise: how. Errors of `stars` have it, those of pixels have not. */
  correlation?: NoiseCorrelation
  /** The image without its background; NaN where it is masked. */
  net: Float32Array
  /** Number of the star that each pixel belongs to, from 1; 0 is sky: as an image. */
  segmentation(): Int32Array
}
