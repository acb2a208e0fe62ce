import { lent, scoped } from '@nightpipe/kernels'
import { candidates } from './cosmic-candidates.js'
import { fineStructureAt, significanceAt } from './cosmic-paper.js'
import {
  fwhmOf,
  measureSharpness,
  SHARPEST_FWHM,
  type StarSharpness,
  sharperThanStars,
  sharpnessOf,
} from './cosmic-star.js'
import { type CosmicWork, keep, laplacian, mediansAt, prepareStates, repair, restore, State } from './cosmic-work.js'
import { MaskBit } from './frame.js'
import { sampleSky } from './sky-map.js'

export interface CosmicRayOptions {
  /**
   * `paper`: L.A.Cosmic as van Dokkum (2001, PASP 113, 1420) describes it. `sharp`: the same Laplacian finds candidates,
   * but they are judged by their height over the 5 x 5 median and against the stars of the frame, instead of by the fine
   * structure, and neighbours of what was found are looked at again once it is repaired.
   */
  method: 'sharp' | 'paper'
  /** What a pixel must exceed, in sigma: S' in the paper, the height over the 5 x 5 median for `sharp`. */
  sigclip: number
  /** Neighbours of a cosmic ray need this fraction of `sigclip`. */
  sigfrac: number
  /** Paper: contrast between the Laplacian and the fine structure. */
  objlim: number
  iterations: number
  /** Sharp: how much sharper than the stars a cosmic ray is; 1 is as sharp, smaller is sharper. */
  contrast: number
  /** Sharp: by how much of its noise a pixel must pass that comparison. */
  margin: number
  /** Sharp: FWHM of the stars, px; 0 to measure it on the frame. */
  fwhm: number
}

export const COSMIC_RAY_DEFAULTS: CosmicRayOptions = {
  method: 'sharp',
  sigclip: 5,
  sigfrac: 0.5,
  objlim: 5,
  iterations: 4,
  contrast: 0.7,
  margin: 1.25,
  fwhm: 0,
}

/** What the paper recommends. */
const PAPER = { sigclip: 4.5, sigfrac: 0.3 }

export interface CosmicRays {
  /** Pixels flagged. */
  pixels: number
  iterations: number
  /** What cosmic rays were told from stars by: the FWHM, px, and the number of stars that it was measured on. */
  fwhm?: number
  stars?: number
}

/** Sharp: what the Laplacian of a candidate, and that of a neighbour, must exceed as fractions of `sigclip`. */
const LAPLACIAN = 2 / 3
const LAPLACIAN_NEIGHBOUR = 1 / 3

/**
 * Finds cosmic rays in one frame by its own errors and sets their bit in `mask`. Nothing is replaced. Pixels marked bad or
 * saturated, those within 2 px of saturation, and those without a value are left alone. `pixels` and `error` may lie in
 * kernel memory; they are worked in, and are as they were afterwards.
 */
export function findCosmicRays(
  frame: { pixels: Float32Array; error: Float32Array; mask: Int16Array; width: number; height: number },
  options: Partial<CosmicRayOptions> = {},
): CosmicRays {
  const settings = { ...COSMIC_RAY_DEFAULTS, ...(options.method === 'paper' && PAPER), ...defined(options) }
  const { pixels, error, mask, width, height } = frame
  return scoped(() => {
    const { state, unusable } = prepareStates(pixels, error, width, height, mask)
    const sky = sampleSky(pixels, width, height, { mask })
    const repairs = { position: [], pixel: [], error: [] }
    const work: CosmicWork = { pixels: lent(pixels), error: lent(error), width, height, state, sky, repairs }
    if (unusable.length === pixels.length || !(sky.medianSigma >= 0)) return { pixels: 0, iterations: 0 }
    for (const p of unusable) keep(work, p)
    for (const p of unusable) repair(work, p)
    try {
      return search(work, settings, mask)
    } finally {
      restore(work)
    }
  })
}

/** What is undefined does not hide a default. */
function defined(options: Partial<CosmicRayOptions>): Partial<CosmicRayOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** Which of the pixels pass: as cosmic rays on their own, or as neighbours of one. */
interface Judge {
  /** Candidates have a Laplacian over this, in units of twice the noise. */
  threshold: number
  /** A test looks no further than this from its pixel, px. */
  reach: number
  own(work: CosmicWork, positions: readonly number[]): number[]
  neighblent(work: CosmicWork, positions: readonly number[], found: readonly number[], isFirst: boolean): number[]
  stars?: StarSharpness
}

function search(work: CosmicWork, settings: CosmicRayOptions, mask: Int16Array): CosmicRays {
  const judge = settings.method === 'paper' ? paperJudge(settings) : sharpJudge(work, settings)
  let positions: readonly number[] = Array.from(candidates(work, judge.threshold))
  let total = 0
  let iteration = 0
  while (iteration < settings.iterations) {
    iteration++
    const own = judge.own(work, free(work, positions))
    for (const p of own) work.state[p] |= State.flagged
    const grown = judge.neighblent(work, positions, own, iteration === 1)
    for (const p of grown) work.state[p] |= State.flagged
    const found = [...own, ...grown]
    for (const p of found) {
      mask[p] |= MaskBit.cosmicRay
      keep(work, p)
    }
    total += found.length
    if (found.length === 0) break
    positions = repairAll(work, found, judge.reach)
  }
  const fwhm = judge.stars && fwhmOf(judge.stars)
  return { pixels: total, iterations: iteration, fwhm, stars: judge.stars?.stars }
}

