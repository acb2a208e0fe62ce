import { medianOf } from '@nightpipe/math'
import { type Affine, invert, transform } from '@nightpipe/registration'
import type { Candidate } from './candidates.js'
import { starsOf } from './difference.js'
import { movedSpread } from './moved-spread.js'
import { pointSpread, widthOf } from './profile.js'
import type { Side } from './side.js'
import { isTrack, type Signal } from './track.js'

/** Half of the side of a first look at the point spread, px; then so many FWHM. */
const FIRST = 12
const HALF = 2.5
/** Pixels are looked at out to so many FWHM; the level under them lies in a ring between these. */
const REACH = 1.2
const RING = [1.5, 3] as const
/** The centre is sought on a grid of this, px. */
const FINE = [-0.5, -0.25, 0, 0.25, 0.5]

type Frame = Pick<Side, 'net' | 'variance' | 'width' | 'height' | 'found'>

/** What the other frame has at a place of this one, in its unit; NaN where it has nothing. */
type Steady = (x: number, y: number) => number

/**
 * Whether a candidate is a hot pixel or a particle in the frame that it comes from, the new one or, of what has faded, the
 * reference: a kernel that has gone over it makes it look like a star in the difference, but not there, on its own grid. A
 * galaxy seen from its edge is no track: what both frames have is taken off, too.
 */
export function needlesOf(scene: {
  fresh: Frame
  there: Frame
  reference: { net: Float32Array; toReference: Affine }
  difference: { ratio: number }
}): (candidate: Candidate) => boolean {
  const { fresh, there, reference, difference } = scene
  const { net, toReference } = reference
  const back = invert(toReference)
  const frames = {
    fresh: needleTest(fresh, (x, y) => difference.ratio * at(net, fresh, x, y)),
    there: needleTest(there, (x, y) => at(fresh.net, fresh, ...transform(back, x, y)) / difference.ratio),
  }
  return ({ x, y, flux }) => (flux > 0 ? frames.fresh(x, y) : frames.there(...transform(toReference, x, y)))
}

/** The pixel that a place lies in. */
function at(plane: Float32Array, { width, height }: Frame, x: number, y: number): number {
  const [u, v] = [Math.round(x), Math.round(y)]
  return u >= 0 && v >= 0 && u < width && v < height ? plane[v * width + u]! : Number.NaN
}

function needleTest(frame: Frame, steady: Steady): (x: number, y: number) => boolean {
  const chosen = starsOf(frame)
  if (chosen.good.length === 0) return () => false
  const image = { pixels: frame.net, width: frame.width, height: frame.height }
  const spreadOf = (half: number) => pointSpread(image, chosen, chosen.good, half)
  const half = Math.min(20, Math.max(6, Math.ceil(HALF * widthOf(spreadOf(FIRST)))))
  const spread = spreadOf(half)
  const shape = {
    ...{ half, fwhm: widthOf(spread) },
    spreads: FINE.flatMap((dy) => FINE.map((dx) => movedSpread(spread, half, dx, dy))),
  }
  return (x, y) => {
    const pixels = signalsAbout(frame, Math.round(x), Math.round(y), Math.ceil(RING[1] * shape.fwhm))
    if (!isNeedleIn(pixels, shape, x, y)) return false
    const changed = pixels.map((one) => ({ ...one, light: one.light - steady(one.x, one.y) }))
    return changed.some(({ light }) => Number.isNaN(light)) || isNeedleIn(changed, shape, x, y)
  }
}

/** The point spread of a frame, on a grid of parts of a pixel. */
interface Shape {
  spreads: readonly Float64Array[]
  half: number
  fwhm: number
}

function isNeedleIn(wide: readonly Lit[], { spreads, half, fwhm }: Shape, x: number, y: number): boolean {
  const near = Math.max(1.5, fwhm / 2)
  const reach = Math.max(2, Math.round(REACH * fwhm))
  const distance = (one: Signal) => Math.hypot(one.x - x, one.y - y)
  const ring = wide.filter((one) => distance(one) > RING[0] * fwhm && distance(one) < RING[1] * fwhm)
  if (ring.length === 0) return false
  const level = medianOf(ring.map(({ light }) => light))
  const seen = wide
    .map((one) => ({ ...one, value: (one.light - level) / one.sigma }))
    .filter((one) => Math.abs(one.x - x) <= reach && Math.abs(one.y - y) <= reach)
  const top = seen.reduce((a, b) => (b.value > a.value ? b : a))
  // the light of a star beside it would be taken for its own
  if (distance(top) > near) return false
  let [explained, sharpness] = [0, 0]
  for (const spread of spreads) {
    const [signal, norm, peak] = fitAt(seen, spread, half, top)
    if (signal <= 0 || signal ** 2 / norm <= explained) continue
    explained = signal ** 2 / norm
    sharpness = (top.value * top.sigma) / ((signal / norm) * peak)
    for (const one of seen) one.expected = ((signal / norm) * weightAt(spread, half, top, one)) / one.sigma
  }
  const single = sharpness > 1.5 && top.value ** 2 > 0.9 * explained
  return explained > 0 && (single || isTrack(seen, top, explained))
}

interface Lit extends Signal {
  light: number
  sigma: number
}

function signalsAbout({ net, variance, width, height }: Frame, cx: number, cy: number, reach: number): Lit[] {
  const pixels: Lit[] = []
  for (let y = Math.max(0, cy - reach); y <= Math.min(height - 1, cy + reach); y++) {
    for (let x = Math.max(0, cx - reach); x <= Math.min(width - 1, cx + reach); x++) {
      const p = y * width + x
      if (variance[p]! > 0) pixels.push({ x, y, light: net[p]!, sigma: Math.sqrt(variance[p]!), value: 0, expected: 0 })
    }
  }
  return pixels
}

/** Of a point spread about a pixel: its product with the light, its square, and what it has in the pixel itself. */
function fitAt(pixels: readonly Lit[], spread: Float64Array, half: number, at: Signal): [number, number, number] {
  let [signal, norm] = [0, 0]
  for (const one of pixels) {
    const weight = weightAt(spread, half, at, one) / one.sigma
    signal += weight * one.value
    norm += weight * weight
  }
  return [signal, norm, weightAt(spread, half, at, at)]
}

function weightAt(spread: Float64Array, half: number, at: Signal, { x, y }: Signal): number {
  const [u, v] = [x - at.x, y - at.y]
  return Math.abs(u) > half || Math.abs(v) > half ? 0 : spread[(v + half) * (2 * half + 1) + u + half]!
}
