import { power, solve } from '@nightpipe/math'
import { broadened, type LogSpectrum, rotationKernel } from './broaden.js'
import { crossCorrelate } from './cross-correlate.js'
import { isGood } from './good-pixels.js'
import type { OrderSpectrum } from './spectrum.js'
import { fitVelocity } from './velocity.js'
import type { VelocityTemplate } from './velocity-template.js'

/** What a star is, as far as spectra tell: K, dex, dex, m/s. */
export interface StarParameters {
  teff: number
  logg: number
  metallicity: number
  vsini: number
}

/** One spectrum of a set, already at the resolution of the spectrograph. */
export interface SetMember extends StarParameters {
  name: string
  spectrum: LogSpectrum
}

/** How well one member fits, at the rotation that suits it best. */
export interface MemberFit extends StarParameters {
  name: string
  chiSquare: number
  /** pixels */
  pixels: number
  z: number
}

export interface Classification {
  best: MemberFit
  /** interpolated between members where the set allows it */
  parameters: StarParameters
  /** one sigma from the curvature of chi square; NaN where the set has one value only */
  errors: StarParameters
  fits: MemberFit[]
  notes: string[]
}

/** Broadenings tried, m/s. */
const ROTATIONS = [0, 3e3, 6e3, 1e4, 1.5e4, 2.2e4, 3.2e4, 4.5e4, 6.5e4, 9e4]

/**
 * The member of a set that a star resembles most: the velocity from the correlation with the likeliest, then every member fitted
 * by least squares (a polynomial for the continuum of each order) at its own velocity and rotation. Parameters are
 * interpolated by parabolas through the least chi square at each value of a parameter. RangeError for an empty set.
 */
export function classifyStar(all: readonly OrderSpectrum[], set: readonly SetMember[], most = 10): Classification {
  if (set.length === 0) throw new RangeError('the set of templates is empty')
  const orders = brightest(all, most)
  const start = guessOf(orders, set)
  const still = set.map((member) => fitMember(orders, member, member.vsini, start)).filter((fit) => fit !== undefined)
  if (still.length === 0) throw new RangeError('no template of the set covers the spectrum')
  still.sort(byFit)
  // Rotation washes lines out as a hotter or poorer star does: try it on the three likeliest, and the best on all around.
  const turning = still.slice(0, 3).map((fit) => withRotation(orders, set, fit))
  const { vsini } = turning.reduce((a, b) => (byFit(b, a) < 0 ? b : a))
  const fits = vsini < LEAST_ROTATION ? still : still.slice(0, 40).map((fit) => turned(orders, set, fit, vsini))
  fits.sort(byFit)
  return { ...between(fits), fits, notes: notesOf(fits) }
}

const byFit = (a: MemberFit, b: MemberFit) => a.chiSquare / a.pixels - b.chiSquare / b.pixels

/** Below this a rotation is not told from none, m/s. */
const LEAST_ROTATION = 1500

/** The orders with the most light, without those that the air spoils, in their own order. */
function brightest(all: readonly OrderSpectrum[], most: number): OrderSpectrum[] {
  const judged = all.flatMap((one) => {
    let [signal, n] = [0, 0]
    for (let x = 0; x < one.flux.length; x++) {
      if (!isGood(one, x)) continue
      signal += one.flux[x]! / one.uncertainty[x]!
      n++
    }
    return n > one.flux.length / 2 ? [{ one, quality: signal / n }] : []
  })
  // Spread over the spectrum: the best of each stretch, or red orders alone would speak.
  const parts = Math.min(most, judged.length)
  return Array.from({ length: parts }, (_, part) => {
    const from = Math.floor((part * judged.length) / parts)
    const to = Math.floor(((part + 1) * judged.length) / parts)
    return judged.slice(from, to).reduce((a, b) => (b.quality > a.quality ? b : a)).one
  })
}

