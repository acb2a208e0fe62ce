// The kernels under the math and image libraries; their signatures are in src/numeric-kernels.ts.
export { calibrate } from './calibrate'
export { combine } from './combine'
export { clippedStatistics } from './clipped-statistics'
export { meshStatistics } from './mesh'
export { boxMean } from './box-mean'
export { convolve } from './convolve'
export { medianSmall } from './median-filter'
export { medianLarge, medianScratch } from './median-ranks'