const free = ({ state }: CosmicWork, positions: readonly number[]) =>
  positions.filter((p) => (state[p] & ~State.weak) === 0)

/** Repairs what was found, and what had been repaired from it; returns the pixels that see a change. */
function repairAll(work: CosmicWork, found: readonly number[], reach: number): number[] {
  const again = around(work, found, 2).filter((p) => (work.state[p] & (State.flagged | State.unusable)) !== 0)
  const isNew = new Set(found)
  const changed = again.filter((p) => repair(work, p) || isNew.has(p))
  return around(work, changed, reach)
}

/** The positions and all pixels within `radius` of one, each once. */
function around({ width, height, state }: CosmicWork, positions: readonly number[], radius: number): number[] {
  const all: number[] = []
  for (const p of positions) {
    const x = p % width
    const y = (p - x) / width
    for (let v = Math.max(0, y - radius); v <= Math.min(height - 1, y + radius); v++) {
      for (let u = Math.max(0, x - radius); u <= Math.min(width - 1, x + radius); u++) {
        const q = v * width + u
        if ((state[q] & State.listed) !== 0) continue
        state[q] |= State.listed
        all.push(q)
      }
    }
  }
  for (const q of all) state[q] &= ~State.listed
  return all
}

function paperJudge({ sigclip, sigfrac, objlim }: CosmicRayOptions): Judge {
  const over = (work: CosmicWork, positions: readonly number[], limit: number) => {
    const likely = over2(work, positions, limit)
    const significance = significanceAt(work, likely)
    return likely.flatMap((p, k) => (significance[k] > limit ? [{ p, significance: significance[k] }] : []))
  }
  return {
    threshold: sigclip,
    reach: 4,
    own(work, positions) {
      const bright = over(work, positions, sigclip)
      const fine = fineStructureAt(
        work,
        bright.map(({ p }) => p),
      )
      return bright.flatMap(({ p, significance }, k) => (significance / fine[k] > objlim ? [p] : []))
    },
    // Twice: neighbours as significant as the cosmic ray, then theirs that are so by the lower limit.
    neighblent(work, _positions, found) {
      const near = over(work, free(work, around(work, found, 1)), sigclip).map(({ p }) => p)
      const core = [...found, ...near]
      const isCore = new Set(near)
      const outer = free(work, around(work, core, 1)).filter((p) => !isCore.has(p))
      return [...near, ...over(work, outer, sigfrac * sigclip).map(({ p }) => p)]
    },
  }
}

/** Those whose S, and so whose S', can be over the limit. */
function over2(work: CosmicWork, positions: readonly number[], limit: number): number[] {
  const noise = mediansAt(work, work.error, positions, 2)
  return positions.filter((p, k) => laplacian(work, p) > limit * 2 * noise[k])
}

function sharpJudge(work: CosmicWork, settings: CosmicRayOptions): Judge {
  const { sigclip, sigfrac, objlim, contrast, margin, fwhm } = settings
  const measured = fwhm > 0 ? sharpnessOf(fwhm) : measureSharpness(work)
  const stars = measured ?? sharpnessOf(SHARPEST_FWHM)
  const standOut = (positions: readonly number[], height: number, edge: number): number[] => {
    const noise = mediansAt(work, work.error, positions, 2)
    for (let k = 0; k < noise.length; k++) {
      const p = positions[k]
      if ((work.state[p] & State.weak) !== 0) noise[k] = Math.max(noise[k], work.error[p])
    }
    const likely: number[] = []
    const limits: number[] = []
    for (let k = 0; k < positions.length; k++) {
      if (!(laplacian(work, positions[k]) > edge * 2 * noise[k])) continue
      likely.push(positions[k])
      limits.push(height * noise[k])
    }
    const level = mediansAt(work, work.pixels, likely, 2)
    return likely.filter((p, k) => work.pixels[p] - level[k] > limits[k])
  }
  const sharp = (positions: readonly number[], needed: number): number[] => {
    const passed = new Set(positions.filter((p) => sharperThanStars(work, p, stars, contrast, needed)))
    if (measured) return positions.filter((p) => passed.has(p))
    // No star tells what stars look like here: what the paper takes for a cosmic ray is one too.
    const rest = positions.filter((p) => !passed.has(p))
    const significance = significanceAt(work, rest)
    const fine = fineStructureAt(work, rest)
    rest.forEach((p, k) => {
      if (significance[k] / fine[k] > objlim) passed.add(p)
    })
    return positions.filter((p) => passed.has(p))
  }
  return {
    threshold: LAPLACIAN * sigclip,
    reach: 2,
    own: (_, positions) => sharp(standOut(positions, sigclip, LAPLACIAN * sigclip), margin),
    // Of all cosmic rays so far, not of the last ones only: their repair uncovers more.
    neighblent(_, positions, found, isFirst) {
      const near = around(work, found, 1)
      const touching = isFirst ? [] : positions.filter((p) => touchesFlagged(work, p))
      const all = isFirst ? near : around(work, [...near, ...touching], 0)
      return sharp(standOut(free(work, all), sigfrac * sigclip, LAPLACIAN_NEIGHBOUR * sigclip), 1)
    },
    stars: measured,
  }
}

function touchesFlagged({ state, width, height }: CosmicWork, p: number): boolean {
  const x = p % width
  const y = (p - x) / width
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
      if ((state[v * width + u] & State.flagged) !== 0) return true
    }
  }
  return false
}
