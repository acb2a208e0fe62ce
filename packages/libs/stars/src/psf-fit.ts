import { backgroundMesh, type Frame } from '@nightpipe/image'
import { allocate, scoped } from '@nightpipe/kernels'
import { medianOf } from '@nightpipe/math'
import { type FitWork, fitGroup, setFlux } from './psf-group-fit.js'
import { groupStars } from './psf-groups.js'
import type { Psf } from './psf-model.js'
import { type PixelNoise, UNUSABLE } from './psf-stars.js'
import type { SubtractedLight } from './psf-subtract.js'

export interface PsfFitOptions extends Partial<PixelNoise> {
  /** The frame without its background; taken off by meshes where it is absent. */
  net?: Float32Array
  /** Pixels within this many widths of a star are fitted (1.5). */
  radius: number
  /** Stars within this many widths of one another are fitted together (2). */
  together: number
  /** Rounds over all groups, each with what the others left (4). */
  rounds: number
  /** Places are fitted too, or stay as given. */
  places: boolean
  /** The first so many stars stay where they are while the places of the others are fitted: forced photometry (0). */
  held: number
  /** At most so many stars are fitted at once (25). */
  most: number
  /** Side of the mesh of the background of what the stars leave, px (64); 0: the net image has none left. */
  mesh: number
}

export const PSF_FIT_DEFAULTS: PsfFitOptions = {
  ...{ radius: 1.5, together: 2, rounds: 4, places: true, held: 0, most: 25, mesh: 64 },
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
  /** Noise of a pixel of the sky, as what the stars leave shows it. */
  skySigma: number
  /** What was subtracted of each star. */
  subtracted: readonly (SubtractedLight | undefined)[]
}

/**
 * Fluxes of stars by the profile of the frame, fitted together where they overlap, all groups in turn with the light of
 * the others subtracted (Stetson 1987, PASP 99, 191). Photon noise is that of the model, not of the pixel itself; where
 * the background of what the stars leave is measured, so is the noise of the sky, which their light had made larger.
 */
export function fitPsfFluxes(
  frame: Frame,
  psf: Psf,
  stars: { x: ArrayLike<number>; y: ArrayLike<number>; flux?: ArrayLike<number> },
  options: Partial<PsfFitOptions> = {},
): PsfFluxes {
  return scoped(() => fitAll(frame, psf, stars, { ...PSF_FIT_DEFAULTS, ...options }))
}

function fitAll(
  frame: Frame,
  psf: Psf,
  stars: { x: ArrayLike<number>; y: ArrayLike<number>; flux?: ArrayLike<number> },
  options: PsfFitOptions,
): PsfFluxes {
  const { width, height } = frame
  const [net, residual, weight] = [0, 1, 2].map(() => allocate(Float32Array, width * height))
  net.set(options.net ?? netOf(frame))
  blankUnusable(net, frame)
  residual.set(net)
  const skySigma = options.skySigma ?? medianOf(backgroundMesh(net, width, height).rms)
  const { out, subtracted } = emptyFluxes(stars, residual)
  const work: FitWork = { psf, width, height, net, residual, weight, skySigma, options, out, subtracted }
  const typical = psf.fwhm((width - 1) / 2, (height - 1) / 2)
  for (let i = 0; i < out.count; i++) {
    const start = stars.flux?.[i] ?? 0
    if (start > 0) setFlux(work, i, out.x[i], out.y[i], start)
  }
  for (let round = 0; round < options.rounds; round++) {
    if (round > 0 && options.mesh > 0) takeBackground(work, frame, options.mesh)
    weighPixels(work, frame)
    const last = round === options.rounds - 1
    for (const group of groupStars(out.x, out.y, options.together * typical, options.most)) fitGroup(work, group, last)
  }
  return { ...out, residual: residual.slice(), skySigma: work.skySigma, subtracted }
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

/** What pixels weigh: one over the variance of the sky and of the light of the stars as they stand, or as ERR has it. */
function weighPixels({ weight, net, residual, skySigma, options: { gain } }: FitWork, { error }: Frame): void {
  const sky = skySigma * skySigma
  const perUnit = gain ? 1 / gain : 0
  for (let p = 0; p < weight.length; p++) {
    const light = net[p] - residual[p]
    const variance = error ? error[p] * error[p] : sky + (light > 0 ? light * perUnit : 0)
    weight[p] = Number.isNaN(residual[p]) ? 0 : 1 / variance
  }
}

function emptyFluxes(stars: { x: ArrayLike<number>; y: ArrayLike<number> }, residual: Float32Array) {
  const count = stars.x.length
  const double = () => new Float64Array(count).fill(Number.NaN)
  const single = () => new Float32Array(count).fill(Number.NaN)
  const out = {
    ...{ count, x: Float64Array.from(stars.x), y: Float64Array.from(stars.y), xError: single(), yError: single() },
    ...{ flux: double(), fluxError: double(), chi: single(), crowding: single(), residual },
    hidden: new Float32Array(residual.length),
  }
  return { out, subtracted: new Array<SubtractedLight | undefined>(count) }
}

/** Takes off the background that the stars' light had hidden, and learns the noise of the sky. */
function takeBackground(work: FitWork, { error }: Frame, mesh: number): void {
  const { residual, net, weight, out, width, height } = work
  const level = backgroundMesh(residual, width, height, { mesh }).expand()
  for (let p = 0; p < residual.length; p++) {
    residual[p] -= level[p]
    net[p] -= level[p]
    out.hidden[p] += level[p]
  }
  if (error) return
  // beside their own noise, so that photons of stars do not count as noise of the sky
  for (let p = 0; p < residual.length; p++) level[p] = residual[p] * Math.sqrt(weight[p])
  const excess = medianOf(backgroundMesh(level, width, height, { mesh }).rms)
  if (excess > 0) work.skySigma *= excess
}
