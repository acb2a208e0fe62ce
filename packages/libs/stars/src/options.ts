import type { Kernel } from '@nightpipe/image'

/** How stars are found and measured. */
export interface FindOptions {
  /** Least significance of the peak of a source, in sigma of the filtered image. */
  threshold: number
  /** Where sources end, in the same sigma; not above `threshold`. */
  isophote: number
  /** Least number of pixels within the isophote. */
  minimumArea: number
  /** What the image is filtered with before detection: the profile of its own stars, a kernel, or nothing. */
  filter: 'psf' | 'none' | Kernel
  /** Levels between isophote and peak, and the least part of the flux of a source that another one in it has. */
  deblendLevels: number
  deblendContrast: number
  /** Efficiency of the removal of sources that are wings of brighter ones; 0 removes none. */
  clean: number
  /** Side of a mesh of the background, px, and size of the median filter over the meshes. */
  mesh: number
  meshFilter: number
  /** Electrons per unit of the frame; without it, and without an error plane, photon noise is not counted. */
  gain?: number
  /** A pixel at or above this is saturated, in the unit of the frame. */
  saturation?: number
  /** Radii of the circles, px. */
  apertures: readonly number[]
  /** The ellipse of the total flux: so many Kron radii, but no fewer semi-axes than that. */
  kronFactor: number
  kronMinimum: number
  /** Pixels of neighbours are replaced by what stands opposite in the star, or kept. */
  neighbours: 'replace' | 'keep'
  /**
   * As SExtractor does by default: a part's contrast is against the whole region, pixels of ellipses count whole, those
   * of circles by 25 points, circles are about the isophotal centroid.
   */
  classic: boolean
  /** Where the image without its background goes: an array of the size of the frame, or the pixels of the frame. */
  net?: Float32Array
}

export const FIND_DEFAULTS: FindOptions = {
  threshold: 5,
  isophote: 2.5,
  minimumArea: 1,
  filter: 'psf',
  deblendLevels: 128,
  deblendContrast: 0.005,
  clean: 1,
  mesh: 64,
  meshFilter: 3,
  apertures: [2.5, 5, 10],
  kronFactor: 2.5,
  kronMinimum: 3.5,
  neighbours: 'replace',
  classic: false,
}
