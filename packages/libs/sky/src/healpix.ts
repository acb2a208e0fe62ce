import { wrapDegrees } from './angles.js'
import { type Direction, RADIANS } from './sphere.js'

/**
 * The HEALPix tiling of the sky (Gorski et al. 2005, ApJ 622, 759), pixels numbered in the nested scheme. There are
 * 12 · 4^order of them, all of the same area; the four children of pixel p are 4 p … 4 p + 3.
 */

/** The highest order whose numbers fit in 32 bits: pixels of 26 arcseconds. */
export const HIGHEST_ORDER = 13

/** For each of the twelve base pixels: its ring and its longitude, in units of the pixel's half-diagonal. */
const BASE_RING = [2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4]
const BASE_LONGITUDE = [1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7]

function checkOrder(order: number): void {
  if (!(Number.isInteger(order) && order >= 0 && order <= HIGHEST_ORDER)) {
    throw new RangeError(`a HEALPix order is 0 to ${HIGHEST_ORDER}, not ${order}`)
  }
}

export const healpixCount = (order: number): number => 12 * 4 ** order

/** The pixel that holds a direction, in degrees. */
export function healpixOf(order: number, ra: number, dec: number): number {
  checkOrder(order)
  const nside = 2 ** order
  const z = Math.sin(dec * RADIANS)
  const height = Math.abs(z)
  const quarter = wrapDegrees(ra) / 90
  if (height <= 2 / 3) {
    const [rise, fall] = [nside * (0.5 + quarter), nside * z * 0.75]
    const [jp, jm] = [Math.floor(rise - fall), Math.floor(rise + fall)]
    const [fp, fm] = [jp >> order, jm >> order]
    const base = fp === fm ? (fp & 3) + 4 : fp < fm ? fp & 3 : (fm & 3) + 8
    return numberOf(order, base, jm & (nside - 1), nside - (jp & (nside - 1)) - 1)
  }
  const quadrant = Math.min(3, Math.floor(quarter))
  const part = quarter - quadrant
  // Near the poles 1 - |z| loses digits that the cosine of the declination has.
  const reach =
    height < 0.99
      ? nside * Math.sqrt(3 * (1 - height))
      : (nside * Math.cos(dec * RADIANS)) / Math.sqrt((1 + height) / 3)
  const jp = Math.min(nside - 1, Math.floor(part * reach))
  const jm = Math.min(nside - 1, Math.floor((1 - part) * reach))
  return z >= 0 ? numberOf(order, quadrant, nside - jm - 1, nside - jp - 1) : numberOf(order, quadrant + 8, jp, jm)
}

const numberOf = (order: number, base: number, x: number, y: number): number =>
  base * 4 ** order + spread(x) + 2 * spread(y)

/** The bits of a number below 2^13, each moved to twice its place. */
function spread(value: number): number {
  let v = value
  v = (v | (v << 8)) & 0x00ff00ff
  v = (v | (v << 4)) & 0x0f0f0f0f
  v = (v | (v << 2)) & 0x33333333
  return (v | (v << 1)) & 0x55555555
}

function gather(value: number): number {
  let v = value & 0x55555555
  v = (v | (v >> 1)) & 0x33333333
  v = (v | (v >> 2)) & 0x0f0f0f0f
  v = (v | (v >> 4)) & 0x00ff00ff
  return (v | (v >> 8)) & 0x0000ffff
}

/** The direction of a pixel's centre, in degrees. */
export function healpixCentre(order: number, pixel: number): Direction {
  checkOrder(order)
  if (!(Number.isInteger(pixel) && pixel >= 0 && pixel < healpixCount(order))) {
    throw new RangeError(`HEALPix order ${order} has no pixel ${pixel}`)
  }
  const nside = 2 ** order
  const base = Math.floor(pixel / 4 ** order)
  const inside = pixel - base * 4 ** order
  const [x, y] = [gather(inside), gather(inside >> 1)]
  const ring = BASE_RING[base] * nside - x - y - 1
  const fromPole = ring < nside ? ring : ring > 3 * nside ? 4 * nside - ring : nside
  let turn = BASE_LONGITUDE[base] * fromPole + x - y
  if (turn < 0) turn += 8 * fromPole
  const ra = (45 * turn) / fromPole
  if (fromPole === nside) return [ra, Math.asin(((2 * nside - ring) * 2) / (3 * nside)) / RADIANS]
  const cap = (fromPole * fromPole) / (3 * nside * nside) // 1 - |z|
  const dec = Math.atan2(1 - cap, Math.sqrt(cap * (2 - cap))) / RADIANS
  return [ra, ring < nside ? dec : -dec]
}

