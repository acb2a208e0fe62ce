import { allocate, allocateBytes, kernels } from '@nightpipe/kernels'
import { address, copied, double, record, word } from './record.js'
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
  const records = allocate(Float64Array, SOURCE_NUMBERS * (Math.ceil(n / 2) + 1))
  const values = allocate(Float32Array, n)
  values.set(runs.values)
  const ofRuns = () => word(allocateBytes(4 * runs.count))
  const { noise } = scene
  const sharp = options.sharp && allocate(Float32Array, options.sharp.weights.length)
  sharp?.set(options.sharp!.weights)
  const at = record([
    ...[word(runs.count), address(copied(runs.row)), word(runs.row.length - 1), address(copied(runs.bounds))],
    ...[address(values), ofRuns(), ofRuns(), ofRuns(), ofRuns(), ofRuns()],
    ...[word(options.minimumArea), address(pixels), word(allocateBytes(4 * n)), word(0), address(records)],
    ...[word(options.levels), word(options.classic ? 1 : 0), double(options.contrast), double(options.threshold)],
    ...[double(options.rise), double(options.factor), double(options.reach)],
    ...[address(noise.map), word(noise.columns), word(noise.rows), address(scene.mask), double(options.isophote)],
    ...[address(sharp), word(options.sharp?.half ?? 0)],
  ])
  const largest = kernels().joinRuns(at, scene.width)
  const scratch = allocateBytes(kernels().deblendScratch(largest))
  new DataView(kernels().memory.buffer).setInt32(at + SCRATCH_AT, scratch, true)
  return { count: kernels().findSources(at, sceneRecord(scene)), records, pixels }
}

/** Where the record of a detection holds its scratch, whose size is known last. */
const SCRATCH_AT = 52
