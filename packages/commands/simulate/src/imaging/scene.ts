import { power } from '@nightpipe/math'
import { randomOf } from '../random.js'
import type { Camera } from './camera.js'
import type { Exposure } from './night.js'
import {
  addEllipticity,
  addTrailedStar,
  type Canvas,
  drawingRadius,
  type PointSpread,
  pointSpread,
} from './point-spread.js'
import { addTrail, type Trail, trailOf } from './satellite.js'
import { nth, type Settings } from './schema.js'
import { magnitudeOf, positionOf, type Source, wcsOf } from './sources.js'
import { type Conditions, filterIndex } from './weather.js'

/** A source in a frame. Positions are of binned pixels, (0, 0) the centre of the first, at mid-exposure. */
export interface Seen {
  source: Source
  ra: number
  dec: number
  x: number
  y: number
  magnitude: number
  /** electrons of the whole exposure, through clouds and before the flat */
  electrons: number
  inside: boolean
}

/** Fills the canvas with the light of the sky: electrons per second in each unbinned pixel. */
export function paintSky(
  { pixels, width, height }: Canvas,
  conditions: Conditions,
  seed: number,
  filter: string,
): void {
  const { sky, gradient, fringes } = conditions
  const [gx, gy] = [(2 * gradient[0]) / width, (2 * gradient[1]) / height]
  const ripple = fringes > 0 ? fringePattern(seed, filter, width, height) : undefined
  for (let y = 0; y < height; y++) {
    const row = 1 + gy * (y - (height - 1) / 2)
    for (let x = 0; x < width; x++) {
      const light = row + gx * (x - (width - 1) / 2)
      pixels[y * width + x] = sky * (ripple ? light + fringes * ripple(x, y) : light)
    }
  }
}

/** Fringes of a thin detector: equal-thickness lines, bent; between -1 and 1, the same in every frame of a filter. */
function fringePattern(seed: number, filter: string, width: number, height: number) {
  const random = randomOf(seed, 'fringes', filter)
  const [a, b, c, d] = Array.from({ length: 4 }, () => random.between(0.5, 1.5)) as [number, number, number, number]
  const phase = random.between(0, 6)
  return (x: number, y: number) => {
    const [u, v] = [x / width, y / height]
    return Math.sin(40 * (a * u * u + b * u * v + c * v) + 4 * Math.sin(3 * d * u + phase))
  }
}

/** The profile of stars at a place of the frame; unbinned pixels. */
export function spreadAt(settings: Settings, conditions: Conditions, x: number, y: number): PointSpread {
  const { sky, detector, telescope } = settings
  const [u, v] = [x - (detector.width - 1) / 2, y - (detector.height - 1) / 2]
  const r2 = (u * u + v * v) / ((detector.width / 2) ** 2 + (detector.height / 2) ** 2)
  const width = (conditions.seeing / telescope['pixel scale']) * (1 + sky['corner width'] * r2)
  const radial = sky['corner ellipticity'] * r2
  return pointSpread(
    width,
    sky.beta,
    ...addEllipticity(conditions.ellipticity, conditions.angle, radial, Math.atan2(v, u)),
  )
}

/** Where every source stands in a frame and how bright it is, whether the frame reaches so far or not. */
export function seenIn(settings: Settings, camera: Camera, frame: Exposure, sources: readonly Source[]): Seen[] {
  const { conditions, mjd, seconds } = frame
  if (!conditions) return []
  const wcs = wcsOf(settings, frame, camera.binning)
  const k = filterIndex(settings, frame)
  const middle = mjd + seconds / 2 / 86400
  return sources.flatMap((source): Seen[] => {
    const magnitude = magnitudeOf(source, settings, k, middle)
    const [ra, dec] = positionOf(source, middle, settings['reference catalogue'].epoch)
    const place = wcs.toPixel(ra, dec)
    if (!place || magnitude === undefined) return []
    const [x, y] = place
    const rate = power(10, 0.4 * (nth(settings.filters['zero point'], k) - magnitude)) * conditions.transparency
    const inside = x > -0.5 && y > -0.5 && x < camera.width - 0.5 && y < camera.height - 0.5
    return [{ source, ra, dec, x, y, magnitude, electrons: rate * seconds, inside }]
  })
}

/** Adds the sources: electrons per second. */
export function addSources(canvas: Canvas, settings: Settings, frame: Exposure, seen: readonly Seen[]): void {
  const { conditions, seconds } = frame
  if (!conditions || seconds <= 0) return
  const { binning } = settings.detector
  const inverse = inverseOf(wcsOf(settings, frame, 1).linear.matrix)
  const noise = Math.sqrt(conditions.sky * seconds + nth(settings.detector['read noise'], 0) ** 2)
  for (const { source, x: bx, y: by, electrons } of seen) {
    const [x, y] = [bx * binning + (binning - 1) / 2, by * binning + (binning - 1) / 2]
    const reach = 600 + Math.hypot(...conditions.trail)
    if (x < -reach || y < -reach || x > canvas.width + reach || y > canvas.height + reach) continue
    const [east, north] = conditions.trail
    const [ownEast, ownNorth] = source.motion?.map((rate) => (rate * seconds) / 3600) ?? [0, 0]
    const [dx, dy] = inverse(east + ownEast!, north + ownNorth!)
    const spread = spreadAt(settings, conditions, x, y)
    if (frame.type === 'flat' && electrons * spread.peak < 0.01 * noise) continue // lost in the twilight
    // A twentieth of the noise of a pixel is not seen by anybody.
    const radius = drawingRadius(spread, electrons, 0.05 * noise)
    addTrailedStar(canvas, x, y, dx, dy, electrons / seconds, radius, spread)
  }
}

/** From arcseconds east and north to pixels. */
function inverseOf([a, b, c, d]: readonly [number, number, number, number]) {
  const determinant = (a * d - b * c) * 3600
  return (east: number, north: number): [number, number] => [
    (d * east - b * north) / determinant,
    (a * north - c * east) / determinant,
  ]
}

/** The trails of satellites in a frame. */
export function trailsOf(settings: Settings, { conditions, name }: Exposure): Trail[] {
  const random = randomOf(settings.random.seed, 'satellite', name)
  const { width, height } = settings.detector
  return Array.from({ length: conditions?.satellites ?? 0 }, () =>
    trailOf(random, width, height, settings.events['satellite light']),
  )
}

/** Adds them; returns the unbinned pixels in which they are seen. */
export function addSatellites(canvas: Canvas, settings: Settings, frame: Exposure): number[] {
  const { conditions, seconds } = frame
  if (!conditions || seconds <= 0) return []
  const spread = spreadAt(settings, conditions, canvas.width / 2, canvas.height / 2)
  const noise = Math.sqrt(conditions.sky * seconds + nth(settings.detector['read noise'], 0) ** 2)
  return trailsOf(settings, frame).flatMap((trail) =>
    addTrail(canvas, { ...trail, light: trail.light / seconds }, spread, (0.3 * noise) / seconds),
  )
}
