import {
  type Affine,
  type Alignment,
  type AlignOptions,
  alignStars,
  type BrightStars,
  compose,
  invert,
  MODELS,
  type Model,
  transform,
} from '@nightpipe/registration'
import type { FrameInfo } from './frames.js'
import type { AlignmentConfig } from './schema.js'

/** A frame whose stars are known. */
export interface Starred {
  frame: FrameInfo
  stars: BrightStars
}

/** What became of a frame: how it lies on the reference, or why it does not. */
export type Solved = { alignment: Alignment; reason?: undefined } | { alignment?: undefined; reason: string }

export interface Solution {
  /** Place of the reference among the frames. */
  reference: number
  solved: Solved[]
}

/** Provisional references that are tried before the group is given up for the best of them. */
const TRIALS = 3
/** Aligned frames through which a frame is reached that has too little in common with the reference. */
const STEPS = 4
/** Stars of which patterns are made then: neighbours have the brightest ones in common. */
const BRIGHTEST = [20, 40]

/** Brings all frames of a group on one of them: on that given, or on the best. */
export function solveGroup(frames: readonly Starred[], config: AlignmentConfig, given?: number): Solution {
  const options = optionsOf(config)
  if (given !== undefined) return finish(frames, given, reachAll(frames, given, options), config)
  const usable = [...frames.keys()].filter((k) => frames[k].stars.count >= config.match.minimum)
  if (usable.length === 0 || config.reference.choose !== 'auto') {
    const reference = placed(usable, config)
    return finish(frames, reference, reachAll(frames, reference, options), config)
  }
  const [provisional, found] = bestTrial(frames, usable, options)
  const reference = central(frames, found, provisional)
  return finish(frames, reference, onto(frames, found, reference, options), config)
}

/** The first or the middle one. */
const placed = (usable: readonly number[], { reference }: AlignmentConfig) =>
  usable[reference.choose === 'middle' ? Math.floor((usable.length - 1) / 2) : 0] ?? 0

/** The reference alone, where plate solutions bring the frames on it. */
export function unsolved(frames: readonly Starred[], config: AlignmentConfig, given?: number): Solution {
  const best = () =>
    [...frames.keys()].sort((i, j) => information(frames[j].stars) - information(frames[i].stars) || i - j)[0]
  const chosen = config.reference.choose === 'auto' ? best() : placed([...frames.keys()], config)
  return { reference: given ?? chosen, solved: frames.map(() => ({ reason: 'is not matched by its stars' })) }
}

function optionsOf(config: AlignmentConfig): AlignOptions {
  const { match } = config
  return {
    mirrored: match.mirrored === 'either' ? 'either' : match.mirrored === 'yes',
    scale: [match.scale[0], match.scale[1]],
    ...{ tolerance: match.tolerance, chance: match.chance },
    maximumShift: match.shift > 0 ? match.shift : Number.POSITIVE_INFINITY,
    models: modelsOf(config),
  }
}

/** Transformations to choose from: all, or the one that is asked for (an affine one where stars are too few for it). */
export const modelsOf = ({ transform: { model } }: AlignmentConfig): readonly Model[] =>
  model === 'auto'
    ? MODELS
    : [model as Model, ...(model === 'quadratic' || model === 'cubic' ? ['affine' as const] : [])]

/** How well the stars of a frame are placed: many, sharp, and well above the noise. */
function information({ error }: BrightStars): number {
  let sum = 0
  for (const sigma of error) sum += 1 / sigma ** 2
  return sum
}

/** The frame, of those with the best stars, on which most of the others can be brought. */
function bestTrial(
  frames: readonly Starred[],
  usable: readonly number[],
  options: AlignOptions,
): [provisional: number, found: (Alignment | undefined)[]] {
  const byStars = [...usable].sort((i, j) => information(frames[j].stars) - information(frames[i].stars) || i - j)
  let best: [number, (Alignment | undefined)[]] | undefined
  let most = -1
  for (const trial of byStars.slice(0, TRIALS)) {
    const found = reachAll(frames, trial, options)
    const count = found.filter((alignment) => alignment).length
    if (count > most) {
      best = [trial, found]
      most = count
    }
    if (2 * count > usable.length) break
  }
  return best!
}

