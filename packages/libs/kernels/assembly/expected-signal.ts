// What a pixel is expected to hold, told from it and those about it: what its photon noise is reckoned from.

/** How far beyond the expected noise the scatter of a window must be before it is taken for structure. */
const STRUCTURE: f32 = 1.6
/** How far from its neighbours' middle a pixel must be, in variances, before it begins to count itself. */
const SHARP: f32 = 6

/**
 * The expected signal of every pixel of columns x0 … x1 and rows y0 … y1 of a plane `stride` wide. Where the 5 x 5 pixels
 * about it scatter no more than 1.6 times what noise gives them, it is their mean m. Else it is the middle c of the 3 x 3
 * (three quarters their median, one quarter their binomial mean) and, where the pixel itself is too far from that for
 * noise, c + (1 - 6 e / d²) d with d = x - c, as James & Stein (1961) shrink. e = readVariance + perElectron c is the
 * variance that noise has there. A pixel thus seldom counts much for its own expectation: one that came out low would
 * claim a small error. Only pixels of the section are looked at; not-numbers are left out. `pivot` is a level near that
 * of most pixels; `scratch` has room for 3 (x1 - x0 + 16) values.
 */
export function expectedSignal(
  pixels: usize, stride: i32, x0: i32, y0: i32, x1: i32, y1: i32,
  pivot: f32, readVariance: f32, perElectron: f32, scratch: usize, target: usize,
): void {
  const n = x1 - x0
  const room = (<usize>(n + 16)) << 2
  const sums = scratch
  const squares = scratch + room
  const counts = squares + room
  memory.fill(scratch, 0, 3 * room)
  const pivots = f32x4.splat(pivot)
  const one = f32x4.splat(1)
  const structure = f32x4.splat(STRUCTURE)
  const readVariances = f32x4.splat(readVariance)
  const perElectrons = f32x4.splat(perElectron)
  for (let y = y0; y < y1; y++) {
    sumColumns(pixels + ((<usize>x0) << 2), stride, n, max<i32>(y0, y - 2), min<i32>(y1 - 1, y + 2), pivots, sums, room)
    const above = pixels + ((<usize>(max<i32>(y0, y - 1) * stride + x0)) << 2)
    const here = pixels + ((<usize>(y * stride + x0)) << 2)
    const below = pixels + ((<usize>(min<i32>(y1 - 1, y + 1) * stride + x0)) << 2)
    const to = target + ((<usize>(y * stride + x0)) << 2)
    for (let x = 0; x < n; x += 4) {
      const at = (<usize>(x + 2)) << 2
      const sum = fiveFrom(sums + at)
      const count = f32x4.pmax(one, fiveFrom(counts + at))
      const mean = f32x4.div(sum, count)
      const level = f32x4.add(mean, pivots)
      const spread = f32x4.sub(fiveFrom(squares + at), f32x4.mul(sum, mean))
      const variance = f32x4.div(spread, f32x4.pmax(one, f32x4.sub(count, one)))
      const noise = noiseOf(readVariances, perElectrons, level)
      const scattered = f32x4.gt(variance, f32x4.mul(structure, noise))
      let best = level
      if (v128.any_true(scattered)) {
        const centre = middle(above, here, below, x, n, level)
        const own = oneOf(here, x, n, centre)
        best = v128.bitselect(sharpened(own, centre, noiseOf(readVariances, perElectrons, centre)), level, scattered)
      }
      storeFew(to + ((<usize>x) << 2), best, n - x)
    }
  }
}

/** Sums, squares and numbers of what rows `from` to `to` hold in each column, behind 16 bytes of zeros. */
function sumColumns(
  pixels: usize, stride: i32, n: i32, from: i32, to: i32, pivots: v128, sums: usize, room: usize,
): void {
  const largest = f32x4.splat(f32.MAX_VALUE)
  const one = f32x4.splat(1)
  for (let x = 0; x < n; x += 4) {
    let sum = f32x4.splat(0)
    let square = sum
    let count = sum
    for (let v = from; v <= to; v++) {
      const value = v128.load(pixels + ((<usize>(v * stride + x)) << 2))
      const good = f32x4.le(f32x4.abs(value), largest)
      const d = v128.and(f32x4.sub(value, pivots), good)
      sum = f32x4.add(sum, d)
      square = f32x4.add(square, f32x4.mul(d, d))
      count = f32x4.add(count, v128.and(one, good))
    }
    const at = sums + ((<usize>(x + 4)) << 2)
    v128.store(at, sum)
    v128.store(at + room, square)
    v128.store(at + 2 * room, count)
  }
  for (let k: usize = 0; k < 3; k++) clearTail(sums + k * room, n)
}

