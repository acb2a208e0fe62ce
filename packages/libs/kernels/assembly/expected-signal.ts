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
 * claim a small error. Only pixels of the section are looked at; not-numbers are left out. Rows `from` to `to` of the
 * section are made. `pivot` is a level near that of most pixels; `scratch` has room for 15 (x1 - x0 + 16)
 * values.
 */
export function expectedSignal(
  pixels: usize, stride: i32, x0: i32, y0: i32, x1: i32, y1: i32, from: i32, to: i32,
  pivot: f32, readVariance: f32, perElectron: f32, scratch: usize, target: usize,
): void {
  const n = x1 - x0
  const room = (<usize>(n + 16)) << 2
  const sums = scratch
  const squares = scratch + room
  const counts = squares + room
  memory.fill(scratch, 0, ROOM * room)
  const pivots = f32x4.splat(pivot)
  const one = f32x4.splat(1)
  const structure = f32x4.splat(STRUCTURE)
  const readVariances = f32x4.splat(readVariance)
  const perElectrons = f32x4.splat(perElectron)
  const first = pixels + ((<usize>x0) << 2)
  for (let v = max<i32>(y0, from - 2); v < min<i32>(y1, from + 2); v++) keepRow(first, stride, n, v, pivots, scratch, room)
  for (let y = from; y < to; y++) {
    const rows = min<i32>(y1 - 1, y + 2) - max<i32>(y0, y - 2) + 1
    if (y + 2 < y1) keepRow(first, stride, n, y + 2, pivots, scratch, room)
    const whole = sumKept(n, y, y0, y1, scratch, room)
    if (!whole) countColumns(first, stride, n, max<i32>(y0, y - 2), min<i32>(y1 - 1, y + 2), counts)
    const full = f32x4.splat(5 * <f32>rows)
    const above = first + ((<usize>(max<i32>(y0, y - 1) * stride)) << 2)
    const here = first + ((<usize>(y * stride)) << 2)
    const below = first + ((<usize>(min<i32>(y1 - 1, y + 1) * stride)) << 2)
    const row = target + ((<usize>(y * stride + x0)) << 2)
    for (let x = 0; x < n; x += 4) {
      const at = (<usize>(x + 2)) << 2
      const sum = fiveFrom(sums + at)
      let count = full
      if (!whole) count = f32x4.pmax(one, fiveFrom(counts + at))
      else if (x < 2 || x + 6 > n) count = f32x4.mul(f32x4.splat(<f32>rows), columnsAbout(x, n))
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
      storeFew(row + ((<usize>x) << 2), best, n - x)
    }
  }
}

/** Rows of scratch: sums, squares, counts, zeros, what is known of five rows, and their values and squares. */
const ROOM: usize = 15
const ZEROS: usize = 3
const BAD: usize = 4
const KEPT: usize = 5

/** Values above the pivot and their squares of row `v`, 0 for what is no number, until five rows later. */
function keepRow(first: usize, stride: i32, n: i32, v: i32, pivots: v128, scratch: usize, room: usize): void {
  const largest = f32x4.splat(f32.MAX_VALUE)
  const slot = <usize>(v % 5)
  const values = scratch + (KEPT + 2 * slot) * room
  const row = first + ((<usize>(v * stride)) << 2)
  let all = i32x4.splat(-1)
  for (let at: usize = 0; at < (<usize>n) << 2; at += 16) {
    const value = v128.load(row + at)
    const good = f32x4.le(f32x4.abs(value), largest)
    const d = v128.and(f32x4.sub(value, pivots), good)
    all = v128.and(all, good)
    v128.store(values + at, d)
    v128.store(values + at + room, f32x4.mul(d, d))
  }
  store<i32>(scratch + BAD * room + (slot << 2), i32x4.all_true(all) ? 0 : 1)
}

/** The kept rows about `y` added up, behind 16 bytes of zeros; true when all they hold are numbers. */
function sumKept(n: i32, y: i32, y0: i32, y1: i32, scratch: usize, room: usize): bool {
  const a = keptRow(y - 2, y0, y1, scratch, room)
  const b = keptRow(y - 1, y0, y1, scratch, room)
  const c = keptRow(y, y0, y1, scratch, room)
  const d = keptRow(y + 1, y0, y1, scratch, room)
  const e = keptRow(y + 2, y0, y1, scratch, room)
  for (let at: usize = 0; at < (<usize>n) << 2; at += 16) {
    let sum = f32x4.add(v128.load(a + at), v128.load(b + at))
    sum = f32x4.add(sum, v128.load(c + at))
    sum = f32x4.add(sum, v128.load(d + at))
    v128.store(scratch + at + 16, f32x4.add(sum, v128.load(e + at)))
    // the row of zeros has its squares in the same place
    let square = f32x4.add(v128.load(squaresOf(a, scratch, room) + at), v128.load(squaresOf(b, scratch, room) + at))
    square = f32x4.add(square, v128.load(squaresOf(c, scratch, room) + at))
    square = f32x4.add(square, v128.load(squaresOf(d, scratch, room) + at))
    v128.store(scratch + room + at + 16, f32x4.add(square, v128.load(squaresOf(e, scratch, room) + at)))
  }
  clearTail(scratch, n)
  clearTail(scratch + room, n)
  let bad = 0
  for (let v = max<i32>(y0, y - 2); v <= min<i32>(y1 - 1, y + 2); v++) {
    bad |= load<i32>(scratch + BAD * room + ((<usize>(v % 5)) << 2))
  }
  return bad == 0
}

// @ts-ignore: decorator
@inline
function keptRow(v: i32, y0: i32, y1: i32, scratch: usize, room: usize): usize {
  return scratch + (v < y0 || v >= y1 ? ZEROS : KEPT + 2 * <usize>(v % 5)) * room
}

// @ts-ignore: decorator
@inline
function squaresOf(row: usize, scratch: usize, room: usize): usize {
  return row == scratch + ZEROS * room ? row : row + room
}

/** How many numbers rows `from` to `to` hold in each column, behind 16 bytes of zeros. */
function countColumns(first: usize, stride: i32, n: i32, from: i32, to: i32, counts: usize): void {
  const largest = f32x4.splat(f32.MAX_VALUE)
  const one = f32x4.splat(1)
  for (let x = 0; x < n; x += 4) {
    let count = f32x4.splat(0)
    for (let v = from; v <= to; v++) {
      const value = v128.load(first + ((<usize>(v * stride + x)) << 2))
      count = f32x4.add(count, v128.and(one, f32x4.le(f32x4.abs(value), largest)))
    }
    v128.store(counts + ((<usize>(x + 4)) << 2), count)
  }
  clearTail(counts, n)
}

/** How many of the columns x - 2 … x + 2 there are, for four x. */
function columnsAbout(x: i32, n: i32): v128 {
  let columns = f32x4.splat(0)
  columns = f32x4.replace_lane(columns, 0, <f32>columnsAt(x, n))
  columns = f32x4.replace_lane(columns, 1, <f32>columnsAt(x + 1, n))
  columns = f32x4.replace_lane(columns, 2, <f32>columnsAt(x + 2, n))
  return f32x4.replace_lane(columns, 3, <f32>columnsAt(x + 3, n))
}

function columnsAt(x: i32, n: i32): i32 {
  return max<i32>(1, min<i32>(n - 1, x + 2) - max<i32>(0, x - 2) + 1)
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
