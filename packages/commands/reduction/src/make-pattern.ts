import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { safeName } from '@nightpipe/calibrations'
import { DataError, isCurrent, type Parent, productPath, type Request, writeProduct } from '@nightpipe/command'
import { createHeader } from '@nightpipe/fits'
import { boxMean, combinePlanes, MaskBit, sampleSky, skyAt } from '@nightpipe/image'
import { allocate, scoped } from '@nightpipe/kernels'
import { builtFolder } from './build-masters.js'
import { type Calibrated, calibrateFrame } from './calibrate-frame.js'
import { withoutErrors } from './compare.js'
import { trimmedSize } from './master.js'
import { mastersOf, type ReductionJob } from './plan.js'
import type { ReductionSchema } from './schema.js'

type Sources = Request<ReductionSchema>

/** Side of the tiles of the sky whose level is no pattern, px. */
const SMOOTH = 256
/** Frames beyond this many would hardly make it better. */
const MOST = 25
const MOST_BYTES = 1.2e9

/**
 * Makes the pattern of the sky of each instrument and filter, where [pattern] make asks for it, and tells it to the frames:
 * the median, over frames that are dithered, of the sky without its sources and its smooth level, as a fraction of the sky.
 */
export async function addPatterns(jobs: ReductionJob[], request: Sources): Promise<void> {
  const { pattern } = request.config
  if (!pattern.make || pattern.file || request.dryRun) return
  const groups = new Map<string, ReductionJob[]>()
  for (const job of jobs) {
    const { instrument, filter, binning } = job.frame.facts
    const { width, height } = trimmedSize(job.frame.facts)
    const key = JSON.stringify([instrument, filter, binning, width, height])
    groups.set(key, [...(groups.get(key) ?? []), job])
  }
  for (const group of groups.values()) {
    const path = makePattern(group, request)
    for (const job of group) job.pattern = path
    await new Promise((done) => setImmediate(done)) // let an interrupt be heard
  }
}

function makePattern(group: readonly ReductionJob[], request: Sources): string {
  const { config, context, log, output } = request
  const { instrument, filter = 'none', binning } = group[0].frame.facts
  if (group.length < config.pattern.frames) {
    throw new DataError(
      `${group.length} frames of ${instrument}, filter ${filter}: too few for a pattern of the sky`,
      `add frames, lower [pattern] frames (now ${config.pattern.frames}), or set make = no`,
    )
  }
  const binned = binning.some((b) => b !== 1) ? `_${binning.join('x')}` : ''
  const name = `pattern_${safeName(instrument)}_${safeName(filter)}${binned}.fits`
  const path = productPath(join(builtFolder(output), name), context)
  const used = spread(group)
  const parents: Parent[] = used.map(({ frame }) => ({ path: frame.path, role: 'frame', given: true }))
  for (const master of used.flatMap(mastersOf)) {
    if (!parents.some((parent) => parent.path === master.path)) parents.push(master)
  }
  if (existsSync(path) && isCurrent({ products: [path], parents }, context)) return path
  log.info(`making the pattern of the sky of ${instrument}, filter ${filter}, from ${used.length} frames`)
  mkdirSync(builtFolder(output), { recursive: true })
  return scoped(() => {
    const { width, height } = trimmedSize(group[0].frame.facts)
    const planes = used.map((job) => {
      const plane = allocate(Float32Array, width * height)
      scoped(() => patternOf(calibrateFrame(job, withoutErrors(config)), config.parameters.detect_thresh, plane))
      return plane
    })
    const combined = { pixels: new Float32Array(width * height), error: new Float32Array(width * height) }
    combinePlanes(planes, { method: 'median' }, combined)
    // Fringes are wide. Unsmoothed, the pattern would hold a part of the noise of each of its own frames.
    const { smooth } = config.pattern
    const pixels = boxMean(combined.pixels, width, height, smooth)
    const error = boxMean(combined.error, width, height, smooth).map((e) => e / smooth)
    const cards: [string, string | number, string][] = [
      ['BUNIT', '', 'fraction of the sky'],
      ['IMAGETYP', 'master pattern', 'what this is'],
      ['INSTRUME', instrument, 'instrument'],
      ['FILTER', filter, 'filter'],
      ['NFRAMES', used.length, 'frames combined'],
    ]
    const axes = [width, height]
    const hdus = [
      { kind: 'image', bitpix: -32, axes, pixels, header: createHeader(cards) },
      { kind: 'image', name: 'ERR', bitpix: -32, axes, pixels: error, header: createHeader([cards[0]]) },
    ] as const
    return writeProduct(path, hdus, context, parents)
  })
}

/**
 * Frames spread over the group: at most 25, and of large frames fewer, so that together they take no more than 1.2 GB. What
 * --memory says does not count, or the pattern would depend on it.
 */
function spread(group: readonly ReductionJob[]): ReductionJob[] {
  const { width, height } = trimmedSize(group[0].frame.facts)
  const room = Math.floor(MOST_BYTES / (4 * width * height))
  const count = Math.min(group.length, MOST, Math.max(3, room))
  return Array.from({ length: count }, (_, k) => group[Math.floor((k * group.length) / count)])
}

/** The sky of a frame over its smooth level, as a fraction of it; sources and bad pixels are NaN. */
function patternOf({ pixels, mask, width, height }: Calibrated, threshold: number, out: Float32Array): void {
  const map = sampleSky(pixels, width, height, { tile: SMOOTH, step: 8, mask })
  const smooth = boxMean(pixels, width, height, 5)
  const unfit = MaskBit.bad | MaskBit.saturated | MaskBit.noData
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const p = y * width + x
      const level = skyAt(map, map.level, x, y)
      const isSource = !(smooth[p] < level + threshold * skyAt(map, map.sigma, x, y))
      out[p] = isSource || (mask[p] & unfit) !== 0 || !(level > 0) ? Number.NaN : pixels[p] / level - 1
    }
  }
}
