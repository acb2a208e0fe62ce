import type { Hdu } from '@nightpipe/fits'
import type { Calibration } from '@nightpipe/image'
import { allocate } from '@nightpipe/kernels'
import type { DarkSource } from './dark.js'
import type { ReductionJob } from './plan.js'
import { alignedReader } from './planes.js'

/** Rows of the dark current of the exposure of the master, and its error. */
export function darkRowsOf(
  source: DarkSource,
  bias: Hdu | undefined,
  frame: ReductionJob['frame'],
  width: number,
  size: number,
): (y: number, rows: number) => Pick<Calibration, 'dark' | 'darkError' | 'darkScale' | 'biasWeight'> {
  const into = allocate(Float32Array, size)
  const errors = source.error && allocate(Float32Array, size)
  const held =
    source.holdsBias && bias
      ? { read: alignedReader(bias, frame, width), rows: allocate(Float32Array, size) }
      : undefined
  return (y, rows) => {
    const { biasWeight } = source
    const dark = source.pixels(y, rows, into)
    if (held) {
      const biasRows = held.read(y, rows, held.rows)
      for (let p = 0; p < dark.length; p++) dark[p] -= biasRows[p]
    }
    return { dark, darkError: errors && source.error!(y, rows, errors), darkScale: source.scale, biasWeight }
  }
}
