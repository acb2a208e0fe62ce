import { shareOut } from './share.js'

/** A connected set of pixels with their filtered values, row by row. */
export interface Patch {
  pixels: Int32Array
  values: Float32Array
}

/** A part of a region that is one source. */
export interface Part extends Patch {
  deblended: boolean
}

export interface DeblendOptions {
  levels: number
  contrast: number
  minimumArea: number
  /** The value at which the region ends. */
  floor: number
  /** The least rise of a part above the level where it joins another: what noise cannot do, at a pixel. */
  leastRise: (pixel: number) => number
  /** Within so many pixels of a brighter source `contrast` is asked of a part; further out less, as wings fall. */
  reach: number
  /** Contrast against the whole region, as SExtractor has it, instead of against the brighter sources. */
  classic: boolean
}

/** A connected set of pixels above one of the levels: `area` links from pixel `head`. */
export interface Branch {
  head: number
  area: number
  flux: number
  /** Highest value, and which pixel of the region has it. */
  peak: number
  peakAt: number
  /** Nothing has been split off in it. */
  whole: boolean
}

/**
 * Splits a region into the sources that stand out of it, in the way of Bertin & Arnouts (1996, A&AS 117, 393, section 6):
 * between isophote and peak lie `levels` levels in steps of equal ratio; where branches join on the way down, those that
 * stand out enough above the level are sources of their own. The other pixels go to the source whose Gaussian is
 * brightest there.
 */
export function deblend(region: Patch, width: number, options: DeblendOptions): Part[] {
  const alone = [{ ...region, deblended: false }]
  const n = region.pixels.length
  if (options.levels < 2 || options.contrast >= 1 || n < 2 * options.minimumArea || n < 6) return alone
  const grid = gridOf(region.pixels, width)
  if (!hasTwoPeaks(region.values, grid)) return alone
  const cores = findCores(region, width, grid, options)
  return cores.length < 2 ? alone : shareOut(region, cores, width)
}

/** Where the pixels of a region stand in their box with a border of one pixel. */
interface Grid {
  columns: number
  /** Of each pixel the place in the box, and of each place the pixel, or -1. */
  place: Int32Array
  index: Int32Array
  around: readonly number[]
}

function gridOf(pixels: Int32Array, width: number): Grid {
  let x0 = width
  let x1 = 0
  const place = new Int32Array(pixels.length)
  const y0 = Math.floor(pixels[0] / width)
  for (let i = 0; i < pixels.length; i++) {
    const x = pixels[i] % width
    if (x < x0) x0 = x
    if (x > x1) x1 = x
  }
  const columns = x1 - x0 + 3
  const rows = Math.floor(pixels[pixels.length - 1] / width) - y0 + 3
  const index = new Int32Array(columns * rows).fill(-1)
  for (let i = 0; i < pixels.length; i++) {
    const y = Math.floor(pixels[i] / width)
    place[i] = (y - y0 + 1) * columns + pixels[i] - y * width - x0 + 1
    index[place[i]] = i
  }
  const around = [-columns - 1, -columns, -columns + 1, -1, 1, columns - 1, columns, columns + 1]
  return { columns, place, index, around }
}

/** Most regions have but one local maximum, and need no more. */
function hasTwoPeaks(values: Float32Array, { place, index, around }: Grid): boolean {
  let peaks = 0
  for (let i = 0; i < values.length; i++) {
    let top = true
    for (let k = 0; k < 8 && top; k++) {
      const j = index[place[i] + around[k]]
      // of equal neighbours the first is the peak
      if (j >= 0 && (values[j] > values[i] || (values[j] === values[i] && j < i))) top = false
    }
    if (top && ++peaks > 1) return true
  }
  return false
}

/** The pixels of the region sorted by level: those of level k are `order` from `start[k]` to `start[k + 1]`. */
function byLevel(values: Float32Array, floor: number, peak: number, levels: number) {
  const scale = peak > floor ? levels / Math.log(peak / floor) : 0
  const level = new Uint16Array(values.length)
  const start = new Int32Array(levels + 1)
  for (let i = 0; i < values.length; i++) {
    level[i] = Math.max(0, Math.min(levels - 1, Math.floor(scale * Math.log(values[i] / floor))))
    start[level[i] + 1]++
  }
  for (let k = 0; k < levels; k++) start[k + 1] += start[k]
  const fill = start.slice()
  const order = new Int32Array(values.length)
  for (let i = 0; i < values.length; i++) order[fill[level[i]]++] = i
  return { order, start }
}

