/** Groups of pixels that touch: those of group g are `pixels` from `start[g]` to `start[g + 1]`, row by row. */
export interface Regions {
  count: number
  start: Int32Array
  pixels: Int32Array
}

/** Rows of neighbouring pixels: from pixel `from` up to, not including, `to`. */
interface Runs {
  count: number
  from: Int32Array
  to: Int32Array
  /** The first run of row y; one more than there are rows. */
  row: Int32Array
}

/** Pixels above their limit that touch by a side or a corner, in groups of at least `minimumArea`. NaN is never above. */
export function connectedRegions(
  image: Float32Array,
  limit: Float32Array | number,
  width: number,
  height: number,
  minimumArea: number,
): Regions {
  const runs = findRuns(image, limit, width, height)
  return gather(runs, joinRuns(runs, width, height), minimumArea)
}

function findRuns(image: Float32Array, limit: Float32Array | number, width: number, height: number): Runs {
  let from = new Int32Array(4096)
  let to = new Int32Array(4096)
  const row = new Int32Array(height + 1)
  const even = typeof limit === 'number' ? new Float32Array(width).fill(limit) : undefined
  let count = 0
  for (let y = 0; y < height; y++) {
    const limits = even ?? (limit as Float32Array).subarray(y * width, (y + 1) * width)
    row[y] = count
    if (count + width > from.length) {
      from = grown(from, width)
      to = grown(to, width)
    }
    let inside = false
    const end = (y + 1) * width
    for (let p = y * width, x = 0; p < end; p++, x++) {
      const above = image[p] > limits[x]
      if (above === inside) continue
      if (above) from[count] = p
      else to[count++] = p
      inside = above
    }
    if (inside) to[count++] = end
  }
  row[height] = count
  return { count, from, to, row }
}

function grown(array: Int32Array<ArrayBuffer>, room: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length + room)
  larger.set(array)
  return larger
}

/** The group of each run, as the number of its first run. */
function joinRuns({ count, from, to, row }: Runs, width: number, height: number): Int32Array {
  const parent = new Int32Array(count)
  for (let r = 0; r < count; r++) parent[r] = r
  for (let y = 1; y < height; y++) {
    let above = row[y - 1]
    for (let r = row[y]; r < row[y + 1]; r++) {
      const [left, right] = [from[r] - width - 1, to[r] - width + 1]
      while (above < row[y] && to[above] <= left) above++
      for (let k = above; k < row[y] && from[k] < right; k++) unite(parent, k, r)
    }
  }
  for (let r = 0; r < count; r++) parent[r] = parent[parent[r]]
  return parent
}

/** Joins two groups; the earlier run stands for both, so that parents always come first. */
function unite(parent: Int32Array, a: number, b: number): void {
  const [i, j] = [rootOf(parent, a), rootOf(parent, b)]
  if (i < j) parent[j] = i
  else parent[i] = j
}

function rootOf(parent: Int32Array, start: number): number {
  let r = start
  while (parent[r] !== r) {
    parent[r] = parent[parent[r]]
    r = parent[r]
  }
  return r
}

function gather({ count, from, to }: Runs, group: Int32Array, minimumArea: number): Regions {
  const area = new Int32Array(count)
  for (let r = 0; r < count; r++) area[group[r]] += to[r] - from[r]
  const place = new Int32Array(count).fill(-1)
  const start = [0]
  for (let r = 0; r < count; r++) {
    if (group[r] !== r || area[r] < minimumArea) continue
    place[r] = start.at(-1)!
    start.push(place[r] + area[r])
  }
  const pixels = new Int32Array(start.at(-1)!)
  for (let r = 0; r < count; r++) {
    const g = group[r]
    if (place[g] < 0) continue
    for (let p = from[r]; p < to[r]; p++) pixels[place[g]++] = p
  }
  return { count: start.length - 1, start: Int32Array.from(start), pixels }
}
