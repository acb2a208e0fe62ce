import { Range, firstLanes, sumLanes } from './ranks'

/** What is found of the values in a range. */
@unmanaged
export class Moments {
  count: i32
  smallest: f32
  largest: f32
  mean: f64
  sigma: f64
}

let first: f64 = 0
let second: f64 = 0
let counted: i32 = 0

/** Count, mean and standard deviation of the values in the range, summed about `centre`. */
export function moments(range: Range, centre: f32, found: Moments): void {
  first = second = 0
  counted = 0
  const whole = range.n & ~7
  // by parts: float32 sums of a few hundred values lose nothing that matters
  for (let start = 0; start < whole; start += 2048) sumPairs(range, start, min<i32>(whole, start + 2048), centre)
  for (let i = whole; i < range.n; i += 4) sumRest(range, i, centre)
  const n = <f64>counted
  const shift = first / n
  found.count = counted
  found.mean = <f64>centre + shift
  found.sigma = n > 1 ? sqrt<f64>(max<f64>(0, second - n * shift * shift) / (n - 1)) : 0
}

function sumPairs(range: Range, start: i32, end: i32, centre: f32): void {
  const middle = f32x4.splat(centre)
  const lowest = f32x4.splat(range.low)
  const highest = f32x4.splat(range.high)
  const zero = f32x4.splat(0)
  let sumA = zero, sumB = zero, squaresA = zero, squaresB = zero
  let countA = i32x4.splat(0)
  let countB = countA
  const last = range.values + ((<usize>end) << 2)
  for (let at = range.values + ((<usize>start) << 2); at < last; at += 32) {
    const a = v128.load(at)
    const b = v128.load(at, 16)
    const goodA = v128.and(f32x4.ge(a, lowest), f32x4.le(a, highest))
    const goodB = v128.and(f32x4.ge(b, lowest), f32x4.le(b, highest))
    const da = v128.and(f32x4.sub(a, middle), goodA)
    const db = v128.and(f32x4.sub(b, middle), goodB)
    sumA = f32x4.add(sumA, da)
    sumB = f32x4.add(sumB, db)
    squaresA = f32x4.add(squaresA, f32x4.mul(da, da))
    squaresB = f32x4.add(squaresB, f32x4.mul(db, db))
    countA = i32x4.sub(countA, goodA)
    countB = i32x4.sub(countB, goodB)
  }
  first += addLanes(sumA) + addLanes(sumB)
  second += addLanes(squaresA) + addLanes(squaresB)
  counted += sumLanes(countA) + sumLanes(countB)
}

function sumRest(range: Range, i: i32, centre: f32): void {
  const v = v128.load(range.values + ((<usize>i) << 2))
  let good = v128.and(f32x4.ge(v, f32x4.splat(range.low)), f32x4.le(v, f32x4.splat(range.high)))
  good = v128.and(good, firstLanes(range.n - i))
  const d = v128.and(f32x4.sub(v, f32x4.splat(centre)), good)
  first += addLanes(d)
  second += addLanes(f32x4.mul(d, d))
  counted -= sumLanes(good)
}

/** The smallest and the largest value in the range. */
export function extremes(range: Range, found: Moments): void {
  const lowest = f32x4.splat(range.low)
  const highest = f32x4.splat(range.high)
  let smallest = f32x4.splat(Infinity)
  let largest = f32x4.splat(-Infinity)
  for (let i = 0; i < range.n; i += 4) {
    let v = v128.load(range.values + ((<usize>i) << 2))
    let good = v128.and(f32x4.ge(v, lowest), f32x4.le(v, highest))
    if (range.n - i < 4) good = v128.and(good, firstLanes(range.n - i))
    v = v128.or(v, v128.not(good)) // NaN loses every comparison
    smallest = f32x4.pmin(smallest, v)
    largest = f32x4.pmax(largest, v)
  }
  found.smallest = min<f32>(
    min<f32>(f32x4.extract_lane(smallest, 0), f32x4.extract_lane(smallest, 1)),
    min<f32>(f32x4.extract_lane(smallest, 2), f32x4.extract_lane(smallest, 3)),
  )
  found.largest = max<f32>(
    max<f32>(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
    max<f32>(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
  )
}

// @ts-ignore: decorator
@inline
function addLanes(v: v128): f64 {
  return (
    <f64>f32x4.extract_lane(v, 0) + <f64>f32x4.extract_lane(v, 1) +
    (<f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3))
  )
}
