import { backgroundMesh, type Frame } from '@nightpipe/image'
import { medianOf, power, solve } from '@nightpipe/math'
import { groupStars } from './psf-groups.js'
import { type Psf, samplePsf } from './psf-model.js'
import { type PixelNoise, UNUSABLE } from './psf-stars.js'

export interface PsfFitOptions extends Partial<PixelNoise> {
  /** The frame without its background; taken off by meshes where it is absent. */
  net?: Float32Array
  /** Pixels within this many widths of a star are fitted (1.5). */
  radius: number
  /** Stars within this many widths of one another are fitted together (2). */
  together: number
  /** Rounds over all groups, each with what the others left (4). */
  rounds: number
  /** Places are fitted too, or stay as given (forced photometry). */
  places: boolean
  /** At most so many stars are fitted at once (25). */
  most: number
  /** Side of the mesh of the background of what the stars leave, px (64); 0: the net image has none left. */
  mesh: number
}

export const PSF_FIT_DEFAULTS: PsfFitOptions = {
  ...{ radius: 1.5, together: 2, rounds: 4, places: true, most: 25, mesh: 64 },
}

/** What the fit of the profile says of each star. */
export interface PsfFluxes {
  count: number
  x: Float64Array
  y: Float64Array
  xError: Float32Array
  yError: Float32Array
  /** Total flux as the model defines it, and its error; NaN where no pixel could be used. */
  flux: Float64Array
  fluxError: Float64Array
  /** Reduced chi square of its pixels. */
  chi: Float32Array
  /** Part of the light of other stars in its core, over its own. */
  crowding: Float32Array
  /** The net image less all stars. */
  residual: Float32Array
  /** What was taken off the net image as background that the light of stars had hidden. */
  hidden: Float32Array
  /** What was subtracted of each star. */
  subtracted: readonly (SubtractedLight | undefined)[]
}

/** What was subtracted of a star: its flux, and its light (of a flux of 1) in the pixels from (x0, y0) on. */
export interface SubtractedLight {
  flux: number
  x0: number
  y0: number
  columns: number
  rows: number
  light: Float32Array
}

interface Work {
  psf: Psf
  width: number
  height: number
  /** The net image, and what is left of it. */
  net: Float32Array
  residual: Float32Array
  variance(p: number, model: number): number
  options: PsfFitOptions
  out: Omit<PsfFluxes, 'subtracted'>
  subtracted: (SubtractedLight | undefined)[]
}

/**
 * Fluxes of stars by the profile of the frame, fitted together where they overlap, all groups in turn with the light of
 * the others subtracted (Stetson 1987, PASP 99, 191). Photon noise is that of the model, not of the pixel itself.
 */
export function fitPsfFluxes(
  frame: Frame,
  psf: Psf,
  stars: { x: ArrayLike<number>; y: ArrayLike<number>; flux?: ArrayLike<number> },
  options: Partial<PsfFitOptions> = {},
): PsfFluxes {
  const chosen = { ...PSF_FIT_DEFAULTS, ...options }
  const { width, height } = frame
  const residual = options.net ? options.net.slice() : netOf(frame)
  blankUnusable(residual, frame)
  const out = emptyFluxes(stars, residual)
  const work: Work = {
    ...{ psf, width, height, net: residual.slice(), residual, options: chosen, out, subtracted: out.subtracted },
    variance: varianceOf(frame, residual, chosen),
  }
  const typical = psf.fwhm((width - 1) / 2, (height - 1) / 2)
  for (let i = 0; i < out.count; i++) {
    const start = stars.flux?.[i] ?? 0
    if (start > 0) setFlux(work, i, out.x[i], out.y[i], start)
  }
  for (let round = 0; round < chosen.rounds; round++) {
    if (round > 0 && chosen.mesh > 0) takeBackground(work, chosen.mesh)
    const last = round === chosen.rounds - 1
    for (const group of groupStars(out.x, out.y, chosen.together * typical, chosen.most)) fitGroup(work, group, last)
  }
  return out
}

function netOf({ pixels, width, height, mask }: Frame): Float32Array {
  const level = backgroundMesh(pixels, width, height, { mask, maskBits: UNUSABLE }).expand()
  for (let p = 0; p < level.length; p++) level[p] = pixels[p] - level[p]
  return level
}

function blankUnusable(net: Float32Array, { mask, error }: Frame): void {
  for (let p = 0; p < net.length; p++) {
    if ((mask && (mask[p] & UNUSABLE) !== 0) || (error && !(error[p] > 0))) net[p] = Number.NaN
  }
}

/** Variance of a pixel whose stars have the light `model`. */
function varianceOf(frame: Frame, net: Float32Array, { skySigma, gain }: PsfFitOptions): Work['variance'] {
  const { error } = frame
  if (error) return (p) => error[p] * error[p]
  const sky = (skySigma ?? medianOf(backgroundMesh(net, frame.width, frame.height).rms)) ** 2
  return (_, model) => sky + (gain && model > 0 ? model / gain : 0)
}

