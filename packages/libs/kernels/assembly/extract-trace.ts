// Optimal extraction of one order of one fibre, four columns at a time: for columns in which nothing odd happened.

/** Rows about a trace that four columns may need together; where a trace is steeper than that they are left to others. */
const MOST_ROWS: i32 = 96
/** Of a mask, in four columns: bad, saturated, cosmic ray, no data. */
const UNUSABLE: u64 = 0x000f000f000f000f
/** A pixel has not more of the flux to itself than this. */
const MOST_LEVERAGE: f32 = 0.9
const ROUNDS = 2

/** Shares of the light, [row][lane]. */
export const shares: usize = memory.data(96 * 16, 16)
/** The profile of four columns, a 0 before and after it. */
const MOST_SAMPLES: i32 = 1020
const blended: usize = memory.data(1024 * 4 + 16, 16)
/** First and last row used, and the variance without light, of each lane. */
const rowsFrom: usize = memory.data(16, 16)
const rowsTo: usize = memory.data(16, 16)
const darkness: usize = memory.data(16, 16)

export let pixels: usize = 0
export let mask: usize = 0
export let width: i32 = 0
export let height: i32 = 0

let perElectron: f32 = 1
let accuracy: f32 = 0
let blur: f32 = 0
let high: f32 = 0
let low: f32 = 0

let profile: usize = 0
let stride: usize = 0
let blocks: i32 = 0
let samples: i32 = 0
let perRow: i32 = 0
let reach: i32 = 0
let half: f64 = 0

/** Rows that the shares at hand reach. */
export let bottom: i32 = 0
export let top: i32 = 0

/** The frame: float32 pixels, int16 masks. */
export function traceFrame(framePixels: usize, frameMask: usize, frameWidth: i32, frameHeight: i32): void {
  pixels = framePixels
  mask = frameMask
  width = frameWidth
  height = frameHeight
}

/**
 * Pixels have the variance dark + electron · model; one further from the model than `above` or `below` sigma makes its column
 * odd, its leverage counted and what the model is not known by: `known` of the light of the pixel, `blurred` of the column's.
 */
export function traceNoise(electron: f32, known: f32, blurred: f32, above: f32, below: f32): void {
  perElectron = electron
  accuracy = known
  blur = blurred
  high = above
  low = below
}

/**
 * The profile of a trace: `count` float32 for each block, `bytes` from block to block, `fine` to the row, the middle one at the
 * centre (1020 at most); linear between samples and between the middles of blocks. It ends `far` rows from the row of the centre; rows up to
 * `window` from the centre are used.
 */
export function traceProfile(
  values: usize,
  bytes: usize,
  pieces: i32,
  count: i32,
  fine: i32,
  far: i32,
  window: f64,
): void {
  profile = values
  stride = bytes
  blocks = pieces
  samples = count
  perRow = fine
  reach = far
  half = window
}

/**
 * Fluxes and errors (float32, at 4 x) of the columns from `first` to `last` of the trace whose rows are `centres` (float64), the
 * variance without light being `dark` (float32) in blocks of `darkBlock` columns. `odd` + x becomes 1 where something odd
 * happened in a column, so that its flux is not to be believed; 0 elsewhere.
 */
export function extractTrace(
  centres: usize,
  first: i32,
  last: i32,
  dark: usize,
  darkBlock: i32,
  flux: usize,
  error: usize,
  odd: usize,
): void {
  for (let x = first; x <= last; x += 4) {
    const lanes = min(4, last - x + 1)
    if (!sampleColumns(centres, x)) {
      for (let lane = 0; lane < lanes; lane++) store<u8>(odd + x + lane, 1)
      continue
    }
    for (let lane = 0; lane < 4; lane++) {
      const y = load<f64>(centres + ((<usize>(x + lane)) << 3))
      store<i32>(rowsFrom + (lane << 2), <i32>Math.ceil(y - half))
      store<i32>(rowsTo + (lane << 2), <i32>Math.floor(y + half))
      store<f32>(darkness + (lane << 2), load<f32>(dark + ((<usize>(min(x + lane, last) / darkBlock)) << 2)))
    }
    const state = solveColumns(x, flux, error)
    for (let lane = 0; lane < lanes; lane++) store<u8>(odd + x + lane, <u8>((state >> lane) & 1))
  }
}

