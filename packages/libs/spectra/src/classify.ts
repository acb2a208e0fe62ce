import { crossCorrelate } from './cross-correlate.js'
import { isGood } from './good-pixels.js'
import { type PackedOrder, packPixels } from './order-match.js'
import type { OrderSpectrum } from './spectrum.js'
import { AXES, type Axis, type AxisName, axesOf, placeOn, valueOn } from './star-axes.js'
import { type MatchedStar, matchStar } from './star-match.js'
import { CONTINUUM_TERMS, type PreparedSet, prepareSet, type SetMember, type StarParameters } from './star-set.js'
import { memberFits, roughFits, type StarOrder, turnOf, vsiniOf } from './star-start.js'
import type { VelocityTemplate } from './velocity-template.js'

/** How well one member fits by itself, roughly. */
export interface MemberFit extends StarParameters {
  name: string
  chiSquare: number
}

/** A parameter that is not measured, only known to be less or more. */
export interface StarLimit {
  name: AxisName | 'vsini'
  /** the parameter is below or above `value` */
  side: 'below' | 'above'
  value: number
}

export interface Classification {
  /** the member that resembles most by itself */
  best: MemberFit
  /** between members, or those of the best */
  method: 'interpolated' | 'nearest'
  /** NaN where there is only a limit, or the set knows nothing */
  parameters: StarParameters
  /** one sigma: noise, and how well members are guessed from one another; NaN where the set has one value only */
  errors: StarParameters
  /** of that, by the set alone */
  setErrors: StarParameters
  /** of the errors of teff, logg and metallicity: teff-logg, teff-metallicity, logg-metallicity; NaN where one is not fitted */
  correlations: [number, number, number]
  limits: StarLimit[]
  /** redshift against the set */
  z: number
  chiSquare: number
  pixels: number
  /** best first */
  fits: MemberFit[]
  notes: string[]
  /** orders as they were fitted, for figures */
  orders: FittedStarOrder[]
}

/** An order of the star, what was fitted to it, and the continuum of that. */
export interface FittedStarOrder {
  data: PackedOrder
  fitted: Float64Array
  continuum: Float64Array
}

export interface ClassifyOptions {
  /** orders that are compared */
  most?: number
  /** of the spectrograph, to which members are brought; left out: they are as it sees them */
  resolution?: number
}

/**
 * What a star is, by spectra mixed of the members of a set: every spectrum between them is a sum of members (polyharmonic splines over
 * temperature, gravity and metals), turned, moved, times a polynomial for the continuum of each order, and that sum is
 * fitted to all pixels at once. Where members are too few, the parameters are those of the one that fits best. RangeError for an
 * empty set, and for one that does not cover the spectrum.
 */
export function classifyStar(
  all: readonly OrderSpectrum[],
  everything: readonly SetMember[],
  { most = 10, resolution }: ClassifyOptions = {},
): Classification {
  if (everything.length === 0) throw new RangeError('the set of templates is empty')
  const { axes, usable } = axesOf(everything)
  const set = everything.filter((_, k) => usable[k])
  const { orders, prepared } = ordersOf(comparedOrders(all, most), set, resolution)
  const { members } = prepared
  const z = guessOf(comparedOrders(all, most), members)
  const rough = roughFits(orders, members, Math.log1p(z))
  const found = matchStar(orders, members, axes, rough, Math.log1p(z))
  const left = everything.length - members.length
  return concluded(
    orders,
    members,
    axes,
    found,
    left > 0 ? [`${left} templates do not serve: too short, or without parameters`] : [],
  )
}

/** The orders with the most light, spread over the spectrum: the best of each stretch, or red orders alone would speak. */
function comparedOrders(all: readonly OrderSpectrum[], most: number): OrderSpectrum[] {
  const judged = all.flatMap((one) => {
    let [signal, n] = [0, 0]
    for (let x = 0; x < one.flux.length; x++) {
      if (!isGood(one, x)) continue
      signal += one.flux[x]! / one.uncertainty[x]!
      n++
    }
    return n > one.flux.length / 2 ? [{ one, quality: signal / n }] : []
  })
  const parts = Math.min(most, judged.length)
  return Array.from({ length: parts }, (_, part) => {
    const from = Math.floor((part * judged.length) / parts)
    const to = Math.floor(((part + 1) * judged.length) / parts)
    return judged.slice(from, to).reduce((a, b) => (b.quality > a.quality ? b : a)).one
  })
}

