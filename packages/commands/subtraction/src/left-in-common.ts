import { nearestWithin } from '@nightpipe/registration'
import type { Planes } from './difference.js'
import { leftAbout, type Sample } from './left-about.js'
import { movedSpread } from './moved-spread.js'
import { centredStamp, type Image } from './profile.js'
import type { Registered } from './register.js'
import type { Side } from './side.js'

/** A star of both frames: its place in the new frame, and the light that the reference says it has there. */
interface Star {
  x: number
  y: number
  flux: number
  /** Cut off by an edge, masked in part. */
  isFlawed: boolean
}

/** Looked at on so many of the brightest, and not on fewer than these, of so many sigma. */
const MOST = 60
const LEAST = 16
const SIGNAL = 60
/** Out to so many FWHM, and pixels. */
const REACH = 5
const FARTHEST = 30
const FLAWED = 8 | 256 | 512
const SATURATED = 4
/** Widths differ from that of the others by this part in galaxies. */
const WIDER = 0.3
/** Less than this part of the noise is left as it is. */
const FAINT = 0.05

/**
 * Takes off what all stars leave alike, as the kernel or the point spreads are not quite those of the frames: seen on the
 * bright stars and scaled to the light of each. No star has a part in what is taken off about itself. What is new is no
 * star of the reference, and is not touched.
 */
export function takeOffCommon(
  planes: Planes,
  blank: Uint8Array,
  frames: { fresh: Side; reference: Registered; ratio: number; seeing: number },
): void {
  const { fresh, seeing } = frames
  const { width, height } = fresh
  const { score, fluxError, difference } = planes
  const half = Math.min(FARTHEST, Math.ceil(REACH * seeing))
  const stars = starsOfBoth(frames)
  const filtered = { pixels: score, factor: fluxError, noise: fluxError, width, height }
  const plain = { pixels: difference, noise: planes.error, width, height }
  const bright = stars.filter(({ x, y, flux, isFlawed }) => {
    const p = Math.round(y) * width + Math.round(x)
    return !isFlawed && flux > SIGNAL * fluxError[p]! && isWhole(blank, width, height, x, y, Math.ceil(seeing))
  })
  const chosen: { star: Star; samples: readonly [Sample, Sample] }[] = []
  for (const star of bright.sort((a, b) => b.flux - a.flux)) {
    const one = sampleOf(filtered, star, half, fresh)
    const other = one && sampleOf(plain, star, half, fresh)
    if (other && chosen.push({ star, samples: [one, other] }) === MOST) break
  }
  if (chosen.length < LEAST) return
  const left = leftAbout(
    chosen.map(({ samples: [sample] }) => sample),
    chosen.map(({ samples: [, sample] }) => sample),
    { half, seeing },
  )
  if (!left) return
  const ranks = new Map(chosen.map(({ star }, rank) => [star, rank]))
  for (const star of stars) {
    const p = Math.round(star.y) * width + Math.round(star.x)
    if (!(left.most * star.flux > FAINT * fluxError[p]!)) continue
    const [ofSignal, ofPlain] = left.at(placeOf(star, fresh), ranks.get(star))
    const most = ofSignal.reduce((high, value) => Math.max(high, Math.abs(value)), 0)
    if (!(most * star.flux > FAINT * fluxError[p]!)) continue
    takeOff(filtered, star, ofSignal, half)
    takeOff(plain, star, ofPlain, half)
  }
}

function starsOfBoth({ fresh, reference, ratio, seeing }: Parameters<typeof takeOffCommon>[2]): Star[] {
  const { stars } = fresh.found
  return nearestWithin(stars, reference.stars, 1.5).flatMap(([i, j]) => {
    const flux = reference.stars.flux[j]! * ratio
    const flags = stars.flags[i]! | reference.stars.flags[j]!
    if ((flags & SATURATED) !== 0 || !(flux > 0) || Math.abs(stars.fwhm[i]! - seeing) > WIDER * seeing) return []
    return { x: stars.x[i]!, y: stars.y[i]!, flux, isFlawed: (flags & FLAWED) !== 0 }
  })
}

function isWhole(blank: Uint8Array, width: number, height: number, cx: number, cy: number, reach: number): boolean {
  for (let y = Math.round(cy) - reach; y <= cy + reach; y++) {
    for (let x = Math.round(cx) - reach; x <= cx + reach; x++) {
      if (x < 0 || y < 0 || x >= width || y >= height || blank[y * width + x] !== 0) return false
    }
  }
  return true
}

/** From -1 to 1 over the field. */
const placeOf = ({ x, y }: Star, { width, height }: Side) => [(2 * x) / width - 1, (2 * y) / height - 1] as const

interface Noisy extends Image {
  noise: Float32Array
}

/** What is left about a star, as a part of its light, with its noise. */
function sampleOf(image: Noisy, star: Star, half: number, field: Side): Sample | undefined {
  const values = centredStamp(image, star.x, star.y, half)?.map((value) => value / star.flux)
  if (!values?.every(Number.isFinite)) return undefined
  const [cx, cy] = [Math.round(star.x), Math.round(star.y)]
  const side = 2 * half + 1
  const noise = values.map((_, p) => {
    const at = (cy - half + Math.floor(p / side)) * image.width + cx - half + (p % side)
    return image.noise[at]! / star.flux
  })
  return noise.every((value) => value > 0) ? { values, noise, place: placeOf(star, field) } : undefined
}

/** Takes light off about a star; what is masked (without noise) stays as it is. */
function takeOff({ pixels, factor, width, height }: Image, star: Star, left: Float64Array, half: number): void {
  const [cx, cy] = [Math.round(star.x), Math.round(star.y)]
  const moved = movedSpread(left, half, star.x - cx, star.y - cy)
  const side = 2 * half + 1
  const [fromX, toX] = [Math.max(0, cx - half), Math.min(width - 1, cx + half)]
  for (let y = Math.max(0, cy - half); y <= Math.min(height - 1, cy + half); y++) {
    const row = (y - cy + half) * side - cx + half
    for (let x = fromX; x <= toX; x++) {
      const p = y * width + x
      const light = star.flux * moved[row + x]!
      if (!factor) pixels[p]! -= light
      else if (factor[p]! > 0) pixels[p]! -= light / factor[p]!
    }
  }
}
