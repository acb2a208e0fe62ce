// Runs of pixels above a limit, joined into regions; regions split into sources; the moments of each.
import { at32, set32 } from './list32'
import { splitRegion } from './deblend'
import { keepHighest, Source, measureIsophote } from './isophote'
import { seat } from './seat'
import { Scene } from './stamp'

/** What the sources are found in: addresses and numbers, set by libs/stars/src/detect.ts. */
@unmanaged
export class Detection {
  /** Of the pixels above the isophote: their runs, as `detectRows` gives them, row by row. */
  runs: i32
  row: usize
  rows: i32
  bounds: usize
  values: usize
  /** Where the values of each run begin. */
  first: usize
  /** For each run its region, the next run of the region, and (of the first) the last run and the area. */
  parent: usize
  next: usize
  last: usize
  area: usize
  minimumArea: i32
  /** The pixels of the sources one after the other, and their filtered values. */
  pixels: usize
  filtered: usize
  /** Scratch of the first thread, and how far from it that of the next is. */
  scratch: usize
  scratchBytes: usize
  sources: usize
  /** Levels of deblending, 1 for none; and 1 for the contrast of SExtractor. */
  levels: i32
  classic: i32
  contrast: f64
  /** Least significance of a peak, and of its rise above a saddle, in noise of the filtered image. */
  threshold: f64
  rise: f64
  /** Noise of the filtered image where that of the pixels is 1. */
  factor: f64
  reach: f64
  /** Noise of the pixels by meshes. */
  noise: usize
  columns: i32
  meshes: i32
  mask: usize
  /** Where sources end, in noise of the filtered image. */
  isophote: f64
  /** A smaller kernel, for deblending: 2 sharpHalf + 1 squared weights; 0 for none. */
  sharp: usize
  sharpHalf: i32
}

/** The noise of the filtered image at a pixel: of the meshes, or of the error plane where that is larger. */
export function noiseAt(d: Detection, scene: Scene, p: i32): f64 {
  const x = p % scene.width
  const y = p / scene.width
  let sigma = meshAt(d, scene, x, y)
  if (scene.error) {
    const own = <f64>load<f32>(scene.error + ((<usize>p) << 2))
    if (own > sigma) sigma = own
  }
  return sigma * d.factor
}

// Offsets of eight places on a ring, in its radius.
const RING_X: StaticArray<f64> = [1, 0.7071, 0, -0.7071, -1, -0.7071, 0, 0.7071]
const RING_Y: StaticArray<f64> = [0, 0.7071, 1, 0.7071, 0, -0.7071, -1, -0.7071]
/** Of this thread: eight values on that ring, and after `OWN_BYTES` what deblending needs. */
let around: usize = 0
const OWN_BYTES: usize = 320

/**
 * The noise there would be at a peak without the star: its own photons are in the error plane, and are no reason to doubt
 * that it is there. Where they add, the median of the error plane on a ring about it tells the noise of the place.
 */
function quietNoiseAt(d: Detection, scene: Scene, p: i32): f64 {
  const whole = noiseAt(d, scene, p)
  const floor = meshAt(d, scene, p % scene.width, p / scene.width) * d.factor
  if (!scene.error || whole <= floor || d.reach <= 0) return whole
  let n = 0
  for (let k = 0; k < 8; k++) {
    const x = p % scene.width + <i32>Math.round(RING_X[k] * d.reach)
    const y = p / scene.width + <i32>Math.round(RING_Y[k] * d.reach)
    if (x < 0 || y < 0 || x >= scene.width || y >= scene.height) continue
    const sigma = <f64>load<f32>(scene.error + ((<usize>(y * scene.width + x)) << 2))
    if (!(sigma > 0 && sigma < Infinity)) continue
    // sorted as they come
    let i = n++
    for (; i > 0 && load<f64>(around + ((<usize>(i - 1)) << 3)) > sigma; i--) {
      store<f64>(around + ((<usize>i) << 3), load<f64>(around + ((<usize>(i - 1)) << 3)))
    }
    store<f64>(around + ((<usize>i) << 3), sigma)
  }
  if (n < 4) return whole
  return min<f64>(whole, max<f64>(floor, load<f64>(around + ((<usize>(n >> 1)) << 3)) * d.factor))
}

