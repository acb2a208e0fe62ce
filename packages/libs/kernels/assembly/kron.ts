// Elliptical sums: the Kron radius and the total flux. An ellipse is xx dx² + yy dy² + xy dx dy = r², r in semi-axes.
import { setSum } from './circle'
import { Stamp } from './stamp'

/** What was strange within the last ellipse: pixels outside of the frame, masked, a neighbour's; and all of them. */
export let strangeOutside: i32 = 0
export let strangeMasked: i32 = 0
export let strangeForeign: i32 = 0
export let strangeAll: i32 = 0

/** Variance of the logarithm of the last Kron radius, and the light that it was measured on. */
let kronVariance: f64 = 0
let kronLight: f64 = 0
/** What the last ellipse would gain by a relative growth of its radius, the variance of that, and Σ variance r. */
let rimGain: f64 = 0
let rimDoubt: f64 = 0
let radialNoise: f64 = 0

@unmanaged
export class Ellipse {
  xx: f64
  yy: f64
  xy: f64
  b: f64
}

/** The mean elliptical radius of the light within `reach` semi-axes, and its variance; 0 when there is no light. */
export function kronRadius(stamp: Stamp, cx: f64, cy: f64, e: Ellipse, reach: f64): f64 {
  const size = stamp.size
  const limit = reach * reach
  const half = Math.sqrt((limit * 4 * e.xx) / max<f64>(4 * e.xx * e.yy - e.xy * e.xy, 1e-12))
  const top = min<i32>(size - 1, <i32>Math.floor(cy + half))
  let light: f64 = 0
  let first: f64 = 0
  let noise: f64 = 0
  let noiseR: f64 = 0
  let noiseR2: f64 = 0
  for (let row = max<i32>(0, <i32>Math.ceil(cy - half)); row <= top; row++) {
    const dy = <f64>row - cy
    const middle = (-e.xy * dy) / (2 * e.xx)
    const chord = Math.sqrt(max<f64>(0, middle * middle - (e.yy * dy * dy - limit) / e.xx))
    const x1 = min<i32>(size - 1, <i32>Math.floor(cx + middle + chord))
    let column = max<i32>(0, <i32>Math.ceil(cx + middle - chord))
    let at = (<usize>(row * size + column)) << 3
    for (; column <= x1; column++, at += 8) {
      const dx = <f64>column - cx
      const r2 = max<f64>(0, e.xx * dx * dx + e.yy * dy * dy + e.xy * dx * dy)
      const r = Math.sqrt(r2)
      const value = load<f64>(stamp.value + at)
      const variance = load<f64>(stamp.variance + at)
      light += value
      first += value * r
      noise += variance
      noiseR += variance * r
      noiseR2 += variance * r2
    }
  }
  kronLight = light
  kronVariance = 0
  if (!(light > 0 && first > 0)) return 0
  const radius = first / light
  kronVariance = (noiseR2 - 2 * radius * noiseR + radius * radius * noise) / (first * first)
  return radius
}

/**
 * The sum over the ellipse of `factor` semi-axes. A pixel at the rim counts as its part within, as wide as the rim is
 * soft; with `hard`, pixels count whole when their centres lie within.
 */
export function sumEllipse(stamp: Stamp, cx: f64, cy: f64, e: Ellipse, factor: f64, hard: bool): void {
  const size = stamp.size
  const soft: f64 = hard ? 0 : 1 / max<f64>(e.b * factor, 1)
  const outer = factor * (1 + soft / 2)
  const limit = outer * outer
  const inner = factor * (1 - soft / 2)
  const half = Math.sqrt((limit * 4 * e.xx) / max<f64>(4 * e.xx * e.yy - e.xy * e.xy, 1e-12))
  const bottom = <i32>Math.ceil(cy - half)
  const top = <i32>Math.floor(cy + half)
  let flux: f64 = 0
  let noise: f64 = 0
  let noiseR: f64 = 0
  let rimLight: f64 = 0
  let rimNoise: f64 = 0
  let rimPixels: f64 = 0
  clearCounts()
  for (let row = bottom; row <= top; row++) {
    const dy = <f64>row - cy
    const middle = (-e.xy * dy) / (2 * e.xx)
    const chord = Math.sqrt(max<f64>(0, middle * middle - (e.yy * dy * dy - limit) / e.xx))
    const x1 = <i32>Math.floor(cx + middle + chord)
    for (let column = <i32>Math.ceil(cx + middle - chord); column <= x1; column++) {
      if (row < 0 || row >= size || column < 0 || column >= size) {
        strangeOutside++
        strangeAll++
        continue
      }
      const k = <usize>(row * size + column)
      countStrange(load<u8>(stamp.strange + k))
      const dx = <f64>column - cx
      const r2 = e.xx * dx * dx + e.yy * dy * dy + e.xy * dx * dy
      const value = load<f64>(stamp.value + (k << 3))
      const variance = load<f64>(stamp.variance + (k << 3))
      let part: f64 = 1
      if (!hard && r2 > inner * inner) {
        part = (outer - Math.sqrt(r2)) / (soft * factor)
        rimLight += value
        rimNoise += variance
        rimPixels++
      }
      flux += part * value
      noise += part * variance
      noiseR += part * variance * Math.sqrt(max<f64>(0, r2))
    }
  }
  // an ellipse that grows by dr / r gains twice its area times the light of its rim
  const area = (2 * Math.PI * factor * factor) / Math.sqrt(max<f64>(e.xx * e.yy - (e.xy * e.xy) / 4, 1e-12))
  rimGain = rimPixels > 0 ? (area * max<f64>(0, rimLight)) / rimPixels : 0
  rimDoubt = rimPixels > 0 ? (area * area * rimNoise) / (rimPixels * rimPixels) : 0
  radialNoise = noiseR
  setSum(flux, noise)
}

/** The variance of the last ellipse and of its radius, where that is `factor` times the Kron radius. */
export function varianceWithKron(noise: f64, radius: f64): f64 {
  return withRadius(noise, kronVariance, max<f64>(0, radialNoise / radius - noise) / kronLight)
}

/**
 * The same where the radius follows the size of the isophote, whose second moments sum to `moment`: of `area` pixels with
 * this variance each, and this light in all. The isophote is taken for a disc; the photons of the star fall near its centre,
 * and count for nothing there.
 */
export function varianceWithIsophote(noise: f64, moment: f64, area: f64, pixel: f64, light: f64): f64 {
  const square = area / Math.PI
  const scale = 1 / (2 * moment * light)
  const spread = area * pixel * (square * square / 3 - moment * square + moment * moment)
  return withRadius(noise, spread * scale * scale, max<f64>(0, area * pixel * (square / 2 - moment) * scale))
}

/** The radius errs by this relative variance, in common with the sum by this covariance. */
function withRadius(noise: f64, variance: f64, covariance: f64): f64 {
  return noise + 2 * rimGain * covariance + max<f64>(0, rimGain * rimGain - rimDoubt) * variance
}

function clearCounts(): void {
  strangeOutside = strangeMasked = strangeForeign = strangeAll = 0
}

// @ts-ignore: decorator
@inline
function countStrange(what: u8): void {
  strangeAll++
  if (what == 0) return
  if (what == 1) strangeOutside++
  else if (what == 2) strangeMasked++
  else strangeForeign++
}
