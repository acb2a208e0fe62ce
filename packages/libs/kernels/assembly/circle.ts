// Sums over circles, pixels at the rim counting as their part within.
import { Stamp } from './stamp'

/** The flux and variance of the last sum. */
export let sumFlux: f64 = 0
export let sumVariance: f64 = 0

export function setSum(flux: f64, variance: f64): void {
  sumFlux = flux
  sumVariance = variance
}

/** Below this radius the circle bends too much within a pixel for five points. */
const SMALL: f64 = 1.2
/** Points and weights of Gauss-Legendre integration over 0 … 1 about its middle. */
const P1: f64 = 0.2692346550528415
const P2: f64 = 0.4530899229693320
const W0: f64 = 0.2844444444444444
const W1: f64 = 0.2393143352496833
const W2: f64 = 0.1184634425280945

/** The sum over the circle about (cx, cy) of the stamp; `grid` > 0 counts so many points squared of a pixel instead of its area. */
export function sumCircle(stamp: Stamp, cx: f64, cy: f64, radius: f64, grid: i32): void {
  const size = stamp.size
  const bottom = max<i32>(0, <i32>Math.ceil(cy - radius - 0.5))
  const top = min<i32>(size - 1, <i32>Math.floor(cy + radius + 0.5))
  let flux: f64 = 0
  let noise: f64 = 0
  for (let row = bottom; row <= top; row++) {
    const dy = <f64>row - cy
    const near = max<f64>(0, Math.abs(dy) - 0.5)
    const reach = Math.sqrt(max<f64>(0, radius * radius - near * near)) + 0.5
    const far = Math.abs(dy) + 0.5
    const whole = far < radius ? Math.sqrt(radius * radius - far * far) - 0.5 : -1
    const last = min<i32>(size - 1, <i32>Math.floor(cx + reach))
    let column = max<i32>(0, <i32>Math.ceil(cx - reach))
    let at = (<usize>(row * size + column)) << 3
    for (; column <= last; column++, at += 8) {
      const dx = <f64>column - cx
      let part: f64 = 1
      if (dx > whole || -dx > whole) part = grid > 0 ? pointsInCircle(dx, dy, radius, grid) : pixelInCircle(dx, dy, radius)
      flux += part * load<f64>(stamp.value + at)
      noise += part * load<f64>(stamp.variance + at)
    }
  }
  setSum(flux, noise)
}

/** The part of `grid` squared points of the pixel about (dx, dy) that lie within. */
function pointsInCircle(dx: f64, dy: f64, radius: f64, grid: i32): f64 {
  const step: f64 = 1 / <f64>grid
  let inside = 0
  for (let j = 0; j < grid; j++) {
    const y = dy + (<f64>j + 0.5) * step - 0.5
    for (let i = 0; i < grid; i++) {
      const x = dx + (<f64>i + 0.5) * step - 0.5
      if (x * x + y * y < radius * radius) inside++
    }
  }
  return <f64>inside * step * step
}

/**
 * The part of the pixel about (dx, dy) within a circle of this radius about (0, 0). Exact for small circles; for others
 * the arc within the pixel is integrated by five points, which errs by under 1e-4.
 */
export function pixelInCircle(dx: f64, dy: f64, radius: f64): f64 {
  const u = Math.abs(dx)
  const v = Math.abs(dy)
  const r2 = radius * radius
  if ((u + 0.5) * (u + 0.5) + (v + 0.5) * (v + 0.5) <= r2) return 1
  if (radius < SMALL) return circleOverlap(u - 0.5, v - 0.5, u + 0.5, v + 0.5, radius)
  // along the axis on which the arc is flat
  const x = min<f64>(u, v)
  const y = max<f64>(u, v)
  const low = y - 0.5
  if (low >= radius) return 0
  const inner = y + 0.5 < radius ? Math.sqrt(r2 - (y + 0.5) * (y + 0.5)) : 0
  const outer = low > 0 ? Math.sqrt(r2 - low * low) : radius
  if (x >= 0.5) return underArc(x - 0.5, x + 0.5, inner, outer, low, r2)
  return underArc(0, x + 0.5, inner, outer, low, r2) + underArc(0, 0.5 - x, inner, outer, low, r2)
}

/** Area over x0 … x1 between `low` and the circle, at most 1 high: full up to `inner`, nothing from `outer` on. */
function underArc(x0: f64, x1: f64, inner: f64, outer: f64, low: f64, r2: f64): f64 {
  const full = min<f64>(x1, max<f64>(x0, inner)) - x0
  const a = x0 + full
  const b = min<f64>(x1, outer)
  if (b <= a) return full
  const half = b - a
  const q = (a + b) / 2
  const near = height(q - P1 * half, r2) + height(q + P1 * half, r2)
  const far = height(q - P2 * half, r2) + height(q + P2 * half, r2)
  return full + half * (W0 * height(q, r2) + W1 * near + W2 * far - low)
}

// @ts-ignore: decorator
@inline
function height(x: f64, r2: f64): f64 {
  return Math.sqrt(max<f64>(0, r2 - x * x))
}

