import { allocate, kernels, scoped } from '@nightpipe/kernels'
import type { Block, Sample } from './combine-rows.js'
import type { Recipe } from './recipe.js'

/** Pixels on a side of the cells in which frames are looked at; strips of the stack begin with a row of cells. */
export const CELL = 4

/** A cell in which a frame is far brighter than the others: frame, column and row of the cell, sigmas. */
export type Outlier = [place: number, column: number, row: number, sigmas: number]

/** Words of a record that the kernel reads, and of one that it writes. */
const FRAME_WORDS = 8
const FOUND_WORDS = 4

/** The cells of some rows of a stack, from row `first` on, in which frames stand out; its sky is not yet put back. */
export function strongOutliers(
  recipe: Recipe,
  samples: readonly Sample[],
  block: Block,
  { first, allowance, unusable }: { first: number; allowance?: Float32Array; unusable: number },
): Outlier[] {
  const { width } = recipe.canvas
  const rows = block.pixels.length / width
  return scoped(() => {
    const words = allocate(Int32Array, FRAME_WORDS * samples.length)
    const floats = new Float32Array(words.buffer, words.byteOffset, words.length)
    samples.forEach(({ plane: { offset, scale, ceiling, noise }, pixels, mask }, k) => {
      words.set([pixels.byteOffset, mask?.byteOffset ?? 0], FRAME_WORDS * k)
      const model = [scale * scale * noise.variance0, Math.abs(scale) * noise.variancePerUnit]
      floats.set([offset, scale, ceiling, ...model], FRAME_WORDS * k + 2)
    })
    const cells = Math.floor(width / CELL) * Math.floor(rows / CELL)
    const found = allocate(Int32Array, FOUND_WORDS * cells * samples.length)
    const count = kernels().strongOutliers(
      ...([words.byteOffset, samples.length, unusable, block.pixels.byteOffset, block.count.byteOffset] as const),
      ...([allowance?.byteOffset ?? 0, width, rows, recipe.high] as const),
      ...([found.byteOffset, allocate(Float32Array, 16).byteOffset] as const),
    )
    return Array.from({ length: count }, (_, k): Outlier => {
      const [sample, column, row, sigmas] = found.subarray(FOUND_WORDS * k, FOUND_WORDS * (k + 1))
      return [samples[sample].place, column, row + first / CELL, sigmas]
    })
  })
}
