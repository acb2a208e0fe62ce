import type { Random } from '../random.js'

/** The out-of-focus shadow of a dust grain: a ring, for telescopes have a central obstruction. */
export interface Dust {
  x: number
  y: number
  radius: number
  depth: number
}

export function scatterDust(random: Random, count: number, depth: number, width: number, height: number): Dust[] {
  const typical = 0.02 * Math.min(width, height) + 4
  return Array.from({ length: count }, () => ({
    x: random.between(0, width),
    y: random.between(0, height),
    radius: typical * random.between(0.6, 1.6),
    depth: depth * random.between(0.2, 1),
  }))
}

const step = (distance: number) => 1 / (1 + Math.exp(distance))

/** Multiplies the image by what each ring lets through. */
export function shadowInPlace(image: Float32Array, width: number, rings: readonly Dust[]): void {
  const height = image.length / width
  for (const { x: cx, y: cy, radius, depth } of rings) {
    const soft = 0.07 * radius + 0.5
    const reach = radius + 12 * soft
    const [x0, x1] = [Math.max(0, Math.ceil(cx - reach)), Math.min(width - 1, Math.floor(cx + reach))]
    for (let y = Math.max(0, Math.ceil(cy - reach)); y <= Math.min(height - 1, cy + reach); y++) {
      for (let x = x0; x <= x1; x++) {
        const r = Math.hypot(x - cx, y - cy)
        image[y * width + x]! *= 1 - depth * (step((r - radius) / soft) - step((r - 0.4 * radius) / soft))
      }
    }
  }
}