function emptyFluxes(stars: { x: ArrayLike<number>; y: ArrayLike<number> }, residual: Float32Array) {
  const count = stars.x.length
  const double = () => new Float64Array(count).fill(Number.NaN)
  const single = () => new Float32Array(count).fill(Number.NaN)
  return {
    ...{ count, x: Float64Array.from(stars.x), y: Float64Array.from(stars.y), xError: single(), yError: single() },
    ...{ flux: double(), fluxError: double(), chi: single(), crowding: single(), residual },
    hidden: new Float32Array(residual.length),
    subtracted: new Array<SubtractedLight | undefined>(count),
  }
}

/** Half side of the square in which a star is subtracted: as far as its wings are seen, within reason. */
function reachOf(psf: Psf, flux: number): number {
  const sigma = Math.sqrt(Math.max(flux, 1))
  return Math.round(Math.min(4 * psf.half, Math.max(psf.half, 0.25 * power(sigma, 0.8))))
}

/** Subtracts a star with this flux in place of what was subtracted of it before. */
function setFlux(work: Work, i: number, x: number, y: number, flux: number): void {
  const { out, subtracted, residual, width } = work
  const old = subtracted[i]
  if (old) addLight(residual, width, old, old.flux)
  out.x[i] = x
  out.y[i] = y
  const light = Number.isFinite(flux) && flux !== 0 ? lightOf(work, x, y, flux) : undefined
  subtracted[i] = light
  if (light) addLight(residual, width, light, -flux)
}

function lightOf({ psf, width, height }: Work, x: number, y: number, flux: number): SubtractedLight | undefined {
  const reach = reachOf(psf, Math.abs(flux))
  const [x0, x1] = [Math.max(0, Math.round(x) - reach), Math.min(width - 1, Math.round(x) + reach)]
  const [y0, y1] = [Math.max(0, Math.round(y) - reach), Math.min(height - 1, Math.round(y) + reach)]
  const [columns, rows] = [x1 - x0 + 1, y1 - y0 + 1]
  if (!(columns > 0 && rows > 0)) return undefined
  const light = new Float32Array(columns * rows)
  samplePsf(psf.at(x, y), x, y, x0, y0, columns, rows, light)
  return { flux, x0, y0, columns, rows, light }
}

function addLight(
  image: Float32Array,
  width: number,
  { x0, y0, columns, rows, light }: SubtractedLight,
  flux: number,
): void {
  for (let row = 0, k = 0; row < rows; row++) {
    for (let column = 0, p = (y0 + row) * width + x0; column < columns; column++, k++, p++) image[p] += flux * light[k]
  }
}

/** The disc of pixels in which a star is fitted: its light and how that changes with its place; 0 outside of the disc. */
interface Disc {
  x0: number
  y0: number
  columns: number
  rows: number
  /** Derivatives by flux, x, y. */
  slopes: Float64Array[]
}

function discOf({ psf, width, height, options, out, subtracted }: Work, i: number): Disc {
  const [x, y] = [out.x[i], out.y[i]]
  const radius = Math.max(2, options.radius * psf.fwhm(x, y))
  const [x0, x1] = [Math.max(0, Math.ceil(x - radius)), Math.min(width - 1, Math.floor(x + radius))]
  const [y0, y1] = [Math.max(0, Math.ceil(y - radius)), Math.min(height - 1, Math.floor(y + radius))]
  const [columns, rows] = [Math.max(0, x1 - x0 + 1), Math.max(0, y1 - y0 + 1)]
  const slopes = [0, 1, 2].map(() => new Float64Array(columns * rows))
  samplePsf(psf.at(x, y), x, y, x0, y0, columns, rows, slopes[0], slopes[1], slopes[2])
  const flux = subtracted[i]?.flux ?? 0
  for (let row = 0, k = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, k++) {
      const inside = (column + x0 - x) ** 2 + (row + y0 - y) ** 2 <= radius * radius
      if (!inside) slopes[0][k] = 0
      slopes[1][k] *= inside ? flux : 0
      slopes[2][k] *= inside ? flux : 0
    }
  }
  return { x0, y0, columns, rows, slopes: options.places ? slopes : [slopes[0]] }
}

