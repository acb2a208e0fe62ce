// Medians of 16 pixels at once through a stack of planes. A block holds, for each plane, 16 floats (64 bytes).
import { Job, row } from './combine-job'
import { LARGEST_NETWORK, networkMedian, sparseNetworkMedian } from './networks'

/**
 * Sorts each of the 16 columns of a block, plane after plane. `pairs` are the byte offsets of the compared rows of the
 * block, two 32-bit words a comparison.
 */
export function sortBlock(block: usize, pairs: usize, count: i32): void {
  const end = pairs + ((<usize>count) << 3)
  for (let at = pairs; at < end; at += 8) {
    const a = block + <usize>load<u32>(at)
    const b = block + <usize>load<u32>(at, 4)
    exchange(a, b)
    exchange(a + 16, b + 16)
    exchange(a + 32, b + 32)
    exchange(a + 48, b + 48)
  }
}

// @ts-ignore: decorator
@inline
function exchange(a: usize, b: usize): void {
  const x = v128.load(a)
  const y = v128.load(b)
  v128.store(a, f32x4.pmin(x, y))
  v128.store(b, f32x4.pmax(x, y))
}

/** A copy of the block with infinity for NaN, sorted; `counts` becomes the number of values of each column. */
export function sortValues(block: usize, n: i32, sorted: usize, counts: usize, pairs: usize, pairCount: i32): void {
  const infinity = f32x4.splat(Infinity)
  for (let at: usize = 0; at < 64; at += 16) {
    let good = i32x4.splat(0)
    for (let k = 0; k < n; k++) {
      const v = v128.load(block + ((<usize>k) << 6) + at)
      const number = f32x4.eq(v, v)
      v128.store(sorted + ((<usize>k) << 6) + at, v128.bitselect(v, infinity, number))
      good = i32x4.sub(good, number)
    }
    v128.store(counts + at, good)
  }
  sortBlock(sorted, pairs, pairCount)
}

/** The middle of each sorted column, the mean of the two middle ones, or, where `lower`, the lower of them. */
export function pickMiddles(sorted: usize, counts: usize, target: usize, lower: bool): void {
  for (let column: usize = 0; column < 64; column += 4) {
    const n = load<i32>(counts + column)
    let middle: f32 = NaN
    if (n > 0) {
      const below = load<f32>(sorted + ((<usize>((n - 1) >> 1)) << 6) + column)
      const above = load<f32>(sorted + ((<usize>(n >> 1)) << 6) + column)
      middle = lower ? below : <f32>0.5 * below + <f32>0.5 * above
      middle += 0 // -0 becomes 0, as in the networks
    }
    store<f32>(target + column, middle)
  }
}

/**
 * Medians of the 16 columns of a block of the job, and how many values each has. `holes`: there may be NaN.
 */
export function medianBlock(job: Job, block: usize, holes: bool, counts: usize, target: usize): void {
  const n = job.n
  if (holes && n > 1 && n <= LARGEST_NETWORK) {
    sparseNetworkMedian(n, block, target, counts)
    return
  }
  if (holes || n < 2) {
    sortValues(block, n, job.sorted, counts, job.pairs, job.pairCount)
    pickMiddles(job.sorted, counts, target, false)
    return
  }
  for (let at: usize = 0; at < 64; at += 16) v128.store(counts + at, i32x4.splat(n))
  if (n <= LARGEST_NETWORK) {
    networkMedian(n, block, target)
    return
  }
  memory.copy(job.sorted, block, (<usize>n) << 6)
  sortBlock(job.sorted, job.middlePairs, job.middlePairCount)
  const below = row(job.sorted, (n - 1) >> 1)
  const above = row(job.sorted, n >> 1)
  const half = f32x4.splat(0.5)
  for (let at: usize = 0; at < 64; at += 16) {
    const middle = f32x4.add(f32x4.mul(v128.load(below + at), half), f32x4.mul(v128.load(above + at), half))
    v128.store(target + at, f32x4.add(middle, f32x4.splat(0))) // -0 becomes 0
  }
}
