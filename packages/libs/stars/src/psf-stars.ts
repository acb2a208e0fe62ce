import type { Frame } from '@nightpipe/image'
import { MaskBit } from '@nightpipe/image'
import type { StarStamp } from './psf-moffat.js'
import { StarFlag, type Stars } from './stars.js'

/** What pixels are worth, where the frame does not say it by its error plane. */
export interface PixelNoise {
  /** Noise of a pixel of the sky, in the unit of the frame. */
  skySigma: number
  /** Electrons per unit of the frame; without it photon noise is not counted. */
  gain?: number
}

/** Pixels with these bits tell nothing. */
export const UNUSABLE = MaskBit.bad | MaskBit.cosmicRay | MaskBit.noData | MaskBit.saturated

/** Stars with these flags are none, or not whole; neighbours are seen to apart. */
const UNFIT = StarFlag.saturated | StarFlag.truncated | StarFlag.masked | StarFlag.cosmicRay

const CELLS = 10

/** Stars to make the model from: bright, alone, unsaturated, spread over the frame; the brightest of each cell. */
export function choosePsfStars(
  frame: Frame,
  stars: Stars,
  neighbours: Neighbours,
  fwhm: number,
  most: number,
  saturation?: number,
): number[] {
  const reach = 4 * fwhm
  const inside = (i: number) =>
    stars.x[i] > reach / 2 &&
    stars.y[i] > reach / 2 &&
    stars.x[i] < frame.width - 1 - reach / 2 &&
    stars.y[i] < frame.height - 1 - reach / 2
  const limit = 0.8 * (saturation ?? Number.POSITIVE_INFINITY)
  const candidates = Array.from({ length: stars.count }, (_, i) => i)
    .filter((i) => (stars.flags[i] & UNFIT) === 0 && stars.flux[i] > 30 * stars.fluxError[i] && inside(i))
    .filter((i) => Math.abs(stars.fwhm[i] - fwhm) < 0.3 * fwhm && stars.peak[i] + (stars.background[i] || 0) < limit)
    .sort((i, j) => stars.flux[j] - stars.flux[i] || i - j)
  const alone = lonely(candidates, stars, neighbours, fwhm)
  const pool = alone.length >= 12 ? alone : candidates
  const perCell = Math.ceil(most / CELLS ** 2)
  const taken = new Map<number, number>()
  const first: number[] = []
  const rest: number[] = []
  for (const i of pool) {
    const cell =
      Math.floor((CELLS * stars.x[i]) / frame.width) + CELLS * Math.floor((CELLS * stars.y[i]) / frame.height)
    const n = taken.get(cell) ?? 0
    taken.set(cell, n + 1)
    if (n < perCell) first.push(i)
    else rest.push(i)
  }
  return [...first, ...rest].slice(0, most)
}

/** The stars of a frame by place. */
export interface Neighbours {
  /** Calls back with each other star within `reach` of star i. */
  about(i: number, reach: number, found: (j: number, distance: number) => void): void
}

export function neighboursOf(stars: Pick<Stars, 'count' | 'x' | 'y'>, side: number): Neighbours {
  const cells = new Map<number, number[]>()
  const key = (u: number, v: number) => v * 65536 + u
  for (let i = 0; i < stars.count; i++) {
    const k = key(Math.floor(stars.x[i] / side), Math.floor(stars.y[i] / side))
    const list = cells.get(k)
    if (list) list.push(i)
    else cells.set(k, [i])
  }
  return {
    about(i, reach, found) {
      const far = Math.ceil(reach / side)
      const [u, v] = [Math.floor(stars.x[i] / side), Math.floor(stars.y[i] / side)]
      for (let b = -far; b <= far; b++) {
        for (let a = -far; a <= far; a++) {
          for (const j of cells.get(key(u + a, v + b)) ?? []) {
            const distance = Math.hypot(stars.x[j] - stars.x[i], stars.y[j] - stars.y[i])
            if (j !== i && distance < reach) found(j, distance)
          }
        }
      }
    },
  }
}

/** A star this near, in widths, with over this part of the light, spoils another for the model. */
const [SPOILS_WITHIN, SPOILS_ABOVE] = [2.2, 0.01]

function lonely(candidates: readonly number[], stars: Stars, neighbours: Neighbours, fwhm: number): number[] {
  return candidates.filter((i) => {
    let alone = true
    neighbours.about(i, SPOILS_WITHIN * fwhm, (j) => {
      if (stars.flux[j] > SPOILS_ABOVE * stars.flux[i]) alone = false
    })
    return alone
  })
}

/** Takes the discs about other stars out of a stamp: the wider, the brighter they are beside its own. */
export function blankNeighbours(
  stamp: StarStamp,
  i: number,
  stars: Stars,
  neighbours: Neighbours,
  fwhm: number,
): StarStamp {
  const { x0, y0, size, variance } = stamp
  neighbours.about(i, size, (j) => {
    const ratio = stars.flux[j] / stars.flux[i]
    if (!(ratio > 2e-3)) return
    const radius = fwhm * (1.4 + 0.6 * Math.max(0, Math.log10(ratio / 2e-2)))
    for (let row = 0, k = 0; row < size; row++) {
      for (let column = 0; column < size; column++, k++) {
        if ((column + x0 - stars.x[j]) ** 2 + (row + y0 - stars.y[j]) ** 2 < radius * radius) variance[k] = 0
      }
    }
  })
  return stamp
}

/** The pixels within `half` of the one nearest to (x, y), less `level`. Unusable ones have variance 0. */
export function cutStar(frame: Frame, noise: PixelNoise, x: number, y: number, half: number, level: number): StarStamp {
  const { width, height, pixels, error, mask } = frame
  const [x0, y0] = [Math.round(x) - half, Math.round(y) - half]
  const size = 2 * half + 1
  const value = new Float64Array(size * size)
  const variance = new Float64Array(size * size)
  const sky = noise.skySigma ** 2
  for (let row = 0, k = 0; row < size; row++) {
    for (let column = 0; column < size; column++, k++) {
      const px = x0 + column
      const py = y0 + row
      if (px < 0 || py < 0 || px >= width || py >= height) continue
      const p = py * width + px
      const net = pixels[p] - level
      if (Number.isNaN(net) || (mask && (mask[p] & UNUSABLE) !== 0)) continue
      value[k] = net
      variance[k] = error ? error[p] * error[p] : sky + (noise.gain && net > 0 ? net / noise.gain : 0)
    }
  }
  return { x0, y0, size, value, variance }
}
