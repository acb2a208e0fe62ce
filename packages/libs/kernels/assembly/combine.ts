// Planes of one size combined pixel by pixel, 16 pixels at a time: loaded, scaled and masked into a block that stays in
// the fastest cache, then reduced there.
import { ALLOWED, COUNT, ERROR, Job, MEDIAN, TRIM, VALUE } from './combine-job'
import { loadBlock } from './combine-load'
import { combineMean } from './combine-mean'
import { combineOrdered } from './combine-ordered'
import { combineShorts, isOfShorts, largestBelow } from './combine-shorts'
import { prepareWhole } from './combine-whole'
import { oneNaN } from './pixel-source'

/** Combines `n` pixels from pixel `from` on, as the record at `address` says. */
export function combine(address: usize, from: i32, n: i32): void {
  const job = changetype<Job>(address)
  const ofShorts = isOfShorts(job)
  const largest = ofShorts ? largestBelow(job) : 0
  const canBeWhole = prepareWhole(job)
  for (let p = from; p < from + n; p += 16) {
    if (!ofShorts || !combineShorts(job, p, largest)) combineFloats(job, p, canBeWhole)
    if (from + n - p >= 16) storeBlock(job, p)
    else storeSome(job, p, from + n - p)
  }
}

function combineFloats(job: Job, p: i32, canBeWhole: bool): void {
  const holes = loadBlock(job, p)
  if (job.allowance) loadAllowance(job, p)
  if (job.method == MEDIAN || job.method == TRIM) combineOrdered(job, holes)
  else combineMean(job, holes, canBeWhole)
}

function loadAllowance(job: Job, p: i32): void {
  const at = job.allowance + ((<usize>p) << 2)
  for (let g: usize = 0; g < 64; g += 16) {
    const sigma = v128.load(at + g)
    v128.store(job.result + ALLOWED + g, f32x4.mul(sigma, sigma))
  }
}

function storeBlock(job: Job, p: i32): void {
  const at = (<usize>p) << 2
  const result = job.result
  for (let g: usize = 0; g < 64; g += 16) v128.store(job.pixels + at + g, oneNaN(v128.load(result + VALUE + g)))
  if (job.error) {
    for (let g: usize = 0; g < 64; g += 16) v128.store(job.error + at + g, oneNaN(v128.load(result + ERROR + g)))
  }
  if (!job.count) return
  const to = job.count + ((<usize>p) << 1)
  v128.store(to, i16x8.narrow_i32x4_s(v128.load(result + COUNT), v128.load(result + COUNT, 16)))
  v128.store(to, i16x8.narrow_i32x4_s(v128.load(result + COUNT, 32), v128.load(result + COUNT, 48)), 16)
}

function storeSome(job: Job, p: i32, n: i32): void {
  for (let i = 0; i < n; i++) {
    const from = (<usize>i) << 2
    const at = (<usize>(p + i)) << 2
    store<f32>(job.pixels + at, numberOrNaN(job.result + VALUE + from))
    if (job.error) store<f32>(job.error + at, numberOrNaN(job.result + ERROR + from))
    if (job.count) store<i16>(job.count + (at >> 1), load<i16>(job.result + COUNT + from))
  }
}

// @ts-ignore: decorator
@inline
function numberOrNaN(at: usize): f32 {
  const value = load<f32>(at)
  return value == value ? value : <f32>NaN
}