/** No point of a pixel of this order is farther than this from its centre, in degrees. */
export function healpixRadius(order: number): number {
  const nside = 2 ** order
  // The pixel with the longest diagonal touches the edge of the polar cap.
  const z = 1 - (1 - 1 / nside) ** 2 / 3
  const [a, b] = [unit(Math.PI / (4 * nside), 2 / 3), unit(0, z)]
  const cross = Math.hypot(a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
  return Math.atan2(cross, a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) / RADIANS
}

function unit(phi: number, z: number): [number, number, number] {
  const s = Math.sqrt(1 - z * z)
  return [s * Math.cos(phi), s * Math.sin(phi), z]
}

/**
 * The pixels that a circle on the sky may touch, in ascending order: all that it does, and now and then a neighbour that
 * it misses by a hundredth of a pixel (the `inclusive` of other packages).
 */
export function healpixDisc(order: number, ra: number, dec: number, radius: number): number[] {
  checkOrder(order)
  const reach = Array.from({ length: order + 1 }, (_, level) => radius + healpixRadius(level))
  const near = reach.map((angle) => (angle >= 180 ? -1 : Math.cos(angle * RADIANS)))
  const within = radius >= 180 ? -1 : Math.cos(radius * RADIANS)
  const [sd, cd] = [Math.sin(dec * RADIANS), Math.cos(dec * RADIANS)]
  const cosineTo = ([a, d]: Direction): number =>
    sd * Math.sin(d * RADIANS) + cd * Math.cos(d * RADIANS) * Math.cos((a - ra) * RADIANS)
  const home = healpixOf(order, ra, dec)
  // No point of an edge is farther than half of a step from the next sample.
  const slack = Math.cos(Math.min(180, radius + healpixRadius(order) / SAMPLES) * RADIANS)
  const touches = (pixel: number): boolean =>
    pixel === home || edgeOf(order, pixel).some((point) => cosineTo(point) >= slack - 1e-14)
  const found: number[] = []
  const visit = (level: number, pixel: number): void => {
    const cosine = cosineTo(healpixCentre(level, pixel))
    if (cosine < near[level] - 1e-14) return
    if (level < order) for (let child = 0; child < 4; child++) visit(level + 1, 4 * pixel + child)
    else if (cosine >= within || touches(pixel)) found.push(pixel)
  }
  for (let base = 0; base < 12; base++) visit(0, base)
  return found
}

/** Points on each edge of a pixel. */
const SAMPLES = 16

/** Points all around a pixel. */
function edgeOf(order: number, pixel: number): Direction[] {
  const base = Math.floor(pixel / 4 ** order)
  const inside = pixel - base * 4 ** order
  const [x, y] = [gather(inside), gather(inside >> 1)]
  const side = 2 ** order
  const points: Direction[] = []
  for (let k = 0; k < SAMPLES; k++) {
    const at = k / SAMPLES
    for (const [u, v] of [
      [at, 0],
      [1, at],
      [1 - at, 1],
      [0, 1 - at],
    ]) {
      points.push(pointOf(base, (x + u) / side, (y + v) / side))
    }
  }
  return points
}

/** The direction of a place in a base pixel; x and y from 0 to 1. */
function pointOf(base: number, x: number, y: number): Direction {
  const ring = BASE_RING[base] - x - y
  const fromPole = Math.min(1, ring, 4 - ring)
  const z = fromPole < 1 ? Math.sign(2 - ring) * (1 - (fromPole * fromPole) / 3) : ((2 - ring) * 2) / 3
  const turn = BASE_LONGITUDE[base] * fromPole + x - y
  const ra = fromPole < 1e-15 ? 0 : (45 * turn) / fromPole
  return [wrapDegrees(ra), Math.asin(Math.min(1, Math.max(-1, z))) / RADIANS]
}