/** The area that a circle about (0, 0) shares with the rectangle from (x0, y0) to (x1, y1). */
function circleOverlap(x0: f64, y0: f64, x1: f64, y1: f64, radius: f64): f64 {
  return quadrant(x1, y1, radius) - quadrant(x0, y1, radius) - quadrant(x1, y0, radius) + quadrant(x0, y0, radius)
}

/** Area of the disc between the axes and the lines x and y, with the signs of x and y. */
function quadrant(x: f64, y: f64, radius: f64): f64 {
  const sign: f64 = x < 0 == y < 0 ? 1 : -1
  const u = min<f64>(Math.abs(x), radius)
  const v = min<f64>(Math.abs(y), radius)
  const r2 = radius * radius
  if (u * u + v * v <= r2) return sign * u * v
  const a = Math.sqrt(r2 - v * v)
  return sign * (v * a + segment(u, radius) - segment(a, radius))
}

/** The integral of sqrt(r² - t²) from 0 to t. */
function segment(t: f64, radius: f64): f64 {
  const s = min<f64>(1, t / radius)
  return (t * Math.sqrt(max<f64>(0, radius * radius - t * t)) + radius * radius * Math.asin(s)) / 2
}

/** Bins of the growth curve in a pixel. */
const FINE: i32 = 4

/**
 * About the radius that holds `wanted`: the light of each pixel is spread over a ring as wide as the pixel. `scratch` has
 * room for 4 (largest + 2) float64. `largest` when there is too little light.
 */
export function roughRadius(stamp: Stamp, cx: f64, cy: f64, wanted: f64, largest: f64, scratch: usize): f64 {
  const size = stamp.size
  const bins = <i32>Math.ceil(largest * FINE)
  memory.fill(scratch, 0, (<usize>(bins + FINE + 2)) << 3)
  const x0 = max<i32>(0, <i32>Math.ceil(cx - largest))
  const x1 = min<i32>(size - 1, <i32>Math.floor(cx + largest))
  const y1 = min<i32>(size - 1, <i32>Math.floor(cy + largest))
  for (let row = max<i32>(0, <i32>Math.ceil(cy - largest)); row <= y1; row++) {
    const dy2 = (<f64>row - cy) * (<f64>row - cy)
    let at = stamp.value + ((<usize>(row * size + x0)) << 3)
    for (let column = x0; column <= x1; column++, at += 8) {
      const r = Math.sqrt((<f64>column - cx) * (<f64>column - cx) + dy2)
      if (r > largest) continue
      const bin = scratch + ((<usize>max<i32>(0, <i32>((r - 0.375) * FINE))) << 3)
      store<f64>(bin, load<f64>(bin) + load<f64>(at))
    }
  }
  // a pixel at bin b spreads evenly over the FINE bins from b on
  let sum: f64 = 0
  let inside: f64 = 0
  for (let b = 0; b < bins; b++) {
    sum += load<f64>(scratch + ((<usize>b) << 3))
    if (b >= FINE) sum -= load<f64>(scratch + ((<usize>(b - FINE)) << 3))
    const step = sum / FINE
    if (inside + step >= wanted && step > 0) return (<f64>b + (wanted - inside) / step) / FINE
    inside += step
  }
  return largest
}

/** The radius of the circle that holds `wanted`, from a guess: secant steps on the sums. */
export function radiusHolding(stamp: Stamp, cx: f64, cy: f64, wanted: f64, guess: f64, largest: f64): f64 {
  let a = guess
  sumCircle(stamp, cx, cy, a, 0)
  let atA = sumFlux - wanted
  let b = max<f64>(0.3, min<f64>(largest, a * (atA > 0 ? 0.9 : 1.1)))
  sumCircle(stamp, cx, cy, b, 0)
  let atB = sumFlux - wanted
  for (let i = 0; i < 5 && Math.abs(atB) > 1e-4 * wanted; i++) {
    const next = b - (atB * (b - a)) / (atB - atA)
    // light that falls with the radius leads nowhere: the guess is good enough
    if (!(next > 0.5 * guess && next < 1.5 * guess + 0.5 && next <= largest)) return guess
    a = b
    atA = atB
    b = next
    sumCircle(stamp, cx, cy, b, 0)
    atB = sumFlux - wanted
  }
  return b
}

/**
 * The radius of the circle that holds `wanted` as SExtractor finds it: between the two of 64 even steps up to `largest`
 * where the sum passes it, looked for from a guess on.
 */
export function steppedRadius(stamp: Stamp, cx: f64, cy: f64, wanted: f64, guess: f64, largest: f64, grid: i32): f64 {
  const step = largest / 64
  let k = max<i32>(1, min<i32>(63, <i32>(guess / step)))
  sumCircle(stamp, cx, cy, <f64>k * step, grid)
  let here = sumFlux
  while (k > 0 && here > wanted) {
    k--
    sumCircle(stamp, cx, cy, <f64>k * step, grid)
    here = k > 0 ? sumFlux : 0
  }
  while (k < 64) {
    sumCircle(stamp, cx, cy, <f64>(k + 1) * step, grid)
    if (sumFlux >= wanted) return (<f64>k + (wanted - here) / (sumFlux - here)) * step
    here = sumFlux
    k++
  }
  return largest
}