/** The map of the noise between the centres of the four nearest meshes. */
export function meshAt(d: Detection, scene: Scene, x: i32, y: i32): f64 {
  const u = max<f64>(0, min<f64>(<f64>(d.columns - 1), ((<f64>x + 0.5) * <f64>d.columns) / <f64>scene.width - 0.5))
  const v = max<f64>(0, min<f64>(<f64>(d.meshes - 1), ((<f64>y + 0.5) * <f64>d.meshes) / <f64>scene.height - 0.5))
  const i = min<i32>(<i32>u, max<i32>(0, d.columns - 2))
  const j = min<i32>(<i32>v, max<i32>(0, d.meshes - 2))
  const i1 = min<i32>(i + 1, d.columns - 1)
  const j1 = min<i32>(j + 1, d.meshes - 1)
  const a = u - <f64>i
  const b = v - <f64>j
  return (1 - b) * ((1 - a) * mesh(d, i, j) + a * mesh(d, i1, j)) + b * ((1 - a) * mesh(d, i, j1) + a * mesh(d, i1, j1))
}

// @ts-ignore: decorator
@inline
function mesh(d: Detection, i: i32, j: i32): f64 {
  return <f64>load<f32>(d.noise + ((<usize>(j * d.columns + i)) << 2))
}

/** Joins runs that touch by a side or a corner. Returns the area of the largest region. */
export function joinRuns(d: Detection, width: i32): i32 {
  for (let r = 0; r < d.runs; r++) {
    set32(d.parent, r, r)
    set32(d.next, r, -1)
  }
  for (let y = 1; y < d.rows; y++) {
    let above = at32(d.row, y - 1)
    const start = at32(d.row, y)
    const end = at32(d.row, y + 1)
    for (let r = start; r < end; r++) {
      const left = at32(d.bounds, 2 * r) - width - 1
      const right = at32(d.bounds, 2 * r + 1) - width + 1
      while (above < start && at32(d.bounds, 2 * above + 1) <= left) above++
      for (let k = above; k < start && at32(d.bounds, 2 * k) < right; k++) unite(d.parent, k, r)
    }
  }
  return gather(d)
}

/** The earlier run stands for both, so that parents always come first. */
function unite(parent: usize, a: i32, b: i32): void {
  const i = rootOf(parent, a)
  const j = rootOf(parent, b)
  if (i < j) set32(parent, j, i)
  else set32(parent, i, j)
}

function rootOf(parent: usize, start: i32): i32 {
  let r = start
  while (at32(parent, r) != r) {
    set32(parent, r, at32(parent, at32(parent, r)))
    r = at32(parent, r)
  }
  return r
}

/** Chains the runs of each region, and says where the values of each run begin. */
function gather(d: Detection): i32 {
  let largest = 0
  let values = 0
  for (let r = 0; r < d.runs; r++) {
    const root = at32(d.parent, at32(d.parent, r))
    set32(d.parent, r, root)
    const n = at32(d.bounds, 2 * r + 1) - at32(d.bounds, 2 * r)
    set32(d.first, r, values)
    values += n
    if (root == r) set32(d.area, r, n)
    else {
      set32(d.area, root, at32(d.area, root) + n)
      set32(d.next, at32(d.last, root), r)
    }
    set32(d.last, root, r)
    largest = max<i32>(largest, at32(d.area, root))
  }
  return largest
}

/**
 * Cuts the runs into `shares` that have about as many pixels in their regions each. Of each share the first run, and the
 * first place for the pixels of its sources; and one after the last, into `bounds`.
 */
export function shareRegions(d: Detection, shares: i32, bounds: usize): void {
  let all = 0
  for (let r = 0; r < d.runs; r++) all += areaFrom(d, r)
  let used = 0
  let k = 0
  for (let r = 0; r < d.runs; r++) {
    for (; k < shares && <i64>used * <i64>shares >= <i64>all * <i64>k; k++) {
      set32(bounds, 2 * k, r)
      set32(bounds, 2 * k + 1, used)
    }
    used += areaFrom(d, r)
  }
  for (; k <= shares; k++) {
    set32(bounds, 2 * k, d.runs)
    set32(bounds, 2 * k + 1, used)
  }
}

/** The pixels of the region that begins with a run: 0 where it began before, or is too small. */
// @ts-ignore: decorator
@inline
function areaFrom(d: Detection, r: i32): i32 {
  if (at32(d.parent, r) != r) return 0
  const area = at32(d.area, r)
  return area < d.minimumArea ? 0 : area
}

