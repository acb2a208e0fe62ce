import { MaskBit, sampleSky, skyAt } from '@nightpipe/image'
import { lent, scoped } from '@nightpipe/kernels'
import { medianOf } from '@nightpipe/math'
import { type Affine, invert, transform } from './affine.js'
import type { AlignedStars } from './align-stars.js'
import type { BrightImage, BrightStars } from './bright-stars.js'
import { localSky, type StarImage } from './measure-star.js'
import { determinant, envelope, inverse, type Moments, minus, moved, plus, product } from './moments.js'

/** A frame whose stars were found before, with its pixels. */
export interface FoundFrame {
  image: BrightImage
  stars: BrightStars
  gain: number
  saturation?: number
}

const FWHM_TO_SIGMA = 1 / (2 * Math.sqrt(2 * Math.LN2))
/** Brightest stars from which the profile of a frame is told. */
const FOR_PROFILE = 100
const ROUNDS = 20
const STILL = 5e-4
/** No centroid is believed to be better than this, px. */
const FLOOR = 0.004
const UNUSABLE = MaskBit.bad | MaskBit.saturated | MaskBit.cosmicRay | MaskBit.noData

/**
 * Stars of two frames measured as if both had the same seeing: what a star and its unresolved neighbours make is then the
 * same in both, and blends, whose centroid moves with the seeing, no longer pull the frames apart. The centroid in a
 * Gaussian window of covariance W of a frame blurred by a Gaussian of covariance D is that in a window W + D of the frame
 * itself; so the window of each frame is T less the covariance of its own profile, T being as wide as the worse
 * seeing and its window ask for. Row k of both lists is the same star; `toFrame` brings places of the reference to the
 * frame. The stars are those of the frame with the worse seeing.
 */
export function equalWindows(
  reference: FoundFrame,
  frame: FoundFrame,
  toFrame: Affine,
): [AlignedStars, AlignedStars] | undefined {
  return scoped(() => equallyMeasured([reference, frame].map(imageOf), reference.stars, frame.stars, toFrame))
}

function equallyMeasured(
  [a, b]: readonly StarImage[],
  ofReference: BrightStars,
  ofFrame: BrightStars,
  toFrame: Affine,
): [AlignedStars, AlignedStars] | undefined {
  const back = invert(toFrame)
  const fromFrame = ofFrame.seeing >= ofReference.seeing
  const worse = fromFrame ? ofFrame : ofReference
  const seeing = worse.seeing
  const places = Array.from(worse.x, (x, k) => {
    const own = [x, worse.y[k]] as const
    const other = transform(fromFrame ? back : toFrame, ...own)
    return { k, inReference: fromFrame ? other : own, inFrame: fromFrame ? own : other }
  }).filter(({ k }) => worse.rough[k] === 0)
  const round: Moments = [(seeing * FWHM_TO_SIGMA) ** 2, (seeing * FWHM_TO_SIGMA) ** 2, 0]
  const some = places.slice(0, FOR_PROFILE)
  const inReference = profileOf(
    a,
    some.map((place) => place.inReference),
    round,
    seeing,
  )
  const inFrame = profileOf(
    b,
    some.map((place) => place.inFrame),
    round,
    seeing,
  )
  if (!inReference || !inFrame) return undefined
  const total = plus(envelope(moved(inReference, toFrame), inFrame), round)
  const windows = [minus(moved(total, back), inReference), minus(total, inFrame)]
  const lists: [MeasuredList, MeasuredList] = [listOf(), listOf()]
  for (const { k, ...place } of places) {
    const first = centroid(a, place.inReference, windows[0], seeing)
    const second = first && centroid(b, place.inFrame, windows[1], seeing)
    if (!first || !second) continue
    for (const [list, one] of [
      [lists[0], first],
      [lists[1], second],
    ] as const) {
      list.x.push(one.x)
      list.y.push(one.y)
      list.error.push(Math.hypot(one.error, FLOOR))
      list.flux.push(worse.flux[k])
    }
  }
  return lists
}

type MeasuredList = ReturnType<typeof listOf>
const listOf = () => ({ x: [] as number[], y: [] as number[], error: [] as number[], flux: [] as number[] })

function imageOf({ image, gain, saturation }: FoundFrame): StarImage {
  const sky = sampleSky(image.pixels, image.width, image.height, { mask: image.mask })
  return { ...image, pixels: lent(image.pixels), sky, gain, saturation }
}

