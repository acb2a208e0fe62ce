import { DataError, type Tools } from '@nightpipe/command'
import { companion, imageHdu, openFits, readIntegers, readPixels } from '@nightpipe/fits'
import { allocate, scoped } from '@nightpipe/kernels'
import { medianOf } from '@nightpipe/math'
import { type Affine, type AlignedStars, alignStars, type BrightStars, equalWindows } from '@nightpipe/registration'
import type { FrameInfo } from './frames.js'
import type { AlignmentSchema } from './schema.js'
import { modelsOf, type Solution, type Starred } from './solve-group.js'

/** Seeing of the one frame over that of the other from which on blends tell. */
const DIFFERENT = 1.03
/** Stars that lie this far from those of the reference, px, and further than their errors say, are blends. */
const BLENDED = 0.04
const BEYOND = 1.1

export interface PairArgs {
  reference: Starred
  frame: Starred
  toFrame: Affine
}

export type PairDone = { stars: [AlignedStars, AlignedStars] | null }

/**
 * Where stars scatter by more than their errors and the seeing of frame and reference differ, they are measured anew as if
 * the seeing were the same, and the transformation is fitted to these places: in crowded fields each star is blended with
 * others, and its centroid moves with the seeing.
 */
export async function equalSeeing(
  starred: readonly Starred[],
  solution: Solution,
  { map, config }: Tools<AlignmentSchema>,
): Promise<Solution> {
  const reference = starred[solution.reference]
  const blended = [...starred.keys()].filter((k) => k !== solution.reference && isBlended(starred, solution, k))
  if (blended.length === 0) return solution
  const args = blended.map((k): PairArgs => {
    return { reference, frame: starred[k], toFrame: solution.solved[k].alignment!.affine }
  })
  const measured = await map<PairArgs, PairDone>('measurePair', args)
  const solved = [...solution.solved]
  for (const [n, k] of blended.entries()) {
    const { stars } = measured[n]
    const before = solved[k].alignment!
    if (!stars) continue
    const after = alignStars(...stars, { models: modelsOf(config), rough: before.affine, tolerance: 1 })
    if (!after || after.rms >= before.rms || after.pairs.length < before.pairs.length / 3) continue
    solved[k] = { alignment: { ...after, falseMatchProbability: before.falseMatchProbability } }
  }
  return { ...solution, solved }
}

function isBlended(starred: readonly Starred[], { reference, solved }: Solution, k: number): boolean {
  const { alignment } = solved[k]
  const [a, b] = [starred[reference].stars, starred[k].stars]
  if (!alignment || !(Math.max(a.seeing / b.seeing, b.seeing / a.seeing) > DIFFERENT)) return false
  const errors = alignment.pairs.map(([i, j]) => Math.hypot(a.error[i], b.error[j]))
  return alignment.rms > Math.max(BLENDED, BEYOND * Math.SQRT2 * medianOf(errors))
}

/** The task: stars of a frame and its reference, in windows that make the seeing of both the same. */
export function measurePair({ reference, frame, toFrame }: PairArgs): PairDone {
  return scoped(() => ({ stars: equalWindows(load(reference), load(frame), toFrame) ?? null }))
}

function load({ frame, stars }: Starred) {
  const { path, width, height, gain, saturation }: FrameInfo = frame
  const file = openFits(path)
  try {
    const image = imageHdu(file)
    const plane = companion(file, image, 'MASK')
    const n = width * height
    const pixels = readPixels(image, { plane: 0, into: allocate(Float32Array, n) })
    const mask = plane && readIntegers(plane, { plane: 0, into: allocate(Int16Array, n) })
    return { image: { pixels, width, height, mask }, stars: stars as BrightStars, gain: gain ?? 1, saturation }
  } catch (error) {
    throw error instanceof DataError ? new DataError(`${frame.name}: ${error.message}`, error.advice) : error
  } finally {
    file.close()
  }
}
