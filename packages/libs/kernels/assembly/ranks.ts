// The value of a given rank among many, without sorting or copying them: those near a guess are gathered in one pass
// and only they are put in order. Exact whatever the guess; a bad one costs passes.
import { selectInPlace } from './select'

/** The values in question: float32 within [low, high], or their distances from `centre` when `distances`. */
@unmanaged
export class Range {
  values: usize
  n: i32
  low: f32
  high: f32
  distances: i32
  centre: f32
  buffer: usize // room for `capacity` floats and 16 more
  capacity: i32
  // found by `scan`
  below: i32 // how many are below the bracket
  inside: i32 // how many are in it; they are in the buffer when not more than it holds
}

/**
 * The value of rank `rank` (from 0) in the range, looked for first between `a` and `b`. Afterwards the buffer holds
 * `inside` values of which the wanted one is at `rank - below`, those before it not larger, unless `inside` is over the
 * capacity (all of them are then equal).
 */
export function valueOfRank(range: Range, rank: i32, a: f32, b: f32): f32 {
  let low = range.distances ? <f32>0 : range.low
  let high = f32.MAX_VALUE
  let from = max<f32>(a, low)
  let to = min<f32>(b, high)
  // of very many values the guess is hardly ever good enough
  for (let attempt = range.n > 65536 ? 1 : 0; attempt < 2; attempt++) {
    if (attempt == 1) {
      from = sampledRank(range, rank, -1, low, high)
      to = sampledRank(range, rank, 1, low, high)
    }
    if (!(from <= to)) continue
    scan(range, from, to)
    if (rank < range.below) {
      high = previous(from)
    } else if (rank >= range.below + range.inside) {
      low = next(to)
    } else if (range.inside <= range.capacity) {
      return selectInPlace<f32>(range.buffer, range.inside, rank - range.below)
    } else {
      low = from
      high = to
      if (low == high) return low
    }
  }
  // where very many values are equal, the wanted one is likely to be among them
  const likely = sampledRank(range, rank, 0, low, high)
  scan(range, likely, likely)
  if (rank < range.below) high = previous(likely)
  else if (rank >= range.below + range.inside) low = next(likely)
  else return likely
  return bisect(range, rank, key(low), key(high))
}

/**
 * A value that is below (`side` -1) or above (1) the one of rank `rank`, nearly always, and close to it: 3.5 standard
 * errors aside (0: none) in a sample of values spread over the range. Not outside [low, high].
 */
function sampledRank(range: Range, rank: i32, side: i32, low: f32, high: f32): f32 {
  const wanted = min<i32>(range.capacity, max<i32>(64, min<i32>(4096, range.n / 16)))
  const step = max<i32>(1, range.n / wanted) | 1 // odd: not down one column of an image
  let taken = 0
  let total: i64 = 0
  for (let i = step >> 1; i < range.n && taken < wanted; i += step) {
    let v = load<f32>(range.values + ((<usize>i) << 2))
    if (!(v >= range.low && v <= range.high)) continue
    if (range.distances) v = abs<f32>(v - range.centre)
    store<f32>(range.buffer + ((<usize>taken) << 2), v)
    taken++
    total += step
  }
  if (taken < 16) return side < 0 ? low : high
  // each sampled value stands for `step` of the range
  const part = min<f64>(1, <f64>rank / <f64>total)
  const place = part * <f64>taken + 3.5 * <f64>side * sqrt<f64>(<f64>taken * part * (1 - part) + 1)
  if (place < 0) return low
  if (place > <f64>(taken - 1)) return high
  const v = selectInPlace<f32>(range.buffer, taken, <i32>place)
  return max<f32>(low, min<f32>(high, v))
}

/** Halves the interval of floats that the answer lies in: at most 32 passes. */
function bisect(range: Range, rank: i32, first: i64, last: i64): f32 {
  let low = first
  let high = last
  while (low < high) {
    const middle = low + ((high - low) >> 1)
    scan(range, unkey(low), unkey(middle))
    if (rank >= range.below + range.inside) low = middle + 1
    else if (range.inside <= range.capacity) return selectInPlace<f32>(range.buffer, range.inside, rank - range.below)
    else high = middle
  }
  scan(range, unkey(low), unkey(low))
  return unkey(low)
}

/** Floats as integers in the same order, and back. */
function key(v: f32): i64 {
  const bits = reinterpret<i32>(v + 0) // one zero
  return <i64>(bits ^ ((bits >> 31) & 0x7fffffff))
}

