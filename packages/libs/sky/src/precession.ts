import { power } from '@nightpipe/math'
import { RADIANS } from './sphere.js'

/** Rotations are nine numbers, row by row, that turn unit vectors. */
export type Matrix = Float64Array

function multiply(first: Matrix, second: Matrix): Matrix {
  const out = new Float64Array(9)
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      for (let k = 0; k < 3; k++) out[3 * i + j] += first[3 * i + k] * second[3 * k + j]
    }
  }
  return out
}

/** A turn of the axes about z (`2`) or y (`1`) by an angle in degrees. */
function axisTurn(axis: 1 | 2, degrees: number): Matrix {
  const [s, c] = [Math.sin(degrees * RADIANS), Math.cos(degrees * RADIANS)]
  return axis === 2 ? Float64Array.of(c, s, 0, -s, c, 0, 0, 0, 1) : Float64Array.of(c, 0, -s, 0, 1, 0, s, 0, c)
}

/**
 * The rotation that precesses unit vectors from the mean equinox of one year to that of another: within FK5 by the angles
 * of Capitaine et al. 2003 (A&A 412, 567) in Julian years; from FK4 by those of Newcomb (Kinoshita 1975) in Besselian
 * years to B1950, and then by Murray 1989 (A&A 218, 325) eq. 28 to FK5 J2000, which `to` must then be. The E-terms of
 * aberration (0.3") stay.
 */
export function precession(from: number, to: number, system: 'FK5' | 'FK4' = 'FK5'): Matrix {
  if (system === 'FK4') return multiply(B1950_TO_J2000, turnBy(newcomb(from, 1950)))
  return multiply(turnBy(capitaine(to)), transpose(turnBy(capitaine(from))))
}

const turnBy = ([zeta, z, theta]: readonly number[]): Matrix =>
  multiply(axisTurn(2, -z), multiply(axisTurn(1, theta), axisTurn(2, -zeta)))

const transpose = (m: Matrix): Matrix => Float64Array.of(m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8])

/** The three angles from J2000 to a Julian year: zeta, z, theta. */
function capitaine(year: number): number[] {
  const t = (year - 2000) / 100
  const series = [
    [2.650545, 2306.083227, 0.2988499, 0.01801828, -0.000005971, -0.0000003173],
    [-2.650545, 2306.077181, 1.0927348, 0.01826837, -0.000028596, -0.0000002904],
    [0, 2004.191903, -0.4294934, -0.04182264, -0.000007089, -0.0000001274],
  ]
  return series.map((terms) => terms.reduceRight((sum, value) => sum * t + value, 0) / 3600)
}

/** In tropical thousands of years from B1850. */
function newcomb(from: number, to: number): [number, number, number] {
  const T = (from - 1850) / 1000
  const t = (to - from) / 1000
  const first = 23035.545 + 139.72 * T + 0.06 * T * T
  return [
    (first * t + (30.24 - 0.27 * T) * t ** 2 + 17.995 * power(t, 3)) / 3600,
    (first * t + (109.48 + 0.39 * T) * t ** 2 + 18.325 * power(t, 3)) / 3600,
    ((20051.12 - 85.29 * T - 0.37 * T * T) * t + (-42.65 - 0.37 * T) * t ** 2 - 41.8 * power(t, 3)) / 3600,
  ]
}

const B1950_TO_J2000 = Float64Array.of(
  0.9999256794956877,
  -0.0111814832204662,
  -0.0048590038153592,
  0.0111814832391717,
  0.9999374848933135,
  -0.0000271625947142,
  0.0048590037723143,
  -0.000027170293744,
  0.9999881946023742,
)

/** From galactic unit vectors to ICRS (Blaauw et al. 1960, at J2000). */
export function galacticToIcrs(): Matrix {
  return multiply(axisTurn(2, -192.85948), multiply(axisTurn(1, -(90 - 27.12825)), axisTurn(2, -(180 - 122.93192))))
}
