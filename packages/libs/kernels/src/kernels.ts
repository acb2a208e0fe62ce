import type { DifferenceKernels } from './difference-kernels.js'
import { code, data } from './generated/wasm.js'
import type { NumericKernels } from './numeric-kernels.js'
import type { ReductionKernels } from './reduction-kernels.js'
import type { RegistrationKernels } from './registration-kernels.js'
import type { StarKernels } from './star-kernels.js'

/** Where in the stream of random numbers: unsigned 32-bit words. */
type RandomRow = [row: number, purpose: number, key0: number, key1: number]
type SimulatedCharge = [light: number, dark: number, flat: number, n: number, seconds: number, noise: number]
type SimulatedReadout = [
  charge: number,
  bias: number,
  n: number,
  level: number,
  gain: number,
  curve: number,
  noise: number,
  maximum: number,
]
type SimulatedMoffat = [
  target: number,
  stride: number,
  x0: number,
  x1: number,
  y0: number,
  y1: number,
  cx: number,
  cy: number,
  radius: number,
  xx: number,
  xy: number,
  yy: number,
  beta: number,
  peak: number,
  core: number,
]

/** The raw exports: addresses are byte offsets into `memory`, counts are in elements. */
export interface Kernels extends NumericKernels, ReductionKernels, StarKernels, RegistrationKernels, DifferenceKernels {
  readonly memory: WebAssembly.Memory
  base(): number
  /** Threads that share a memory have a number each, from 0. */
  takeSeat(number: number): void
  floatsFromBigEndian(source: number, target: number, n: number): void

  // simulate-noise: rows of random numbers and of a simulated detector; the same key, row and purpose give the same
  simulateWords(target: number, block: number, ...stream: RandomRow): void
  simulateNormals(target: number, n: number, ...stream: RandomRow): void
  simulateCharge(...row: [...SimulatedCharge, ...RandomRow, target: number]): void
  simulateReadout(...row: [...SimulatedReadout, ...RandomRow, target: number]): void

  // simulate-moffat
  simulateMoffat(...star: SimulatedMoffat): void

  // rice: 0, or 1 when the bytes end too early
  riceDecode8(source: number, bytes: number, target: number, n: number, blockSize: number): number
  riceDecode16(source: number, bytes: number, target: number, n: number, blockSize: number): number
  riceDecode32(source: number, bytes: number, target: number, n: number, blockSize: number): number

  // rice-encode: the number of bytes written; `codes` is scratch as large as the pixels
  riceEncode8(source: number, n: number, blockSize: number, codes: number, target: number): number
  riceEncode16(source: number, n: number, blockSize: number, codes: number, target: number): number
  riceEncode32(source: number, n: number, blockSize: number, codes: number, target: number): number

  // order
  swap16(source: number, target: number, n: number): void
  swap32(source: number, target: number, n: number): void
  swap64(source: number, target: number, n: number): void
  bigEndian16From32(source: number, target: number, n: number): void
  bytesFrom32(source: number, target: number, n: number): void

  // dither, unquantise: `dither` 0, 1 or 2; `start` of 0 to 9999
  ditherValues(): number
  unquantiseFloats(...tile: Unquantise): void
  unquantiseDoubles(...tile: Unquantise): void
  // physical: big-endian stored pixels to float32, zero + scale * stored; blank (integers) is NaN when hasBlank is 1
  floatsFrom8(...pixels: PhysicalIntegers): void
  floatsFrom16(...pixels: PhysicalIntegers): void
  floatsFrom32(...pixels: PhysicalIntegers): void
  floatsFromFloats(source: number, target: number, n: number, scale: number, zero: number): void
  floatsFromDoubles(source: number, target: number, n: number, scale: number, zero: number): void

  // ones-sum.ts: the FITS checksum of n bytes, to be read as unsigned (>>> 0)
  onesSum(source: number, n: number): number
  /** The same of what is written: n big-endian integers or floats. */
  swap16Sum(source: number, target: number, n: number): number
  swap32Sum(source: number, target: number, n: number): number

  // master: the mask, statistics and errors of a strip of a master
  flagStrip(
    pixels: number,
    count: number,
    columns: number,
    rows: number,
    segment: number,
    bounds: number,
    mask: number,
    counts: number,
  ): void
  inheritFlags(mask: number, other: number, bits: number, n: number): void
  tallyStrip(
    pixels: number,
    mask: number,
    count: number,
    n: number,
    centre: number,
    low: number,
    perUnit: number,
    bins: number,
    histogram: number,
    spare: number,
    sums: number,
  ): void
  evenErrors(
    error: number,
    pixels: number,
    count: number,
    columns: number,
    rows: number,
    segment: number,
    levels: number,
    perUnit: number,
  ): void
  joinErrors(error: number, a: number, aFactor: number, b: number, bFactor: number, n: number): void

  // overscan: `scratch` holds two rows
  rowLevels(pixels: number, columns: number, rows: number, levels: number, scratch: number): void

  // photon transfer: what pairs of flats say of the gain
  inverseGains(
    ...args: [
      ...[a: number, b: number, n: number, box: number, belowA: number, belowB: number, readVariance: number],
      ...[clip: number, factor: number, scratch: number, to: number],
    ]
  ): number

