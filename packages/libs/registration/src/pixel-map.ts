import { type Affine, transform } from './affine.js'

/** From a pixel of the new grid to a place in the frame: a transformation, or any function. Both count from 0. */
export type PixelMap = Affine | ((x: number, y: number) => readonly [x: number, y: number])

export const mapFunction = (map: PixelMap) =>
  typeof map === 'function' ? map : (x: number, y: number) => transform(map, x, y)

/** Distances between the nodes that are tried for a function, and how far off (px) it may be between them. */
const SPACINGS = [
  { spacing: 256, accuracy: 1e-4 },
  { spacing: 64, accuracy: 5e-4 },
  { spacing: 32, accuracy: 5e-4 },
  { spacing: 16, accuracy: 5e-4 },
  { spacing: 8, accuracy: Number.POSITIVE_INFINITY },
]
/** Cells on which that is looked at, in each direction, at most. */
const LOOKS = 12

/**
 * A map as resampling follows it: straight runs along the rows of the new grid. An affine one is exact, with one run for
 * a row; a function is known at nodes so close that between them it is straight to 0.0005 px, mostly to 0.0001. Plain data.
 */
export type RunMap = { affine: Affine } | NodeMap

export interface NodeMap {
  spacing: number
  /** Nodes in a row, and rows of them; the first is at pixel (0, 0). */
  columns: number
  rows: number
  u: Float64Array
  v: Float64Array
}

export function runMap(map: PixelMap, width: number, height: number): RunMap {
  if (typeof map !== 'function') return { affine: map }
  for (const { spacing, accuracy } of SPACINGS) {
    const nodes = nodesOf(map, width, height, spacing)
    if (isStraight(map, nodes, accuracy)) return nodes
  }
  throw new RangeError('no map is too bent for the closest nodes')
}

function nodesOf(map: Exclude<PixelMap, Affine>, width: number, height: number, spacing: number): NodeMap {
  const columns = Math.ceil(width / spacing) + 1
  const rows = Math.ceil(height / spacing) + 1
  const [u, v] = [new Float64Array(columns * rows), new Float64Array(columns * rows)]
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const k = j * columns + i
      const place = map(i * spacing, j * spacing)
      u[k] = place[0]
      v[k] = place[1]
    }
  }
  return { spacing, columns, rows, u, v }
}

/** True when in the middle of a cell the map is where the mean of its corners is, on cells all over the grid. */
function isStraight(map: Exclude<PixelMap, Affine>, nodes: NodeMap, accuracy: number): boolean {
  if (accuracy === Number.POSITIVE_INFINITY) return true
  const { spacing, columns, rows, u, v } = nodes
  const looks = (cells: number) => Math.min(cells, LOOKS)
  const [across, along] = [looks(columns - 1), looks(rows - 1)]
  for (let b = 0; b < along; b++) {
    const j = Math.floor(((b + 0.5) * (rows - 1)) / along)
    for (let a = 0; a < across; a++) {
      const i = Math.floor(((a + 0.5) * (columns - 1)) / across)
      const [p, q] = [j * columns + i, (j + 1) * columns + i]
      const middle = map((i + 0.5) * spacing, (j + 0.5) * spacing)
      const offX = (u[p] + u[p + 1] + u[q] + u[q + 1]) / 4 - middle[0]
      const offY = (v[p] + v[p + 1] + v[q] + v[q + 1]) / 4 - middle[1]
      // where the map ends, small cells lose the least
      const known = [u[p], u[p + 1], u[q], u[q + 1], middle[0]].some(Number.isFinite)
      if (known && !(offX * offX + offY * offY <= accuracy * accuracy)) return false
    }
  }
  return true
}

/** A run of `count` pixels from `x` on: the place of the first, the step along the row, and the one to the next row. */
export interface Run {
  x: number
  count: number
  u: number
  v: number
  du: number
  dv: number
  eu: number
  ev: number
}

/** The runs of row `y` of a grid that is `width` wide, one after the other in `run`. */
export function forRuns(map: RunMap, y: number, width: number, run: Run, visit: (run: Run) => void): void {
  if ('affine' in map) {
    const [a, b, c, d, e, f] = map.affine
    Object.assign(run, { x: 0, count: width, u: b * y + c, v: e * y + f, du: a, dv: d, eu: b, ev: e })
    visit(run)
    return
  }
  const { spacing, columns, u, v } = map
  const j = Math.floor(y / spacing)
  const t = (y - j * spacing) / spacing
  for (let i = 0; i * spacing < width; i++) {
    const k = j * columns + i
    const uLeft = mix(u[k], u[k + columns], t)
    const uRight = mix(u[k + 1], u[k + columns + 1], t)
    const vLeft = mix(v[k], v[k + columns], t)
    const vRight = mix(v[k + 1], v[k + columns + 1], t)
    run.x = i * spacing
    run.count = Math.min(spacing, width - run.x)
    run.u = uLeft
    run.v = vLeft
    run.du = (uRight - uLeft) / spacing
    run.dv = (vRight - vLeft) / spacing
    run.eu = (u[k + columns] - u[k] + u[k + columns + 1] - u[k + 1]) / (2 * spacing)
    run.ev = (v[k + columns] - v[k] + v[k + columns + 1] - v[k + 1]) / (2 * spacing)
    visit(run)
  }
}

const mix = (a: number, b: number, t: number) => a + t * (b - a)

export const newRun = (): Run => ({ x: 0, count: 0, u: 0, v: 0, du: 0, dv: 0, eu: 0, ev: 0 })

/** Rows of a frame of `height` rows that new rows `first` to `first + rows` need, with `margin` rows more on each side. */
export function rowsNeeded(
  map: RunMap,
  grid: { width: number; first: number; rows: number },
  height: number,
  margin: number,
): { first: number; rows: number } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const run = newRun()
  const look = ({ v, dv, count }: Run) => {
    // of a place that is not a number neither is lower
    if (Math.min(v, v + dv * count) < low) low = Math.min(v, v + dv * count)
    if (Math.max(v, v + dv * count) > high) high = Math.max(v, v + dv * count)
  }
  // between the first row and the last one the places lie on straight lines from node to node
  const last = grid.first + grid.rows - 1
  const step = 'affine' in map ? last - grid.first + 1 : map.spacing
  for (let y = grid.first; y < last; y = (Math.floor(y / step) + 1) * step) forRuns(map, y, grid.width, run, look)
  forRuns(map, last, grid.width, run, look)
  const first = Math.max(0, Math.min(height - 1, Math.floor(low) - margin))
  const end = Math.max(first, Math.min(height - 1, Math.ceil(high) + margin))
  return Number.isFinite(low + high) ? { first, rows: end - first + 1 } : { first: 0, rows: 1 }
}
