import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { inverse, solve } from '@nightpipe/math'
import type { PsfFitOptions, PsfFluxes } from './psf-fit.js'
import { type Psf, sampleLent } from './psf-model.js'
import { addLight, lightOf, type SubtractedLight } from './psf-subtract.js'

/** A fit of all stars of a frame as it stands. */
export interface FitWork {
  psf: Psf
  width: number
  height: number
  /** In kernel memory: the net image, what the stars leave of it, and what each pixel weighs (0: it tells nothing). */
  net: Float32Array
  residual: Float32Array
  weight: Float32Array
  /** Noise of a pixel of the sky, unit of the frame. */
  skySigma: number
  options: PsfFitOptions
  out: Omit<PsfFluxes, 'subtracted' | 'skySigma'>
  subtracted: (SubtractedLight | undefined)[]
}

/** Subtracts a star with this flux in place of what was subtracted of it before. */
export function setFlux(work: FitWork, i: number, x: number, y: number, flux: number): void {
  const { out, subtracted, residual, width } = work
  const old = subtracted[i]
  if (old) addLight(residual, width, old, old.flux)
  out.x[i] = x
  out.y[i] = y
  const seen = Number.isFinite(flux) && flux !== 0
  const light = seen ? lightOf(work.psf, work, work.skySigma, x, y, flux, old?.light) : undefined
  subtracted[i] = light
  if (light) addLight(residual, width, light, -flux)
}

/** The disc of pixels in which a star is fitted: its light and how that changes with its place; 0 outside of the disc. */
interface Disc {
  x0: number
  y0: number
  columns: number
  rows: number
  /** Derivatives by flux, x, y in kernel memory, one after the other. */
  slopes: Float64Array
}

function discOf({ psf, width, height, options, out, subtracted }: FitWork, i: number): Disc {
  const [x, y] = [out.x[i], out.y[i]]
  const radius = Math.max(2, options.radius * psf.fwhm(x, y))
  const [x0, x1] = [Math.max(0, Math.ceil(x - radius)), Math.min(width - 1, Math.floor(x + radius))]
  const [y0, y1] = [Math.max(0, Math.ceil(y - radius)), Math.min(height - 1, Math.floor(y + radius))]
  const [columns, rows] = [Math.max(0, x1 - x0 + 1), Math.max(0, y1 - y0 + 1)]
  const n = columns * rows
  const slopes = allocate(Float64Array, options.places ? 3 * n : n)
  sampleLent(psf.at(x, y), { x, y, x0, y0, columns, rows, pitch: 1 }, slopes, options.places)
  const flux = subtracted[i]?.flux ?? 0
  for (let row = 0, k = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, k++) {
      const inside = (column + x0 - x) ** 2 + (row + y0 - y) ** 2 <= radius * radius
      if (!inside) slopes[k] = 0
      if (!options.places) continue
      const moves = inside && i >= options.held
      slopes[n + k] *= moves ? flux : 0
      slopes[2 * n + k] *= moves ? flux : 0
    }
  }
  return { x0, y0, columns, rows, slopes }
}

/** One step of Gauss and Newton for the fluxes and places of a group, from what is left of its pixels. */
export function fitGroup(work: FitWork, group: readonly number[], last: boolean): void {
  scoped(() => fitDiscs(work, group, last))
}