function unkey(k: i64): f32 {
  const bits = <i32>k
  return reinterpret<f32>(bits ^ ((bits >> 31) & 0x7fffffff))
}

export function next(v: f32): f32 {
  return unkey(key(v) + 1)
}

export function previous(v: f32): f32 {
  return unkey(key(v) - 1)
}

/** Counts the values below `a` and those from `a` to `b`, and gathers the latter while there is room. */
export function scan(range: Range, a: f32, b: f32): void {
  out = range.buffer
  range.below = range.inside = 0
  const whole = range.n & ~3
  if (range.distances) scanVectors(range, 0, whole, a, b, true)
  else scanVectors(range, 0, whole, a, b, false)
  if (whole < range.n) scanVectors(range, whole, range.n, a, b, range.distances != 0)
}

let out: usize = 0 // where the next value is gathered

// @ts-ignore: decorator
@inline
function scanVectors(range: Range, start: i32, end: i32, a: f32, b: f32, distances: bool): void {
  const lowest = f32x4.splat(range.low)
  const highest = f32x4.splat(range.high)
  const from = f32x4.splat(a)
  const to = f32x4.splat(b)
  const centre = f32x4.splat(range.centre)
  const room = range.buffer + ((<usize>range.capacity) << 2)
  const last = range.values + ((<usize>end) << 2)
  const some = firstLanes(end - start)
  let below = i32x4.splat(0)
  let inside = 0
  let next = out
  for (let at = range.values + ((<usize>start) << 2); at < last; at += 16) {
    let v = v128.load(at)
    let counts = v128.and(f32x4.ge(v, lowest), f32x4.le(v, highest))
    if (end - start < 4) counts = v128.and(counts, some)
    if (distances) v = f32x4.abs(f32x4.sub(v, centre))
    below = i32x4.sub(below, v128.and(counts, f32x4.lt(v, from)))
    const bits = i32x4.bitmask(v128.and(counts, v128.and(f32x4.ge(v, from), f32x4.le(v, to))))
    if (bits == 0) continue
    inside += popcnt<i32>(bits)
    if (next > room) continue
    // each lane is written where the next value goes; only wanted ones move that place
    store<f32>(next, f32x4.extract_lane(v, 0))
    next += <usize>((bits & 1) << 2)
    store<f32>(next, f32x4.extract_lane(v, 1))
    next += <usize>((bits & 2) << 1)
    store<f32>(next, f32x4.extract_lane(v, 2))
    next += <usize>(bits & 4)
    store<f32>(next, f32x4.extract_lane(v, 3))
    next += <usize>((bits & 8) >> 1)
  }
  out = next
  range.below += sumLanes(below)
  range.inside += inside
}

/** All bits of the first `n` lanes. */
// @ts-ignore: decorator
@inline
export function firstLanes(n: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n))
}

// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): i32 {
  return (
    i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3)
  )
}

/** The values of the range next below and next above `value`, infinite where there is none, as two floats. */
export function neighbours(range: Range, value: f32, results: usize): void {
  const lowest = f32x4.splat(range.low)
  const highest = f32x4.splat(range.high)
  const at = f32x4.splat(value)
  let under = f32x4.splat(-Infinity)
  let over = f32x4.splat(Infinity)
  for (let i = 0; i < range.n; i += 4) {
    const v = v128.load(range.values + ((<usize>i) << 2))
    let counts = v128.and(f32x4.ge(v, lowest), f32x4.le(v, highest))
    if (range.n - i < 4) counts = v128.and(counts, firstLanes(range.n - i))
    const less = v128.and(counts, f32x4.lt(v, at))
    const more = v128.and(counts, f32x4.gt(v, at))
    under = f32x4.pmax(under, v128.bitselect(v, f32x4.splat(-Infinity), less))
    over = f32x4.pmin(over, v128.bitselect(v, f32x4.splat(Infinity), more))
  }
  store<f32>(results, max<f32>(max<f32>(f32x4.extract_lane(under, 0), f32x4.extract_lane(under, 1)),
    max<f32>(f32x4.extract_lane(under, 2), f32x4.extract_lane(under, 3))))
  store<f32>(results, min<f32>(min<f32>(f32x4.extract_lane(over, 0), f32x4.extract_lane(over, 1)),
    min<f32>(f32x4.extract_lane(over, 2), f32x4.extract_lane(over, 3))), 4)
}
