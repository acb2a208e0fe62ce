import { WASM_BASE64 } from './generated/wasm.js'

/** The raw exports: addresses are byte offsets into `memory`, counts are in elements. */
export interface Kernels {
  readonly memory: WebAssembly.Memory
  base(): number
  floatsFromBigEndian(source: number, target: number, n: number): void
}

/** 4 GiB, all that 32-bit addresses reach: reserved, not used, until it is needed. */
const MAXIMUM_PAGES = 65536

let instance: Kernels | undefined

/** The kernels of this thread, compiled at the first call (about a millisecond). */
export function kernels(): Kernels {
  if (instance) return instance
  const bytes = Buffer.from(WASM_BASE64, 'base64')
  // Shared memory does not move when it grows, so that views made earlier stay good.
  const memory = new WebAssembly.Memory({ initial: 16, maximum: MAXIMUM_PAGES, shared: true })
  const abort = () => {
    throw new RangeError('a kernel was given impossible arguments')
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory, abort } })
  instance = { ...exports, memory } as unknown as Kernels
  return instance
}
