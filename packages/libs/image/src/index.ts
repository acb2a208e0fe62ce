export { type Background, backgroundMesh, type MeshOptions } from './background.js'
export { bin } from './binning.js'
export { type CalibratedPixels, type Calibration, calibratePixels } from './calibrate.js'
export { type Combined, type CombineOptions, type CombineRegion, combinePlanes } from './combine.js'
export {
  beginComparison,
  type CompareOptions,
  type Comparison,
  explainBy,
  flagOnlyHere,
  type OnlyHere,
} from './compare-frames.js'
export { COSMIC_RAY_DEFAULTS, type CosmicRayOptions, type CosmicRays, findCosmicRays } from './cosmic-rays.js'
export { alardRow } from './difference/alard-row.js'
export { basisImages, type KernelBasis } from './difference/basis.js'
export { fitKernel, type KernelFit, type KernelFitOptions } from './difference/kernel-fit.js'
export { backgroundAt, type KernelModel, kernelAt, kernelSum, kernelTerms } from './difference/kernel-model.js'
export type { SharedNoise } from './difference/noise-spectrum.js'
export { type Stamp, stampAt, type WeighedImage } from './difference/stamp.js'
export type {
  AlardRowInput,
  DifferencePlanes,
  TilePsf,
  TilePsfs,
  TileRowInput,
  ZogyRowInput,
  ZogySpreads,
} from './difference/strips.js'
export { type Tile, tileRows } from './difference/tile.js'
export { zogyRow } from './difference/zogy-row.js'
export { cutLoss } from './efficiency.js'
export { type Cells, type FaintLine, findFaintLines } from './faint-lines.js'
export {
  boxMean,
  convolve,
  convolveSeparable,
  gaussianLine,
  type Kernel,
  medianFilter,
  separableMedianFilter,
} from './filters.js'
export { type Frame, MaskBit } from './frame.js'
export { interpolatePixels } from './interpolate.js'
export { across, along, type Line } from './line.js'
export { byTable, type Linearity, makeLinear } from './linearity.js'
export { countMask, maskPositions, positionsFrom } from './mask.js'
export { measureNoise } from './measure-noise.js'
export { type DetectorNoise, type NoiseModel, noiseModel } from './noise.js'
export { ORIENTATIONS, type Orientation, orient, orientPixels, orientPoint, turnsAxes } from './orientation.js'
export { type OverscanLevel, type OverscanOptions, overscanLevel } from './overscan.js'
export { isRaw, type Plane, planeLength, type RawPlane } from './raw-plane.js'
export { inRows } from './rows-of-points.js'
export { type BleedOptions, growBleeding, railOf } from './saturation.js'
export { cropPixels, fits, intersect, type Pixels, type Section, trim, wholeSection } from './section.js'
export { type SkyLevel, type SkySample, skyLevel, skyPixels } from './sky-level.js'
export { type SkyMap, sampleSky, skyAt } from './sky-map.js'
export { fitPattern, type PatternFit, subtractPatternInPlace } from './sky-pattern.js'
export { type SmoothLevels, smoothed, smoothedWell } from './smooth-levels.js'
export { splineCurvature, splineWeights } from './spline.js'
export { measureShift, type Peak, type Shift, starPeaks } from './star-shift.js'
export { findTrails, type Trail } from './trails.js'