const NOT_COVERED = 'no template of the set covers the spectrum'

/** The orders, packed, each beside its stretch of the set. */
function ordersOf(spectra: readonly OrderSpectrum[], set: readonly SetMember[], resolution?: number) {
  const blazed = spectra.length > 0 && spectra.every(({ blaze }) => blaze?.some((one) => one > 0.02))
  const packed = spectra.flatMap((one) => packPixels(one, { blazed, least: 100, degree: CONTINUUM_TERMS - 1 }) ?? [])
  if (packed.length === 0) throw new RangeError('no order has enough good pixels')
  const ranges = packed.map(({ u }) => {
    // on a coarse grid, so that exposures of one spectrograph share what is prepared for them
    const [low, high] = [Math.min(u[0]!, u.at(-1)!), Math.max(u[0]!, u.at(-1)!)]
    return { from: Math.floor(low * 4096) / 4096, to: Math.ceil(high * 4096) / 4096 }
  })
  const prepared = remembered(set, ranges, resolution)
  const orders = packed.flatMap((data, k): StarOrder[] => {
    const stretch = prepared.stretches[k]
    return stretch ? [{ data: { ...data, used: data.used.slice() }, stretch }] : []
  })
  if (orders.length === 0) throw new RangeError(NOT_COVERED)
  return { orders, prepared }
}

const known = new WeakMap<SetMember, Map<string, PreparedSet>>()

/** A set is prepared once for the same orders. */
function remembered(
  set: readonly SetMember[],
  ranges: { from: number; to: number }[],
  resolution?: number,
): PreparedSet {
  const own = known.get(set[0]!) ?? new Map<string, PreparedSet>()
  known.set(set[0]!, own)
  const key = JSON.stringify([set.length, resolution, ranges])
  const prepared = own.get(key) ?? prepareSet(set, ranges, resolution)
  own.clear() // of one spectrograph at a time: it is large
  own.set(key, prepared)
  return prepared
}

/** The redshift, from the member that correlates best of a few spread over the set. */
function guessOf(orders: readonly OrderSpectrum[], set: readonly SetMember[]): number {
  const stride = Math.max(1, Math.floor(set.length / 6))
  const tried = set.flatMap((member, k) => {
    if (k % stride !== stride >> 1) return []
    try {
      return [crossCorrelate(orders, templateOf(orders, member))]
    } catch (error) {
      if (error instanceof RangeError) return [] // it does not cover the spectrum
      throw error
    }
  })
  if (tried.length === 0) throw new RangeError(NOT_COVERED)
  return tried.reduce((a, b) => (b.height > a.height ? b : a)).z
}

