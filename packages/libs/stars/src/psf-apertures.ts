import { type Frame, MaskBit } from '@nightpipe/image'
import { medianOf } from '@nightpipe/math'
import type { Found } from './found.js'
import { varianceTogether } from './noise-correlation.js'
import type { PsfFluxes } from './psf-fit.js'
import { type Psf, samplePsf } from './psf-model.js'
import type { PixelNoise } from './psf-stars.js'
import type { SubtractedLight } from './psf-subtract.js'

export interface ApertureOptions extends Partial<PixelNoise> {
  /** Radii of the circles, px. */
  radii: readonly number[]
  /** Inner and outer radius of the ring whose median is the sky, px; without it the sky is that of the meshes. */
  ring?: readonly [number, number]
  /** What the fit of the profile took from the frame: each place then has its own light, and that of no other star. */
  alone?: Pick<PsfFluxes, 'residual'> & { own(place: number): SubtractedLight | undefined }
  /** The profile: with it a circle of which pixels are missing counts as the part of the light that the others hold. */
  psf?: Psf
}

/** Sums in circles about given places: one array for each radius. */
export interface ApertureFluxes {
  radii: number[]
  flux: Float64Array[]
  error: Float64Array[]
  /** What was wrong within the largest circle of each place: bits of `ApertureFlag`. */
  flags: Int16Array
  /** Level of the ring over the meshes, 0 without one. */
  sky: Float64Array
}

export const ApertureFlag = { masked: 1, outside: 2, saturated: 4, neighbours: 8 } as const

/** Pixels that say nothing, for sums. */
const UNUSABLE = MaskBit.bad | MaskBit.cosmicRay | MaskBit.noData

/**
 * Fluxes in circles about any places of a frame whose stars were found: pixels at the rim count as their part within; a
 * pixel of a neighbour, or a bad one, takes the value that stands opposite. With `alone` the fitted neighbours are
 * subtracted instead (Stetson 1990, PASP 102, 932); with `psf` bad pixels, and those beyond the edge, are left out, and
 * the sum of the others is brought to that of the whole circle: no flux where less than a tenth of its light is left.
 */
export function measureApertures(
  frame: Frame,
  found: Pick<Found, 'net' | 'quality' | 'correlation'>,
  owner: Int32Array,
  places: { x: ArrayLike<number>; y: ArrayLike<number> },
  options: ApertureOptions,
): ApertureFluxes {
  const radii = [...options.radii].sort((a, b) => a - b)
  const count = places.x.length
  const out: ApertureFluxes = {
    radii,
    flux: radii.map(() => new Float64Array(count).fill(Number.NaN)),
    error: radii.map(() => new Float64Array(count).fill(Number.NaN)),
    ...{ flags: new Int16Array(count), sky: new Float64Array(count) },
  }
  const view: View = {
    ...{ frame, net: found.net, owner, options, radii, largest: radii.at(-1) ?? 0 },
    skyVariance: (options.skySigma ?? found.quality.skySigma) ** 2,
    factors: radii.map((radius) => found.correlation?.summed(Math.PI * radius ** 2) ?? 1),
  }
  for (let i = 0; i < count; i++) measurePlace(view, i, places.x[i], places.y[i], out)
  return out
}

interface View {
  frame: Frame
  net: Float32Array
  owner: Int32Array
  options: ApertureOptions
  radii: number[]
  largest: number
  skyVariance: number
  /** By which neighbours that share their noise raise that of each circle. */
  factors: number[]
}

function measurePlace(view: View, i: number, x: number, y: number, out: ApertureFluxes): void {
  const perUnit = view.frame.error || !view.options.gain ? 0 : 1 / view.options.gain
  const { frame, options, radii, largest } = view
  const { width, height } = frame
  const inside = x > -0.5 && y > -0.5 && x < width - 0.5 && y < height - 0.5
  if (!inside) {
    out.flags[i] = ApertureFlag.outside
    return
  }
  const own = view.owner[Math.round(y) * width + Math.round(x)]
  const ring = options.ring ? ringLevel(view, x, y, options.ring) : { level: 0, variance: 0 }
  out.sky[i] = ring.level
  const sums = radii.map(() => 0)
  const variances = radii.map(() => 0)
  const areas = radii.map(() => 0)
  const state: PixelState = { flags: 0, variance: 0, missing: false, light: options.alone?.own(i) }
  const light = options.psf && profileLight(options.psf, x, y, largest)
  const whole = radii.map(() => 0)
  const held = radii.map(() => 0)
  for (let py = Math.floor(y - largest); py <= Math.ceil(y + largest); py++) {
    for (let px = Math.floor(x - largest); px <= Math.ceil(x + largest); px++) {
      const dx = px - x
      const dy = py - y
      const r = Math.sqrt(dx * dx + dy * dy)
      if (r > largest + 0.71) continue
      const value = valueAt(view, px, py, Math.round(2 * x - px), Math.round(2 * y - py), own, state) - ring.level
      for (let k = radii.length - 1; k >= 0; k--) {
        if (r > radii[k] + 0.71) break
        const part = r < radii[k] - 0.71 ? 1 : circlePart(dx, dy, radii[k])
        if (light) whole[k] += part * light(px, py)
        if (light && state.missing) continue
        if (light) held[k] += part * light(px, py)
        sums[k] += part * value
        variances[k] += part * state.variance
        areas[k] += part
      }
    }
  }
  out.flags[i] = state.flags
  radii.forEach((_, k) => {
    const rest = light ? held[k] / whole[k] : 1
    if (!(rest > LEAST_LIGHT)) return
    out.flux[k][i] = sums[k] / rest
    const variance = varianceTogether(variances[k], view.factors[k], sums[k], perUnit)
    out.error[k][i] = Math.sqrt(variance + areas[k] ** 2 * ring.variance) / rest
  })
}