/**
 * By how much the flux of each column changes when all its pixels do by 1, at 4 x of `levers` (float32): Σ P/V over Σ P²/V, with
 * the variance `dark` + electron · model of the flux (float32) at hand. NaN where the columns are left to others.
 */
export function traceLevers(centres: usize, first: i32, last: i32, dark: f32, flux: usize, levers: usize): void {
  const zero = f32x4.splat(0)
  const electron = f32x4.splat(perElectron)
  for (let x = first; x <= last; x += 4) {
    if (!sampleColumns(centres, x)) {
      for (let k = x; k <= min(last, x + 3); k++) store<f32>(levers + ((<usize>k) << 2), f32.NaN)
      continue
    }
    const value = v128.load(flux + ((<usize>x) << 2))
    const end = shares + ((<usize>(top - bottom + 1)) << 4)
    let lever = zero
    let told = zero
    for (let share = shares; share < end; share += 16) {
      const p = v128.load(share)
      const light = f32x4.max(zero, f32x4.mul(p, value))
      const weighted = f32x4.div(p, f32x4.add(f32x4.splat(dark), f32x4.mul(electron, light)))
      lever = f32x4.add(lever, weighted)
      told = f32x4.add(told, f32x4.mul(weighted, p))
    }
    v128.store(levers + ((<usize>x) << 2), f32x4.div(lever, told))
  }
}

/** The shares of the four columns from x on, and the rows they reach; false where that needs too much room. */
// @ts-ignore: decorator
@inline
export function sampleColumns(centres: usize, x: i32): bool {
  bottom = i32.MAX_VALUE
  top = i32.MIN_VALUE
  if (x + 4 > width) return false
  for (let lane = 0; lane < 4; lane++) {
    const middle = <i32>Math.floor(load<f64>(centres + ((<usize>(x + lane)) << 3)) + 0.5)
    bottom = min(bottom, middle - reach)
    top = max(top, middle + reach)
  }
  if (top - bottom >= MOST_ROWS || samples > MOST_SAMPLES) return false
  memory.fill(shares, 0, (<usize>(top - bottom + 1)) << 4)
  blendBlocks(x)
  for (let lane = 0; lane < 4; lane++) sampleLane(lane, load<f64>(centres + ((<usize>(x + lane)) << 3)), bottom)
  return true
}

/** The profile of the four columns from x on, between the middles of two blocks, into `blended`. */
// @ts-ignore: decorator
@inline
function blendBlocks(x: i32): void {
  const place = min(max(((<f64>x + 2) * <f64>blocks) / <f64>width - 0.5, 0), <f64>(blocks - 1))
  const lower = min(<i32>place, max(0, blocks - 2))
  const weight = f32x4.splat(<f32>(place - <f64>lower))
  const a = profile + (<usize>lower) * stride
  const b = profile + (<usize>min(lower + 1, blocks - 1)) * stride
  for (let k = 0; k < samples; k += 4) {
    const at = (<usize>k) << 2
    const low = v128.load(a + at)
    v128.store(blended + at + 4, f32x4.add(low, f32x4.mul(weight, f32x4.sub(v128.load(b + at), low))))
  }
  // a sample beyond either end is 0
  store<f32>(blended, 0)
  store<f32>(blended + ((<usize>(samples + 1)) << 2), 0)
}

/** The shares of the light of column x that its rows get, into its lane. */
// @ts-ignore: decorator
@inline
function sampleLane(lane: i32, y: f64, bottom: i32): void {
  const row = <i32>Math.floor(y + 0.5) - reach
  const start = (<f64>row - y) * <f64>perRow + <f64>(samples - 1) / 2
  const whole = <i32>Math.floor(start)
  const t = <f32>(start - <f64>whole)
  let at = shares + ((<usize>(row - bottom)) << 4) + ((<usize>lane) << 2)
  let k = whole
  for (let r = 0; r <= 2 * reach; r++, k += perRow, at += 16) {
    if (k < -1 || k >= samples) continue
    const sample = blended + ((<usize>(k + 1)) << 2)
    const low = load<f32>(sample)
    store<f32>(at, low + t * (load<f32>(sample + 4) - low))
  }
}

/** Which lanes use a row: all bits of those. */
// @ts-ignore: decorator
@inline
function windowAt(row: i32): v128 {
  const here = i32x4.splat(row)
  return v128.and(i32x4.ge_s(here, v128.load(rowsFrom)), i32x4.le_s(here, v128.load(rowsTo)))
}