/** Every frame on the reference: directly, or through others that are on it already. */
function reachAll(frames: readonly Starred[], reference: number, options: AlignOptions): (Alignment | undefined)[] {
  const target = frames[reference].stars
  const found = frames.map(({ stars }, k) => (k === reference ? itself(target) : alignStars(target, stars, options)))
  for (let progress = true; progress; ) {
    progress = false
    for (const k of frames.keys()) {
      if (found[k]) continue
      const near = [...frames.keys()]
        .filter((j) => found[j] && j !== reference)
        .sort((i, j) => Math.abs(i - k) - Math.abs(j - k) || i - j)
      for (const step of near.slice(0, STEPS)) {
        const last = alignStars(frames[step].stars, frames[k].stars, { ...options, brightest: BRIGHTEST })
        const rough = last && compose(last.affine, found[step]!.affine)
        const direct = rough && alignStars(target, frames[k].stars, { ...options, rough })
        if (!direct || direct.pairs.length < 3) continue
        found[k] = { ...direct, falseMatchProbability: last.falseMatchProbability }
        progress = true
        break
      }
    }
  }
  return found
}

const IDENTITY: Affine = [1, 0, 0, 0, 1, 0]

const itself = (stars: BrightStars): Alignment => ({
  ...{ map: { affine: IDENTITY }, affine: IDENTITY, model: 'shift', rms: 0, falseMatchProbability: 0 },
  pairs: Array.from(stars.x, (_, k) => [k, k]),
})

/** The frame with good stars that has most of its field in common with the others. */
function central(frames: readonly Starred[], found: readonly (Alignment | undefined)[], provisional: number): number {
  const reached = [...frames.keys()].filter((k) => found[k])
  const middles = reached.map((k) => {
    const { width, height } = frames[k].frame
    // the middle of the frame, in pixels of the provisional reference
    return transform(invert(found[k]!.affine), (width - 1) / 2, (height - 1) / 2)
  })
  const { width, height } = frames[provisional].frame
  let [best, highest] = [provisional, -1]
  for (const [a, k] of reached.entries()) {
    let common = 0
    for (const [x, y] of middles) {
      common +=
        Math.max(0, 1 - Math.abs(x - middles[a][0]) / width) * Math.max(0, 1 - Math.abs(y - middles[a][1]) / height)
    }
    const score = Math.sqrt(information(frames[k].stars)) * (common / reached.length) ** 2
    if (score > highest) [best, highest] = [k, score]
  }
  return best
}

/** What was found for one reference, told for another one and refined there. */
function onto(
  frames: readonly Starred[],
  found: readonly (Alignment | undefined)[],
  reference: number,
  options: AlignOptions,
): (Alignment | undefined)[] {
  const back = invert(found[reference]!.affine)
  const target = frames[reference].stars
  return found.map((alignment, k) => {
    if (!alignment) return undefined
    if (k === reference) return itself(target)
    const refined = alignStars(target, frames[k].stars, { ...options, rough: compose(alignment.affine, back) })
    return refined && { ...refined, falseMatchProbability: alignment.falseMatchProbability }
  })
}

function finish(
  frames: readonly Starred[],
  reference: number,
  found: readonly (Alignment | undefined)[],
  config: AlignmentConfig,
): Solution {
  const name = frames[reference].frame.name
  const solved = frames.map(({ stars }, k): Solved => {
    const alignment = found[k]
    if (alignment && k === reference) return { alignment }
    if (stars.count < config.match.minimum) return { reason: `only ${stars.count} stars found in it` }
    if (!alignment) {
      const counts = `${stars.count} stars here, ${frames[reference].stars.count} there`
      return { reason: `its stars make no pattern that ${name} has (${counts})` }
    }
    const { pairs, rms } = alignment
    if (pairs.length < config.match.minimum) return { reason: `has only ${pairs.length} stars in common with ${name}` }
    if (rms > config.match.rms) return { reason: `its stars lie ${rms.toFixed(2)} px rms from those of ${name}` }
    return { alignment }
  })
  return { reference, solved }
}