/** The stretch of a member under each order, with room for 600 km/s, as a template. */
function templateOf(orders: readonly OrderSpectrum[], { first, step, flux }: LogSpectrum): VelocityTemplate {
  const room = 0.002
  return {
    orders: orders.flatMap(({ index, order, wavelength }) => {
      const waves = wavelength!.filter((w) => w > 0)
      const [low, high] = [
        Math.log(Math.min(waves[0]!, waves.at(-1)!)) - room,
        Math.log(Math.max(waves[0]!, waves.at(-1)!)) + room,
      ]
      const from = Math.max(0, Math.ceil((low - first) / step))
      const to = Math.min(flux.length - 1, Math.floor((high - first) / step))
      if (to - from < 100) return []
      const own = Float64Array.from({ length: to - from + 1 }, (_, k) => Math.exp(first + (from + k) * step))
      return [{ index, order, wavelength: own, flux: flux.slice(from, to + 1) }]
    }),
  }
}

/** The redshift, from the member that correlates best of a dozen spread over the set. */
function guessOf(orders: readonly OrderSpectrum[], set: readonly SetMember[]): number {
  const stride = Math.max(1, Math.floor(set.length / 12))
  const tried = set.flatMap((member, k) => {
    if (k % stride !== 0) return []
    try {
      return [crossCorrelate(orders, templateOf(orders, member.spectrum))]
    } catch (error) {
      if (error instanceof RangeError) return [] // it does not cover the spectrum
      throw error
    }
  })
  if (tried.length === 0) throw new RangeError('no template of the set covers the spectrum')
  return tried.reduce((a, b) => (b.height > a.height ? b : a)).z
}

