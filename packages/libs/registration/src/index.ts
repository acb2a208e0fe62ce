export { type Affine, type AffineParts, compose, IDENTITY, invert, partsOf, transform } from './affine.js'
export { type AlignedStars, type Alignment, type AlignOptions, alignStars } from './align-stars.js'
export { type BrightImage, type BrightOptions, type BrightStars, brightStars } from './bright-stars.js'
export { logBinomialTail } from './chance.js'
export {
  chooseModel,
  fitModel,
  MODELS,
  type Model,
  type ModelFit,
  mapOf,
  type StoredMap,
} from './choose-model.js'
export { equalWindows, type FoundFrame } from './equal-windows.js'
export { type AffineFit, fitAffine, fitSimilarity, type PointPairs, type SimilarityOptions } from './fit-affine.js'
export { type Interpolation, TAPS, tapWeights } from './interpolant.js'
export { type MatchOptions, matchPatterns, type PatternMatch, type StarList } from './match-patterns.js'
export { nearestPoint, nearestWithin, type PointGrid, type Points, pointGrid } from './nearest.js'
export { noiseFactor } from './noise-factor.js'
export { forRuns, mapFunction, newRun, type PixelMap, type RunMap, rowsNeeded, runMap } from './pixel-map.js'
export { fitPolynomialMap, type PolynomialMap, type PolynomialMapFit, polynomialAt } from './polynomial-map.js'
export { type PointsWithErrors, pairsUnder, type RefinedMatch, refineMatch } from './refine-match.js'
export { medianLevel, type Resampled, type ResampleOptions, resample } from './resample.js'
export { type NewRows, type RowOptions, resampleRows } from './resample-rows.js'
export { type CommonFit, type CommonFrame, type CommonOptions, fitCommon } from './sky-common.js'
export { coverCap } from './sky-cover.js'
export { wcsOfPlate } from './sky-distortion.js'
export { countPartners, FINAL_OPTIONS, type FieldFit, type FinalOptions, fitField } from './sky-final.js'
export type { SkyPoints } from './sky-patch.js'
export { fitPlate, linearPart, type Plate, type PlatePairs } from './sky-plate.js'
export { type FrameStars, refineField, type Size as FrameSize } from './sky-refine.js'
export { residualsOf } from './sky-residuals.js'
export {
  isSolved,
  SKY_HINTS,
  type SkyFailure,
  type SkyHints,
  type SkySolution,
  type SkySource,
  solveField,
} from './sky-solve.js'
export { type FrameRows, type Source, sourceRows } from './source-rows.js'
export { type LightOptions, type RingOptions, ringLight, STEP, type StarLight, starLight } from './star-light.js'
