import { pixelInCircle } from './circle.js'
import type { Stamp } from './scene.js'

export interface ApertureSum {
  flux: number
  variance: number
}

/** The sum of a stamp over the circle about (x, y) of the frame, pixels at its rim counting as their part within. */
export function sumCircle(stamp: Stamp, x: number, y: number, radius: number, out: ApertureSum): void {
  const { size, value, variance } = stamp
  const cx = x - stamp.x0
  const cy = y - stamp.y0
  const bottom = Math.max(0, Math.ceil(cy - radius - 0.5))
  const top = Math.min(size - 1, Math.floor(cy + radius + 0.5))
  let flux = 0
  let noise = 0
  for (let row = bottom; row <= top; row++) {
    const dy = row - cy
    const near = Math.max(0, Math.abs(dy) - 0.5)
    const reach = Math.sqrt(Math.max(0, radius * radius - near * near)) + 0.5
    const far = Math.abs(dy) + 0.5
    // whole pixels lie within the chord at the far side of the row
    const whole = far < radius ? Math.sqrt(radius * radius - far * far) - 0.5 : -1
    const last = Math.min(size - 1, Math.floor(cx + reach))
    for (let column = Math.max(0, Math.ceil(cx - reach)), k = row * size + column; column <= last; column++, k++) {
      const dx = column - cx
      const part = dx <= whole && -dx <= whole ? 1 : pixelInCircle(dx, dy, radius)
      flux += part * value[k]
      noise += part * variance[k]
    }
  }
  out.flux = flux
  out.variance = noise
}

/** Bins of the growth curve in a pixel. */
const FINE = 4

/**
 * About the radius that holds `wanted`: the light of each pixel is spread over a ring as wide as the pixel. `scratch` has
 * room for 4 (largest + 2) numbers. `largest` when there is too little light.
 */
export function roughRadius(
  stamp: Stamp,
  x: number,
  y: number,
  wanted: number,
  largest: number,
  scratch: Float64Array,
): number {
  const { size, value } = stamp
  const bins = Math.ceil(largest * FINE)
  scratch.fill(0, 0, bins + FINE + 2)
  const cx = x - stamp.x0
  const cy = y - stamp.y0
  const x0 = Math.max(0, Math.ceil(cx - largest))
  const x1 = Math.min(size - 1, Math.floor(cx + largest))
  const y1 = Math.min(size - 1, Math.floor(cy + largest))
  for (let row = Math.max(0, Math.ceil(cy - largest)); row <= y1; row++) {
    const dy2 = (row - cy) * (row - cy)
    for (let column = x0, k = row * size + x0; column <= x1; column++, k++) {
      const r = Math.sqrt((column - cx) * (column - cx) + dy2)
      if (r > largest) continue
      scratch[Math.max(0, Math.floor((r - 0.5) * FINE + 0.5))] += value[k]
    }
  }
  // a pixel at bin b spreads evenly over the FINE bins from b on
  let sum = 0
  let inside = 0
  for (let b = 0; b < bins; b++) {
    sum += scratch[b] - (b >= FINE ? scratch[b - FINE] : 0)
    const step = sum / FINE
    if (inside + step >= wanted && step > 0) return (b + (wanted - inside) / step) / FINE
    inside += step
  }
  return largest
}

/** The radius of the circle about (x, y) that holds `wanted`, from a guess: secant steps on exact sums. */
export function radiusHolding(
  stamp: Stamp,
  x: number,
  y: number,
  wanted: number,
  guess: number,
  largest: number,
): number {
  const sum = { flux: 0, variance: 0 }
  const excess = (radius: number) => {
    sumCircle(stamp, x, y, radius, sum)
    return sum.flux - wanted
  }
  let a = guess
  let atA = excess(a)
  let b = Math.max(0.3, Math.min(largest, a * (atA > 0 ? 0.9 : 1.1)))
  let atB = excess(b)
  for (let i = 0; i < 5 && Math.abs(atB) > 1e-4 * wanted; i++) {
    const next = b - (atB * (b - a)) / (atB - atA)
    // light that falls with the radius (a neighbour's hole) leads nowhere: the guess is good enough
    if (!(next > 0.5 * guess && next < 1.5 * guess + 0.5 && next <= largest)) return guess
    a = b
    atA = atB
    b = next
    atB = excess(b)
  }
  return b
}
