import type { ApertureSum } from './aperture.js'
import type { Stamp } from './scene.js'

/** An ellipse: xx dx² + yy dy² + xy dx dy = r², r in semi-axes. */
export interface Ellipse {
  b: number
  xx: number
  yy: number
  xy: number
}

/** The first moment of the radius is taken within so many semi-axes. */
export const KRON_REACH = 6

/**
 * The Kron radius (Kron 1980, ApJS 43, 305) in semi-axes of the isophote: the mean elliptical radius of the light within
 * six of them; 0 when there is no light.
 */
export function kronRadius(stamp: Stamp, x: number, y: number, { xx, yy, xy }: Ellipse): number {
  let [light, first] = [0, 0]
  eachInside(stamp, x, y, xx, yy, xy, KRON_REACH * KRON_REACH, (k, r2) => {
    const value = stamp.value[k]
    light += value
    first += value * Math.sqrt(r2)
  })
  return light > 0 && first > 0 ? first / light : 0
}

/** The sum of a stamp over the ellipse of `factor` semi-axes, pixels at its rim counting as their part within. */
export function sumEllipse(stamp: Stamp, x: number, y: number, shape: Ellipse, factor: number, out: ApertureSum): void {
  const { xx, yy, xy, b } = shape
  const { value, variance } = stamp
  // across the rim of the ellipse, a pixel spans about 1 / b of its radius
  const soft = 1 / Math.max(b * factor, 1)
  const outer = factor * (1 + soft / 2)
  let [flux, noise] = [0, 0]
  eachInside(stamp, x, y, xx, yy, xy, outer * outer, (k, r2) => {
    const part = Math.min(1, (outer - Math.sqrt(r2)) / (soft * factor))
    flux += part * value[k]
    noise += part * variance[k]
  })
  out.flux = flux
  out.variance = noise
}

/**
 * The variance of that sum with the noise of its radius: the light at the rim times the change of area, for a radius that
 * follows the Kron radius, or else the isophote, a disc of so many pixels of sky with so much filtered light.
 */
export function totalVariance(
  stamp: Stamp,
  x: number,
  y: number,
  shape: Ellipse & { a: number },
  factor: number,
  isophote: { area: number; light: number; sky: number },
): number {
  const { xx, yy, xy, a, b } = shape
  const sum = { flux: 0, variance: 0 }
  sumEllipse(stamp, x, y, shape, factor, sum)
  const soft = 1 / Math.max(b * factor, 1)
  const radius = kronRadius(stamp, x, y, shape)
  const follows = Math.abs(2.5 * radius - factor) < 1e-9
  const moment = a * a + b * b
  const square = isophote.area / Math.PI
  let [rim, rimNoise, pixels, first, spread, covariance] = [0, 0, 0, 0, 0, 0]
  eachInside(stamp, x, y, xx, yy, xy, KRON_REACH ** 2, (k, r2) => {
    first += stamp.value[k] * Math.sqrt(r2)
  })
  if (follows) {
    eachInside(stamp, x, y, xx, yy, xy, KRON_REACH ** 2, (k, r2) => {
      spread += stamp.variance[k] * ((Math.sqrt(r2) - radius) / first) ** 2
    })
  } else {
    spread = isophote.area * isophote.sky * (square ** 2 / 3 - moment * square + moment ** 2)
    spread /= (2 * moment * isophote.light) ** 2
    covariance = (isophote.area * isophote.sky * (square / 2 - moment)) / (2 * moment * isophote.light)
  }
  const outer = factor * (1 + soft / 2)
  eachInside(stamp, x, y, xx, yy, xy, outer * outer, (k, r2) => {
    const part = Math.min(1, (outer - Math.sqrt(r2)) / (soft * factor))
    if (follows) covariance += (part * stamp.variance[k] * (Math.sqrt(r2) - radius)) / first
    if (Math.sqrt(r2) <= factor * (1 - soft / 2)) return
    rim += stamp.value[k]
    rimNoise += stamp.variance[k]
    pixels++
  })
  const area = (2 * Math.PI * factor ** 2) / Math.sqrt(xx * yy - xy ** 2 / 4)
  const gain = (area * Math.max(0, rim)) / pixels
  const doubt = (area * area * rimNoise) / pixels ** 2
  return sum.variance + 2 * gain * Math.max(0, covariance) + Math.max(0, gain * gain - doubt) * spread
}

function eachInside(
  stamp: Stamp,
  x: number,
  y: number,
  xx: number,
  yy: number,
  xy: number,
  limit: number,
  visit: (k: number, r2: number) => void,
): void {
  const { size } = stamp
  const [cx, cy] = [x - stamp.x0, y - stamp.y0]
  const halfHeight = Math.sqrt((limit * 4 * xx) / Math.max(4 * xx * yy - xy * xy, 1e-12))
  const bottom = Math.max(0, Math.ceil(cy - halfHeight))
  const top = Math.min(size - 1, Math.floor(cy + halfHeight))
  for (let row = bottom; row <= top; row++) {
    const dy = row - cy
    // the chord of the ellipse in this row
    const middle = (-xy * dy) / (2 * xx)
    const half = Math.sqrt(Math.max(0, middle * middle - (yy * dy * dy - limit) / xx))
    const first = Math.max(0, Math.ceil(cx + middle - half))
    const last = Math.min(size - 1, Math.floor(cx + middle + half))
    for (let column = first; column <= last; column++) {
      const dx = column - cx
      const r2 = xx * dx * dx + yy * dy * dy + xy * dx * dy
      if (r2 <= limit) visit(row * size + column, r2)
    }
  }
}
