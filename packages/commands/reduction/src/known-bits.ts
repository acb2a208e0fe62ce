import { runMemory } from '@nightpipe/command'
import { maskPositions } from '@nightpipe/image'
import type { ReductionJob } from './plan.js'

/** Pixels of a mask that are not 0, and their bits. */
interface Bits {
  positions: Int32Array
  bits: Int16Array
}

/**
 * What the masters of a frame flag together: the next frame has the same ones, mostly, and of three masks of many
 * megabytes a few thousand pixels are flagged. A thread keeps what it found last, while that is little.
 */
const last = runMemory<string, Bits>()
const MOST_OF_A_MASK = 1 / 64

/** Masters and how a frame lies in them. */
function keyOf({ frame, bias, dark, flat, mask }: ReductionJob): string {
  const { width, height, facts } = frame
  const paths = [bias, dark, flat].map((master) => master?.path)
  return JSON.stringify([paths, mask, width, height, facts.data, facts.amplifiers.map((a) => [a.data, a.place])])
}

/** Sets the bits that an earlier frame had from the same masters; false when they are not known. */
export function setKnownBits(job: ReductionJob, mask: Int16Array): boolean {
  const known = last.get(keyOf(job))
  if (!known) return false
  const { positions, bits } = known
  for (let k = 0; k < positions.length; k++) mask[positions[k]] = bits[k]
  return true
}

/** Keeps the bits of a mask that holds those of the masters only. */
export function keepBits(job: ReductionJob, mask: Int16Array): void {
  const positions = maskPositions(mask, -1)
  if (positions.length > MOST_OF_A_MASK * mask.length) return
  last.clear()
  last.set(keyOf(job), { positions, bits: Int16Array.from(positions, (p) => mask[p]) })
}