function fitDiscs(work: FitWork, group: readonly number[], last: boolean): void {
  const { out, subtracted, options } = work
  const discs = group.map((i) => discOf(work, i))
  const per = options.places ? 3 : 1
  const n = per * group.length
  const normal = new Float64Array(n * n)
  const right = new Float64Array(n)
  const sums = allocate(Float64Array, 12)
  for (let g = 0; g < group.length; g++) {
    for (let h = 0; h <= g; h++) addPair(work, discs, g, h, per, sums, normal, right)
    if (last) measureStar(work, group[g], discs[g])
  }
  for (let a = 0; a < n; a++) {
    // places are known to half a pixel: what has no light stays where it is
    normal[a * n + a] += per > 1 && a % 3 !== 0 ? 4 : normal[a * n + a] > 0 ? 0 : 1
  }
  let step: Float64Array
  let covariance: Float64Array | undefined
  try {
    step = solve(normal, right)
    covariance = last ? inverse(normal, n) : undefined
  } catch {
    return
  }
  group.forEach((i, g) => {
    const known = discs[g].slopes.some((light, k) => k < discs[g].columns * discs[g].rows && light > 0)
    const flux = (subtracted[i]?.flux ?? 0) + step[per * g]
    const [dx, dy] = per > 1 ? [step[3 * g + 1], step[3 * g + 2]] : [0, 0]
    setFlux(work, i, out.x[i] + clip(dx, 0.4), out.y[i] + clip(dy, 0.4), flux)
    out.flux[i] = known ? flux : Number.NaN
    if (covariance && known) storeErrors(out, i, g, per, n, covariance, options.held)
  })
}

/** What the pixels that two discs share add to the normal equations; the right-hand side for a disc with itself. */
function addPair(
  { residual, weight, width }: FitWork,
  discs: readonly Disc[],
  g: number,
  h: number,
  per: number,
  sums: Float64Array,
  normal: Float64Array,
  right: Float64Array,
): void {
  const [a, b] = [discs[g], discs[h]]
  const [x0, x1] = [Math.max(a.x0, b.x0), Math.min(a.x0 + a.columns, b.x0 + b.columns)]
  const [y0, y1] = [Math.max(a.y0, b.y0), Math.min(a.y0 + a.rows, b.y0 + b.rows)]
  if (x0 >= x1 || y0 >= y1) return
  const first = 4 * (y0 * width + x0)
  const inDisc = ({ slopes, x0: left, y0: top, columns, rows }: Disc) =>
    [slopes.byteOffset + 8 * ((y0 - top) * columns + x0 - left), columns, columns * rows] as const
  kernels().pairEquations(
    ...([residual.byteOffset + first, weight.byteOffset + first, width, x1 - x0, y1 - y0] as const),
    ...([...inDisc(a), ...inDisc(b), per, sums.byteOffset] as const),
  )
  const n = right.length
  for (let i = 0; i < per; i++) {
    if (g === h) right[g * per + i] = sums[per * per + i]
    for (let j = 0; j < per; j++) normal[(g * per + i) * n + h * per + j] = sums[i * per + j]
  }
}

const clip = (value: number, limit: number) => Math.max(-limit, Math.min(limit, Number.isFinite(value) ? value : 0))

function storeErrors(
  out: FitWork['out'],
  i: number,
  g: number,
  per: number,
  n: number,
  covariance: Float64Array,
  held: number,
): void {
  const sigma = (a: number) => Math.sqrt(covariance[a * n + a])
  out.fluxError[i] = sigma(per * g)
  if (per === 1) return
  out.xError[i] = i < held ? 0 : sigma(3 * g + 1)
  out.yError[i] = i < held ? 0 : sigma(3 * g + 2)
}

/** Chi of the pixels of a star, and how much light of others lies under it. */
function measureStar({ out, residual, net, subtracted, width, weight }: FitWork, i: number, disc: Disc): void {
  const { x0, y0, columns, rows, slopes } = disc
  const light = slopes.subarray(0, columns * rows)
  const flux = subtracted[i]?.flux ?? 0
  let peak = 0
  for (const value of light) if (value > peak) peak = value
  let [sum, count, own, other] = [0, 0, 0, 0]
  for (let k = 0; k < light.length; k++) {
    const p = (y0 + Math.floor(k / columns)) * width + x0 + (k % columns)
    if (light[k] < 0.05 * peak || !(peak > 0) || weight[p] === 0) continue
    sum += residual[p] ** 2 * weight[p]
    count++
    own += light[k] * flux * light[k]
    other += light[k] * (net[p] - residual[p] - flux * light[k])
  }
  out.chi[i] = count > 0 ? Math.sqrt(sum / count) : Number.NaN
  out.crowding[i] = own > 0 ? Math.max(0, other / own) : Number.NaN
}