/** A member against the star: all pixels count, or a bad template would clip its way to a good fit. */
function fitMember(
  orders: readonly OrderSpectrum[],
  { name, teff, logg, metallicity, spectrum }: SetMember,
  vsini: number,
  start: number,
): MemberFit | undefined {
  try {
    const { orders: found, z } = fitVelocity(orders, templateOf(orders, spectrum), start, { clip: 1e9, still: 5 })
    const pixels = found.reduce((sum, one) => sum + one.pixels, 0)
    const chiSquare = found.reduce((sum, one) => sum + one.reducedChiSquare * one.pixels, 0)
    return { name, teff, logg, metallicity, vsini, chiSquare, pixels, z }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** A member that turns faster than it does by itself. */
function turned(orders: readonly OrderSpectrum[], set: readonly SetMember[], fit: MemberFit, vsini: number): MemberFit {
  const member = set.find(({ name }) => name === fit.name)!
  const added = Math.sqrt(Math.max(0, vsini ** 2 - member.vsini ** 2))
  const spectrum = broadened(member.spectrum, rotationKernel(added, member.spectrum.step))
  return fitMember(orders, { ...member, spectrum }, Math.max(vsini, member.vsini), fit.z) ?? fit
}

/** The rotation that suits a member: a grid until it no longer helps, then a parabola about the best of it. */
function withRotation(orders: readonly OrderSpectrum[], set: readonly SetMember[], fit: MemberFit): MemberFit {
  const tried: MemberFit[] = [fit]
  for (const vsini of ROTATIONS.filter((one) => one > fit.vsini + 500)) {
    tried.push(turned(orders, set, fit, vsini))
    if (byFit(tried.at(-1)!, tried.at(-2)!) > 0 && byFit(tried.at(-1)!, tried[0]!) > 0) break
  }
  const at = tried.reduce((best, one, k) => (byFit(one, tried[best]!) < 0 ? k : best), 0)
  const best = tried[at]!
  if (at === 0 || at === tried.length - 1) return best
  const { place, value } = lowest(tried.slice(at - 1, at + 2).map(({ vsini, chiSquare }) => [vsini, chiSquare]))
  return { ...best, vsini: place, chiSquare: Math.min(best.chiSquare, value) }
}

/** The lowest point of the parabola through three points, and its value there. */
function lowest(points: readonly (readonly number[])[]): { place: number; value: number } {
  const [[x0, y0], [x1, y1], [x2, y2]] = points as [[number, number], [number, number], [number, number]]
  const [left, right] = [(y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1)]
  const half = (right - left) / (x2 - x0)
  const place = Math.min(x2, Math.max(x0, (x0 + x1) / 2 - left / (2 * half)))
  const value = y0 + left * (place - x0) + half * (place - x0) * (place - x1)
  return { place, value }
}

const NAMES = ['teff', 'logg', 'metallicity'] as const

/** The errors of parameters that the set cannot tell. */
const UNKNOWN = { teff: Number.NaN, logg: Number.NaN, metallicity: Number.NaN, vsini: Number.NaN }

/**
 * Parameters between the members: the lowest point of the quadratic through the chi squares of the members around the best,
 * near fits counting more; at most one step of the set away from the best. Without enough members the best itself.
 */
function between(fits: readonly MemberFit[]): Pick<Classification, 'best' | 'parameters' | 'errors'> {
  const best = fits[0]!
  const own = { teff: best.teff, logg: best.logg, metallicity: best.metallicity, vsini: best.vsini }
  const axes = NAMES.flatMap((name) => {
    const step = stepOf(fits, best, name)
    return step === undefined ? [] : [{ name, step }]
  })
  const place = (fit: MemberFit) => axes.map(({ name, step }) => (fit[name] - best[name]) / step)
  const near = fits.filter((fit) =>
    NAMES.every((name) => fit[name] === best[name] || axes.some((one) => one.name === name)),
  )
  const around = near.filter((fit) => place(fit).every((one) => Math.abs(one) < 1.6))
  const n = axes.length
  const terms = 1 + n + (n * (n + 1)) / 2
  if (n === 0 || around.length < terms) return { best, parameters: own, errors: UNKNOWN }
  const scale = best.chiSquare / best.pixels
  const fit = quadratic(
    around.map((one) => ({ at: place(one), value: one.chiSquare / one.pixels / scale })),
    n,
  )
  if (!fit) return { best, parameters: own, errors: UNKNOWN }
  const [parameters, errors] = [{ ...own }, { ...UNKNOWN }]
  axes.forEach(({ name, step }, k) => {
    parameters[name] = best[name] + step * Math.max(-1, Math.min(1, fit.lowest[k]!))
    // in units of the least chi square: one sigma adds 1 / pixels
    errors[name] = step * Math.sqrt(fit.variance[k]! / best.pixels)
  })
  return { best, parameters, errors }
}

/** The distance to the nearest other value of a parameter; undefined where all members have the same. */
function stepOf(fits: readonly MemberFit[], best: MemberFit, name: (typeof NAMES)[number]): number | undefined {
  const others = fits.map((fit) => Math.abs(fit[name] - best[name])).filter((distance) => distance > 1e-9)
  return others.length > 0 ? Math.min(...others) : undefined
}

/** The quadratic form through values at places, its lowest point, and the variances that its curvature means. */
function quadratic(points: readonly { at: number[]; value: number }[], n: number) {
  const pairs = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n - i }, (_, j): [number, number] => [i, i + j]),
  ).flat()
  const terms = 1 + n + pairs.length
  const [matrix, right] = [new Float64Array(terms * terms), new Float64Array(terms)]
  for (const { at, value } of points) {
    const row = [1, ...at, ...pairs.map(([i, j]) => at[i]! * at[j]!)]
    const weight = 1 / power(value, 4)
    for (let k = 0; k < terms; k++) {
      right[k]! += weight * row[k]! * value
      for (let j = 0; j <= k; j++) matrix[k * terms + j]! += weight * row[k]! * row[j]!
    }
  }
  try {
    const solution = solve(matrix, right)
    const hessian = new Float64Array(n * n)
    pairs.forEach(([i, j], k) => {
      const value = solution[1 + n + k]! * (i === j ? 2 : 1)
      hessian[i * n + j] = hessian[j * n + i] = value
    })
    const lowest = solve(
      hessian,
      solution.slice(1, 1 + n).map((one) => -one),
    )
    const variance = Array.from({ length: n }, (_, k) => {
      const unit = new Float64Array(n)
      unit[k] = 1
      return 2 * solve(hessian, unit)[k]!
    })
    return { lowest, variance }
  } catch (error) {
    if (error instanceof RangeError) return undefined // not a bowl: the set is too thin around the best
    throw error
  }
}

function notesOf(fits: readonly MemberFit[]): string[] {
  const best = fits[0]!
  return (['teff', 'logg', 'metallicity'] as const).flatMap((name) => {
    const values = fits.map((fit) => fit[name])
    const [low, high] = [Math.min(...values), Math.max(...values)]
    return low < high && (best[name] === low || best[name] === high)
      ? [`${name} is at the end of the set: ${best[name]}`]
      : []
  })
}
