import { type Direction, RADIANS } from '../sphere.js'
import { defaultPole, type TanSolution } from '../tan.js'
import { type Distortion, distortionMap } from './distortion.js'
import type { PlaneMap } from './plane-polynomial.js'
import { type Projection, type ProjectionCode, projection } from './projections.js'
import { nativeToSky, type Rotation } from './rotation.js'

/** A plate solution as data: the linear part, the projection and the distortion. Pixels count from 0. */
export interface WcsSolution {
  /** Reference pixel, reference direction in the header's own system, matrix, native pole, system and equinox. */
  linear: TanSolution
  /** TAN where none is given. */
  projection?: ProjectionCode
  /** PVi_m of the latitude axis: the slant of SIN, the polynomial of ZPN. */
  parameters?: number[]
  latPole?: number
  /** The axes are galactic longitude and latitude. */
  galactic?: boolean
  distortion?: Distortion
  /** Turns the header's own system into ICRS, nine numbers row by row; absent where they are taken as the same. */
  toIcrs?: Float64Array
}

/** A plate solution at work. Directions are ICRS degrees; pixels count from 0, (0, 0) being the centre of the first. */
export interface Wcs extends WcsSolution {
  projection: ProjectionCode
  /** NaN where the projection has no sky at that pixel. */
  toSky(x: number, y: number): Direction
  /** Undefined where the projection cannot show the direction, or the distortion has no inverse there. */
  toPixel(ra: number, dec: number): [x: number, y: number] | undefined
  /** The same for many, into `ra` and `dec` where given. */
  toSkyMany(
    x: ArrayLike<number>,
    y: ArrayLike<number>,
    ra?: Float64Array,
    dec?: Float64Array,
  ): { ra: Float64Array; dec: Float64Array }
  /** The same for many, into `x` and `y` where given; NaN where there is no pixel. */
  toPixelMany(
    ra: ArrayLike<number>,
    dec: ArrayLike<number>,
    x?: Float64Array,
    y?: Float64Array,
  ): { x: Float64Array; y: Float64Array }
  /** Arcseconds for a pixel at the reference pixel, the mean of both axes. */
  scaleArcsec: number
}

/** Adds both directions to a plate solution (Calabretta & Greisen 2002, A&A 395, 1077; Shupe et al. 2005 for SIP). */
export function makeWcs(solution: WcsSolution): Wcs {
  const code = solution.projection ?? 'TAN'
  const plane = projection(code, solution.parameters)
  const { linear, distortion } = solution
  const [a, b, c, d] = linear.matrix
  const determinant = a * d - b * c
  if (!(Math.abs(determinant) > 0)) throw new RangeError('the matrix of a plate solution must not be singular')
  const lonPole = linear.lonPole ?? (plane.theta0 === 90 ? defaultPole(linear) : undefined)
  const turn = nativeToSky(linear.sky, plane.theta0, lonPole, solution.latPole)
  if (!turn) throw new RangeError('the poles of a plate solution do not fit its reference point')
  const chain: Chain = {
    pixel: linear.pixel,
    matrix: [a, b, c, d],
    determinant,
    plane,
    turn: solution.toIcrs ? product(solution.toIcrs, turn) : turn,
    ...mapsOf(distortion),
  }
  const area = distortion ? Math.abs(distortionMap(distortion).areaAt(0, 0)) : 1
  return {
    ...solution,
    projection: code,
    ...directions(chain),
    scaleArcsec: Math.sqrt(Math.abs(determinant) * area) * 3600,
  }
}

/** Everything between a pixel and the sky, in order. */
interface Chain {
  pixel: readonly [number, number]
  onPixels?: PlaneMap
  /** The inverse that came with the header, as a first guess. */
  guess?: PlaneMap
  matrix: readonly [number, number, number, number]
  determinant: number
  onPlane?: PlaneMap
  plane: Projection
  turn: Rotation
}

function mapsOf(distortion: Distortion | undefined): Pick<Chain, 'onPixels' | 'guess' | 'onPlane'> {
  if (!distortion) return {}
  if (distortion.kind !== 'SIP') return { onPlane: distortionMap(distortion) }
  const { ap, bp } = distortion
  const guess = ap && bp ? distortionMap({ kind: 'SIP', a: ap, b: bp }) : undefined
  return { onPixels: distortionMap(distortion), guess }
}