/** A circle whose good pixels hold no more of its light tells no flux. */
const LEAST_LIGHT = 0.1

/** Light of the profile at (x, y) in the pixels about it. */
function profileLight(psf: Psf, x: number, y: number, reach: number): (px: number, py: number) => number {
  const [x0, y0] = [Math.floor(x - reach), Math.floor(y - reach)]
  const [columns, rows] = [Math.ceil(x + reach) - x0 + 1, Math.ceil(y + reach) - y0 + 1]
  const light = new Float64Array(columns * rows)
  samplePsf(psf.at(x, y), x, y, x0, y0, columns, rows, light)
  return (px, py) => light[(py - y0) * columns + px - x0]
}

/** What is told of a pixel beside its value. */
interface PixelState {
  flags: number
  variance: number
  missing: boolean
  light?: SubtractedLight
}

/** The net value of a pixel, or of the one opposite; its variance goes to `state`, with the flags. */
function valueAt(
  view: View,
  x: number,
  y: number,
  mirrorX: number,
  mirrorY: number,
  own: number,
  state: PixelState,
): number {
  const { frame, owner, options, skyVariance } = view
  const net = options.alone?.residual ?? view.net
  const { width, height, error, mask } = frame
  state.variance = skyVariance
  state.missing = false
  if (x < 0 || y < 0 || x >= width || y >= height) {
    state.flags |= ApertureFlag.outside
    state.missing = true
    return 0
  }
  let p = y * width + x
  if (mask && (mask[p] & MaskBit.saturated) !== 0) state.flags |= ApertureFlag.saturated
  const bad = Number.isNaN(net[p]) || (mask !== undefined && (mask[p] & UNUSABLE) !== 0)
  const others = (q: number) => !options.alone && owner[q] !== 0 && owner[q] !== own
  if (bad || others(p)) {
    state.flags |= bad ? ApertureFlag.masked : ApertureFlag.neighbours
    state.missing = bad && options.psf !== undefined
    if (state.missing) return 0
    const q = mirrorY * width + mirrorX
    const there = mirrorX >= 0 && mirrorY >= 0 && mirrorX < width && mirrorY < height
    if (!there || Number.isNaN(net[q]) || others(q)) return 0
    p = q
  }
  const value = net[p] + lightIn(state.light, p % width, Math.floor(p / width))
  const photons = options.alone ? view.net[p] : value
  state.variance = error
    ? error[p] * error[p]
    : skyVariance + (options.gain && photons > 0 ? photons / options.gain : 0)
  return value
}

function lightIn(star: SubtractedLight | undefined, x: number, y: number): number {
  if (!star) return 0
  const [column, row] = [x - star.x0, y - star.y0]
  const inside = column >= 0 && row >= 0 && column < star.columns && row < star.rows
  return inside ? star.flux * star.light[row * star.columns + column] : 0
}

function ringLevel({ frame, net, owner }: View, x: number, y: number, [inner, outer]: readonly [number, number]) {
  const values: number[] = []
  for (let py = Math.max(0, Math.floor(y - outer)); py <= Math.min(frame.height - 1, Math.ceil(y + outer)); py++) {
    for (let px = Math.max(0, Math.floor(x - outer)); px <= Math.min(frame.width - 1, Math.ceil(x + outer)); px++) {
      const r2 = (px - x) ** 2 + (py - y) ** 2
      const p = py * frame.width + px
      if (r2 < inner * inner || r2 > outer * outer || owner[p] !== 0 || Number.isNaN(net[p])) continue
      values.push(net[p])
    }
  }
  if (values.length < 20) return { level: 0, variance: 0 }
  const level = medianOf(values)
  const spread = 1.4826 * medianOf(values.map((value) => Math.abs(value - level)))
  return { level, variance: ((Math.PI / 2) * spread * spread) / values.length }
}

/** The part of the pixel whose centre is (dx, dy) off that lies within the circle: exact, quadrant by quadrant. */
function circlePart(dx: number, dy: number, radius: number): number {
  const [x0, x1, y0, y1] = [dx - 0.5, dx + 0.5, dy - 0.5, dy + 0.5]
  return corner(x1, y1, radius) - corner(x0, y1, radius) - corner(x1, y0, radius) + corner(x0, y0, radius)
}

/** Area of the disc between its axes and a corner, with the signs of the corner. */
function corner(x: number, y: number, r: number): number {
  const sign = x < 0 === y < 0 ? 1 : -1
  const u = Math.min(Math.abs(x), r)
  const v = Math.min(Math.abs(y), r)
  if (u * u + v * v <= r * r) return sign * u * v
  const a = Math.sqrt(r * r - v * v)
  return sign * (v * a + segment(u, r) - segment(a, r))
}

function segment(t: number, r: number): number {
  return (t * Math.sqrt(Math.max(0, r * r - t * t)) + r * r * Math.asin(Math.min(1, t / r))) / 2
}
