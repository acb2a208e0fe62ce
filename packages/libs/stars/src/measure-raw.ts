import { allocate, allocateBytes, handOver, scoped, seats, settle } from '@nightpipe/kernels'
import { type Column, type Gathered, gather } from './gather.js'
import { record, word } from './record.js'
import { type Scene, sceneRecord } from './scene.js'
import { SOURCE, SOURCE_NUMBERS, type Sources, sourceAt } from './sources.js'

/** Stamps reach no further than this from the centre, px. */
const LARGEST = 300

/** What the kernel measures of a source, in the order of its record; circles come after. */
export const RESULT = {
  kron: 0,
  flux: 1,
  variance: 2,
  x: 3,
  y: 4,
  xError: 5,
  yError: 6,
  good: 7,
  halfLight: 8,
  fwhm: 9,
  outside: 10,
  masked: 11,
  foreign: 12,
  all: 13,
  window: 14,
  windowXX: 15,
  windowYY: 16,
  windowXY: 17,
} as const
const RESULT_NUMBERS = 18

export interface RawOptions {
  kronFactor: number
  kronMinimum: number
  /** Points along a pixel by which circles count it; 0 takes exact areas. */
  grid: number
  /** Neighbours are replaced by what stands opposite. */
  mirror: boolean
  apertures: readonly number[]
  /** Full width at half maximum of the stars of the frame, where it is known: windows of faint sources keep to it. */
  width?: number
  /** The limit of sources, in noise of the filtered image; asked for with `width`. */
  isophote?: number
}

/** So many sources are measured in one go. */
const SHARE = 32
/** Full width at half maximum of a Gaussian over its sigma. */
const FWHM = 2 * Math.sqrt(2 * Math.LN2)
/** The Kron radius is measured within so many semi-axes. */
const KRON_REACH = 6

export interface RawResults {
  /** Number `what` of source i. */
  of(i: number, what: number): number
  /** The same of all sources. */
  column<T extends Column>(what: number, type: Gathered<T>): T
  /** Sums and variances in circle k. */
  circle(k: number): [flux: Float64Array, variance: Float64Array]
}

/**
 * Measures sources on stamps cut out about each: centroids, sums, widths. This thread does `meanwhile` before it takes part.
 * The results lie in kernel memory, and are valid as long as the caller's `scoped`.
 */
export function measureRaw(sources: Sources, scene: Scene, options: RawOptions, meanwhile?: () => void): RawResults {
  const { apertures } = options
  const step = RESULT_NUMBERS + 2 * apertures.length
  const out = allocate(Float64Array, step * sources.count)
  scoped(() => {
    const half = setStamps(sources, options)
    const radii = allocate(Float64Array, apertures.length)
    radii.set(apertures)
    const chosen = allocate(Float64Array, 7)
    const { kronFactor, kronMinimum, grid, mirror, width = 0, isophote = 0 } = options
    chosen.set([kronFactor, kronMinimum, KRON_REACH, grid, mirror ? 1 : 0, width / FWHM, isophote])
    const [stamps, scratches] = [allocate(Uint32Array, seats()), allocate(Uint32Array, seats())]
    for (let seat = 0; seat < seats(); seat++) {
      stamps[seat] = stampRecord(half)
      scratches[seat] = allocateBytes(8 * 8 * (half + 8))
    }
    const at = sceneRecord(scene)
    const shares = Math.ceil(sources.count / SHARE)
    for (let k = 0; k < shares; k++) {
      const records = sources.records.byteOffset + 8 * SOURCE_NUMBERS * SHARE * k
      handOver([
        ...(['measureSources', at, stamps.byteOffset, records, Math.min(SHARE, sources.count - SHARE * k)] as const),
        ...([chosen.byteOffset, radii.byteOffset, apertures.length, scratches.byteOffset] as const),
        out.byteOffset + 8 * step * SHARE * k,
      ])
    }
    meanwhile?.()
    settle()
  })
  const column: RawResults['column'] = (what, type) => gather(out, step, what, type)
  return {
    of: (i, what) => out[i * step + what],
    column,
    circle: (k) => [0, 1].map((j) => column(RESULT_NUMBERS + 2 * k + j, Float64Array)) as [Float64Array, Float64Array],
  }
}

/** Tells each source how large its stamp is; half of the largest. */
function setStamps(sources: Sources, { apertures, grid, kronFactor }: RawOptions): number {
  // pixels that are taken whole must all be there; else the ellipse ends with the stamp
  const reach = grid > 0 ? KRON_REACH * Math.max(1, kronFactor) : KRON_REACH
  const widest = Math.max(8, ...apertures)
  let most = 8
  for (let i = 0; i < sources.count; i++) {
    const half = Math.min(LARGEST, Math.ceil(Math.max(reach * sourceAt(sources, i, SOURCE.a), widest)) + 2)
    sources.records[i * SOURCE_NUMBERS + SOURCE.half] = half
    if (half > most) most = half
  }
  return most
}

/** The address of a `Stamp` of assembly/stamp.ts with room for `half`. */
function stampRecord(half: number): number {
  const pixels = (2 * half + 1) ** 2
  const planes = [allocateBytes(8 * pixels), allocateBytes(8 * pixels), allocateBytes(pixels)]
  return record([...planes.map(word), ...Array.from({ length: 8 }, () => word(0))])
}
