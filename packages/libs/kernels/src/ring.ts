/** Calls of kernels that wait for a thread to do them, the oldest first: in memory that all threads of a process share. */
export interface Ring {
  /** `HEAD` words, then the text of the first fault. */
  state: Int32Array
  /** Per call the number of its kernel, the number of its arguments, and these; its result takes the first place. */
  calls: Float64Array
}

type Kernel = (...args: number[]) => unknown

/** Calls that fit in: a power of two, for the counters go round. */
export const CAPACITY = 512
/** Numbers kept of a call. */
const SLOT = 32
const HEAD = 8
const FAULT_BYTES = 1024

export function makeRing(): Ring {
  return {
    state: new Int32Array(new SharedArrayBuffer(4 * HEAD + FAULT_BYTES)),
    calls: new Float64Array(new SharedArrayBuffer(8 * SLOT * CAPACITY)),
  }
}

/** Adds a call, for which there must be room, and wakes whoever waits for one. */
export function addCall({ state, calls }: Ring, kernel: number, args: readonly number[]): number {
  const ticket = state[0]
  const at = (ticket & (CAPACITY - 1)) * SLOT
  calls[at] = kernel
  calls[at + 1] = args.length
  calls.set(args, at + 2)
  Atomics.add(state, 0, 1)
  Atomics.notify(state, 0)
  return ticket
}

export const resultOf = ({ calls }: Ring, ticket: number) => calls[(ticket & (CAPACITY - 1)) * SLOT]

/** Waits until all is done. What is wrong with a call is an error here. */
export function awaitAll({ state }: Ring): void {
  for (let done = Atomics.load(state, 2); done !== state[0]; done = Atomics.load(state, 2)) Atomics.wait(state, 2, done)
  const length = Atomics.exchange(state, 3, 0)
  if (length === 0) return
  const bytes = new Uint8Array(state.buffer, 4 * HEAD, Math.min(length, FAULT_BYTES)).slice()
  throw new RangeError(new TextDecoder().decode(bytes))
}

/**
 * Does calls for as long as there are any. Counters: 0 calls added, 1 calls begun, 2 calls done, 3 length of the fault. Is
 * also the program of the helpers, as text: it knows only what it is given.
 */
export function drawCalls(
  { state, calls }: Ring,
  kernels: readonly Kernel[],
  [capacity, slot, head]: readonly [number, number, number],
): void {
  for (;;) {
    const next = Atomics.load(state, 1)
    if (next === Atomics.load(state, 0)) return
    if (Atomics.compareExchange(state, 1, next, (next + 1) | 0) !== next) continue
    const at = (next & (capacity - 1)) * slot
    try {
      calls[at] = Number(kernels[calls[at]](...calls.subarray(at + 2, at + 2 + calls[at + 1])))
    } catch (error) {
      const text = new TextEncoder().encode(error instanceof Error ? error.message : String(error))
      const room = new Uint8Array(state.buffer, 4 * head)
      room.set(text.subarray(0, room.length))
      Atomics.store(state, 3, Math.min(text.length, room.length))
    }
    Atomics.add(state, 2, 1)
    Atomics.notify(state, 2)
  }
}

/** The sizes that `drawCalls` is to be told. */
export const SIZES = [CAPACITY, SLOT, HEAD] as const
