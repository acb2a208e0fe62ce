import type { SkyMap } from '@nightpipe/image'
import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { MAD_TO_SIGMA, medianOf, solve } from '@nightpipe/math'
import type { BrightImage } from '@nightpipe/registration'

/** Places on the common grid at which skies are compared. */
export interface Nodes {
  x: Float64Array
  y: Float64Array
}

/** What the sky of a frame differs by beyond its level: a + b x + c y + d x² + e xy + f y², of x and y between -1 and 1. */
export interface Surface {
  middle: [x: number, y: number]
  half: number
  terms: number[]
}

/** The sky of a frame at the nodes, NaN where it has none, and its median. */
export interface Sky {
  at: Float64Array
  level: number
}

/** The map of a frame whose first pixel is (`x0`, `y0`) at the nodes; its pixels are in kernel memory. */
export function skyAtNodes(
  { pixels, width, height }: BrightImage,
  { level, columns, rows, tile }: SkyMap,
  { x0, y0 }: { x0: number; y0: number },
  nodes: Nodes,
): Float64Array {
  return scoped(() => {
    const [n, levels] = [nodes.x.length, allocate(Float32Array, level.length)]
    levels.set(level)
    const out = doubles(n)
    kernels().skyAtPlaces(
      ...([pixels.byteOffset, width, height, levels.byteOffset, columns, rows, tile] as const),
      ...([near(nodes.x), near(nodes.y), n, x0, y0, out.byteOffset] as const),
    )
    return new Float64Array(out)
  })
}

/** Nodes in common that a difference is believed from. */
const NODES = 12

/** The level to take off so that, once scaled, the frame lies at 0 where the reference has its sky. */
export function skyOf(
  own: Sky,
  reference: Sky,
  scale: number,
  nodes: Nodes,
  how: string,
): { offset: number; surface?: Surface } {
  if (how === 'none') return { offset: reference.level / scale }
  return scoped(() => {
    const n = own.at.length
    const [u, v, values, all] = [doubles(n), doubles(n), doubles(n), allocate(Int32Array, 1)]
    const both = kernels().skyDifferences(
      ...([near(own.at), near(reference.at), reference.level, scale, near(nodes.x), near(nodes.y), n] as const),
      ...([u.byteOffset, v.byteOffset, values.byteOffset, all.byteOffset] as const),
    )
    if (both < NODES) return { offset: own.level }
    const offset = medianOf(values.subarray(0, both))
    if (how === 'level' || both < 2 * NODES) return { offset }
    const at = { x: u.subarray(0, both), y: v.subarray(0, both) }
    const count = both < CURVED * all[0] ? PLANE : CURVES
    return { offset, surface: fitSurface(at, values.subarray(0, both), offset, count) }
  })
}

const doubles = (n: number) => allocate(Float64Array, n)

/** The address of a copy in kernel memory. */
function near(values: Float64Array): number {
  const copy = doubles(values.length)
  copy.set(values)
  return copy.byteOffset
}

/** Of a frame that has less than this part of its sky in common with the reference only a plane is known beyond. */
const CURVED = 0.5
/** Terms of a plane, and of a quadratic surface. */
const PLANE = 3
const CURVES = 6
/** Nodes that lie further off, in sigma, are left out; so many fits. */
const CLIP = 3
const ROUNDS = 4
/** Terms that no node tells, as those along y in a strip one node high, are 0: each is taken to be so, with this weight a node. */
const UNTOLD = 1e-12

/** The first `count` terms of a surface, without the nodes that lie off it. All is in kernel memory; places are changed. */
function fitSurface(at: Nodes, values: Float64Array, level: number, count: number): Surface {
  const { middle, half } = squareAbout(at)
  for (let k = 0; k < values.length; k++) {
    at.x[k] = (at.x[k] - middle[0]) / half
    at.y[k] = (at.y[k] - middle[1]) / half
  }
  const [off, kept] = [doubles(values.length).fill(0), doubles(values.length)]
  const [normal, right, terms] = [doubles(count * count), doubles(count), doubles(CURVES).fill(0)]
  let limit = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const nodes = [at.x.byteOffset, at.y.byteOffset, values.byteOffset, off.byteOffset, values.length] as const
    const { medianOfDoubles, surfaceDistances, surfaceEquations } = kernels()
    const used = surfaceEquations(...nodes, level, limit, count, normal.byteOffset, right.byteOffset)
    if (used < 2 * count) break
    for (let i = 0; i < count; i++) normal[i * count + i] += UNTOLD * used
    terms.set(solve(normal, right))
    surfaceDistances(...nodes, level, limit, terms.byteOffset, kept.byteOffset)
    limit = CLIP * MAD_TO_SIGMA * medianOfDoubles(kept.byteOffset, used) + 1e-9
  }
  return { middle, half, terms: Array.from(terms) }
}

/** The square that holds all nodes. */
function squareAbout({ x, y }: Nodes): { middle: [number, number]; half: number } {
  let [x0, y0, x1, y1] = [x[0], y[0], x[0], y[0]]
  for (let k = 1; k < x.length; k++) {
    if (x[k] < x0) x0 = x[k]
    if (x[k] > x1) x1 = x[k]
    if (y[k] < y0) y0 = y[k]
    if (y[k] > y1) y1 = y[k]
  }
  return { middle: [(x0 + x1) / 2, (y0 + y1) / 2], half: Math.max(1, x1 - x0, y1 - y0) / 2 }
}
