import { allocate, kernels, scoped } from '@nightpipe/kernels'
import type { RandomKey } from '../random.js'

/** What the numbers of a key are for: every purpose is a stream of its own (photons use two). */
export const PURPOSE = { photons: 0, readout: 2, response: 4, pattern: 5, dark: 6 } as const

/** Fills an image of `width` columns with standard normal deviates, row by row. */
export function fillNormal(image: Float32Array, width: number, purpose: number, key: RandomKey): void {
  scoped(() => {
    const row = allocate(Float32Array, width)
    for (let y = 0; y * width < image.length; y++) {
      kernels().simulateNormals(row.byteOffset, width, y, purpose, ...key)
      image.set(row, y * width)
    }
  })
}
