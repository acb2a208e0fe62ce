/** What is wrong with a pixel of a spectrum; 0 is good. The first six are those of images. */
export const SpectrumBit = {
  bad: 1,
  saturated: 2,
  cosmicRay: 4,
  noData: 8,
  interpolated: 16,
  lowResponse: 32,
  telluric: 64,
  noWavelength: 128,
} as const

/** One order of one fibre, a value per column of the detector. */
export interface OrderSpectrum {
  /** counted from the bottom of the detector, from 0 */
  index: number
  /** diffraction order; 0 where unknown */
  order: number
  fibre: number
  /** electrons (of the star) or their ratio to the flat, as the file says; NaN where there is none */
  flux: Float64Array
  /** one sigma */
  uncertainty: Float64Array
  /** the response of the flat in this order, 1 at its highest; undefined where none was used */
  blaze?: Float64Array
  /** one sigma of `blaze`: what all exposures have in common that were given the same flat; NaN where unknown */
  blazeError?: Float64Array
  /** bits of SpectrumBit */
  mask: Int32Array
  /** vacuum, Angstrom; NaN where unknown */
  wavelength?: Float64Array
}

/** What one exposure became: orders of all lit fibres, sorted by fibre, then index. */
export interface Spectra {
  /** columns */
  width: number
  orders: OrderSpectrum[]
}
