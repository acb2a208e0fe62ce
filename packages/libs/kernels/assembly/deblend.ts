// A region split into the sources that stand out of it, in the way of Bertin & Arnouts (1996, A&AS 117, 393, section 6):
// between isophote and peak lie levels in steps of equal ratio; where branches join on the way down, those that stand out
// enough above the level are sources of their own. The other pixels go to the source whose Gaussian is brightest there.
import { brightest, fitGaussian } from './deblend-gaussian'
import { weighAtEdge, weighInside } from './deblend-sharpen'
import { at32, set32 } from './list32'
import { Detection, noiseAt } from './regions'
import { Scene } from './stamp'

// State of the region at hand. Pixel i of it is the i-th of its list. A set of connected pixels is known by its newest
// pixel, its root: what stands there is left alone once another set has taken it in.
let n: i32 = 0
let width: i32 = 0
let pixels: usize = 0
let values: usize = 0
let filtered: usize = 0
/** Where in the list the row above, or below, reaches the column left of a pixel. */
let above: usize = 0
let below: usize = 0
let parent: usize = 0
let next: usize = 0
let head: usize = 0
let tail: usize = 0
let area: usize = 0
let peakAt: usize = 0
/** Sets of the levels above that a set has joined: the first and last, and from one to the other. */
let firstKid: usize = 0
let lastKid: usize = 0
let sibling: usize = 0
/** The level of a pixel, and of the root of a set. */
let level: usize = 0
let order: usize = 0
let owner: usize = 0
let flux: usize = 0
let split: usize = 0
/** Cores: how many, and their roots. */
let cores: i32 = 0
let coreRoot: usize = 0
let gaussians: usize = 0

/** Bytes of scratch that a region of so many pixels needs. */
export function deblendScratch(largest: i32): usize {
  return <usize>(largest + 2) * 108 + 16384 + 320
}

// @ts-ignore: decorator
@inline
function valueAt(i: i32): f32 {
  return load<f32>(values + ((<usize>i) << 2))
}

/**
 * Splits the region of `count` pixels from place `from` on in the lists of the detection, whose pixels are then sorted
 * source by source. The numbers of pixels of the parts come at the start of `scratch`; returns how many there are.
 */
export function splitRegion(d: Detection, scene: Scene, from: i32, count: i32, scratch: usize): i32 {
  store<i32>(scratch, count)
  if (d.levels < 2 || d.contrast >= 1 || count < 2 * d.minimumArea || count < 6) return 1
  n = count
  width = scene.width
  pixels = d.pixels + ((<usize>from) << 2)
  filtered = d.filtered + ((<usize>from) << 2)
  layOut(scratch)
  values = filtered
  if (d.sharp) {
    values = split + <usize>max<i32>(n, 8192)
    values = (values + 15) & ~15
    sharpen(d, scene)
  }
  findRows()
  if (peaks() < 2) return 1
  findCores(d, scene)
  if (cores < 2) return 1
  share()
  return regroup(scratch)
}

function layOut(scratch: usize): void {
  // the numbers of pixels of the parts come first: there are fewer parts than pixels
  const line = (<usize>(n + 2)) << 2
  above = scratch + line
  below = above + line
  parent = below + line
  next = parent + line
  head = next + line
  tail = head + line
  area = tail + line
  peakAt = area + line
  firstKid = peakAt + line
  lastKid = firstKid + line
  sibling = lastKid + line
  level = sibling + line
  order = level + line
  owner = order + line
  coreRoot = owner + line
  flux = (coreRoot + line + 7) & ~7
  gaussians = flux + 2 * line
  split = gaussians + 6 * line
}

/** The pixels with less smoothing than to find faint sources: what lies close together is told apart. */
function sharpen(d: Detection, scene: Scene): void {
  const half = d.sharpHalf
  let floor: f32 = Infinity
  for (let i = 0; i < n; i++) floor = min<f32>(floor, load<f32>(filtered + ((<usize>i) << 2)))
  for (let i = 0; i < n; i++) {
    const p = at32(pixels, i)
    const x = p % width
    const y = p / width
    const inside = x >= half && y >= half && x + half < width && y + half < scene.height
    const sum = inside ? weighInside(d, scene, p, width) : weighAtEdge(d, scene, x, y, width)
    store<f32>(values + ((<usize>i) << 2), max<f32>(floor, sum))
  }
}

/** Where neighbours in the rows above and below are looked for, for every pixel of the list. */
function findRows(): void {
  let low = 0
  let high = 0
  for (let i = 0; i < n; i++) {
    const p = at32(pixels, i)
    while (low < n && at32(pixels, low) < p - width - 1) low++
    while (high < n && at32(pixels, high) < p + width - 1) high++
    set32(above, i, low)
    set32(below, i, high)
  }
}