/** The scratch of this thread. */
function takePlace(d: Detection): usize {
  const place = d.scratch + <usize>seat * d.scratchBytes
  around = place
  keepHighest(place + 64)
  return place + OWN_BYTES
}

/**
 * The sources of the regions with a significant peak that begin with the runs from `start` to `end`, in the order of
 * their regions; their pixels go to the lists from place `used` on. Returns their number.
 */
export function findSources(d: Detection, scene: Scene, start: i32, end: i32, used: i32, sources: usize): i32 {
  const scratch = takePlace(d)
  let found = 0
  for (let r = start; r < end; r++) {
    const area = areaFrom(d, r)
    if (area == 0) continue
    if (significant(d, scene, r)) {
      collect(d, r, used)
      const parts = splitRegion(d, scene, used, area, scratch)
      let from = used
      for (let k = 0; k < parts; k++) {
        const n = at32(scratch, k)
        const source = changetype<Source>(sources + <usize>found * offsetof<Source>())
        measureIsophote(source, d, scene, from, n)
        if (isSmoothed(d)) source.filteredPeak = peakBetween(d, scene, from, n, source)
        from += n
        if (source.filteredPeak < d.threshold * quietNoiseAt(d, scene, <i32>source.peakAt)) continue
        source.flags = parts > 1 ? 2 : 0
        found++
      }
    }
    used += area
  }
  return found
}

function significant(d: Detection, scene: Scene, root: i32): bool {
  let best: f32 = -Infinity
  let where = 0
  for (let r = root; r >= 0; r = at32(d.next, r)) {
    let at = d.values + ((<usize>at32(d.first, r)) << 2)
    const from = at32(d.bounds, 2 * r)
    const to = at32(d.bounds, 2 * r + 1)
    for (let p = from; p < to; p++, at += 4) {
      const value = load<f32>(at)
      if (value > best) {
        best = value
        where = p
      }
    }
  }
  const rise: f64 = isSmoothed(d) ? MOST_RISE : 1
  return <f64>best * rise >= d.threshold * quietNoiseAt(d, scene, where)
}

/** Between pixels only a filtered image tells a value. */
// @ts-ignore: decorator
@inline
function isSmoothed(d: Detection): bool {
  return d.classic == 0 && d.factor < 1
}

/** A star has no more than this of what its highest pixel has in the filtered image, wherever on a pixel it lies. */
const MOST_RISE: f64 = 1.2

/**
 * The filtered image at its highest place, which lies between pixels: parabolas along both axes. A star that falls on the
 * corner of four pixels is no less significant than one that falls on the middle of one.
 */
function peakBetween(d: Detection, scene: Scene, from: i32, n: i32, source: Source): f64 {
  const peak = source.filteredPeak
  const p = <i32>source.peakAt
  let left: f64 = NaN
  let right: f64 = NaN
  let below: f64 = NaN
  let above: f64 = NaN
  for (let k = from; k < from + n; k++) {
    const step = at32(d.pixels, k) - p
    const value = <f64>load<f32>(d.filtered + ((<usize>k) << 2))
    if (step == -1) left = value
    else if (step == 1) right = value
    else if (step == -scene.width) below = value
    else if (step == scene.width) above = value
  }
  return min<f64>(MOST_RISE * peak, peak + riseOf(left, peak, right) + riseOf(below, peak, above))
}

/** What a parabola through three values has more than the middle one, the highest; 0 where one of them is not known. */
// @ts-ignore: decorator
@inline
function riseOf(before: f64, peak: f64, after: f64): f64 {
  const curvature = 2 * peak - before - after
  const slope = after - before
  return curvature > 0 ? (slope * slope) / (8 * curvature) : 0
}

/** The pixels of a region, row by row, to where those of the next source go. */
function collect(d: Detection, root: i32, used: i32): void {
  let to = used
  for (let r = root; r >= 0; r = at32(d.next, r)) {
    const from = at32(d.bounds, 2 * r)
    const n = at32(d.bounds, 2 * r + 1) - from
    for (let k = 0; k < n; k++) set32(d.pixels, to + k, from + k)
    memory.copy(d.filtered + ((<usize>to) << 2), d.values + ((<usize>at32(d.first, r)) << 2), (<usize>n) << 2)
    to += n
  }
}
