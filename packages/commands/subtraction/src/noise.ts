import type { Tools } from '@nightpipe/command'
import { backgroundMesh, type DifferencePlanes } from '@nightpipe/image'
import { MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import type { SubtractionConfig, SubtractionSchema } from './schema.js'

/** Planes whose noise is judged, in place: plain data for a thread. */
export interface NoiseArgs {
  planes: DifferencePlanes
  /** 1 where nothing is to be believed. */
  blank: Uint8Array
  width: number
  height: number
  noise: SubtractionConfig['noise']
  normalise: boolean
}

/** Noise of the difference over what the errors say, before it was normalised; likewise of the score. */
export interface NoiseRatios {
  noiseRatio: number
  scoreSigma: number
}

/**
 * Takes off what sky is left, and compares the noise with the errors: where the score scatters by more or less than 1,
 * it is divided by its scatter and the errors multiplied, mesh by mesh, when that is asked for.
 */
export async function judgeNoise(args: NoiseArgs, tools: Tools<SubtractionSchema>): Promise<NoiseRatios> {
  const parts = (['score', 'difference'] as const).map((part) => ({ ...args, part }))
  const [scoreSigma, noiseRatio] = await tools.map<NoiseArgs & { part: string }, number>('noise', parts)
  return { noiseRatio: noiseRatio!, scoreSigma: scoreSigma! }
}

/** The task: either of the two, which have no pixel in common. */
export const judgePart = (args: NoiseArgs & { part: 'difference' | 'score' }): number =>
  args.part === 'score' ? judgeScore(args) : judgeDifference(args)

function judgeDifference({ planes: { difference, error }, blank, width, height, noise, normalise }: NoiseArgs): number {
  const mask = new Int16Array(blank)
  const level = backgroundMesh(difference, width, height, { mesh: noise.mesh, mask, filter: 3 }).expand()
  for (let p = 0; p < level.length; p++) difference[p]! -= level[p]!
  const pulls = sample(difference.length, (p) =>
    blank[p] === 0 && error[p]! > 0 ? difference[p]! / error[p]! : Number.NaN,
  )
  const noiseRatio = MAD_TO_SIGMA * mad(pulls)
  if (normalise && noiseRatio > 0) for (let p = 0; p < error.length; p++) error[p]! *= noiseRatio
  return noiseRatio
}

function judgeScore({ planes: { score, fluxError }, blank, width, height, noise, normalise }: NoiseArgs): number {
  const mask = new Int16Array(blank)
  const scores = backgroundMesh(score, width, height, { mesh: 2 * noise.mesh, mask, filter: 3 })
  const level = backgroundMesh(score, width, height, { mesh: noise.mesh, mask, filter: 3 }).expand()
  for (let p = 0; p < score.length; p++) score[p]! -= level[p]!
  const sigma = medianOf(scores.rms)
  if (!normalise) return sigma
  const scatter = scores.expandRms(level)
  for (let p = 0; p < score.length; p++) {
    if (!(scatter[p]! > 0.2)) continue
    score[p]! /= scatter[p]!
    fluxError[p]! *= scatter[p]!
  }
  return sigma
}

/** Some 200 000 values, evenly. */
function sample(n: number, at: (p: number) => number): Float64Array {
  const step = Math.max(1, Math.floor(n / 200_000)) | 1
  return Float64Array.from({ length: Math.ceil(n / step) }, (_, k) => at(k * step))
}
