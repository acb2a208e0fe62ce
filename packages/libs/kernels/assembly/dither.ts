// The random numbers of subtractive dithering, the same for every writer and reader of compressed floats (FITS
// standard 4.0, appendix I): 10 000 values of the Park-Miller generator, seed 1.

import { tableAddress } from './base'

const COUNT = 10000
let filled = false

/** Address of the 10 000 float32 values, all in (0, 1). */
export function ditherValues(): usize {
  const values = tableAddress()
  if (filled) return values
  let seed: f64 = 1
  for (let i = 0; i < COUNT; i++) {
    const product = 16807 * seed
    seed = product - 2147483647 * Math.floor(product / 2147483647)
    store<f32>(values + ((<usize>i) << 2), <f32>(seed / 2147483647))
  }
  filled = true
  return values
}

/** Where in the table the numbers of a tile begin, for the tile's place in the sequence, `start` of 0 to 9999. */
// @ts-ignore: decorator
@inline export function ditherOffset(table: usize, start: i32): i32 {
  return <i32>(load<f32>(table + ((<usize>start) << 2)) * 500)
}
