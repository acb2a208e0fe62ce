import { cutLoss } from '@nightpipe/image'
import { allocate, kernels } from '@nightpipe/kernels'
import type { Block, Sample } from './combine-rows.js'
import type { Recipe } from './recipe.js'

const WORDS = 8
/** Steps of the table of what left-out samples are to the error. */
const STEPS = 64

/** Linear-fit clipping: the samples of a pixel, sorted, should lie on a line. The error is that of the mean of the rest. */
export function combineLinear(
  samples: readonly Sample[],
  { low, high, tolerance, errors }: Recipe,
  block: Block,
  maskBits: number,
): void {
  const n = block.pixels.length
  const records = allocate(Int32Array, WORDS * samples.length)
  const numbers = new Float32Array(records.buffer, records.byteOffset, records.length)
  samples.forEach(({ plane, pixels, mask }, k) => {
    records.set([pixels.byteOffset, mask?.byteOffset ?? 0], WORDS * k)
    const [variance, slope] = [plane.scale ** 2 * plane.noise.variance0, plane.scale * plane.noise.variancePerUnit]
    numbers.set([plane.offset, plane.scale, plane.weight, plane.ceiling, variance, slope], WORDS * k + 2)
  })
  const own = allocate(Int32Array, samples.length)
  const told = errors && samples.every(({ error }) => error)
  if (told) own.set(samples.map(({ error }) => error!.byteOffset))
  const scratch = allocate(Float32Array, 9 * samples.length)
  const cut = allocate(Float32Array, STEPS + 1)
  cut.set(Array.from(cut, (_, k) => cutLoss(k / STEPS)))
  const spread = allocate(Float32Array, n)
  kernels().combineLinear(
    ...([records.byteOffset, samples.length, n, maskBits, low, high, cut.byteOffset, tolerance] as const),
    ...([told ? own.byteOffset : 0, scratch.byteOffset] as const),
    ...([block.pixels.byteOffset, block.count.byteOffset, spread.byteOffset] as const),
  )
  const { error } = block
  if (!error) return
  for (let p = 0; p < n; p++) error[p] = Math.sqrt(spread[p])
}