  // surroundings: medians of boxes, and what stands out of them
  neighbourDifferences(pixels: number, other: number, width: number, n: number, target: number): number
  boxMedian(pixels: number, stride: number, columns: number, rows: number, scratch: number): number
  standingOut(pixels: number, width: number, rows: number, segment: number, limit: number, scratch: number): number
  surroundings(
    pixels: number,
    columns: number,
    rows: number,
    segment: number,
    looked: number,
    levels: number,
    scatters: number,
    scratch: number,
  ): void

  // strip
  prepareStrip(
    source: number,
    stride: number,
    x0: number,
    width: number,
    rows: number,
    targetStride: number,
    pedestal: number,
    bias: number,
    dark: number,
    darkScale: number,
    scale: number,
    saturation: number,
    target: number,
  ): void
  // fft: complex transforms in place, forward and not scaled; see assembly/fft.ts for the tables
  fftColumns(...image: Fft): void
  fftRows(...image: Fft): void
  // complex: products and pairs of complex images
  complexProduct(...images: ComplexTriple): void
  complexJoin(...images: ComplexTriple): void
  complexSplit(...images: ComplexSplit): void
  addWeighed(source: number, width: number, height: number, across: number, up: number, target: number): void
  // tiles: many in one call; riceTiles gives the number of those decoded
  riceTiles(...tiles: RiceTiles): number
  unquantiseTiles(...tiles: UnquantiseTiles): void
  riceEncodeTiles(...tiles: RiceEncodeTiles): number
  // noise: `results` eight float64, `scratch` room for 5 n + 32 pixels; quantise: NaN becomes -2147483647
  noiseOfFloats(source: number, n: number, scratch: number, results: number): void
  noiseOfDoubles(source: number, n: number, scratch: number, results: number): void
  quantiseFloats(...tile: Quantise): void
  quantiseDoubles(...tile: Quantise): void
  // h-decompress: 0, or 1 not H-compress, 2 another size, 3 damaged; h-compress: the number of bytes
  hDecompress32(...tile: HDecompress): number
  hDecompress64(...tile: HDecompress): number
  hCompress32(...tile: HCompress): number
  hCompress64(...tile: HCompress): number
}

type ComplexTriple = [ar: number, ai: number, br: number, bi: number, re: number, im: number, n: number]
type ComplexSplit = [
  ...[re: number, im: number, width: number, height: number],
  ...[ar: number, ai: number, br: number, bi: number],
]
type Fft = [
  ...[re: number, im: number, width: number, height: number],
  ...[table: number, factors: number, scratch: number],
]
type RiceTiles = [
  ...[table: number, rowBytes: number, column: number, wide: number, tiles: number],
  ...[heap: number, heapFrom: number, heapBytes: number],
  ...[target: number, n: number, blockSize: number, bytePix: number],
]
type RiceEncodeTiles = [
  ...[source: number, tiles: number, n: number, blockSize: number, bytePix: number],
  ...[codes: number, target: number, lengths: number],
]
type UnquantiseTiles = [
  ...[table: number, rowBytes: number, scales: number, zeros: number, tiles: number],
  ...[target: number, n: number, dither: number, first: number, hasBlank: number, blank: number],
]
type HDecompress = [
  source: number,
  bytes: number,
  target: number,
  rows: number,
  columns: number,
  smooth: number,
  room: number,
]
type HCompress = [source: number, rows: number, columns: number, scale: number, room: number, target: number]
type Quantise = [source: number, target: number, n: number, step: number, zero: number, dither: number, start: number]
type PhysicalIntegers = [
  source: number,
  target: number,
  n: number,
  scale: number,
  zero: number,
  hasBlank: number,
  blank: number,
]

type Unquantise = [
  source: number,
  target: number,
  n: number,
  scale: number,
  zero: number,
  dither: number,
  start: number,
  hasBlank: number,
  blank: number,
]

/** 4 GiB, all that 32-bit addresses reach: reserved, not used, until it is needed. */
const MAXIMUM_PAGES = 65536

let instance: Kernels | undefined
let compiled: WebAssembly.Module | undefined
let readyMade: (bytes: Uint8Array) => WebAssembly.Module | undefined = () => undefined

/** Where the module may be had without compiling it, to be said before the first kernel is called. */
export function takeReadyMade(from: typeof readyMade): void {
  readyMade = from
}

/** The code of the kernels, without what stands in their memory from the start. */
export function moduleOfKernels(): WebAssembly.Module {
  if (compiled) return compiled
  const bytes = code()
  compiled = readyMade(bytes) ?? new WebAssembly.Module(bytes)
  return compiled
}

/** Kernels on a memory, which must hold what they expect there. Knows nothing of this file: helpers get it as text. */
export function instanceOf(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  const abort = () => {
    throw new RangeError('a kernel was given impossible arguments')
  }
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } })
  return { ...exports, memory } as unknown as Kernels
}

/**
 * The kernels of this thread, loaded at the first call (two milliseconds). Where the main thread calls this before others
 * are started, they share its code.
 */
export function kernels(): Kernels {
  if (instance) return instance
  // Shared memory does not move when it grows, so that views made earlier stay good.
  const memory = new WebAssembly.Memory({ initial: 16, maximum: MAXIMUM_PAGES, shared: true })
  // tables and scratch of the kernels: once for a memory, for helpers come when it is in use
  new WebAssembly.Instance(new WebAssembly.Module(data()), { env: { memory } })
  instance = instanceOf(moduleOfKernels(), memory)
  return instance
}

/** Kernels on the memory of another thread: of use are those that keep nothing in it, and work on what is lent there. */
export const kernelsOn = (memory: WebAssembly.Memory): Kernels => instanceOf(moduleOfKernels(), memory)
