import { power } from '@nightpipe/math'

/** How the light of the stars of a frame grows: what each ring between two circles adds, over all in the widest. */
export type Growth = { part: number; error: number }[]

/** Profiles that are tried: 1 / exponent, from those of Gaussians to broad wings. */
export const NARROWEST = 1 / 200
export const BROADEST = 1 / 1.6
/** Exponents of frames differ by so much (one sigma, of 1 / exponent). */
const UNLIKE = 0.03
/** The level of the ring of the sky is off by so much of a star's light, spread over the circle. */
const LEVEL = 0.004

/** Part of the light of a Moffat profile within r. */
export const inside = (r: number, a: number, shape: number) => 1 - power(1 + (r / a) ** 2, 1 - 1 / shape)

/** The profile of a frame: its exponent is near that of all. */
export function fitShape(growth: Growth, seeing: number, common: number, radii: readonly number[]): Fit {
  const penalty = (shape: number) => ((shape - common) / UNLIKE) ** 2
  const chi = (shape: number) => fitWidth(growth, seeing, shape, radii).chi + penalty(shape)
  const [low, high] = [Math.max(NARROWEST, common - 3 * UNLIKE), Math.min(BROADEST, common + 3 * UNLIKE)]
  const shape = minimum(chi, low, high, 3e-3)
  const step = shape + 0.02 < BROADEST ? 0.02 : -0.02
  const [best, other] = [shape, shape + step].map((one) => fitWidth(growth, seeing, one, radii))
  const least = best.chi + penalty(shape)
  const rise = Math.max(other.chi + penalty(shape + step) - least, 1e-6)
  const error = ((other.log - best.log) / step) * Math.min(UNLIKE, Math.abs(step) / Math.sqrt(rise))
  return { ...best, chi: least, error: Math.hypot(best.error, error) }
}

export interface Fit {
  chi: number
  /** Part of the light of a star that is counted in the widest circle: its logarithm, and the error of that. */
  log: number
  error: number
  /** What the profile leaves of each part. */
  left: number[]
}

/** The width with which a profile of this exponent fits best. */
export function fitWidth(growth: Growth, seeing: number, shape: number, radii: readonly number[]): Fit {
  // of a Gaussian with the seeing, and of the broadest wings
  const start = (seeing > 0 ? seeing : radii[0]) * Math.sqrt(1 / shape)
  const at = (logA: number) => fitLevel(growth, Math.exp(logA), shape, radii)
  const logA = minimum((x) => at(x).chi, Math.log(0.15 * start), Math.log(1.5 * start), 1e-4)
  const [best, step] = [at(logA), 0.02]
  const [below, above] = [at(logA - step), at(logA + step)]
  const sigma = Math.min(0.2, Math.sqrt(2 / Math.max((below.chi + above.chi - 2 * best.chi) / step ** 2, 1e-6)))
  const slope = (above.log - below.log) / (2 * step)
  const left = leftBy(best, growth, Math.exp(logA), shape, radii)
  return { chi: best.chi, log: best.log, error: Math.hypot(slope * sigma, best.error), left }
}

/**
 * Of a profile, with the level that fits best: the ring of the sky holds wings of the star and of its neighbours, and takes
 * too much from the circle.
 */
function fitLevel(growth: Growth, a: number, shape: number, radii: readonly number[]): Omit<Fit, 'left'> & Leveled {
  const radius = radii[growth.length]
  const whole = inside(radius, a, shape)
  const own = (inside(2 * radius, a, shape) - inside(1.3 * radius, a, shape)) / (2 ** 2 - 1.3 ** 2)
  let [normal, right, squares] = [1 / LEVEL ** 2, own / LEVEL ** 2, (own / LEVEL) ** 2]
  let before = inside(radii[0], a, shape)
  for (let j = 0; j < growth.length; j++) {
    const { part, error } = growth[j]
    const now = inside(radii[j + 1], a, shape)
    // part (whole - level) = light of the ring - level area of the ring
    const factor = (radii[j + 1] ** 2 - radii[j] ** 2) / radius ** 2 - part
    const value = now - before - part * whole
    const weight = 1 / error ** 2
    normal += weight * factor ** 2
    right += weight * factor * value
    squares += weight * value ** 2
    before = now
  }
  const level = right / normal
  const counted = Math.max(1e-3, whole - level)
  const chi = Math.max(0, squares - level * right) / counted ** 2
  return { chi, log: Math.log(counted), error: 1 / Math.sqrt(normal), level, counted }
}

interface Leveled {
  level: number
  counted: number
}

/** What a profile leaves of each part. */
function leftBy({ level, counted }: Leveled, growth: Growth, a: number, shape: number, radii: readonly number[]) {
  return growth.map(({ part }, j) => {
    const area = (radii[j + 1] ** 2 - radii[j] ** 2) / radii[growth.length] ** 2
    return part - (inside(radii[j + 1], a, shape) - inside(radii[j], a, shape) - level * area) / counted
  })
}

const GOLDEN = (Math.sqrt(5) - 1) / 2

/** Where a function with one minimum between `low` and `high` has it, by golden section. */
export function minimum(of: (x: number) => number, low: number, high: number, precision: number): number {
  let [a, b] = [low, high]
  let [x, y] = [b - GOLDEN * (b - a), a + GOLDEN * (b - a)]
  let [left, right] = [of(x), of(y)]
  while (b - a > precision) {
    if (left < right) {
      ;[b, y, right] = [y, x, left]
      x = b - GOLDEN * (b - a)
      left = of(x)
    } else {
      ;[a, x, left] = [x, y, right]
      y = a + GOLDEN * (b - a)
      right = of(y)
    }
  }
  return (a + b) / 2
}
