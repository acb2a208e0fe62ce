// Medians of 16-bit integers as they stand in the files, a master bias say: eight to a vector instead of four, and only the
// middle ones become floats. The results are those of `combineOrdered`, to the last bit.
import { COUNT, ERROR, FROM_MODEL, Job, MEDIAN, NOWHERE, VALUE, planeOf } from './combine-job'
import { LARGEST_NETWORK, networkShortMedian } from './networks'
import { SHORTS } from './pixel-source'

/** Lowest ceiling for which there is an integer below it. */
const LOWEST: f64 = -32767

/** Whether the medians of a job are those of its integers, and their errors the same everywhere. */
export function isOfShorts(job: Job): bool {
  if (job.method != MEDIAN || job.n < 2 || job.n > LARGEST_NETWORK) return false
  if ((job.bias | job.dark | job.allowance) != 0) return false
  const first = planeOf(job, 0)
  if (job.errorFrom != NOWHERE) {
    if (job.errorFrom != FROM_MODEL || !job.uniform || job.relative != 0 || first.perUnit != 0) return false
  }
  for (let k = 0; k < job.n; k++) {
    const plane = planeOf(job, k)
    if (plane.format != SHORTS || plane.mask != 0 || plane.hasBlank) return false
    if (plane.zero != first.zero || plane.offset != 0 || plane.scale != 1) return false
    if (<f64>plane.ceiling - <f64>plane.zero < LOWEST) return false
  }
  return true
}

/** The largest stored integer that is below the ceiling of every plane. */
export function largestBelow(job: Job): i32 {
  let largest: f64 = 32767
  for (let k = 0; k < job.n; k++) {
    const plane = planeOf(job, k)
    const below = ceil<f64>(<f64>plane.ceiling - <f64>plane.zero) - 1
    if (below < largest) largest = below
  }
  return <i32>largest
}

/** Medians of 16 pixels from `p` on; false, and to be done otherwise, where a sample is at a ceiling. */
export function combineShorts(job: Job, p: i32, largest: i32): bool {
  const first = planeOf(job, 0)
  const result = job.result
  const limit = i16x8.splat(<i16>largest)
  const from = (<usize>p) << 1
  if (!networkShortMedian(job.n, job.planes, from, limit, f32x4.splat(first.zero), result + VALUE)) return false
  for (let g: usize = 0; g < 64; g += 16) v128.store(result + COUNT + g, i32x4.splat(job.n))
  if (job.errorFrom == NOWHERE) return true
  const n = f32x4.splat(<f32>job.n)
  const loss = v128.load32_splat(job.loss + ((<usize>job.n) << 2))
  const total = f32x4.mul(n, f32x4.splat(first.variance))
  const error = f32x4.div(f32x4.sqrt(f32x4.mul(total, loss)), n)
  for (let g: usize = 0; g < 64; g += 16) v128.store(result + ERROR + g, error)
  return true
}
