import { allocate, kernels, scoped } from '@nightpipe/kernels'
import { power, solve } from '@nightpipe/math'

/** The light about a star: net values, and their variances (0: a pixel that tells nothing). */
export interface StarStamp {
  /** The pixel of the frame that is the first of the stamp. */
  x0: number
  y0: number
  size: number
  value: Float64Array
  variance: Float64Array
}

/**
 * An elliptical Moffat profile (Moffat 1969, A&A 3, 455): amplitude (1 + r²)^-beta, with
 * r² = qxx dx² + 2 qxy dx dy + qyy dy², on a constant.
 */
export interface Moffat {
  amplitude: number
  x: number
  y: number
  qxx: number
  qxy: number
  qyy: number
  level: number
  beta: number
}

export interface MoffatFit extends Moffat {
  chiSquare: number
  good: boolean
}

/** 1 / alpha² of a round Moffat profile of this width. */
export const concentrationOf = (fwhm: number, beta: number) => (4 * (power(2, 1 / beta) - 1)) / (fwhm * fwhm)

const PARAMETERS = ['amplitude', 'x', 'y', 'qxx', 'qxy', 'qyy', 'level', 'beta'] as const
const ITERATIONS = 25

/** Fits the profile by Levenberg-Marquardt; `beta` is free or stays what it is. */
export function fitMoffat(stamp: StarStamp, start: Moffat, free: 'shape' | 'shape and beta'): MoffatFit {
  return scoped(() => fitStamp(lend(stamp), start, free === 'shape' ? 7 : 8))
}

function fitStamp(stamp: LentStamp, start: Moffat, n: number): MoffatFit {
  let [normal, right] = [new Float64Array(n * n), new Float64Array(n)]
  let [nextNormal, nextRight] = [new Float64Array(n * n), new Float64Array(n)]
  let best = { ...start }
  let chiSquare = accumulate(stamp, best, n, normal, right)
  let damping = 1e-2
  let good = false
  for (let i = 0; i < ITERATIONS && !good; i++) {
    const damped = Float64Array.from(normal)
    for (let k = 0; k < n; k++) damped[k * n + k] *= 1 + damping
    const step = solved(damped, right)
    if (!step) break
    const next = { ...best }
    for (let k = 0; k < n; k++) next[PARAMETERS[k]] += step[k]
    const after = isPossible(next) ? accumulate(stamp, next, n, nextNormal, nextRight) : Number.POSITIVE_INFINITY
    if (after < chiSquare) {
      good = chiSquare - after < 3e-5 * chiSquare
      best = next
      damping = Math.max(1e-7, damping * 0.1)
      chiSquare = after
      ;[normal, nextNormal, right, nextRight] = [nextNormal, normal, nextRight, right]
    } else {
      damping *= 10
      if (damping > 1e8) break
      good = after - chiSquare < 1e-9 * chiSquare
    }
  }
  return { ...best, chiSquare, good: good && best.amplitude > 0 }
}

function solved(matrix: Float64Array, right: Float64Array): Float64Array | undefined {
  try {
    return solve(matrix, right)
  } catch {
    return undefined
  }
}

const isPossible = ({ qxx, qxy, qyy, beta }: Moffat) =>
  qxx > 1e-5 && qyy > 1e-5 && qxx * qyy > qxy * qxy && beta > 1.05 && beta < 100

/** A stamp in kernel memory, with room for its equations (assembly/psf.ts). */
interface LentStamp {
  value: Float64Array
  variance: Float64Array
  size: number
  /** Parameters of the profile, and the first pixel of the stamp. */
  profile: Float64Array
  normal: Float64Array
  right: Float64Array
}

function lend({ x0, y0, size, value, variance }: StarStamp): LentStamp {
  const [lentValue, lentVariance] = [value, variance].map((plane) => allocate(Float64Array, plane.length))
  lentValue.set(value)
  lentVariance.set(variance)
  const profile = allocate(Float64Array, PARAMETERS.length + 2)
  profile.set([x0, y0], PARAMETERS.length)
  const [normal, right] = [allocate(Float64Array, 64), allocate(Float64Array, 8)]
  return { value: lentValue, variance: lentVariance, size, profile, normal, right }
}

/** Sum of squares, and the normal equations of the first n parameters. */
function accumulate(stamp: LentStamp, moffat: Moffat, n: number, normal: Float64Array, right: Float64Array): number {
  const { value, variance, size, profile } = stamp
  for (const [k, name] of PARAMETERS.entries()) profile[k] = moffat[name]
  const sum = kernels().moffatEquations(
    ...([value.byteOffset, variance.byteOffset, size, profile.byteOffset] as const),
    ...([stamp.normal.byteOffset, stamp.right.byteOffset] as const),
  )
  right.set(stamp.right.subarray(0, n))
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) normal[i * n + j] = normal[j * n + i] = stamp.normal[i * 8 + j]
  }
  return sum
}
