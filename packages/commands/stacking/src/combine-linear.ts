import { allocate, kernels } from '@nightpipe/kernels'
import type { Block, Sample } from './combine-rows.js'
import type { Recipe } from './recipe.js'

const WORDS = 6

/** Linear-fit clipping: the samples of a pixel, sorted, should lie on a line. The error is that of the mean of the rest. */
export function combineLinear(samples: readonly Sample[], { low, high }: Recipe, block: Block, maskBits: number): void {
  const n = block.pixels.length
  const records = allocate(Int32Array, WORDS * samples.length)
  const numbers = new Float32Array(records.buffer, records.byteOffset, records.length)
  let [variance, perUnit, weight] = [0, 0, 0]
  samples.forEach(({ plane, pixels, mask }, k) => {
    records.set([pixels.byteOffset, mask?.byteOffset ?? 0], WORDS * k)
    numbers.set([plane.offset, plane.scale, plane.weight, plane.ceiling], WORDS * k + 2)
    // of a sample of mean weight: what the loss is told of
    const square = plane.weight ** 2
    variance += square * plane.scale ** 2 * plane.noise.variance0
    perUnit += square * plane.scale * plane.noise.variancePerUnit
    weight += square
  })
  const scratch = allocate(Float32Array, 3 * samples.length)
  const loss = allocate(Float32Array, n)
  kernels().combineLinear(
    ...([records.byteOffset, samples.length, n, maskBits, low, high, scratch.byteOffset] as const),
    ...([block.pixels.byteOffset, block.count.byteOffset, loss.byteOffset] as const),
  )
  const { error, pixels } = block
  if (!error) return
  for (let p = 0; p < n; p++) {
    error[p] = Math.sqrt((loss[p] * (variance + perUnit * Math.max(0, pixels[p]))) / weight)
  }
}
