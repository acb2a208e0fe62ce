import { MAD_TO_SIGMA, medianOf, solve } from '@nightpipe/math'
import { dot, fieldTerms, termsOf } from './psf-field.js'
import { type Psf, type PsfHere, type PsfParameters, psfOf, sampleGrid, samplePsf } from './psf-model.js'
import type { StarStamp } from './psf-moffat.js'

/** A star of the model as last fitted. */
export interface FittedStar {
  stamp: StarStamp
  x: number
  y: number
  level: number
  flux: number
  /** Root mean square of residuals over their noise, in the core. */
  chi: number
  good: boolean
}

/** Fits flux, place and level of each star under the model; gives the median of their chi, and drops the odd ones. */
export function fitStars(psf: Psf, stars: readonly FittedStar[], fwhm: number, rounds = 1): number {
  const room = roomFor(Math.max(0, ...stars.map(({ stamp }) => stamp.value.length)))
  for (const star of stars) for (let round = 0; round < rounds; round++) fitStar(psf, star, fwhm, room)
  const chis = stars.map(({ chi }) => chi).filter(Number.isFinite)
  const centre = medianOf(chis)
  const spread = Math.max(0.1 * centre, MAD_TO_SIGMA * medianOf(chis.map((chi) => Math.abs(chi - centre))))
  for (const star of stars) star.good = star.flux > 0 && star.chi < centre + 5 * spread
  return centre
}

/** Arrays that fits of stars share. */
interface Room {
  model: Float64Array
  byX: Float64Array
  byY: Float64Array
}
const roomFor = (length: number): Room => ({
  ...{ model: new Float64Array(length), byX: new Float64Array(length), byY: new Float64Array(length) },
})

function fitStar(psf: Psf, star: FittedStar, fwhm: number, { model, byX, byY }: Room): void {
  const { x0, y0, size, value, variance } = star.stamp
  samplePsf(psf.at(star.x, star.y), star.x, star.y, x0, y0, size, size, model, byX, byY)
  let [mm, mx, my, m1, xx, xy, x1, yy, y1, one] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
  let [mv, xv, yv, v1] = [0, 0, 0, 0]
  for (let k = 0; k < size * size; k++) {
    if (!(variance[k] > 0)) continue
    const weight = 1 / variance[k]
    const m = model[k]
    const dx = byX[k]
    const dy = byY[k]
    const v = value[k]
    const wm = weight * m
    const wx = weight * dx
    const wy = weight * dy
    mm += wm * m
    mx += wm * dx
    my += wm * dy
    m1 += wm
    xx += wx * dx
    xy += wx * dy
    x1 += wx
    yy += wy * dy
    y1 += wy
    one += weight
    mv += wm * v
    xv += wx * v
    yv += wy * v
    v1 += weight * v
  }
  const normal = [mm, mx, my, m1, mx, xx, xy, x1, my, xy, yy, y1, m1, x1, y1, one]
  const right = [mv, xv, yv, v1]
  try {
    const [flux, fx, fy, level] = solve(normal, right)
    star.flux = flux
    star.level = level
    if (flux > 0) {
      star.x += Math.max(-0.5, Math.min(0.5, fx / flux))
      star.y += Math.max(-0.5, Math.min(0.5, fy / flux))
    }
  } catch {
    star.flux = 0
  }
  star.chi = coreChi(star, model, fwhm)
}

function coreChi({ stamp, flux, level, x, y }: FittedStar, model: Float64Array, fwhm: number): number {
  const { x0, y0, size, value, variance } = stamp
  let [sum, count] = [0, 0]
  for (let row = 0, k = 0; row < size; row++) {
    for (let column = 0; column < size; column++, k++) {
      if (!(variance[k] > 0) || (column + x0 - x) ** 2 + (row + y0 - y) ** 2 > 2.25 * fwhm * fwhm) continue
      sum += (value[k] - level - flux * model[k]) ** 2 / variance[k]
      count++
    }
  }
  return Math.sqrt(sum / count)
}

/** Sums of what the stars say about each node of the table: normal equations of a polynomial over the field. */
interface NodeSums {
  normal: Float64Array
  right: Float64Array
}

/**
 * Adds to the table what the stars leave: at each node a polynomial over the field. How large its terms may be is learnt
 * from all nodes at the same distance, less their noise; so noise makes no table.
 */