/** One step of Gauss and Newton for the fluxes and places of a group, from what is left of its pixels. */
function fitGroup(work: Work, group: readonly number[], last: boolean): void {
  const { out, subtracted, options } = work
  const discs = group.map((i) => discOf(work, i))
  const per = options.places ? 3 : 1
  const n = per * group.length
  const normal = new Float64Array(n * n)
  const right = new Float64Array(n)
  for (let g = 0; g < group.length; g++) {
    for (let h = 0; h <= g; h++) addPair(work, discs, g, h, normal, right, n)
    if (last) measureStar(work, group[g], discs[g])
  }
  for (let a = 0; a < n; a++) {
    // places are known to half a pixel: what has no light stays where it is
    normal[a * n + a] += per > 1 && a % 3 !== 0 ? 4 : normal[a * n + a] > 0 ? 0 : 1
    for (let b = 0; b < a; b++) normal[b * n + a] = normal[a * n + b]
  }
  let step: Float64Array
  try {
    step = solve(normal, right)
  } catch {
    return
  }
  group.forEach((i, g) => {
    const known = discs[g].slopes[0].some((light) => light > 0)
    const flux = (subtracted[i]?.flux ?? 0) + step[per * g]
    const [dx, dy] = per > 1 ? [step[3 * g + 1], step[3 * g + 2]] : [0, 0]
    setFlux(work, i, out.x[i] + clip(dx, 0.4), out.y[i] + clip(dy, 0.4), flux)
    out.flux[i] = known ? flux : Number.NaN
    if (last && known) storeErrors(out, i, g, per, n, normal)
  })
}

/** What the pixels that two discs share add to the normal equations; the right-hand side for a disc with itself. */
function addPair(
  { residual, net, width, variance }: Work,
  discs: readonly Disc[],
  g: number,
  h: number,
  normal: Float64Array,
  right: Float64Array,
  n: number,
): void {
  const [a, b] = [discs[g], discs[h]]
  const [x0, x1] = [Math.max(a.x0, b.x0), Math.min(a.x0 + a.columns, b.x0 + b.columns)]
  const [y0, y1] = [Math.max(a.y0, b.y0), Math.min(a.y0 + a.rows, b.y0 + b.rows)]
  if (x0 >= x1 || y0 >= y1) return
  const per = a.slopes.length
  const sums = new Float64Array(per * per)
  const ends = new Float64Array(per)
  for (let y = y0; y < y1; y++) {
    let p = y * width + x0
    let k = (y - a.y0) * a.columns + x0 - a.x0
    let q = (y - b.y0) * b.columns + x0 - b.x0
    for (let x = x0; x < x1; x++, p++, k++, q++) {
      const left = residual[p]
      if (a.slopes[0][k] === 0 || b.slopes[0][q] === 0 || Number.isNaN(left)) continue
      const weight = 1 / variance(p, net[p] - left)
      for (let i = 0; i < per; i++) {
        const w = weight * a.slopes[i][k]
        ends[i] += w * left
        for (let j = 0; j < per; j++) sums[i * per + j] += w * b.slopes[j][q]
      }
    }
  }
  for (let i = 0; i < per; i++) {
    if (g === h) right[g * per + i] = ends[i]
    for (let j = 0; j < per; j++) normal[(g * per + i) * n + h * per + j] = sums[i * per + j]
  }
}

const clip = (value: number, limit: number) => Math.max(-limit, Math.min(limit, Number.isFinite(value) ? value : 0))

function storeErrors(out: Work['out'], i: number, g: number, per: number, n: number, normal: Float64Array): void {
  const sigma = (a: number) => {
    const unit = new Float64Array(n)
    unit[a] = 1
    return Math.sqrt(solve(normal, unit)[a])
  }
  out.fluxError[i] = sigma(per * g)
  if (per === 1) return
  out.xError[i] = sigma(3 * g + 1)
  out.yError[i] = sigma(3 * g + 2)
}

/** Chi of the pixels of a star, and how much light of others lies under it. */
function measureStar({ out, residual, net, subtracted, width, variance }: Work, i: number, disc: Disc): void {
  const { x0, y0, columns, slopes } = disc
  const [light] = slopes
  const flux = subtracted[i]?.flux ?? 0
  let peak = 0
  for (const value of light) if (value > peak) peak = value
  let [sum, count, own, other] = [0, 0, 0, 0]
  for (let k = 0; k < light.length; k++) {
    const p = (y0 + Math.floor(k / columns)) * width + x0 + (k % columns)
    if (light[k] < 0.05 * peak || !(peak > 0) || Number.isNaN(residual[p])) continue
    const model = net[p] - residual[p]
    sum += residual[p] ** 2 / variance(p, model)
    count++
    own += light[k] * flux * light[k]
    other += light[k] * (model - flux * light[k])
  }
  out.chi[i] = count > 0 ? Math.sqrt(sum / count) : Number.NaN
  out.crowding[i] = own > 0 ? Math.max(0, other / own) : Number.NaN
}

/** Takes off the background that the stars' light had hidden. */
function takeBackground({ residual, net, out, width, height }: Work, mesh: number): void {
  const level = backgroundMesh(residual, width, height, { mesh }).expand()
  for (let p = 0; p < residual.length; p++) {
    residual[p] -= level[p]
    net[p] -= level[p]
    out.hidden[p] += level[p]
  }
}
