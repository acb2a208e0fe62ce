// The kernels under the math and image libraries; their signatures are in src/numeric-kernels.ts.
export { calibrate } from './calibrate'
export { combine } from './combine'
