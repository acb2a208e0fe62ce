// The centroid of a star under a Gaussian window, and its width at half maximum.
import { pixelInCircle } from './circle'
import { Stamp } from './stamp'

/** Of the last centroid: its place in the stamp, its errors, and whether it was found. */
export let centroidX: f64 = 0
export let centroidY: f64 = 0
export let centroidErrorX: f64 = 0
export let centroidErrorY: f64 = 0
export let centroidGood: bool = false
/** Second moments under the window. */
export let windowXX: f64 = 0
export let windowYY: f64 = 0
export let windowXY: f64 = 0

const ITERATIONS: i32 = 16
const CONVERGED: f64 = 2e-4
/** The window is cut at so many sigma. */
const REACH: f64 = 4
/** Of a star much wider than its window, and much narrower; what is beyond is noise. */
const LEAST_MOVED: f64 = 0.4
const MOST_MOVED: f64 = 0.8
/** The least, along a star drawn out. */
const LEAST_ALONG: f64 = 0.2

let light: f64 = 0
let alongX: f64 = 0
let alongY: f64 = 0
let first: i32 = 0
let last: i32 = 0

/**
 * The centroid under a round Gaussian window that follows it, from (x, y) of the stamp. `lines` has room for twice
 * the size of the stamp. `round` cuts the window to a circle, and lets it go where it wants.
 */
export function windowedCentroid(stamp: Stamp, x: f64, y: f64, sigma: f64, lines: usize, round: bool): void {
  let cx = x
  let cy = y
  centroidGood = false
  for (let i = 0; i < ITERATIONS; i++) {
    moments(stamp, cx, cy, sigma, lines, round)
    if (!(light > 0)) break
    const dx = (2 * alongX) / light
    const dy = (2 * alongY) / light
    cx += dx
    cy += dy
    const far = round ? f64.MAX_VALUE : max<f64>(2, 2 * sigma)
    if (!((cx - x) * (cx - x) + (cy - y) * (cy - y) < far * far)) break
    if (cx < 0 || cy < 0 || cx > <f64>(stamp.size - 1) || cy > <f64>(stamp.size - 1)) break
    if (dx * dx + dy * dy < CONVERGED * CONVERGED) {
      centroidGood = true
      break
    }
  }
  if (!centroidGood && !round) {
    cx = x
    cy = y
  }
  centroidX = cx
  centroidY = cy
  errors(stamp, cx, cy, sigma, lines, round)
}

/** A Gaussian along one axis, into `line`; `first` and `last` become the pixels within reach. */
function windowLine(centre: f64, sigma: f64, size: i32, line: usize, rim: bool): void {
  const reach = REACH * sigma + (rim ? 0.5 : 0)
  first = max<i32>(0, <i32>Math.ceil(centre - reach))
  last = min<i32>(size - 1, <i32>Math.floor(centre + reach))
  const scale = -0.5 / (sigma * sigma)
  const d = <f64>first - centre
  // the ratio of neighbours changes by a constant factor
  let value = Math.exp(scale * d * d)
  let ratio = Math.exp(scale * (2 * d + 1))
  const bend = Math.exp(2 * scale)
  for (let i = first; i <= last; i++) {
    store<f64>(line + ((<usize>i) << 3), value)
    value *= ratio
    ratio *= bend
  }
}

function moments(stamp: Stamp, cx: f64, cy: f64, sigma: f64, lines: usize, round: bool): void {
  const size = stamp.size
  const lineY = lines + ((<usize>size) << 3)
  windowLine(cy, sigma, size, lineY, round)
  const y0 = first
  const y1 = last
  windowLine(cx, sigma, size, lines, round)
  light = alongX = alongY = 0
  for (let row = y0; row <= y1; row++) {
    let sum: f64 = 0
    let leaning: f64 = 0
    let x0 = first
    let x1 = last
    if (round) {
      const near = max<f64>(0, Math.abs(<f64>row - cy) - 0.5)
      const chord = Math.sqrt(max<f64>(0, REACH * REACH * sigma * sigma - near * near)) + 0.5
      x0 = max<i32>(0, <i32>Math.ceil(cx - chord))
      x1 = min<i32>(size - 1, <i32>Math.floor(cx + chord))
    }
    let at = stamp.value + ((<usize>(row * size + x0)) << 3)
    for (let column = x0; column <= x1; column++, at += 8) {
      let weighted = load<f64>(lines + ((<usize>column) << 3)) * load<f64>(at)
      if (round) weighted *= pixelInCircle(<f64>column - cx, <f64>row - cy, REACH * sigma)
      sum += weighted
      leaning += weighted * (<f64>column - cx)
    }
    const weight = load<f64>(lineY + ((<usize>row) << 3))
    light += weight * sum
    alongX += weight * leaning
    alongY += weight * sum * (<f64>row - cy)
  }
}

