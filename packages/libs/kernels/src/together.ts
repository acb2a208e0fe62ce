import { instanceOf, type Kernels, kernels, moduleOfKernels } from './kernels.js'
import { addCall, awaitAll, CAPACITY, drawCalls, makeRing, type Ring, resultOf, SIZES } from './ring.js'

/**
 * The kernels that several threads may be in at once, on one memory: all that they keep between two statements is in
 * variables of their own instance, or in the place that `seat` tells them.
 */
const SHARED = [
  'detectRows',
  'findSources',
  'floatsFromFloats',
  'histogramMeshes',
  'measureSources',
  'netRows',
] as const satisfies readonly (keyof Kernels)[]
export type SharedKernel = (typeof SHARED)[number]
export type SharedCall = { [K in SharedKernel]: readonly [name: K, ...args: Parameters<Kernels[K]>] }[SharedKernel]

let ring: Ring | undefined
let helpers = 0
/** Tickets of the calls in the ring: their places are used again only when all of them are done. */
let open: number[] = []
/** Results of calls handed over before those. */
let results: number[] = []
let own: ((...args: number[]) => unknown)[] | undefined

const listOf = (all: Kernels) => SHARED.map((name) => all[name] as (...args: number[]) => unknown)

/** Threads that may be in a kernel at once, this one included: scratch memory is wanted for each. */
export const seats = () => helpers + 1

/**
 * Does calls, whose order must not matter, together with the helpers that there are. Results in the order of the calls;
 * nothing shows who did what.
 */
export function together(calls: readonly SharedCall[]): number[] {
  for (const call of calls) handOver(call)
  return settle()
}

/** A call that a helper may begin at once, while this thread goes on; done for certain after `settle`. */
export function handOver([name, ...args]: SharedCall): void {
  own ??= listOf(kernels())
  const kernel = SHARED.indexOf(name)
  if (!ring) results.push(Number(own[kernel](...args)))
  else {
    if (open.length === CAPACITY) finishOpen(ring, own)
    open.push(addCall(ring, kernel, args))
  }
}

/** Takes part in all that was handed over, and waits for its end: the results in the order in which it was. */
export function settle(): number[] {
  try {
    if (ring && own) finishOpen(ring, own)
    return results
  } finally {
    results = []
  }
}

function finishOpen(here: Ring, list: NonNullable<typeof own>): void {
  drawCalls(here, list, SIZES)
  const tickets = open
  open = []
  awaitAll(here)
  for (const ticket of tickets) results.push(resultOf(here, ticket))
}

/** What a helper must be told: plain data but for memory, which it shares. */
export interface HelperSetup {
  module: WebAssembly.Module
  memory: WebAssembly.Memory
  ring: Ring
  seat: number
}

/** For one more helper, a thread that then runs `HELPER_PROGRAM`. It may come late, or never: its work is done without it. */
export function nextHelper(): HelperSetup {
  ring ??= makeRing()
  helpers++
  return { module: moduleOfKernels(), memory: kernels().memory, ring, seat: helpers }
}

/** The helpers are gone, or about to go. */
export function withoutHelpers(): void {
  settle()
  ring = undefined
  helpers = 0
}

/** What the program of a helper is made of, handed to it by name: a bundler may call these otherwise. */
interface Tools {
  instance: typeof instanceOf
  draw: typeof drawCalls
  names: readonly SharedKernel[]
  sizes: typeof SIZES
}

/** Knows nothing of this file, as all that it is given. */
function serve({ module, memory, ring, seat }: HelperSetup, { instance, draw, names, sizes }: Tools): never {
  const all = instance(module, memory)
  all.takeSeat(seat)
  const list = names.map((name) => all[name] as (...args: number[]) => unknown)
  for (;;) {
    const seen = Atomics.load(ring.state, 0)
    draw(ring, list, sizes)
    Atomics.wait(ring.state, 0, seen)
  }
}

/** The whole program of a helper, a worker thread with nothing else to load, to which `data` is what `nextHelper` gave. */
export const HELPER_PROGRAM = [
  `const tools = { names: ${JSON.stringify(SHARED)}, sizes: ${JSON.stringify(SIZES)} }`,
  `tools.instance = ${instanceOf}`,
  `tools.draw = ${drawCalls}`,
  `const serve = ${serve}`,
  'serve(data, tools)',
].join('\n')
