import { kernels } from './kernels.js'

/** The arrays that kernels work on. */
export type Typed = Float32Array | Float64Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Uint8Array
type Constructor<T extends Typed> = {
  new (buffer: ArrayBufferLike, offset: number, length: number): T
  BYTES_PER_ELEMENT: number
}

const PAGE = 65536
/** 4 GiB. */
const MAXIMUM_PAGES = 65536
let top = 0

// Growing gives a new SharedArrayBuffer object on the same memory: remember each that was handed out, and the last one,
// for asking for it takes longer than many a kernel.
const ours = new WeakSet<SharedArrayBuffer>()
let last: SharedArrayBuffer | undefined

function currentBuffer(): SharedArrayBuffer {
  if (last) return last
  last = kernels().memory.buffer as unknown as SharedArrayBuffer
  ours.add(last)
  return last
}

/**
 * `bytes` of kernel memory, aligned to 16, as an address. The memory is a stack: `mark` it before, `release` it after,
 * or use `scoped`. What is allocated is not cleared.
 */
export function allocateBytes(bytes: number): number {
  if (top === 0) top = Math.ceil(kernels().base() / 16) * 16 || 16
  const address = top
  // Kernels may read one vector past the end of an array: 16 bytes stay free behind each.
  top = address + Math.ceil((bytes + 16) / 16) * 16
  const missing = top - currentBuffer().byteLength
  if (missing > 0) {
    grow(kernels().memory, Math.ceil(missing / PAGE))
    last = undefined
  }
  return address
}

/**
 * By half as much again at least: each growth makes a buffer object, and so many of them keep the garbage collector
 * busy. Pages that nobody touches take no memory.
 */
function grow(memory: WebAssembly.Memory, pages: number): void {
  const now = memory.buffer.byteLength / PAGE
  const room = MAXIMUM_PAGES - now
  const gib = (count: number) => ((count * PAGE) / 2 ** 30).toFixed(1)
  if (pages > room)
    throw new RangeError(`out of memory: ${gib(now + pages)} GiB at once, a thread has at most ${gib(MAXIMUM_PAGES)}`)
  memory.grow(Math.max(pages, Math.min(Math.max(pages, Math.floor(now / 2)), room)))
}

/** An array of `length` elements in kernel memory, not cleared: `allocate(Float32Array, width * height)`. */
export function allocate<T extends Typed>(type: Constructor<T>, length: number): T {
  const address = allocateBytes(length * type.BYTES_PER_ELEMENT)
  return new type(currentBuffer(), address, length)
}

/** True when a kernel can work on this array where it lies; its address is then `array.byteOffset`. */
export function inKernelMemory(array: Typed): boolean {
  return array.buffer instanceof SharedArrayBuffer && ours.has(array.buffer)
}

/** The same values where kernels can work on them: the array itself, or a copy. To be called inside `scoped`. */
export function lent<T extends Typed>(array: T): T {
  if (inKernelMemory(array)) return array
  const copy = allocate(array.constructor as Constructor<T>, array.length)
  copy.set(array)
  return copy
}

export function mark(): number {
  return top
}

export function release(to: number): void {
  top = to
}

/** Runs `work` and gives back all that it allocated. */
export function scoped<T>(work: () => T): T {
  const before = mark()
  try {
    return work()
  } finally {
    release(before)
  }
}