/** The part of a member under each order, with room for 600 km/s, as a template. */
function templateOf(
  orders: readonly OrderSpectrum[],
  { spectrum: { first, step, flux } }: SetMember,
): VelocityTemplate {
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

const UNKNOWN: StarParameters = { teff: Number.NaN, logg: Number.NaN, metallicity: Number.NaN, vsini: Number.NaN }

function concluded(
  orders: readonly StarOrder[],
  members: readonly SetMember[],
  axes: readonly Axis[],
  match: MatchedStar,
  notes: string[],
): Classification {
  const { fit } = match
  const { step } = orders[0]!.stretch
  const fits = memberFits(orders, members, fit.shift, vsiniOf(fit.turn, step)).map(
    ({ member, vsini, chiSquare }): MemberFit => {
      const { name, teff, logg, metallicity } = members[member]!
      return { name, teff, logg, metallicity, vsini, chiSquare }
    },
  )
  const best = fits[0]!
  const parameters = { teff: best.teff, logg: best.logg, metallicity: best.metallicity, vsini: Number.NaN }
  const told: Told = { parameters, errors: { ...UNKNOWN }, setErrors: { ...UNKNOWN }, limits: [] }
  const method = fit.place.length > 0 ? 'interpolated' : 'nearest'
  if (method === 'nearest') {
    // anywhere within half a step of it: a uniform distribution
    for (const axis of axes) told.errors[axis.name] = valueOn(axis, placeOn(axis, best[axis.name])).rate / Math.sqrt(12)
  } else for (const [k, axis] of axes.entries()) tellAxis(told, axis, k, match)
  tellRotation(told, members, step, match)
  return {
    ...{ best, method, ...told, fits, notes, correlations: correlationsOf(axes, match) },
    ...{ z: Math.expm1(fit.shift), chiSquare: fit.chiSquare, pixels: fit.pixels },
    orders: orders.map(({ data }, k) => {
      const { fitted, level } = fit.orders[k]!
      return { data, fitted, continuum: level.map((one, i) => one / data.root[i]!) }
    }),
  }
}

type Told = Pick<Classification, 'parameters' | 'errors' | 'setErrors' | 'limits'>

/** Covariances of two unknowns: all, and those that come from the set. */
function covariancesOf({ fit, errors }: MatchedStar, k: number, j: number) {
  const size = fit.place.length + 2
  const ofSet = errors.mixing[k * (size - 1) + j]!
  return { all: errors.noise[k * size + j]! + ofSet, ofSet }
}

function tellAxis({ parameters, errors, setErrors, limits }: Told, axis: Axis, k: number, match: MatchedStar): void {
  const { value, rate } = valueOn(axis, match.fit.place[k]!)
  const { all, ofSet } = covariancesOf(match, k, k)
  const sigma = rate * Math.sqrt(all)
  const held = match.fit.ends[k]
  const side = held ?? (value < axis.low - 2 * sigma ? 'below' : value > axis.high + 2 * sigma ? 'above' : undefined)
  parameters[axis.name] = side ? Number.NaN : value
  if (side) limits.push({ name: axis.name, side, value: side === 'below' ? axis.low : axis.high })
  if (side) return
  errors[axis.name] = sigma
  setErrors[axis.name] = rate * Math.sqrt(ofSet)
}

/** Lines that are not wider than those of the set by two sigma tell a limit only. */
function tellRotation(told: Told, members: readonly SetMember[], step: number, match: MatchedStar): void {
  const { fit, around } = match
  const { weights } = around.mixing.at(fit.place)
  const own = around.members.map((member) => turnOf(members[member]!.vsini, step))
  const turn = own.reduce((sum, one, i) => sum + weights[i]! * one, fit.turn)
  const { all, ofSet } = covariancesOf(match, fit.place.length, fit.place.length)
  const sigma = Math.sqrt(all)
  if (!(turn > 2 * sigma)) {
    told.limits.push({ name: 'vsini', side: 'below', value: vsiniOf(Math.max(0, turn) + 2 * sigma, step) })
    return
  }
  const vsini = vsiniOf(turn, step)
  told.parameters.vsini = vsini
  told.errors.vsini = vsiniOf(sigma, step) ** 2 / (2 * vsini)
  told.setErrors.vsini = vsiniOf(Math.sqrt(ofSet), step) ** 2 / (2 * vsini)
}

function correlationsOf(axes: readonly Axis[], match: MatchedStar): [number, number, number] {
  const at = (name: AxisName) => (match.fit.place.length > 0 ? axes.findIndex((one) => one.name === name) : -1)
  const between = (a: AxisName, b: AxisName) => {
    const [k, j] = [at(a), at(b)]
    if (k < 0 || j < 0) return Number.NaN
    const of = (m: number, n: number) => covariancesOf(match, m, n).all
    return of(k, j) / Math.sqrt(of(k, k) * of(j, j))
  }
  const [teff, logg, metallicity] = AXES
  return [between(teff, logg), between(teff, metallicity), between(logg, metallicity)]
}