// @ts-ignore: decorator
@inline
function noiseOf(readVariances: v128, perElectrons: v128, level: v128): v128 {
  return f32x4.add(readVariances, f32x4.mul(perElectrons, f32x4.pmax(f32x4.splat(0), level)))
}

/** Where 0 is divided by 0, pmax gives the first: 0. */
// @ts-ignore: decorator
@inline
function sharpened(own: v128, centre: v128, noise: v128): v128 {
  const d = f32x4.sub(own, centre)
  const lost = f32x4.div(f32x4.mul(f32x4.splat(SHARP), noise), f32x4.mul(d, d))
  return f32x4.add(centre, f32x4.mul(f32x4.pmax(f32x4.splat(0), f32x4.sub(f32x4.splat(1), lost)), d))
}

/** Three quarters of the median of the 3 x 3 and a quarter of their mean with weights 1, 2 and 4. */
function middle(above: usize, here: usize, below: usize, x: i32, n: i32, level: v128): v128 {
  let sum = f32x4.splat(0)
  let lows = f32x4.splat(-Infinity)
  let highs = f32x4.splat(Infinity)
  let first = sum
  let second = sum
  let third = sum
  for (let k = 0; k < 3; k++) {
    const line = k == 0 ? above : k == 1 ? here : below
    const a = oneOf(line, x - 1, n, level)
    const b = oneOf(line, x, n, level)
    const c = oneOf(line, x + 1, n, level)
    const row = f32x4.add(f32x4.add(a, c), f32x4.add(b, b))
    sum = f32x4.add(sum, k == 1 ? f32x4.add(row, row) : row)
    lows = f32x4.pmax(lows, f32x4.pmin(a, f32x4.pmin(b, c)))
    highs = f32x4.pmin(highs, f32x4.pmax(a, f32x4.pmax(b, c)))
    first = second
    second = third
    third = median3(a, b, c)
  }
  const median = median3(lows, median3(first, second, third), highs)
  return f32x4.add(f32x4.mul(f32x4.splat(0.75), median), f32x4.mul(f32x4.splat(0.25 / 16), sum))
}

// @ts-ignore: decorator
@inline
function median3(a: v128, b: v128, c: v128): v128 {
  return f32x4.pmax(f32x4.pmin(a, b), f32x4.pmin(f32x4.pmax(a, b), c))
}

/** Columns x … x + 3 of a row, the first and the last repeated beyond the ends, `instead` in place of what is no number. */
// @ts-ignore: decorator
@inline
function oneOf(row: usize, x: i32, n: i32, instead: v128): v128 {
  const v = x >= 0 && x + 4 <= n ? v128.load(row + ((<usize>x) << 2)) : clamped(row, x, n)
  return v128.bitselect(v, instead, f32x4.le(f32x4.abs(v), f32x4.splat(f32.MAX_VALUE)))
}

function clamped(row: usize, x: i32, n: i32): v128 {
  const last = n - 1
  let v = f32x4.splat(load<f32>(row + ((<usize>max<i32>(0, min<i32>(last, x))) << 2)))
  v = f32x4.replace_lane(v, 1, load<f32>(row + ((<usize>max<i32>(0, min<i32>(last, x + 1))) << 2)))
  v = f32x4.replace_lane(v, 2, load<f32>(row + ((<usize>max<i32>(0, min<i32>(last, x + 2))) << 2)))
  return f32x4.replace_lane(v, 3, load<f32>(row + ((<usize>max<i32>(0, min<i32>(last, x + 3))) << 2)))
}

// @ts-ignore: decorator
@inline
function fiveFrom(at: usize): v128 {
  let sum = f32x4.add(v128.load(at), v128.load(at, 4))
  sum = f32x4.add(sum, v128.load(at, 8))
  sum = f32x4.add(sum, v128.load(at, 12))
  return f32x4.add(sum, v128.load(at, 16))
}

/** The vectors behind the last column hold nothing. */
// @ts-ignore: decorator
@inline
function clearTail(line: usize, n: i32): void {
  for (let x = n; x < n + 8; x++) store<f32>(line + ((<usize>(x + 4)) << 2), 0)
}

// @ts-ignore: decorator
@inline
function storeFew(to: usize, v: v128, some: i32): void {
  if (some >= 4) {
    v128.store(to, v)
    return
  }
  store<f32>(to, f32x4.extract_lane(v, 0))
  if (some > 1) store<f32>(to, f32x4.extract_lane(v, 1), 4)
  if (some > 2) store<f32>(to, f32x4.extract_lane(v, 2), 8)
}
