// What finds and measures the stars of an image; signatures in src/star-kernels.ts.
export { detectRows, netRows, surfaceRow } from './detect'
export { findSources, joinRuns, shareRegions } from './regions'
export { deblendScratch } from './deblend'
export { countOwners, writeOwners } from './owners'
export { measureSources } from './sources'
export { histogramMeshes } from './back'
export { moffatEquations, samplePsf } from './psf'
