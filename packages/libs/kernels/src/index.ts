export { type Kernels, kernels, kernelsOn, takeReadyMade } from './kernels.js'
export { allocate, allocateBytes, inKernelMemory, lent, mark, release, scoped, type Typed } from './memory.js'
export { inStrips, type Lent } from './strips.js'
export {
  HELPER_PROGRAM,
  type HelperSetup,
  handOver,
  nextHelper,
  type SharedCall,
  seats,
  settle,
  together,
  withoutHelpers,
} from './together.js'