/** Sets of pixels that grow while the level comes down. The state of a set stands at its newest pixel, its root. */
interface Forest {
  /** -1 for pixels that are still below the level. */
  parent: Int32Array
  /** The pixels of a set as a list. */
  next: Int32Array
  head: Int32Array
  tail: Int32Array
  area: Int32Array
  peakAt: Int32Array
  flux: Float64Array
  /** 1 when something has been split off. */
  split: Uint8Array
  /** The level of the root, and the sets of higher levels that it joined. */
  born: Int16Array
  joined: (Branch[] | undefined)[]
}

function newForest(n: number): Forest {
  const whole = () => new Int32Array(n)
  return {
    ...{ parent: whole().fill(-1), next: whole(), head: whole(), tail: whole(), area: whole(), peakAt: whole() },
    ...{ flux: new Float64Array(n), split: new Uint8Array(n), born: new Int16Array(n), joined: [] },
  }
}

function findCores(region: Patch, width: number, grid: Grid, options: DeblendOptions): Int32Array[] {
  const { values } = region
  const { levels, floor } = options
  let [peak, total] = [floor, 0]
  for (const value of values) {
    if (value > peak) peak = value
    total += value
  }
  const { order, start } = byLevel(values, floor, peak, levels)
  const forest = newForest(values.length)
  const cores: Int32Array[] = []
  for (let level = levels - 1; level >= 0; level--) {
    // what joins here was apart at the level above
    const height = floor * (peak / floor) ** ((level + 1) / levels)
    for (let k = start[level]; k < start[level + 1]; k++) plant(forest, order[k], level, values, grid)
    for (let k = start[level]; k < start[level + 1]; k++) {
      const root = order[k]
      const joined = forest.joined[root]
      if (forest.parent[root] !== root || !joined || joined.length < 2) continue
      const standing = joined.filter((one) => standsOut(one, joined, height, total, region, width, options))
      if (standing.length < 2) continue
      for (const { head, area, whole } of standing) if (whole) cores.push(listOf(forest.next, head, area))
      forest.split[root] = 1
    }
  }
  return cores
}

/** Adds a pixel, and joins the sets that it touches. */
function plant(forest: Forest, i: number, level: number, values: Float32Array, { place, index, around }: Grid): void {
  const { parent, next, head, tail, area, peakAt, flux, split, born, joined } = forest
  parent[i] = head[i] = tail[i] = peakAt[i] = i
  area[i] = 1
  flux[i] = values[i]
  born[i] = level
  for (let k = 0; k < 8; k++) {
    const j = index[place[i] + around[k]]
    if (j < 0 || parent[j] < 0) continue
    const b = rootOf(parent, j)
    if (b === i) continue
    if (born[b] !== level) {
      joined[i] ??= []
      const whole = split[b] === 0
      joined[i].push({ head: head[b], area: area[b], flux: flux[b], peak: values[peakAt[b]], peakAt: peakAt[b], whole })
    } else if (joined[b]) {
      joined[i] = joined[i] ? [...joined[i], ...joined[b]] : joined[b]
    }
    parent[b] = i
    next[tail[i]] = head[b]
    tail[i] = tail[b]
    area[i] += area[b]
    flux[i] += flux[b]
    split[i] |= split[b]
    if (values[peakAt[b]] > values[peakAt[i]]) peakAt[i] = peakAt[b]
  }
}

function rootOf(parent: Int32Array, start: number): number {
  let r = start
  while (parent[r] !== r) {
    parent[r] = parent[parent[r]]
    r = parent[r]
  }
  return r
}

function listOf(next: Int32Array, head: number, area: number): Int32Array {
  const list = new Int32Array(area)
  for (let i = head, k = 0; k < area; k++, i = next[i]) list[k] = i
  return list
}

/** Whether a branch is a source of its own at the level `height` where it joins the others. */
function standsOut(
  one: Branch,
  joined: readonly Branch[],
  height: number,
  total: number,
  { pixels }: Patch,
  width: number,
  { contrast, minimumArea, leastRise, reach, classic }: DeblendOptions,
): boolean {
  if (one.area < minimumArea) return false
  if (classic) return one.flux - height * one.area > contrast * total
  const rise = one.peak - height
  const at = pixels[one.peakAt]
  if (rise < leastRise(at)) return false
  const [x, y] = [at % width, Math.floor(at / width)]
  for (const other of joined) {
    if (other.peak <= one.peak) continue
    const p = pixels[other.peakAt]
    const distance2 = (x - (p % width)) ** 2 + (y - Math.floor(p / width)) ** 2
    if (rise < contrast * other.peak * Math.min(1, (reach * reach) / distance2)) return false
  }
  return true
}
