export { type BandedMatrix, solveBandedInPlace } from './banded.js'
export { besselJ0, besselJ1 } from './bessel.js'
export {
  type ComplexImage,
  complexImage,
  fft,
  fftLength,
  inverseFft,
  kernelComplexImage,
  opposite,
  partsAt,
} from './fft.js'
export {
  evaluatePolynomial,
  type FitOptions,
  fitLine,
  fitPolynomial,
  type LineFit,
  legendre,
  type PolynomialFit,
} from './fit.js'
export { type Histogram, histogram } from './histogram.js'
export { inverse, type LeastSquares, leastSquares, solve, solver } from './least-squares.js'
export { LIGHT_SPEED, LIGHT_SPEED_KM } from './light-speed.js'
export { MAD_TO_SIGMA, mad, median, medianOf, select, type Values } from './median.js'
export { normalBelow, normalDensity, normalQuantile } from './normal.js'
export { mode, percentile } from './percentile.js'
export { power } from './power.js'
export { type Random, random } from './random.js'
export { type RobustOptions, type RobustStatistics, robustStatistics, truncationFactor } from './robust-statistics.js'
export { type Scattered, type ScatteredKind, type ScatteredWeights, scattered } from './scattered.js'
export { mean, sum } from './sum.js'
