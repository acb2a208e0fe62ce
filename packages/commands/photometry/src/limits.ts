import type { Frame } from '@nightpipe/image'
import { MAD_TO_SIGMA, medianOf, power, random } from '@nightpipe/math'
import { type Found, findStars, measureApertures, type Psf, samplePsf } from '@nightpipe/stars'

/** How faint a star can be, as flux: from the noise of empty circles, of a fit of the profile, and from stars put in. */
export interface Limits {
  /** Scatter of the sum in the circle at empty places. */
  emptyScatter: number
  /** Scatter of fits of the profile at empty places, and what independent pixels would make of it. */
  fitScatter: number
  fitNoise: number
  /** Flux of stars put in of which half are found; undefined where it was not sought. */
  halfFound?: number
}

export interface LimitInput {
  frame: Frame
  found: Found
  owner: Int32Array
  psf?: Psf
  radius: number
  apertures: number
  injected: number
  threshold: number
  gain?: number
}

export function findLimits(input: LimitInput): Limits {
  const { found, psf } = input
  const emptyScatter = scatterOfNothing(input)
  const fitNoise = psf ? noiseOfFit(psf, found.quality.skySigma) : Number.NaN
  const fitScatter = psf ? scatterOfFits(input, psf, fitNoise) : Number.NaN
  const halfFound = psf && input.injected > 0 ? injectStars(input, psf, input.threshold * fitScatter) : undefined
  return { emptyScatter, fitScatter, fitNoise, halfFound }
}

/** Places between columns and rows without any star or bad pixel within `radius`, the same in every run. */
function emptyPlaces({ frame, found, owner, radius }: LimitInput, count: number, seed: number, box: Box) {
  const { width, height } = frame
  const dice = random(seed, width, height)
  const places: { x: number[]; y: number[] } = { x: [], y: [] }
  for (let attempt = 0; attempt < 20 * count && places.x.length < count; attempt++) {
    const x = box.x0 + dice.uniform() * (box.x1 - box.x0)
    const y = box.y0 + dice.uniform() * (box.y1 - box.y0)
    if (!isEmpty(owner, found.net, width, x, y, radius)) continue
    places.x.push(x)
    places.y.push(y)
  }
  return places
}

interface Box {
  x0: number
  y0: number
  x1: number
  y1: number
}

/** Where a circle has its pixels. */
function insideOf({ frame: { width, height }, radius }: LimitInput): Box {
  const edge = radius + 2
  return { x0: edge, y0: edge, x1: width - 1 - edge, y1: height - 1 - edge }
}

function isEmpty(owner: Int32Array, net: Float32Array, width: number, x: number, y: number, radius: number): boolean {
  for (let py = Math.ceil(y - radius); py <= y + radius; py++) {
    for (let px = Math.ceil(x - radius); px <= x + radius; px++) {
      const p = py * width + px
      if (owner[p] !== 0 || Number.isNaN(net[p]!)) return false
    }
  }
  return true
}

/** Correlated noise and an uneven background are in it, as they are in the flux of a star. */
function scatterOfNothing(input: LimitInput): number {
  const { frame, found, owner, radius, gain } = input
  const places = emptyPlaces(input, input.apertures, 1, insideOf(input))
  if (places.x.length < 10) return Number.NaN
  const { flux } = measureApertures(frame, found, owner, places, { radii: [radius], gain })
  return clippedDeviation(flux[0]!)
}

/** Sums further off than this many robust deviations hold something that was not found. */
const CLIP = 3
/** Of a normal distribution between its limits at 3: its deviation. */
const KEPT = 0.98658

/** The deviation of what lies near the median: as many values tell it twice as well as the median deviation does. */
function clippedDeviation(values: Float64Array): number {
  const middle = medianOf(values.slice())
  const limit = CLIP * MAD_TO_SIGMA * medianOf(values.map((value) => Math.abs(value - middle)))
  const near = values.filter((value) => Math.abs(value - middle) <= limit)
  const mean = near.reduce((sum, value) => sum + value, 0) / near.length
  return Math.sqrt(near.reduce((sum, value) => sum + (value - mean) ** 2, 0) / near.length) / KEPT
}

/** The same for the profile laid on empty places: neighbouring pixels of a frame that was resampled share their noise. */
function scatterOfFits(input: LimitInput, psf: Psf, expected: number): number {
  const { frame, found, radius } = input
  const reach = Math.ceil(radius)
  const side = 2 * reach + 1
  const places = emptyPlaces(input, input.apertures, 1, insideOf(input))
  if (places.x.length < 10) return expected
  const light = new Float64Array(side * side)
  const fits = places.x.map((x, k) => {
    const y = places.y[k]!
    const [x0, y0] = [Math.round(x) - reach, Math.round(y) - reach]
    samplePsf(psf.at(x, y), x, y, x0, y0, side, side, light)
    const corner = y0 * frame.width + x0
    let [sum, weight] = [0, 0]
    light.forEach((value, p) => {
      const net = found.net[corner + Math.floor(p / side) * frame.width + (p % side)]!
      if (Number.isNaN(net)) return
      sum += net * value
      weight += value * value
    })
    return sum / weight
  })
  return clippedDeviation(Float64Array.from(fits))
}