function directions(chain: Chain): Pick<Wcs, 'toSky' | 'toPixel' | 'toSkyMany' | 'toPixelMany'> {
  const there = forward(chain)
  const back = backward(chain)
  const at = new Float64Array(2)
  return {
    toSky(x, y) {
      there(x, y, at)
      return [at[0], at[1]]
    },
    toPixel: (ra, dec) => (back(ra, dec, at) ? [at[0], at[1]] : undefined),
    toSkyMany(x, y, ra = new Float64Array(x.length), dec = new Float64Array(x.length)) {
      for (let k = 0; k < x.length; k++) {
        there(x[k], y[k], at)
        ra[k] = at[0]
        dec[k] = at[1]
      }
      return { ra, dec }
    },
    toPixelMany(ra, dec, x = new Float64Array(ra.length), y = new Float64Array(ra.length)) {
      for (let k = 0; k < ra.length; k++) {
        const shown = back(ra[k], dec[k], at)
        x[k] = shown ? at[0] : Number.NaN
        y[k] = shown ? at[1] : Number.NaN
      }
      return { x, y }
    },
  }
}

function forward({
  pixel,
  onPixels,
  matrix,
  onPlane,
  plane,
  turn,
}: Chain): (x: number, y: number, out: Float64Array) => void {
  const [a, b, c, d] = matrix
  const at = new Float64Array(2)
  const v = new Float64Array(3)
  return (x, y, out) => {
    at[0] = x - pixel[0]
    at[1] = y - pixel[1]
    onPixels?.apply(at[0], at[1], at)
    const [p, q] = [a * at[0] + b * at[1], c * at[0] + d * at[1]]
    at[0] = p
    at[1] = q
    onPlane?.apply(p, q, at)
    if (!plane.toSphere(at[0], at[1], v)) {
      out[0] = out[1] = Number.NaN
      return
    }
    const sx = turn[0] * v[0] + turn[1] * v[1] + turn[2] * v[2]
    const sy = turn[3] * v[0] + turn[4] * v[1] + turn[5] * v[2]
    const sz = turn[6] * v[0] + turn[7] * v[1] + turn[8] * v[2]
    const ra = Math.atan2(sy, sx) / RADIANS
    out[0] = ra < 0 ? ra + 360 : ra
    out[1] = Math.atan2(sz, Math.sqrt(sx * sx + sy * sy)) / RADIANS
  }
}

function backward(chain: Chain): (ra: number, dec: number, out: Float64Array) => boolean {
  const { pixel, onPixels, guess, onPlane, plane, turn, determinant } = chain
  const [a, b, c, d] = chain.matrix
  const v = new Float64Array(3)
  const at = new Float64Array(2)
  return (ra, dec, out) => {
    const cosine = Math.cos(dec * RADIANS)
    const [sx, sy, sz] = [cosine * Math.cos(ra * RADIANS), cosine * Math.sin(ra * RADIANS), Math.sin(dec * RADIANS)]
    v[0] = turn[0] * sx + turn[3] * sy + turn[6] * sz
    v[1] = turn[1] * sx + turn[4] * sy + turn[7] * sz
    v[2] = turn[2] * sx + turn[5] * sy + turn[8] * sz
    if (!plane.toPlane(v, at)) return false
    if (onPlane && !onPlane.invert(at[0], at[1], at)) return false
    const [p, q] = [at[0], at[1]]
    const [u, w] = [(d * p - b * q) / determinant, (a * q - c * p) / determinant]
    at[0] = u
    at[1] = w
    if (onPixels) {
      guess?.apply(u, w, at)
      if (!onPixels.invert(u, w, at)) return false
    }
    out[0] = pixel[0] + at[0]
    out[1] = pixel[1] + at[1]
    return true
  }
}

function product(first: Float64Array, second: Float64Array): Float64Array {
  const out = new Float64Array(9)
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      for (let k = 0; k < 3; k++) out[3 * i + j] += first[3 * i + k] * second[3 * k + j]
    }
  }
  return out
}
