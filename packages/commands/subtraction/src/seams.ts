import { medianOf } from '@nightpipe/math'
import { transform } from '@nightpipe/registration'
import type { Candidate } from './candidates.js'
import type { Side } from './side.js'

/** Frames are missing where a pixel has less than this part of the most that a pixel beside it has, or half of the stack. */
const FULL = 0.85
/** They are missing at a place where they are in at least this part of its pixels: holes of single particles have less. */
const SHARE = 0.15
/** Light of the reference above so many sigma. */
const LIGHT = 4
/** No seam makes more of the light than this part brighter. */
const MOST = 0.5

type Stack = Pick<Side, 'net' | 'variance' | 'width' | 'height' | 'coverage'>

/**
 * Whether a candidate lies on light of a stack where frames of it are missing: at its edges, about saturated stars, along
 * what was taken out of some frames. The point spread there is not that of the whole stack, which the kernel is fitted to,
 * and what is left of a track looks like what has faded.
 */
export function seamsOf(scene: {
  there: Stack
  reference: { toReference: Parameters<typeof transform>[0] }
  difference: { seeing: { reference: number }; ratio: number }
}): (candidate: Candidate) => boolean {
  const { there, reference, difference } = scene
  const { coverage } = there
  if (!coverage) return () => false
  const usual = usualOf(coverage)
  const reach = difference.seeing.reference
  return ({ x, y, flux }) => {
    const disc = discAbout(there, ...(transform(reference.toReference, x, y) as [number, number]), reach)
    const { light, sigma } = lightOf(disc, there)
    return isSeam(disc, coverage, usual) && light > LIGHT * sigma && flux < MOST * difference.ratio * light
  }
}

/** How far about a star a stack is looked at, FWHM, and in how many places of each circle. */
const ABOUT = [0, 0.5, 1, 2, 4, 6, 8]
const PLACES = 16

/**
 * Whether a star is of fewer frames of a stack than what lies about it: those of good seeing are missing, most often, where
 * it was saturated in them alone. What is left is a star of another width.
 */
export function isPartial({ coverage, width, height }: Pick<Stack, 'coverage' | 'width' | 'height'>, fwhm: number) {
  const framesAt = (x: number, y: number) => {
    const [u, v] = [Math.round(x), Math.round(y)]
    return u >= 0 && v >= 0 && u < width && v < height ? coverage![v * width + u]! : Number.NaN
  }
  return (x: number, y: number): boolean => {
    if (!coverage) return false
    let [own, most] = [Number.POSITIVE_INFINITY, 0]
    for (const far of ABOUT) {
      for (let k = 0; k < PLACES; k++) {
        const angle = (2 * Math.PI * k) / PLACES
        const frames = framesAt(x + far * fwhm * Math.cos(angle), y + far * fwhm * Math.sin(angle))
        if (far <= 0.5 && frames < own) own = frames
        if (frames > most) most = frames
      }
    }
    return own < FULL * most
  }
}

/** Frames in half of the pixels that have any, or in more; one pixel in many says it. */
function usualOf(coverage: Float32Array): number {
  const step = Math.max(1, Math.floor(coverage.length / 200_000)) | 1
  const some: number[] = []
  for (let p = 0; p < coverage.length; p += step) if (coverage[p]! > 0) some.push(coverage[p]!)
  return some.length > 0 ? medianOf(some) : 0
}

function isSeam(disc: readonly number[], coverage: Float32Array, usual: number): boolean {
  const most = disc.reduce((high, p) => Math.max(high, coverage[p]!), usual)
  return disc.filter((p) => coverage[p]! < FULL * most).length >= SHARE * disc.length
}

/** The light of some pixels, with its error. */
function lightOf(disc: readonly number[], { net, variance }: Stack): { light: number; sigma: number } {
  let [light, noise] = [0, 0]
  for (const p of disc) {
    if (!(variance[p]! > 0)) continue
    light += net[p]!
    noise += variance[p]!
  }
  return { light, sigma: Math.sqrt(noise) }
}

function discAbout({ width, height }: Stack, cx: number, cy: number, radius: number): number[] {
  const inside: number[] = []
  for (let y = Math.max(0, Math.ceil(cy - radius)); y <= Math.min(height - 1, cy + radius); y++) {
    for (let x = Math.max(0, Math.ceil(cx - radius)); x <= Math.min(width - 1, cx + radius); x++) {
      if ((x - cx) ** 2 + (y - cy) ** 2 <= radius * radius) inside.push(y * width + x)
    }
  }
  return inside
}