export function improveTable(parameters: PsfParameters, stars: readonly FittedStar[], fwhm: number): void {
  const { nodes, order, step, table } = parameters
  const n = termsOf(order)
  const square = nodes * nodes
  const sums = { normal: new Float64Array(square * n * n), right: new Float64Array(square * n) }
  const psf = psfOf(parameters)
  for (const star of stars) if (star.good) gather(psf, star, parameters, sums)
  const centre = psf.at((parameters.width - 1) / 2, (parameters.height - 1) / 2)
  const edge = ((nodes - 1) / 2 - 2) * step
  const distance = (node: number) =>
    Math.hypot((node % nodes) - (nodes - 1) / 2, Math.floor(node / nodes) - (nodes - 1) / 2) * step
  const rings = ringsOf(square, distance, edge, fwhm / 4)
  for (const ring of rings) {
    const prior = priorOf(ring, sums, n)
    for (const node of ring) {
      const a = sums.normal.slice(node * n * n, (node + 1) * n * n)
      for (let k = 0; k < n; k++) a[k * n + k] += 1 / Math.max(1e-30, prior[k])
      const solution = solve(a, sums.right.subarray(node * n, (node + 1) * n))
      const taper = Math.min(1, (2 * (edge - distance(node))) / fwhm) // the table ends softly
      for (let k = 0; k < n; k++) table[k * square + node] += (taper * solution[k]) / centre.scale
    }
  }
  centreTable(parameters, centre)
}

function ringsOf(square: number, distance: (node: number) => number, edge: number, wide: number): number[][] {
  const rings: number[][] = Array.from({ length: Math.ceil(edge / wide) + 1 }, () => [])
  for (let node = 0; node < square; node++) {
    if (distance(node) < edge) rings[Math.floor(distance(node) / wide)].push(node)
  }
  return rings
}

/** Variance of each term over the nodes of a ring, beyond what their errors explain. */
function priorOf(ring: readonly number[], { normal, right }: NodeSums, n: number): Float64Array {
  const prior = new Float64Array(n)
  let [weight, count] = [new Float64Array(n), 0]
  for (const node of ring) {
    const a = normal.subarray(node * n * n, (node + 1) * n * n)
    const b = right.subarray(node * n, (node + 1) * n)
    try {
      const solution = solve(a, b)
      for (let k = 0; k < n; k++) {
        const unit = new Float64Array(n)
        unit[k] = 1
        const variance = solve(a, unit)[k]
        const w = 1 / (variance * variance)
        prior[k] += w * (solution[k] ** 2 - variance)
        weight[k] += w
      }
      count++
    } catch {
      // too few pixels near this node
    }
  }
  weight = weight.map((w) => (count > 0 ? w : 1))
  return prior.map((sum, k) => Math.max(0, sum / Math.max(1e-300, weight[k])))
}

/** Takes from the table what is a shift of the profile: places of stars are those of the profile alone. */
function centreTable({ nodes, step, order, table }: PsfParameters, centre: PsfHere): void {
  const square = nodes * nodes
  const slopes = [new Float64Array(square), new Float64Array(square)]
  const first = (-(nodes - 1) / 2) * step
  const grid = { x: 0, y: 0, x0: first, y0: first, columns: nodes, rows: nodes, pitch: step }
  sampleGrid({ ...centre, nodes: 0, scale: 1 }, grid, new Float64Array(square), slopes[0], slopes[1])
  const [xx, xy, yy] = [dot(slopes[0], slopes[0]), dot(slopes[0], slopes[1]), dot(slopes[1], slopes[1])]
  for (let k = 0; k < termsOf(order); k++) {
    const part = table.subarray(k * square, (k + 1) * square)
    const [bx, by] = [dot(part, slopes[0]), dot(part, slopes[1])]
    const determinant = xx * yy - xy * xy
    const [cx, cy] = [(bx * yy - by * xy) / determinant, (by * xx - bx * xy) / determinant]
    for (let node = 0; node < square; node++) part[node] -= cx * slopes[0][node] + cy * slopes[1][node]
  }
}

/** What one star says about the nodes next to its pixels. Pixels far off the model are left out. */
function gather(psf: Psf, star: FittedStar, parameters: PsfParameters, { normal, right }: NodeSums): void {
  const { x, y, flux, level } = star
  const { nodes, step, order, width, height } = parameters
  const { x0, y0, size, value, variance } = star.stamp
  const n = termsOf(order)
  const terms = new Float64Array(n)
  fieldTerms({ width, height }, x, y, order, terms)
  const model = new Float64Array(size * size)
  samplePsf(psf.at(x, y), x, y, x0, y0, size, size, model)
  const middle = (nodes - 1) / 2
  for (let row = 0, k = 0; row < size; row++) {
    const v = Math.round((row + y0 - y) / step + middle)
    for (let column = 0; column < size; column++, k++) {
      const u = Math.round((column + x0 - x) / step + middle)
      if (u < 0 || v < 0 || u >= nodes || v >= nodes || !(variance[k] > 0)) continue
      const light = (value[k] - level) / flux
      const noise = variance[k] / (flux * flux)
      if ((light - model[k]) ** 2 > 25 * (noise + (0.05 * model[k]) ** 2)) continue
      const node = v * nodes + u
      for (let i = 0; i < n; i++) {
        right[node * n + i] += (terms[i] * (light - model[k])) / noise
        for (let j = 0; j < n; j++) normal[(node * n + i) * n + j] += (terms[i] * terms[j]) / noise
      }
    }
  }
}
