import type { Frame } from '@nightpipe/image'
import { findStars } from './find-stars.js'
import type { Found } from './found.js'
import { fitPsfFluxes, PSF_FIT_DEFAULTS, type PsfFitOptions, type PsfFluxes } from './psf-fit.js'
import { lightAt, type Psf, type PsfHere } from './psf-model.js'

export interface CrowdedOptions extends Partial<PsfFitOptions> {
  /** How often stars are sought in what the others leave (2). */
  passes: number
  /** Significance of a star that is found there (5). */
  threshold: number
  /** It must be brighter than this part of the light that was subtracted at its place (0.2). */
  contrast: number
  /** Where an earlier fit left the stars: with another model of the profile the search goes on from there. */
  start?: Pick<CrowdedFluxes, 'x' | 'y' | 'flux' | 'from'>
}

/** The fluxes of a crowded field. */
export interface CrowdedFluxes extends PsfFluxes {
  /** Number of each star in the list that the search began with; -1: it was found under the others. */
  from: Int32Array
}

interface StarList {
  x: number[]
  y: number[]
  flux: number[]
  from: number[]
}

/**
 * PSF photometry of a crowded field: the stars are fitted and subtracted, more are sought in what they leave, all are
 * fitted again (Stetson 1987). Stars that prove to be one, or nothing, are dropped in between.
 */
export function fitCrowdedField(
  frame: Frame,
  psf: Psf,
  found: Pick<Found, 'stars' | 'net' | 'quality'>,
  options: Partial<CrowdedOptions> = {},
): CrowdedFluxes {
  const { passes = 2, threshold = 5, contrast = 0.2, start, rounds = PSF_FIT_DEFAULTS.rounds, ...fit } = options
  const all = { skySigma: found.quality.skySigma, ...fit, net: found.net }
  const from = start ?? { ...found.stars, from: found.stars.x.keys() }
  let list: StarList = { x: [...from.x], y: [...from.y], flux: [...from.flux], from: [...from.from] }
  let fluxes = fitPsfFluxes(frame, psf, list, { ...all, rounds: passes > 0 ? 2 : rounds })
  for (let pass = 0; pass < passes; pass++) {
    list = withoutGhosts(psf, fluxes, list)
    const extra = seekMore(frame, psf, fluxes, list, threshold, contrast, all.gain)
    const last = pass === passes - 1 || extra.x.length === 0
    for (const key of ['x', 'y', 'flux', 'from'] as const) list[key].push(...extra[key])
    fluxes = fitPsfFluxes(frame, psf, list, { ...all, rounds: last ? rounds : 2 })
    if (last) break
  }
  return { ...fluxes, from: Int32Array.from(list.from) }
}

/** Drops stars that the search among the residuals added in vain, and of two that fell together the fainter one. */
function withoutGhosts(psf: Psf, { x, y, flux, fluxError }: PsfFluxes, list: StarList): StarList {
  const order = [...x.keys()].sort((i, j) => (flux[j] || 0) - (flux[i] || 0) || i - j)
  const near = 0.4 * psf.fwhm(psf.width / 2, psf.height / 2)
  const cells = new Map<string, number[]>()
  const keep: number[] = []
  for (const i of order) {
    const added = list.from[i] < 0
    if (added && !(flux[i] > 3 * (fluxError[i] || 0))) continue
    const [u, v] = [Math.floor(x[i] / near), Math.floor(y[i] / near)]
    let twin = false
    for (let b = -1; b <= 1 && !twin; b++) {
      for (let a = -1; a <= 1 && !twin; a++) {
        twin = (cells.get(`${u + a} ${v + b}`) ?? []).some((j) => Math.hypot(x[j] - x[i], y[j] - y[i]) < near)
      }
    }
    if (twin && added) continue
    keep.push(i)
    const key = `${u} ${v}`
    cells.set(key, [...(cells.get(key) ?? []), i])
  }
  keep.sort((i, j) => i - j)
  return {
    x: keep.map((i) => x[i]),
    y: keep.map((i) => y[i]),
    flux: keep.map((i) => flux[i]),
    from: keep.map((i) => list.from[i]),
  }
}

/** Stars in the residual image that are not what a bright star left. */
function seekMore(
  frame: Frame,
  psf: Psf,
  fluxes: PsfFluxes,
  list: StarList,
  threshold: number,
  contrast: number,
  gain: number | undefined,
): StarList {
  const { width, height } = frame
  const left: Frame = { name: frame.name, width, height, pixels: fluxes.residual, error: frame.error, mask: frame.mask }
  const { stars } = findStars(left, { threshold, gain, deblendLevels: 16 })
  const extra: StarList = { x: [], y: [], flux: [], from: [] }
  const model = modelAt(psf, list, stars, width)
  const near = 0.5 * psf.fwhm(width / 2, height / 2)
  for (let i = 0; i < stars.count; i++) {
    if (!(stars.flux[i] > 0) || !(stars.peak[i] > contrast * model.light[i]) || model.nearest[i] < near) continue
    extra.x.push(stars.x[i])
    extra.y.push(stars.y[i])
    extra.flux.push(stars.flux[i])
    extra.from.push(-1)
  }
  return extra
}

/** Light subtracted at the places of new stars, and how far the nearest known one is. */
function modelAt(
  psf: Psf,
  list: StarList,
  at: { count: number; x: ArrayLike<number>; y: ArrayLike<number> },
  width: number,
) {
  const light = new Float64Array(at.count)
  const nearest = new Float64Array(at.count).fill(width)
  const models = new Array<PsfHere | undefined>(list.x.length)
  const side = Math.max(8, psf.half)
  const cells = new Map<number, number[]>()
  const key = (x: number, y: number) => Math.floor(y / side) * 65536 + Math.floor(x / side)
  for (let j = 0; j < list.x.length; j++) {
    const k = key(list.x[j], list.y[j])
    const cell = cells.get(k)
    if (cell) cell.push(j)
    else cells.set(k, [j])
  }
  for (let i = 0; i < at.count; i++) {
    for (let v = -1; v <= 1; v++) {
      for (let u = -1; u <= 1; u++) {
        for (const j of cells.get(key(at.x[i] + u * side, at.y[i] + v * side)) ?? []) {
          nearest[i] = Math.min(nearest[i], Math.hypot(list.x[j] - at.x[i], list.y[j] - at.y[i]))
          if (!(list.flux[j] > 0)) continue
          models[j] ??= psf.at(list.x[j], list.y[j])
          const here = models[j]
          const share = lightAt(here, Math.round(at.x[i]) - list.x[j], Math.round(at.y[i]) - list.y[j])
          light[i] += list.flux[j] * share
        }
      }
    }
  }
  return { light, nearest }
}
