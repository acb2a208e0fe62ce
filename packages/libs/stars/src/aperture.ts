import { circleOverlap } from './circle.js'
import type { Stamp } from './scene.js'

export interface ApertureSum {
  flux: number
  variance: number
}

/** The sum of a stamp over the circle about (x, y) of the frame, pixels at its rim counting as their part within. */
export function sumCircle(stamp: Stamp, x: number, y: number, radius: number, out: ApertureSum): void {
  const { size, value, variance } = stamp
  const [cx, cy] = [x - stamp.x0, y - stamp.y0]
  const [bottom, top] = [Math.max(0, Math.ceil(cy - radius - 0.5)), Math.min(size - 1, Math.floor(cy + radius + 0.5))]
  let flux = 0
  let noise = 0
  for (let row = bottom; row <= top; row++) {
    const dy = Math.abs(row - cy)
    const near = Math.max(0, dy - 0.5)
    const reach = Math.sqrt(Math.max(0, radius * radius - near * near))
    const far = dy + 0.5
    // whole pixels lie within the chord at the far side of the row
    const whole = far < radius ? Math.sqrt(radius * radius - far * far) - 0.5 : -1
    const first = Math.max(0, Math.ceil(cx - reach - 0.5))
    const last = Math.min(size - 1, Math.floor(cx + reach + 0.5))
    for (let column = first, k = row * size + first; column <= last; column++, k++) {
      const dx = column - cx
      if (dx <= whole && -dx <= whole) {
        flux += value[k]
        noise += variance[k]
        continue
      }
      const part = circleOverlap(dx - 0.5, row - cy - 0.5, dx + 0.5, row - cy + 0.5, radius)
      flux += part * value[k]
      noise += part * variance[k]
    }
  }
  out.flux = flux
  out.variance = noise
}

/** The radius of the circle about (x, y) that holds `wanted`, at most `largest`. */
export function radiusHolding(stamp: Stamp, x: number, y: number, wanted: number, largest: number): number {
  const sum = { flux: 0, variance: 0 }
  let [low, high] = [0, largest]
  let [below, above] = [-wanted, 0]
  // the first radius on a coarse ladder that holds enough, then false position within that step
  const step = Math.max(0.5, largest / 24)
  for (let r = step; r <= largest + 1e-9; r += step) {
    sumCircle(stamp, x, y, r, sum)
    if (sum.flux >= wanted) {
      high = r
      above = sum.flux - wanted
      break
    }
    low = r
    below = sum.flux - wanted
  }
  if (!(above > 0)) return above === 0 && high < largest ? high : largest
  for (let i = 0; i < 8 && high - low > 1e-4; i++) {
    const between = low + ((high - low) * -below) / (above - below)
    sumCircle(stamp, x, y, between, sum)
    const excess = sum.flux - wanted
    if (Math.abs(excess) < 1e-5 * wanted) return between
    if (excess > 0) {
      high = between
      above = excess
      below /= 2
    } else {
      low = between
      below = excess
      above /= 2
    }
  }
  return (low + high) / 2
}
