import { allocate, allocateBytes, kernels, scoped, seats, together } from '@nightpipe/kernels'
import { address, double, record, word } from './record.js'
import type { Runs } from './runs.js'
import { type Scene, sceneRecord } from './scene.js'
import { SOURCE_NUMBERS, type Sources } from './sources.js'

export interface DetectOptions {
  /** Where sources end, in noise of the filtered image. */
  isophote: number
  minimumArea: number
  levels: number
  contrast: number
  classic: boolean
  /** Least significance of a peak, in noise of the filtered image; and of its rise above the saddle to another one. */
  threshold: number
  rise: number
  /** Noise of the filtered image where that of the pixels is 1. */
  factor: number
  /** Within so many pixels of a brighter source the whole contrast is asked of a part. */
  reach: number
  /** A smaller kernel, for deblending. */
  sharp?: { half: number; weights: Float32Array }
}

/** The sources of the regions that runs of pixels make: with a significant peak, deblended. They lie in kernel memory. */
export function detectSources(runs: Runs, scene: Scene, options: DetectOptions): Sources {
  const n = runs.values.length
  const pixels = allocate(Int32Array, n)
  // peaks do not touch: no region has more of them than half of its pixels
  const records = allocate(Float64Array, SOURCE_NUMBERS * (Math.ceil(n / 2) + SHARES + 1))
  const ofRuns = () => word(allocateBytes(4 * runs.count))
  const { noise } = scene
  const sharp = options.sharp && allocate(Float32Array, options.sharp.weights.length)
  sharp?.set(options.sharp!.weights)
  const at = record([
    ...[word(runs.count), address(runs.row), word(runs.row.length - 1), address(runs.bounds)],
    ...[address(runs.values), ofRuns(), ofRuns(), ofRuns(), ofRuns(), ofRuns()],
    ...[word(options.minimumArea), address(pixels), word(allocateBytes(4 * n)), word(0), word(0), address(records)],
    ...[word(options.levels), word(options.classic ? 1 : 0), double(options.contrast), double(options.threshold)],
    ...[double(options.rise), double(options.factor), double(options.reach)],
    ...[address(noise.map), word(noise.columns), word(noise.rows), address(scene.mask), double(options.isophote)],
    ...[address(sharp), word(options.sharp?.half ?? 0)],
  ])
  const scratch = kernels().deblendScratch(kernels().joinRuns(at, scene.width))
  const step = 16 * Math.ceil(scratch / 16)
  const view = new DataView(kernels().memory.buffer)
  view.setInt32(at + SCRATCH_AT, allocateBytes(step * seats()), true)
  view.setInt32(at + SCRATCH_AT + 4, step, true)
  return { count: findInShares(at, scene, records), records, pixels }
}

/** Where the record of a detection holds its scratch, and that of one thread, whose size is known last. */
const SCRATCH_AT = 52
/** Shares of the work, many more than threads: regions differ. */
const SHARES = 32

/** Finds the sources share by share, each writing its records where there is room for sure, and joins the records. */
function findInShares(detection: number, scene: Scene, records: Float64Array): number {
  return scoped(() => {
    const bounds = allocate(Int32Array, 2 * (SHARES + 1))
    kernels().shareRegions(detection, SHARES, bounds.byteOffset)
    const at = sceneRecord(scene)
    const shares = Array.from({ length: SHARES }, (_, k) => ({
      runs: [bounds[2 * k], bounds[2 * k + 2]] as const,
      used: bounds[2 * k + 1],
      first: SOURCE_NUMBERS * (Math.ceil(bounds[2 * k + 1] / 2) + k),
    }))
    const counts = together(
      shares.map(({ runs, used, first }) => [
        ...(['findSources', detection, at, ...runs, used, records.byteOffset + 8 * first] as const),
      ]),
    )
    let count = 0
    shares.forEach(({ first }, k) => {
      records.copyWithin(SOURCE_NUMBERS * count, first, first + SOURCE_NUMBERS * counts[k])
      count += counts[k]
    })
    return count
  })
}
