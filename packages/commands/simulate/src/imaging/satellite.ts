import { power } from '@nightpipe/math'
import type { Random } from '../random.js'
import type { Canvas, PointSpread } from './point-spread.js'

/** A straight trail right across the frame: a point that it passes, its direction, and its light for each pixel of way. */
export interface Trail {
  x: number
  y: number
  angle: number
  light: number
}

export function trailOf(random: Random, width: number, height: number, light: number): Trail {
  const [x, y] = [width * random.between(0.25, 0.75), height * random.between(0.25, 0.75)]
  return { x, y, angle: random.between(0, Math.PI), light: light * random.between(0.5, 1.5) }
}

/** The Moffat profile summed along a line, of unit area: (1 + d²/a²)^(1/2 - beta) with its norm. */
export function crossSection({ beta, core, wide }: PointSpread): (distance: number) => number {
  const a2 = core * wide
  const shape = (d: number) => power(1 + (d * d) / a2, 0.5 - beta)
  let area = 0
  const [step, reach] = [0.01 * Math.sqrt(a2), 20000]
  for (let k = -reach; k <= reach; k++) area += shape(k * step) * step
  return (d) => shape(d) / area
}

const NODES = [-0.387298, 0, 0.387298]
const WEIGHTS = [5 / 18, 4 / 9, 5 / 18]

/** Adds the trail; returns the pixels in which it is brighter than `least`, by index. */
export function addTrail(
  canvas: Canvas,
  { x: px, y: py, angle, light }: Trail,
  spread: PointSpread,
  least: number,
): number[] {
  const { pixels, width, height } = canvas
  const profile = crossSection(spread)
  const [nx, ny] = [-Math.sin(angle), Math.cos(angle)]
  const reach = 12 * spread.wide
  const seen: number[] = []
  // Along the axis that it crosses steeply, each line of pixels has one short stretch of it.
  const steep = Math.abs(nx) > Math.abs(ny)
  const [lines, length] = steep ? [height, width] : [width, height]
  for (let line = 0; line < lines; line++) {
    const middle = steep ? px - ((line - py) * ny) / nx : py - ((line - px) * nx) / ny
    const half = reach / Math.max(Math.abs(nx), Math.abs(ny))
    for (let k = Math.max(0, Math.ceil(middle - half)); k <= Math.min(length - 1, middle + half); k++) {
      const [x, y] = steep ? [k, line] : [line, k]
      const value = light * pixelMean(profile, (x - px) * nx + (y - py) * ny, nx, ny)
      pixels[y * width + x]! += value
      if (value > least) seen.push(y * width + x)
    }
  }
  return seen
}

/** Mean of the profile over a pixel whose centre is `distance` from the line. */
function pixelMean(profile: (d: number) => number, distance: number, nx: number, ny: number): number {
  let sum = 0
  for (let j = 0; j < 3; j++) {
    for (let i = 0; i < 3; i++) sum += WEIGHTS[i]! * WEIGHTS[j]! * profile(distance + nx * NODES[i]! + ny * NODES[j]!)
  }
  return sum
}