function noiseOfFit(psf: Psf, skySigma: number): number {
  const stamp = psf.render((psf.width - 1) / 2, (psf.height - 1) / 2, 2 * psf.half + 1)
  return skySigma / Math.sqrt(stamp.reduce((sum, value) => sum + value * value, 0))
}

/** The part of the frame that is searched again with stars in it: as much as tells, not more. */
const PATCH = 768

/** Stars are put in from this part of the flux that the noise of a fit lets expect at the limit, over so many decades. */
const [FAINTEST, DECADES] = [0.25, 1]

/** Puts stars of the frame's own profile at empty places of its middle, and asks the detection which it finds. */
function injectStars(input: LimitInput, psf: Psf, expected: number): number | undefined {
  const { frame, injected, threshold, gain } = input
  const size = Math.min(PATCH, frame.width, frame.height)
  const [x0, y0] = [(frame.width - size) >> 1, (frame.height - size) >> 1]
  const patch = cut(frame, x0, y0, size)
  const edge = input.radius + 8
  const all = emptyPlaces(input, 10 * injected, 2, {
    ...{ x0: x0 + edge, y0: y0 + edge, x1: x0 + size - 1 - edge, y1: y0 + size - 1 - edge },
  })
  const places = apart(all, injected, 6 * psf.fwhm(frame.width / 2, frame.height / 2))
  if (places.length < 20) return undefined
  const dice = random(3, size)
  const stars = places.map(([x, y]) => ({
    x,
    y,
    flux: FAINTEST * expected * power(10, DECADES * dice.uniform()),
    seen: false,
  }))
  const stamp = 2 * psf.half + 1
  for (const star of stars) {
    const light = psf.render(star.x, star.y, stamp)
    const [cx, cy] = [Math.round(star.x) - psf.half - x0, Math.round(star.y) - psf.half - y0]
    for (let k = 0; k < light.length; k++) {
      const [px, py] = [cx + (k % stamp), cy + Math.floor(k / stamp)]
      if (px < 0 || py < 0 || px >= size || py >= size) continue
      const photons = gain ? Math.sqrt((star.flux * light[k]!) / gain) * dice.normal() : 0
      patch.pixels[py * size + px]! += star.flux * light[k]! + photons
    }
  }
  const again = findStars(patch, { threshold, gain })
  for (const star of stars) {
    for (let i = 0; i < again.stars.count && !star.seen; i++) {
      star.seen =
        Math.hypot(again.stars.x[i]! + x0 - star.x, again.stars.y[i]! + y0 - star.y) < 0.8 * psf.fwhm(star.x, star.y)
    }
  }
  return halfPoint(stars)
}

function cut(frame: Frame, x0: number, y0: number, size: number): Frame {
  const rows = <A extends Float32Array | Int16Array>(plane: A | undefined): A | undefined => {
    if (!plane) return undefined
    const out = new (plane.constructor as new (n: number) => A)(size * size)
    for (let y = 0; y < size; y++) {
      const from = (y + y0) * frame.width + x0
      out.set(plane.subarray(from, from + size) as never, y * size)
    }
    return out
  }
  const [pixels, error, mask] = [rows(frame.pixels)!, rows(frame.error), rows(frame.mask)]
  return { name: frame.name, width: size, height: size, pixels, error, mask }
}

function apart({ x, y }: { x: number[]; y: number[] }, count: number, spacing: number): [number, number][] {
  const kept: [number, number][] = []
  for (let i = 0; i < x.length && kept.length < count; i++) {
    const place: [number, number] = [x[i]!, y[i]!]
    if (kept.every(([a, b]) => Math.hypot(a - place[0], b - place[1]) > spacing)) kept.push(place)
  }
  return kept
}

/** The flux at which a logistic curve in log flux, fitted by maximum likelihood, is one half. */
function halfPoint(stars: readonly { flux: number; seen: boolean }[]): number | undefined {
  if (stars.every(({ seen }) => seen) || stars.every(({ seen }) => !seen)) return undefined
  const logs = stars.map(({ flux }) => Math.log10(flux))
  let best: [likelihood: number, at: number] = [Number.NEGATIVE_INFINITY, 0]
  const [low, high] = [Math.min(...logs), Math.max(...logs)]
  for (let step = 0; step <= 200; step++) {
    const at = low + ((high - low) * step) / 200
    for (const slope of [5, 8, 12, 20, 35, 60]) {
      let sum = 0
      stars.forEach(({ seen }, i) => {
        const p = 1 / (1 + Math.exp(-slope * (logs[i]! - at)))
        sum += Math.log(Math.max(1e-9, 0.98 * (seen ? p : 1 - p) + 0.01))
      })
      if (sum > best[0]) best = [sum, at]
    }
  }
  return power(10, best[1])
}