/** Median covariance of the profiles of stars, what the window cut away put back. */
function profileOf(
  image: StarImage,
  places: readonly (readonly [number, number])[],
  window: Moments,
  seeing: number,
): Moments | undefined {
  const all = places.flatMap((place) => {
    const one = centroid(image, place, window, seeing)
    if (!one) return []
    const profile = inverse(minus(inverse(one.moments), inverse(window)))
    return profile[0] > 0 && profile[1] > 0 && determinant(profile) > 0 ? [profile] : []
  })
  if (all.length < 5) return undefined
  const middle = (i: 0 | 1 | 2) => medianOf(all.map((one) => one[i]))
  return [middle(0), middle(1), middle(2)]
}

interface Centre {
  x: number
  y: number
  error: number
  /** Of the light under the window. */
  moments: Moments
}

/** The place near a given one about which an elliptical Gaussian window is balanced; none where it is cut or spoiled. */
function centroid(
  image: StarImage,
  [px, py]: readonly [number, number],
  window: Moments,
  seeing: number,
): Centre | undefined {
  const [sx, sy] = [Math.sqrt(window[0]), Math.sqrt(window[1])]
  const [rx, ry] = [Math.ceil(3 * sx), Math.ceil(3 * sy)]
  const [cx, cy] = [Math.round(px), Math.round(py)]
  if (cx < rx + 1 || cy < ry + 1 || cx >= image.width - rx - 1 || cy >= image.height - ry - 1) return undefined
  if (isSpoiled(image, cx, cy, Math.ceil(1.5 * sx), Math.ceil(1.5 * sy))) return undefined
  const level = localSky(image, cx, cy, seeing)
  let [x, y] = [px, py]
  for (let round = 0; round < ROUNDS; round++) {
    const under = lightUnder(image, [cx, cy], [rx, ry], x, y, window, level)
    if (!under) return undefined
    // how the balance answers when the star moves: 1 less the covariance of the light over that of the window
    const answer = product(under.moments, inverse(window))
    const [a, b, c, d] = [1 - answer[0], -answer[1], -answer[2], 1 - answer[3]]
    const det = a * d - b * c
    if (!(det > 0.01 && a > 0)) return undefined
    const [moveX, moveY] = [(d * under.mx - b * under.my) / det, (a * under.my - c * under.mx) / det]
    x += Math.max(-1, Math.min(1, moveX))
    y += Math.max(-1, Math.min(1, moveY))
    if (!(Math.hypot(x - px, y - py) < 0.7 * seeing)) return undefined
    if (Math.hypot(moveX, moveY) < STILL) {
      return { x, y, moments: under.moments, error: under.error / Math.sqrt(det) }
    }
  }
  return undefined
}

function isSpoiled({ pixels, width, mask, saturation }: StarImage, cx: number, cy: number, rx: number, ry: number) {
  for (let v = cy - ry; v <= cy + ry; v++) {
    for (let u = cx - rx; u <= cx + rx; u++) {
      const q = v * width + u
      if (!Number.isFinite(pixels[q]) || (mask && (mask[q] & UNUSABLE) !== 0)) return true
      if (saturation !== undefined && pixels[q] >= saturation) return true
    }
  }
  return false
}

/** Balance, moments and error (of one direction) of the light under a window at x, y. */
function lightUnder(
  { pixels, width, sky, gain }: StarImage,
  [cx, cy]: readonly [number, number],
  [rx, ry]: readonly [number, number],
  x: number,
  y: number,
  window: Moments,
  level: number,
) {
  const [ixx, iyy, ixy] = inverse(window)
  const noise = skyAt(sky, sky.sigma, x, y) ** 2
  let [sum, mx, my, xx, yy, xy, variance] = [0, 0, 0, 0, 0, 0, 0]
  for (let v = cy - ry; v <= cy + ry; v++) {
    const dy = v - y
    for (let u = cx - rx; u <= cx + rx; u++) {
      const value = pixels[v * width + u] - level
      if (!Number.isFinite(value)) continue
      const dx = u - x
      const w = Math.exp(-0.5 * (ixx * dx * dx + 2 * ixy * dx * dy + iyy * dy * dy))
      const light = w * value
      sum += light
      mx += light * dx
      my += light * dy
      xx += light * dx * dx
      yy += light * dy * dy
      xy += light * dx * dy
      variance += w * w * (noise + Math.max(0, value) / gain) * (dx * dx + dy * dy)
    }
  }
  if (!(sum > 0)) return undefined
  const moments: Moments = [xx / sum, yy / sum, xy / sum]
  return { mx: mx / sum, my: my / sum, moments, error: Math.sqrt(variance / 2) / sum }
}