/** The k-th neighbour of pixel i of the list, pixel p of the image in column x; k from 0 to 7; or -1. */
function neighbour(i: i32, k: i32, p: i32, x: i32): i32 {
  if (k == 0) return i > 0 && x > 0 && at32(pixels, i - 1) == p - 1 ? i - 1 : -1
  if (k == 1) return i + 1 < n && x + 1 < width && at32(pixels, i + 1) == p + 1 ? i + 1 : -1
  const up = k < 5
  const j = up ? at32(above, i) + k - 2 : at32(below, i) + k - 5
  if (j >= n) return -1
  const q = at32(pixels, j)
  // a row ends where the next begins
  const middle = up ? p - width : p + width
  return q >= (x > 0 ? middle - 1 : middle) && q <= (x + 1 < width ? middle + 1 : middle) ? j : -1
}

/** The number of local maxima, as far as two. */
function peaks(): i32 {
  let found = 0
  for (let i = 0; i < n; i++) {
    const value = valueAt(i)
    const p = at32(pixels, i)
    const x = p % width
    let top = true
    for (let k = 0; k < 8 && top; k++) {
      const j = neighbour(i, k, p, x)
      // of equal neighbours the first is the peak
      if (j >= 0 && (valueAt(j) > value || (valueAt(j) == value && j < i))) top = false
    }
    if (top) {
      found++
      if (found > 1) return found
    }
  }
  return found
}

function findCores(d: Detection, scene: Scene): void {
  let floor = valueAt(0)
  let peak = floor
  let total: f64 = 0
  for (let i = 0; i < n; i++) {
    const value = valueAt(i)
    floor = min<f32>(floor, value)
    peak = max<f32>(peak, value)
    total += value
    set32(parent, i, -1)
  }
  sortByLevel(d.levels, floor, peak)
  cores = 0
  let start = 0
  for (let l = d.levels - 1; l >= 0; l--) {
    let end = start
    while (end < n && at32(level, at32(order, end)) == l) {
      plant(at32(order, end), l)
      end++
    }
    // what joins here was apart at the level above
    const height = <f64>floor * Math.pow(<f64>peak / <f64>floor, <f64>(l + 1) / <f64>d.levels)
    for (let k = start; k < end; k++) {
      const root = at32(order, k)
      const kid = at32(firstKid, root)
      if (at32(parent, root) == root && kid >= 0 && at32(sibling, kid) >= 0) divide(d, scene, root, height, total)
    }
    start = end
  }
}

/** The pixels sorted from the highest level to the lowest, into `order`. */
function sortByLevel(levels: i32, floor: f32, peak: f32): void {
  const scale = peak > floor ? <f64>levels / Math.log(<f64>peak / <f64>floor) : 0
  // counts of the levels stand in `head`, which is not yet in use; regions have more pixels than levels, or `split` holds them
  const counts = split
  memory.fill(counts, 0, (<usize>(levels + 1)) << 2)
  for (let i = 0; i < n; i++) {
    const l = max<i32>(0, min<i32>(levels - 1, <i32>(scale * Math.log(<f64>valueAt(i) / <f64>floor))))
    set32(level, i, l)
    set32(counts, levels - l, at32(counts, levels - l) + 1)
  }
  for (let k = 1; k <= levels; k++) set32(counts, k, at32(counts, k) + at32(counts, k - 1))
  for (let i = 0; i < n; i++) {
    const slot = levels - 1 - at32(level, i)
    set32(order, at32(counts, slot), i)
    set32(counts, slot, at32(counts, slot) + 1)
  }
  memory.fill(split, 0, <usize>max<i32>(n, (levels + 1) << 2))
}

/** Adds a pixel, and joins the sets that it touches. */
function plant(i: i32, l: i32): void {
  set32(parent, i, i)
  set32(head, i, i)
  set32(tail, i, i)
  set32(area, i, 1)
  set32(peakAt, i, i)
  set32(firstKid, i, -1)
  set32(lastKid, i, -1)
  set32(sibling, i, -1)
  store<f64>(flux + ((<usize>i) << 3), <f64>valueAt(i))
  const p = at32(pixels, i)
  const x = p % width
  for (let k = 0; k < 8; k++) {
    const j = neighbour(i, k, p, x)
    if (j < 0 || at32(parent, j) < 0) continue
    const b = rootOf(j)
    if (b != i) join(i, b, l)
  }
}

function rootOf(start: i32): i32 {
  let r = start
  while (at32(parent, r) != r) {
    set32(parent, r, at32(parent, at32(parent, r)))
    r = at32(parent, r)
  }
  return r
}

