export { type Kernels, kernels } from './kernels.js'
export { allocate, allocateBytes, inKernelMemory, mark, release, scoped } from './memory.js'