/** Propagates the variance of the pixels to the centroid; takes the second moments as well. */
function errors(stamp: Stamp, cx: f64, cy: f64, sigma: f64, lines: usize, round: bool): void {
  const size = stamp.size
  const lineY = lines + ((<usize>size) << 3)
  windowLine(cy, sigma, size, lineY, false)
  const y0 = first
  const y1 = last
  windowLine(cx, sigma, size, lines, false)
  let all: f64 = 0
  let xx: f64 = 0
  let yy: f64 = 0
  let xy: f64 = 0
  let noiseX: f64 = 0
  let noiseY: f64 = 0
  let noiseXY: f64 = 0
  for (let row = y0; row <= y1; row++) {
    let at = (<usize>(row * size + first)) << 3
    for (let column = first; column <= last; column++, at += 8) {
      const weight = load<f64>(lines + ((<usize>column) << 3)) * load<f64>(lineY + ((<usize>row) << 3))
      const noise = weight * weight * load<f64>(stamp.variance + at)
      const weighted = weight * load<f64>(stamp.value + at)
      const dx = <f64>column - cx
      const dy = <f64>row - cy
      all += weighted
      xx += weighted * dx * dx
      yy += weighted * dy * dy
      xy += weighted * dx * dy
      noiseX += noise * dx * dx
      noiseY += noise * dy * dy
      noiseXY += noise * dx * dy
    }
  }
  // how far the balance moves when the star does: half as far where the window is as wide as its light, and less far along
  // a star drawn out than across
  const spread = 1 / (2 * all * sigma * sigma)
  const moves = round ? 0.5 : min<f64>(MOST_MOVED, max<f64>(LEAST_MOVED, 1 - (xx + yy) * spread))
  let bend = round ? 0 : (yy - xx) * spread
  let lean = round ? 0 : -2 * xy * spread
  const most = (moves - LEAST_ALONG) / Math.sqrt(bend * bend + lean * lean)
  if (most < 1) {
    bend *= most
    lean *= most
  }
  const movesX = moves + bend
  const movesY = moves - bend
  const factor = all > 0 ? 1 / (all * (movesX * movesY - lean * lean)) : NaN
  windowXX = xx / all
  windowYY = yy / all
  windowXY = xy / all
  centroidErrorX = factor * Math.sqrt(movesY * movesY * noiseX - 2 * lean * movesY * noiseXY + lean * lean * noiseY)
  centroidErrorY = factor * Math.sqrt(lean * lean * noiseX - 2 * lean * movesX * noiseXY + movesX * movesX * noiseY)
}

/** Only what is brighter than this part of the highest pixel tells the width. */
const FROM: f64 = 0.2

/**
 * Full width at half maximum of the light about (cx, cy) of the stamp: the logarithm of the pixels is fitted by a parabola
 * in r², as photon noise weighs them, and read off at half of its value in the centre. NaN when the light does not fall.
 */
export function fullWidth(stamp: Stamp, cx: f64, cy: f64, reach: f64): f64 {
  const size = stamp.size
  const x0 = max<i32>(0, <i32>Math.ceil(cx - reach))
  const x1 = min<i32>(size - 1, <i32>Math.floor(cx + reach))
  const y0 = max<i32>(0, <i32>Math.ceil(cy - reach))
  const y1 = min<i32>(size - 1, <i32>Math.floor(cy + reach))
  let peak: f64 = 0
  for (let row = y0; row <= y1; row++) {
    for (let column = x0; column <= x1; column++) {
      peak = max<f64>(peak, load<f64>(stamp.value + ((<usize>(row * size + column)) << 3)))
    }
  }
  // normal equations of ln I = c0 + c1 r² + c2 r⁴
  let s0: f64 = 0, s1: f64 = 0, s2: f64 = 0, s3: f64 = 0, s4: f64 = 0, t0: f64 = 0, t1: f64 = 0, t2: f64 = 0
  let count = 0
  for (let row = y0; row <= y1; row++) {
    for (let column = x0; column <= x1; column++) {
      const at = (<usize>(row * size + column)) << 3
      const value = load<f64>(stamp.value + at)
      const variance = load<f64>(stamp.variance + at)
      const q = (<f64>column - cx) * (<f64>column - cx) + (<f64>row - cy) * (<f64>row - cy)
      if (value < FROM * peak || !(variance > 0) || q > reach * reach || !(peak > 0)) continue
      const weight = (value * value) / variance
      const log = Math.log(value / peak)
      count++
      s0 += weight
      s1 += weight * q
      s2 += weight * q * q
      s3 += weight * q * q * q
      s4 += weight * q * q * q * q
      t0 += weight * log
      t1 += weight * log * q
      t2 += weight * log * q * q
    }
  }
  if (count < 3) return NaN
  const slope = (s0 * t1 - s1 * t0) / (s0 * s2 - s1 * s1)
  const line: f64 = slope < 0 ? 2 * Math.sqrt(-0.6931471805599453 / slope) : NaN
  if (count < 8) return line
  const a = s2 - (s1 * s1) / s0
  const b = s3 - (s1 * s2) / s0
  const c = s4 - (s2 * s2) / s0
  const u = t1 - (s1 * t0) / s0
  const v = t2 - (s2 * t0) / s0
  const c2 = (a * v - b * u) / (a * c - b * b)
  const c1 = (u - b * c2) / a
  // c1 q + c2 q² = -ln 2: the smaller root, where the fit comes down
  const under = c1 * c1 - 4 * c2 * 0.6931471805599453
  if (!(under >= 0 && c1 < 0)) return line
  const q = 1.3862943611198906 / (-c1 + Math.sqrt(under))
  return q > 0 ? 2 * Math.sqrt(q) : line
}