/** Root `i` takes in the set of root `b`. */
function join(i: i32, b: i32, l: i32): void {
  // the first set of the levels above that comes along, and the last
  const first = at32(level, b) != l ? b : at32(firstKid, b)
  if (first >= 0) {
    if (at32(firstKid, i) < 0) set32(firstKid, i, first)
    else set32(sibling, at32(lastKid, i), first)
    set32(lastKid, i, first == b ? b : at32(lastKid, b))
  }
  set32(parent, b, i)
  set32(next, at32(tail, i), at32(head, b))
  set32(tail, i, at32(tail, b))
  set32(area, i, at32(area, i) + at32(area, b))
  const at = flux + ((<usize>i) << 3)
  store<f64>(at, load<f64>(at) + load<f64>(flux + ((<usize>b) << 3)))
  if (load<u8>(split + <usize>b)) store<u8>(split + <usize>i, 1)
  if (valueAt(at32(peakAt, b)) > valueAt(at32(peakAt, i))) set32(peakAt, i, at32(peakAt, b))
}

/** Makes cores of the sets that joined in `root`, where two or more stand out at `height`. */
function divide(d: Detection, scene: Scene, root: i32, height: f64, total: f64): void {
  let standing = 0
  for (let kid = at32(firstKid, root); kid >= 0; kid = at32(sibling, kid)) {
    if (standsOut(d, scene, root, kid, height, total)) standing++
  }
  if (standing < 2) return
  for (let kid = at32(firstKid, root); kid >= 0; kid = at32(sibling, kid)) {
    if (load<u8>(split + <usize>kid) || !standsOut(d, scene, root, kid, height, total)) continue
    set32(coreRoot, cores, kid)
    cores++
  }
  store<u8>(split + <usize>root, 1)
}

/** Whether a set is a source of its own at the height where it joins the others. */
function standsOut(d: Detection, scene: Scene, root: i32, one: i32, height: f64, total: f64): bool {
  if (at32(area, one) < d.minimumArea) return false
  if (d.classic) {
    return load<f64>(flux + ((<usize>one) << 3)) - height * <f64>at32(area, one) > d.contrast * total
  }
  const peak = <f64>valueAt(at32(peakAt, one))
  const p = at32(pixels, at32(peakAt, one))
  const rise = peak - height
  if (rise < d.rise * noiseAt(d, scene, p)) return false
  // near a brighter source `contrast` is asked for; further out less, as wings fall
  for (let kid = at32(firstKid, root); kid >= 0; kid = at32(sibling, kid)) {
    const brighter = <f64>valueAt(at32(peakAt, kid))
    if (brighter <= peak) continue
    const q = at32(pixels, at32(peakAt, kid))
    const dx = <f64>((p % width) - (q % width))
    const dy = <f64>(p / width - q / width)
    if (rise < d.contrast * brighter * min<f64>(1, (d.reach * d.reach) / (dx * dx + dy * dy))) return false
  }
  return true
}

/** Every pixel to one of the cores: its own, or that whose Gaussian is brightest there. */
function share(): void {
  for (let i = 0; i < n; i++) set32(owner, i, -1)
  for (let c = 0; c < cores; c++) {
    const root = at32(coreRoot, c)
    let i = at32(head, root)
    for (let k = at32(area, root); k > 0; k--) {
      set32(owner, i, c)
      i = at32(next, i)
    }
    fitGaussian(gaussians, c, at32(head, root), at32(area, root), next, pixels, values, width)
  }
  for (let i = 0; i < n; i++) {
    if (at32(owner, i) < 0) set32(owner, i, brightest(gaussians, cores, at32(pixels, i), width))
  }
}

/** Sorts the lists of the region by owner, each in the order it had; the counts to the start of the scratch. */
function regroup(counts: usize): i32 {
  for (let c = 0; c < cores; c++) set32(counts, c, 0)
  for (let i = 0; i < n; i++) set32(counts, at32(owner, i), at32(counts, at32(owner, i)) + 1)
  // where each part goes on, in `coreRoot`; the sorted lists in `above` and `below`
  let start = 0
  for (let c = 0; c < cores; c++) {
    set32(coreRoot, c, start)
    start += at32(counts, c)
  }
  for (let i = 0; i < n; i++) {
    const c = at32(owner, i)
    const place = at32(coreRoot, c)
    set32(coreRoot, c, place + 1)
    set32(above, place, at32(pixels, i))
    store<f32>(below + ((<usize>place) << 2), load<f32>(filtered + ((<usize>i) << 2)))
  }
  memory.copy(pixels, above, (<usize>n) << 2)
  memory.copy(filtered, below, (<usize>n) << 2)
  return cores
}