/** Fluxes of four columns from x on; returns the lanes in which something is odd, as bits. */
function solveColumns(x: i32, flux: usize, error: usize): i32 {
  const from = max(0, bottom)
  const to = min(height - 1, top)
  const step = (<usize>width) << 2
  const dark = v128.load(darkness)
  const zero = f32x4.splat(0)
  const electron = f32x4.splat(perElectron)
  const origin = pixels + ((<usize>(from * width + x)) << 2)
  const share0 = shares + ((<usize>(from - bottom)) << 4)
  // where to begin: as if all pixels were known alike
  let told = zero
  let sum = zero
  let share = share0
  let at = origin
  for (let row = from; row <= to; row++, share += 16, at += step) {
    const p = v128.and(v128.load(share), windowAt(row))
    told = f32x4.add(told, f32x4.mul(p, p))
    sum = f32x4.add(sum, f32x4.mul(p, v128.load(at)))
  }
  let value = f32x4.div(sum, told)
  for (let round = 0; round < ROUNDS; round++) {
    told = zero
    sum = zero
    share = share0
    at = origin
    for (let row = from; row <= to; row++, share += 16, at += step) {
      const whole = v128.load(share)
      const p = v128.and(whole, windowAt(row))
      const variance = f32x4.add(dark, f32x4.mul(electron, f32x4.max(zero, f32x4.mul(value, whole))))
      const weighted = f32x4.div(p, variance)
      told = f32x4.add(told, f32x4.mul(weighted, p))
      sum = f32x4.add(sum, f32x4.mul(weighted, v128.load(at)))
    }
    value = f32x4.div(sum, told)
  }
  const square = f32x4.div(f32x4.splat(1), told)
  v128.store(flux + ((<usize>x) << 2), value)
  v128.store(error + ((<usize>x) << 2), f32x4.sqrt(square))
  return oddLanes(x, from, to, share0, value, square)
}

/** Lanes with a pixel that cannot be used, or that the model does not explain. */
function oddLanes(x: i32, from: i32, to: i32, share0: usize, value: v128, square: v128): i32 {
  const zero = f32x4.splat(0)
  const one = f32x4.splat(1)
  const dark = v128.load(darkness)
  const electron = f32x4.splat(perElectron)
  const mist = f32x4.mul(f32x4.splat(blur), value)
  const above = f32x4.splat(high * high)
  const below = f32x4.splat(low * low)
  const origin = <usize>(from * width + x)
  let at = pixels + (origin << 2)
  let bits = mask + (origin << 1)
  let share = share0
  let odd = f32x4.ne(value, value)
  for (let row = from; row <= to; row++) {
    const whole = v128.load(share)
    const window = windowAt(row)
    const light = f32x4.mul(value, whole)
    const inverse = f32x4.div(one, f32x4.add(dark, f32x4.mul(electron, f32x4.max(zero, light))))
    const residual = f32x4.sub(v128.load(at), light)
    const known = f32x4.add(f32x4.mul(f32x4.splat(accuracy), light), mist)
    const leverage = f32x4.min(
      f32x4.splat(MOST_LEVERAGE),
      f32x4.mul(f32x4.mul(whole, whole), f32x4.mul(square, inverse)),
    )
    const expected = f32x4.add(f32x4.sub(one, leverage), f32x4.mul(f32x4.mul(known, known), inverse))
    const limit = v128.bitselect(above, below, f32x4.gt(residual, zero))
    const fits = f32x4.le(f32x4.mul(f32x4.mul(residual, residual), inverse), f32x4.mul(limit, expected))
    // of NaN neither is true: it does not fit
    odd = v128.or(odd, v128.andnot(window, fits))
    const masked = load<u64>(bits) & UNUSABLE
    if (masked) odd = v128.or(odd, v128.and(window, maskedLanes(masked)))
    at += (<usize>width) << 2
    bits += (<usize>width) << 1
    share += 16
  }
  return i32x4.bitmask(odd)
}

function maskedLanes(masked: u64): v128 {
  const four = i16x8.replace_lane(i16x8.splat(0), 0, 0)
  const wide = i32x4.extend_low_i16x8_u(i64x2.replace_lane(four, 0, <i64>masked))
  return i32x4.ne(wide, i32x4.splat(0))
}
