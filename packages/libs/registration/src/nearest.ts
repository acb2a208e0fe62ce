/** Points as columns. */
export interface Points {
  x: ArrayLike<number>
  y: ArrayLike<number>
}

/** Points sorted into square cells, so that those about a place are found at once. */
export interface PointGrid {
  points: Points
  cell: number
  x0: number
  y0: number
  columns: number
  rows: number
  /** Where the members of each cell begin in `members`. */
  starts: Int32Array
  members: Int32Array
}

/** Cells hold a few points on average, and there are never more than a few for each point. */
const POINTS_PER_CELL = 2

/** A grid over points; those that are not finite are left out. */
export function pointGrid(points: Points, count = points.x.length): PointGrid {
  let [x0, y0, x1, y1, finite] = [Infinity, Infinity, -Infinity, -Infinity, 0]
  for (let i = 0; i < count; i++) {
    const [x, y] = [points.x[i], points.y[i]]
    if (!Number.isFinite(x + y)) continue
    x0 = Math.min(x0, x)
    x1 = Math.max(x1, x)
    y0 = Math.min(y0, y)
    y1 = Math.max(y1, y)
    finite++
  }
  const [wide, high] = finite > 0 ? [x1 - x0, y1 - y0] : [0, 0]
  const cell = Math.max(
    Math.sqrt((wide * high * POINTS_PER_CELL) / Math.max(1, finite)),
    wide / 4096,
    high / 4096,
    1e-9,
  )
  const columns = finite > 0 ? Math.floor(wide / cell) + 1 : 0
  const rows = finite > 0 ? Math.floor(high / cell) + 1 : 0
  const starts = new Int32Array(columns * rows + 1)
  const home = new Int32Array(count).fill(-1)
  for (let i = 0; i < count; i++) {
    const [x, y] = [points.x[i], points.y[i]]
    if (!Number.isFinite(x + y)) continue
    home[i] = Math.floor((y - y0) / cell) * columns + Math.floor((x - x0) / cell)
    starts[home[i] + 1]++
  }
  for (let c = 0; c < columns * rows; c++) starts[c + 1] += starts[c]
  const next = starts.slice()
  const members = new Int32Array(finite)
  for (let i = 0; i < count; i++) if (home[i] >= 0) members[next[home[i]]++] = i
  return { points, cell, x0, y0, columns, rows, starts, members }
}

/** The point nearest to (x, y) within `radius`, or -1; of equally near ones the first. */
export function nearestPoint(grid: PointGrid, x: number, y: number, radius: number): number {
  const { cell, x0, y0, columns, rows, starts, members } = grid
  const left = Math.max(0, Math.floor((x - radius - x0) / cell))
  const right = Math.min(columns - 1, Math.floor((x + radius - x0) / cell))
  const low = Math.max(0, Math.floor((y - radius - y0) / cell))
  const high = Math.min(rows - 1, Math.floor((y + radius - y0) / cell))
  const { x: px, y: py } = grid.points
  let best = -1
  let least = radius * radius
  for (let v = low; v <= high; v++) {
    for (let k = starts[v * columns + left] ?? 0; k < (starts[v * columns + right + 1] ?? 0); k++) {
      const i = members[k]
      const distance = (px[i] - x) ** 2 + (py[i] - y) ** 2
      if (distance > least || (distance === least && best >= 0 && i > best)) continue
      least = distance
      best = i
    }
  }
  return best
}

/** The points within `radius` of (x, y), into `out` as far as it holds them; returns how many. */
export function pointsWithin(grid: PointGrid, x: number, y: number, radius: number, out: Int32Array): number {
  const { cell, x0, y0, columns, rows, starts, members } = grid
  const left = Math.max(0, Math.floor((x - radius - x0) / cell))
  const right = Math.min(columns - 1, Math.floor((x + radius - x0) / cell))
  const low = Math.max(0, Math.floor((y - radius - y0) / cell))
  const high = Math.min(rows - 1, Math.floor((y + radius - y0) / cell))
  const { x: px, y: py } = grid.points
  let count = 0
  for (let v = low; v <= high; v++) {
    for (let k = starts[v * columns + left] ?? 0; k < (starts[v * columns + right + 1] ?? 0); k++) {
      const i = members[k]
      if ((px[i] - x) ** 2 + (py[i] - y) ** 2 <= radius * radius && count < out.length) out[count++] = i
    }
  }
  return count
}

/**
 * Pairs [i, j] of a point of `a` and one of `b` that are each other's nearest within `radius`, in the order of `a`. No
 * point is in two pairs.
 */
export function nearestWithin(a: Points, b: Points, radius: number): [i: number, j: number][] {
  const [ofA, ofB] = [pointGrid(a), pointGrid(b)]
  const pairs: [number, number][] = []
  for (let i = 0; i < a.x.length; i++) {
    const j = nearestPoint(ofB, a.x[i], a.y[i], radius)
    if (j >= 0 && nearestPoint(ofA, b.x[j], b.y[j], radius) === i) pairs.push([i, j])
  }
  return pairs
}
