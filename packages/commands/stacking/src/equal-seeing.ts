import { inverse, solve } from '@nightpipe/math'
import { type Circles, lightIn, wavesOf } from './circles.js'
import { moffatTransform } from './moffat.js'

/** Logarithms of the width of stars over what was measured, and of that of the frame over that of the reference; 1 / exponent. */
export type Shape = [common: number, relative: number, wings: number]

/** What is likely before the light is looked at: real stars have wings about those of an exponent of 3 (all one sigma). */
export const LIKELY: Shape = [Math.log(0.9), 0, 1 / 3]
const SPREAD: Shape = [0.15, 0.08, 0.15]
const LIMITS: [low: Shape, high: Shape] = [
  [-1, -0.7, 1 / 60],
  [1, 0.7, 1 / 1.6],
]
/** Stars are no Moffat profiles: what is in a ring is told to this part of all. */
const LIKENESS = 3e-4
const ROUNDS = 25

/** What is left of the waves of both frames once they have the same seeing: all of those of the one that is less sharp. */
export interface Transfers {
  reference: Float64Array
  frame: Float64Array
}

export interface Widths {
  reference: number
  frame: number
}

export function transfersOf(waves: Float64Array, seeing: Widths, [common, relative, wings]: Shape): Transfers {
  const [a, b] = [seeing.reference * Math.exp(common), seeing.frame * Math.exp(common + relative)]
  const all = new Float64Array(waves.length).fill(1)
  if (a === b) return { reference: all, frame: all }
  const [ofReference, ofFrame] = [moffatTransform(waves, a, 1 / wings), moffatTransform(waves, b, 1 / wings)]
  return b > a
    ? { reference: ofFrame.map((value, q) => value / ofReference[q]), frame: all }
    : { reference: all, frame: ofReference.map((value, q) => value / ofFrame[q]) }
}

/** Light in rings about stars, that of many added up, and the noise of it. */
export interface Gathered {
  reference: Float64Array
  frame: Float64Array
  /** Variance of a pixel's worth of sky, and of a unit of light, of both frames in the scale of that of the frame. */
  skyVariance: number
  lightVariance: number
}

export interface ShapeFit {
  shape: Shape
  /** Of what it leads to: one sigma, given the change with each of its values. */
  errorOf: (slopes: readonly number[]) => number
}

/**
 * The profiles with which the light of the frame grows with the circle as that of the reference does once both have the same seeing:
 * stars and neighbours alike, so that it makes no difference how many there are. Least squares on what each circle adds
 * (Levenberg 1944, Marquardt 1963); the ratio of the fluxes is the fourth unknown.
 */
export function fitShape(circles: Circles, light: Gathered, seeing: Widths): ShapeFit {
  const [a, b] = [wavesOf(circles, light.reference), wavesOf(circles, light.frame)]
  const within = (amplitudes: Float64Array, transfer: Float64Array) => {
    const sums = lightIn(circles, amplitudes, transfer)
    return sums.map((value, j) => value - (sums[j - 1] ?? 0))
  }
  const whole = new Float64Array(circles.waves.length).fill(1)
  const now = within(b, whole)
  const all = now.reduce((sum, value) => sum + value, 0)
  const sigma = now.map((value, j) => {
    const area = circles.areas[j] - (circles.areas[j - 1] ?? 0)
    return Math.sqrt((LIKENESS * all) ** 2 + area * light.skyVariance + Math.max(0, value) * light.lightVariance)
  })
  const residuals = ([ratio, ...shape]: readonly number[]): number[] => {
    const transfers = transfersOf(circles.waves, seeing, shape as unknown as Shape)
    const [there, here] = [within(a, transfers.reference), within(b, transfers.frame)]
    return [
      ...here.map((value, j) => (value - ratio * there[j]) / sigma[j]),
      ...shape.map((value, i) => (value - LIKELY[i]) / SPREAD[i]),
    ]
  }
  const start = [all / within(a, whole).reduce((sum, value) => sum + value, 0), ...LIKELY]
  const { values, normal, chi } = leastResiduals(residuals, start)
  const covariance = inverse(normal, 4)
  const misfit = Math.max(1, chi / Math.max(1, now.length - 1))
  return {
    shape: values.slice(1) as unknown as Shape,
    errorOf: (slopes) => {
      let variance = 0
      for (let i = 0; i < 3; i++)
        for (let j = 0; j < 3; j++) variance += slopes[i] * slopes[j] * covariance[4 * (i + 1) + j + 1]
      return Math.sqrt(misfit * Math.max(0, variance))
    },
  }
}

/** The unknowns (the ratio first, then a shape) of the least sum of squares. */
function leastResiduals(residuals: (unknowns: readonly number[]) => number[], start: readonly number[]) {
  let values = [...start]
  let now = residuals(values)
  let [chi, damping] = [squares(now), 1e-3]
  let equations = equationsAt(residuals, values, now)
  for (let round = 0; round < ROUNDS; round++) {
    const damped = equations.normal.map((value, p) => (p % 5 === 0 ? value * (1 + damping) : value))
    const step = solve(damped, equations.right)
    const next = values.map((value, i) => {
      const there = value - step[i]
      return i === 0 ? there : Math.min(LIMITS[1][i - 1], Math.max(LIMITS[0][i - 1], there))
    })
    const then = residuals(next)
    const gain = chi - squares(then)
    if (!(gain > 0)) {
      if (damping > 1e6) break
      damping *= 10
      continue
    }
    ;[values, now, chi, damping] = [next, then, chi - gain, damping / 10]
    equations = equationsAt(residuals, values, now)
    if (gain < 1e-4 * (1 + chi)) break
  }
  return { values, normal: equations.normal, chi }
}

const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0)

/** Steps in which slopes are taken, of the ratio as a part of it. */
const SMALL = 1e-3

function equationsAt(residuals: (unknowns: readonly number[]) => number[], at: readonly number[], here: number[]) {
  const slopes = at.map((value, i) => {
    const step = i === 0 ? SMALL * value : SMALL
    const there = residuals(at.map((one, j) => (j === i ? one + step : one)))
    return there.map((residual, j) => (residual - here[j]) / step)
  })
  const product = (one: readonly number[], other: readonly number[]) => one.reduce((sum, x, j) => sum + x * other[j], 0)
  return {
    normal: Float64Array.from({ length: 16 }, (_, p) => product(slopes[Math.floor(p / 4)], slopes[p % 4])),
    right: slopes.map((slope) => product(slope, here)),
  }
}
