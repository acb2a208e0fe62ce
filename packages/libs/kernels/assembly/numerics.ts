// The kernels under the math and image libraries; their signatures are in src/numeric-kernels.ts.
export { combine } from './combine'
