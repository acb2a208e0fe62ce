export { type AirFormula, airToVacuum, refractiveIndexOfAir, SHORTEST_IN_AIR, vacuumToAir } from './air.js'
export { airSeen } from './air-seen.js'
export { averageArcs } from './average-arcs.js'
export { type BadWavelength, markBadWavelengths, parseBadWavelengths } from './bad-wavelengths.js'
export { type BlockVelocities, type BlockVelocity, blockVelocities } from './block-velocities.js'
export { broadened, type LogSpectrum, onLogGrid, resolutionKernel, rotationKernel } from './broaden.js'
export { atCentreOfLight } from './centre-of-light.js'
export { checkFlat, type FlatVerdict } from './check-flat.js'
export { ForeignTraces } from './check-traces.js'
export { type Classification, type ClassifyOptions, classifyStar, type MemberFit, type StarLimit } from './classify.js'
export { type CombinedFlat, combineFlats, combineFlatsSplit, type FlatSample } from './combine-flats.js'
export { type CombinedVelocity, combineVelocities } from './combine-velocities.js'
export { type CommonSolution, commonSolutions } from './common-lines.js'
export { type Correlation, type CorrelationOptions, crossCorrelate, peakOf } from './cross-correlate.js'
export { alongSpline, type CubicSpline, cubicSpline } from './cubic-spline.js'
export { type Drift, type DriftOptions, driftAt, meanDrift, measureDrift } from './drift.js'
export {
  type EchelleModel,
  MODEL_TERMS,
  modelTerms,
  modelWavelength,
  opticsWavelength,
  residualWavelength,
} from './echelle-model.js'
export { type Extraction, type ExtractOptions, extractOrders } from './extract.js'
export {
  EXTRACTION_LIMITS,
  type ExtractedFlat,
  extractFlat,
  type FlatOptions,
  hitFraction,
  MOST_HIT,
  SHIFT_REACH,
} from './extract-flat.js'
export { extractLocally } from './extract-locally.js'
export { extractUpright } from './extract-upright.js'
export { DISPLACEMENT_TERMS, displaced, displacement } from './fibre-displacement.js'
export { findLines, LineFlag, type LineOptions, type SpectralLine } from './find-lines.js'
export { type FindOptions, type FoundOrders, findOrders, type LitFrame } from './find-orders.js'
export { fitDisplacement, type LinePair, pairLines } from './fit-displacement.js'
export { fitEchelleModel, type ModelPoint } from './fit-echelle-model.js'
export { type RefinedTraces, type RefineOptions, refineTraces } from './fit-traces.js'
export {
  divideByFlat,
  divideLamp,
  type FlatDivided,
  type FlatResponse,
  flatRange,
  flatResponse,
  RANGE as LEAST_RESPONSE,
} from './flat-response.js'
export { GLASSES, type Glass, refractiveIndex } from './glass.js'
export { isGood } from './good-pixels.js'
export type { NoiseModel, SpectralFrame, TraceFlux } from './group-work.js'
export { type HandTrace, type HandTraceOptions, tracesFromHand } from './hand-traces.js'
export { followLines, type Identification, identifyLines, type RoughSpectrograph } from './identify.js'
export { type LineList, type LineListOptions, linesWithin, parseLineList } from './line-list.js'
export { type LineMask, maskOfTemplate } from './line-mask.js'
export { fitLines, type LineBench, type LineFit, lineBench } from './line-profile.js'
export { lineResolution } from './line-resolution.js'
export { type LineTilt, measureTilt, tiltAt } from './line-tilt.js'
export { type LitTrace, litTraces } from './lit-traces.js'
export {
  fitLineProfile,
  type LineFitResult,
  type MaskCorrelation,
  type MaskOptions,
  maskCorrelation,
} from './mask-correlation.js'
export { type LineMatch, matchLines } from './match-lines.js'
export { measureProfiles, refineProfiles } from './measure-profiles.js'
export { type Instant, type MeterReading, type MidExposure, midExposure } from './mid-exposure.js'
export { namedLine } from './named-line.js'
export { weakResponse } from './odd-columns.js'
export type { OrderData, OrderMatch } from './order-match.js'
export { type BlockMix, blocksAt, profileRows } from './profile-rows.js'
export { type ProfileTable, profileTable } from './profile-table.js'
export { quietResponse } from './quiet-response.js'
export { type RatioErrors, ratioErrors } from './ratio-errors.js'
export {
  type ScatteredLight,
  type ScatteredLightOptions,
  scatteredLight,
  subtractScatteredLightInPlace,
} from './scattered-light.js'
export { type SecondLines, secondLines } from './second-lines.js'
export { type ArcSetup, type SolvedFibre, solveArc } from './solve-arc.js'
export { type OrderSpectrum, type Spectra, SpectrumBit } from './spectrum.js'
export { fitUniformSpline, type UniformSpline, uniformSplineAt } from './spline-fit.js'
export type { AxisName } from './star-axes.js'
export { type SetMember, type StarParameters, samplingFor } from './star-set.js'
export { startShift } from './start-profiles.js'
export { dimFlats, type FlatFrame, type FlatNoise, noiseOf, type SummedFlat, sumFlats } from './sum-flats.js'
export { maskTellurics, TELLURIC_BANDS, type Window } from './tellurics.js'
export { buildTemplate, type MadeTemplate, type TemplateExposure, type TemplateOptions } from './template.js'
export { measureShift, type ShiftOptions, type TraceShift } from './trace-shift.js'
export {
  emptyTraces,
  type FineProfiles,
  hasTrace,
  movedTraces,
  setColumnsOnDetector,
  type Traces,
  traceCentres,
  traceY,
} from './traces.js'
export { fitVelocity, type OrderVelocity, type Velocity, type VelocityOptions } from './velocity.js'
export { type TemplateOrder, templateCurves, type VelocityTemplate } from './velocity-template.js'
export { type Measurements, wanderRate, wanderShares } from './wandering.js'
export {
  type FitLimits,
  type FittedLine,
  fittedPlace,
  fitWavelengths,
  reproduce,
  type WavelengthSolution,
  zeroPointError,
} from './wavelength-fit.js'
export {
  averagePolynomial,
  diffractionOrder,
  fitWavelengthPolynomial,
  polynomialDispersion,
  polynomialError,
  polynomialWavelength,
  termsUpTo,
  type WavelengthPoint,
  type WavelengthPolynomial,
  wavelengthEvaluator,
} from './wavelength-polynomial.js'
