/** The pixels of one source, and how it was found. */
export interface Part {
  pixels: Int32Array
  deblended: boolean
}

export interface DeblendOptions {
  levels: number
  contrast: number
  minimumArea: number
  /** The least height of a part above the level where it joins another, in the unit of the image, at a pixel. */
  leastRise: (pixel: number) => number
}

/** A connected set of pixels above one of the levels. Its pixels are `area` links from `head`. */
interface Branch {
  head: number
  tail: number
  area: number
  flux: number
  /** Highest pixel. */
  peak: number
  peakAt: number
  /** No part has been split off in it. */
  whole: boolean
}

/**
 * Splits a region into the sources that stand out of it, as Bertin & Arnouts (1996, A&AS 117, 393, section 6) do: between
 * the isophote and the peak lie `levels` levels in steps of equal ratio; where two or more branches join going down, each
 * with more than `contrast` of the whole flux above the level, they are sources of their own. The other pixels go to the
 * source whose Gaussian is brightest there.
 */
export function deblend(
  region: Int32Array,
  image: Float32Array,
  width: number,
  floor: number,
  options: DeblendOptions,
): Part[] {
  const alone = [{ pixels: region, deblended: false }]
  if (options.levels < 2 || options.contrast >= 1 || region.length < 2 * options.minimumArea || region.length < 6)
    return alone
  const cores = findCores(region, image, width, floor, options)
  return cores.length < 2 ? alone : share(region, cores, image, width)
}

function findCores(
  region: Int32Array,
  image: Float32Array,
  width: number,
  floor: number,
  { levels, contrast, minimumArea, leastRise }: DeblendOptions,
): Int32Array[] {
  const box = boxOf(region, width)
  const columns = box.x1 - box.x0 + 3
  // where each pixel of the box stands in the list, by place in the box with a border of one pixel
  const index = new Int32Array(columns * (box.y1 - box.y0 + 3)).fill(-1)
  const place = new Int32Array(region.length)
  let peak = floor
  let total = 0
  for (let i = 0; i < region.length; i++) {
    const p = region[i]
    const value = image[p]
    if (value > peak) peak = value
    total += value
    place[i] = (Math.floor(p / width) - box.y0 + 1) * columns + (p % width) - box.x0 + 1
  }
  const { order, start } = byLevel(region, image, floor, peak, levels)
  const least = contrast * total
  const next = new Int32Array(region.length).fill(-1)
  const branchOf: (Branch | undefined)[] = []
  const parent = new Int32Array(region.length).fill(-1)
  const cores: Int32Array[] = []
  const around = [-columns - 1, -columns, -columns + 1, -1, 1, columns - 1, columns, columns + 1]
  const root = (i: number) => {
    let r = i
    while (parent[r] !== r) {
      parent[r] = parent[parent[r]]
      r = parent[r]
    }
    return r
  }
  for (let level = levels - 1; level >= 0; level--) {
    const height = floor * (peak / floor) ** ((level + 1) / levels)
    const children = new Map<number, Branch[]>()
    for (let k = start[level]; k < start[level + 1]; k++) {
      const i = order[k]
      const value = image[region[i]]
      parent[i] = i
      branchOf[i] = { head: i, tail: i, area: 1, flux: value, peak: value, peakAt: region[i], whole: true }
      children.set(i, [])
      index[place[i]] = i
      for (const step of around) {
        const j = index[place[i] + step]
        if (j < 0) continue
        const [a, b] = [root(i), root(j)]
        if (a === b) continue
        parent[b] = a
        const [mine, other] = [branchOf[a]!, branchOf[b]!]
        const list = children.get(a)!
        const theirs = children.get(b)
        if (theirs) list.push(...theirs)
        else list.push({ ...other })
        children.delete(b)
        next[mine.tail] = other.head
        mine.tail = other.tail
        mine.area += other.area
        mine.flux += other.flux
        if (other.peak > mine.peak) {
          mine.peak = other.peak
          mine.peakAt = other.peakAt
        }
        mine.whole &&= other.whole
        branchOf[b] = undefined
      }
    }
    for (const [r, joined] of children) {
      if (joined.length < 2) continue
      const standing = joined.filter(
        (one) =>
          one.area >= minimumArea && one.flux - height * one.area > least && one.peak - height >= leastRise(one.peakAt),
      )
      if (standing.length < 2) continue
      for (const one of standing) if (one.whole) cores.push(pixelsOf(one, next, region))
      branchOf[r]!.whole = false
    }
  }
  return cores
}

