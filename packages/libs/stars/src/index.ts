export { findStars } from './find-stars.js'
export type { Found, FoundStars, FrameQuality } from './found.js'
export { type NoiseCorrelation, varianceTogether } from './noise-correlation.js'
export { FIND_DEFAULTS, type FindOptions } from './options.js'
export { ApertureFlag, type ApertureFluxes, type ApertureOptions, measureApertures } from './psf-apertures.js'
export { buildPsf, PSF_DEFAULTS, type PsfOptions } from './psf-build.js'
export { type CrowdedFluxes, type CrowdedOptions, fitCrowdedField } from './psf-crowded.js'
export { dot, fieldTerms, fitField, termsOf } from './psf-field.js'
export { fitPsfFluxes, PSF_FIT_DEFAULTS, type PsfFitOptions, type PsfFluxes } from './psf-fit.js'
export {
  type Psf,
  type PsfHere,
  type PsfParameters,
  psfFromTable,
  psfOf,
  psfToTable,
  type StoredPsf,
  samplePsf,
} from './psf-model.js'
export { refinePsf } from './psf-refine.js'
export type { SubtractedLight } from './psf-subtract.js'
export { goodStars, outsideTrails } from './quality.js'
export { StarFlag, type Stars } from './stars.js'
