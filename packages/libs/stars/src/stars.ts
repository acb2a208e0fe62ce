/**
 * The stars of one frame: a typed array for each quantity, all of the same length. Pixels count from 0, (0, 0) being the
 * centre of the first; fluxes are in the unit of the frame, errors are one sigma, angles are degrees from +x to +y.
 */
export interface Stars {
  count: number
  /** Windowed centroid, and its errors. */
  x: Float64Array
  y: Float64Array
  xError: Float32Array
  yError: Float32Array
  /** Total flux in an ellipse that follows the star (Kron), and its error. */
  flux: Float64Array
  fluxError: Float64Array
  /** Highest pixel above the background, and the background under it. */
  peak: Float32Array
  background: Float32Array
  /** Second moments as an ellipse: semi-axes (one sigma, in pixels) and position angle of the longer one. */
  a: Float32Array
  b: Float32Array
  theta: Float32Array
  /** Full width at half maximum, and the radius that holds half of the flux. */
  fwhm: Float32Array
  halfLight: Float32Array
  /** 0 is a galaxy or a cosmic ray, 1 a star. */
  starness: Float32Array
  /** Bits of `StarFlag`. */
  flags: Int16Array
  /** Fluxes in circles of `radii` pixels: one array for each radius. */
  apertures: { radii: number[]; flux: Float64Array[]; error: Float64Array[] }
}

/** What may be wrong with a star. The first eight bits mean what they mean in SExtractor. */
export const StarFlag = {
  neighbours: 1,
  deblended: 2,
  saturated: 4,
  truncated: 8,
  apertureIncomplete: 16,
  isophotalIncomplete: 32,
  masked: 256,
  cosmicRay: 512,
} as const