function boxOf(region: Int32Array, width: number): { x0: number; x1: number; y0: number; y1: number } {
  let x0 = width
  let x1 = 0
  for (const p of region) {
    const x = p % width
    if (x < x0) x0 = x
    if (x > x1) x1 = x
  }
  return { x0, x1, y0: Math.floor(region[0] / width), y1: Math.floor(region[region.length - 1] / width) }
}

/** The pixels sorted by level: those of level k are `order` from `start[k]` to `start[k + 1]`. */
function byLevel(region: Int32Array, image: Float32Array, floor: number, peak: number, levels: number) {
  const scale = peak > floor ? levels / Math.log(peak / floor) : 0
  const level = new Uint16Array(region.length)
  const start = new Int32Array(levels + 1)
  for (let i = 0; i < region.length; i++) {
    level[i] = Math.max(0, Math.min(levels - 1, Math.floor(scale * Math.log(image[region[i]] / floor))))
    start[level[i] + 1]++
  }
  for (let k = 0; k < levels; k++) start[k + 1] += start[k]
  const fill = start.slice()
  const order = new Int32Array(region.length)
  for (let i = 0; i < region.length; i++) order[fill[level[i]]++] = i
  return { order, start }
}

function pixelsOf({ head, area }: Branch, next: Int32Array, region: Int32Array): Int32Array {
  const pixels = new Int32Array(area)
  for (let i = head, k = 0; k < area; k++, i = next[i]) pixels[k] = region[i]
  return pixels
}

/** Every pixel of the region to one of the cores: its own, or that whose Gaussian is brightest there. */
function share(region: Int32Array, cores: Int32Array[], image: Float32Array, width: number): Part[] {
  const shapes = cores.map((core) => gaussianOf(core, image, width))
  const owner = new Map<number, number>()
  cores.forEach((core, k) => {
    for (const p of core) owner.set(p, k)
  })
  const parts: number[][] = cores.map(() => [])
  for (const p of region) {
    let best = owner.get(p)
    if (best === undefined) {
      const [x, y] = [p % width, Math.floor(p / width)]
      let least = Number.POSITIVE_INFINITY
      best = 0
      for (let k = 0; k < shapes.length; k++) {
        const s = shapes[k]
        const [dx, dy] = [x - s.x, y - s.y]
        const cost = (s.xx * dx * dx + s.yy * dy * dy + s.xy * dx * dy) / 2 - s.amplitude
        if (cost < least) {
          least = cost
          best = k
        }
      }
    }
    parts[best].push(p)
  }
  return parts.map((pixels) => ({ pixels: Int32Array.from(pixels), deblended: true }))
}

/** The Gaussian with the moments of a core; the logarithm of its amplitude. */
function gaussianOf(core: Int32Array, image: Float32Array, width: number) {
  let [sum, sx, sy, sxx, syy, sxy] = [0, 0, 0, 0, 0, 0]
  for (const p of core) {
    const value = image[p]
    const [x, y] = [p % width, Math.floor(p / width)]
    sum += value
    sx += value * x
    sy += value * y
    sxx += value * x * x
    syy += value * y * y
    sxy += value * x * y
  }
  const [x, y] = [sx / sum, sy / sum]
  const varianceX = Math.max(sxx / sum - x * x, 0.5)
  const varianceY = Math.max(syy / sum - y * y, 0.5)
  const mixed = sxy / sum - x * y
  const determinant = Math.max(varianceX * varianceY - mixed * mixed, 0.1)
  return {
    ...{ x, y, xx: varianceY / determinant, yy: varianceX / determinant, xy: (-2 * mixed) / determinant },
    amplitude: Math.log(sum / Math.sqrt(determinant)),
  }
}
