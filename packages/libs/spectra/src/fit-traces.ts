import { requireOwnTraces } from './check-traces.js'
import { dropTerms } from './drop-terms.js'
import { fitCentres, legendreTable } from './fit-centres.js'
import { fitProfiles } from './fit-profiles.js'
import type { FittedTrace, FlatImage, ProfileGrid } from './light-of-trace.js'
import { profileShape } from './profile-spline.js'
import { scatteredLight, subtractScatteredLightInPlace } from './scattered-light.js'
import { smoothOrders } from './smooth-orders.js'
import { closestTraces, startProfiles, startShift } from './start-profiles.js'
import { type FlatFrame, type SummedFlat, sumFlats } from './sum-flats.js'
import { NEAREST, takeWingsOff } from './take-wings-off.js'
import { setColumnsOnDetector, type Traces, traceCentres } from './traces.js'

export interface RefineOptions {
  /** of the polynomials along the orders */
  degree: number
  /** profiles along an order */
  blocks: number
  /** how far the image may have moved since the first estimate, px */
  search: number
  /** pixels further off the model are cosmic rays, sigma */
  clip: number
  /** take off the light between the orders first */
  scattered: boolean
  /** orders are led by their neighbours as far as their own light is silent */
  smooth: boolean
}

export interface RefinedTraces {
  traces: Traces
  /** how far the image had moved since the first estimate, px */
  shift: number
  /** [order][fibre]: electrons (or ADU) of all flats in the order; 0 where it has no light */
  light: Float64Array
  /** pixels that were left out as cosmic rays or hot, of the combined flats and of the model */
  rejected: number
  /** full width of the profile at half maximum, px, a typical one */
  fwhm: number
  /** the least distance of two traces that a flat lights at once, px; infinite where there is only one */
  apart: number
}

/** Samples per row of the profiles in files. */
export const PER_ROW = 10

/**
 * Traces and cross-dispersion profiles measured on flats. In turns the profile of each order, fibre and block is fitted to
 * its pixels (a spline in the distance from the centre, neighbours' light taken off), moved so that its first moment is 0
 * (with the wings beyond it, which all orders together show),
 * and the centre of each column found with it by weighted least squares; through the centres of an order goes a polynomial.
 * Throws ForeignTraces where the light is not that of the orders and fibres that the traces name.
 */
export function refineTraces(frames: readonly FlatFrame[], start: Traces, options: RefineOptions): RefinedTraces {
  const flats = groups(frames).map(sumFlats)
  const lit = flats.map((flat) => flat.lit)
  const images = flats.map(imageOf)
  const moved = startShift(images, lit, start, options.search)
  if (options.scattered) {
    const { fwhm } = startProfiles(images, lit, start, moved)
    for (const image of images) takeScatteredOff(image, start, fwhm)
  }
  requireOwnTraces(images, lit, start, moved)
  const { fwhm, sigma } = startProfiles(images, lit, start, moved)
  const apart = closestTraces(lit, start)
  // no profile reaches into the core of the next one: whose light is whose could not be told there
  const half = Math.ceil(Math.min(Math.max(start.rows / 2 + 1, 1.2 * fwhm), Math.max(apart - 0.9 * fwhm, fwhm)))
  const grid: ProfileGrid = {
    ...{ width: start.width, blocks: options.blocks, perRow: PER_ROW },
    ...{ samples: 2 * half * PER_ROW + 1, rows: 2 * half + 1 },
  }
  const traces = widened(start, options, moved)
  const fitted = fittedTraces(traces, images, lit, grid, sigma)
  const basis = legendreTable(traces.width, traces.terms)
  const shape = profileShape(half, fwhm, apart)
  const { scattered } = options
  const rounds = roundsOf(
    options,
    traces,
    Math.min(apart / 2, 1.1 * fwhm),
    fitted.some((trace) => trace.crowded),
  )
  rounds.forEach((round, k) => {
    const last = k === rounds.length - 1
    if (last) takeWingsOff(fitted, images, traces, { half, fwhm, apart, step: rounds[k - 1]!.step, scattered })
    if (round.profiles) fitProfiles(fitted, shape, grid, rounds[k - 1]!.step)
    const all = fitCentres(fitted, traces, grid, basis, { ...round, last })
    if (!last) return
    const seen = dropTerms(fitted, traces, basis, all)
    if (options.smooth) smoothOrders(fitted, traces, basis, seen)
  })
  return finish(fitted, traces, flats, images, grid, { moved, fwhm, apart })
}

/** First the cores of Gaussians, in a few columns; then profiles and centres in turns, in the end in all columns. */
function roundsOf({ clip }: RefineOptions, { terms, width }: Traces, core: number, crowded: boolean) {
  const none = Number.POSITIVE_INFINITY
  const step = Math.max(1, Math.round(width / 1024))
  const half = { profiles: true, tolerance: 0.03, clip, inOrder: terms, step, core: none }
  const start = { ...half, profiles: false, clip: none, core }
  return [
    { ...start, inOrder: 2, step: 4 * step },
    { ...start, inOrder: 4, step: 2 * step },
    // whose light is whose takes turns to tell
    ...(crowded ? [start, half, half] : []),
    { ...half, step: 1 },
    { ...half, tolerance: 0.02, step: 1 },
  ]
}

/** Flats that light the same fibres. */
function groups(frames: readonly FlatFrame[]): FlatFrame[][] {
  const byFibres = new Map<string, FlatFrame[]>()
  for (const frame of frames) {
    const key = [...frame.lit].sort((a, b) => a - b).join()
    byFibres.set(key, [...(byFibres.get(key) ?? []), frame])
  }
  return [...byFibres.values()]
}

const imageOf = ({ width, height, dark, perLight, bad, pixels }: SummedFlat): FlatImage => ({
  ...{ width, height, bad, dark, perLight },
  ...{ all: pixels.slice(), rest: pixels, background: 0 },
})

/** Takes off what lies between the orders. */
function takeScatteredOff(image: FlatImage, traces: Traces, fwhm: number): void {
  const { width, height, all, rest, bad } = image
  const frame = { width, height, pixels: rest, mask: new Int16Array(bad) }
  const light = scatteredLight(frame, traces, { nearest: NEAREST * fwhm, fine: false })
  if (!light) return
  subtractScatteredLightInPlace(light, rest)
  all.set(rest)
  image.background = Math.max(0, light.median)
}

/** The first estimate with as many terms as are wanted, moved. */
function widened(start: Traces, { degree, blocks }: RefineOptions, moved: number): Traces {
  const { orders, fibres } = start
  const terms = degree + 1
  const coefficients = new Float64Array(orders * fibres * terms)
  for (let own = 0; own < orders * fibres; own++) {
    const from = start.coefficients.subarray(own * start.terms, (own + 1) * start.terms)
    coefficients.set(from.subarray(0, Math.min(terms, start.terms)), own * terms)
    coefficients[own * terms]! += moved
  }
  const profiles = new Float64Array(blocks * orders * fibres * start.rows)
  const traces = {
    ...start,
    terms,
    coefficients,
    blocks,
    profiles,
    first: start.first.slice(),
    last: start.last.slice(),
  }
  for (let o = 0; o < orders; o++) for (let f = 0; f < fibres; f++) setColumnsOnDetector(traces, o, f)
  return traces
}

function fittedTraces(
  traces: Traces,
  images: readonly FlatImage[],
  lit: readonly (readonly number[])[],
  grid: ProfileGrid,
  start:
    | { profile: Float32Array; slope: Float32Array }
    | ((grid: ProfileGrid) => { profile: Float32Array; slope: Float32Array }),
): FittedTrace[] {
  const { profile, slope } = typeof start === 'function' ? start(grid) : start
  const fitted: FittedTrace[] = []
  for (let order = 0; order < traces.orders; order++) {
    for (let fibre = 0; fibre < traces.fibres; fibre++) {
      const at = order * traces.fibres + fibre
      const [first, last] = [traces.first[at]!, traces.last[at]!]
      const own = images.filter((_, k) => lit[k]!.includes(fibre))
      if (last < first || own.length === 0) continue
      fitted.push({
        ...{ order, fibre, first, last, crowded: false },
        y: traceCentres(traces, order, fibre, new Float64Array(traces.width)),
        images: own.map((image) => ({ image, flux: new Float64Array(traces.width) })),
        profiles: repeated(profile, grid.blocks),
        slopes: repeated(slope, grid.blocks),
        wings: Array.from({ length: grid.blocks }, () => ({ light: 0, moment: 0 })),
      })
    }
  }
  for (const trace of fitted) {
    trace.crowded = fitted.some(
      (other) => other !== trace && shareImage(trace, other) && touch(trace, other, grid.rows),
    )
  }
  return fitted
}

function repeated(one: Float32Array, times: number): Float32Array {
  const all = new Float32Array(one.length * times)
  for (let k = 0; k < times; k++) all.set(one, k * one.length)
  return all
}

const shareImage = (a: FittedTrace, b: FittedTrace) =>
  a.images.some(({ image }) => b.images.some((other) => other.image === image))

/** Whether the profiles of two traces share rows anywhere. */
function touch(a: FittedTrace, b: FittedTrace, rows: number): boolean {
  const [first, last] = [Math.max(a.first, b.first), Math.min(a.last, b.last)]
  for (let x = first; x <= last; x += 16) if (Math.abs(a.y[x]! - b.y[x]!) < rows) return true
  return false
}

function finish(
  fitted: readonly FittedTrace[],
  traces: Traces,
  flats: readonly SummedFlat[],
  images: readonly FlatImage[],
  grid: ProfileGrid,
  { moved, fwhm, apart }: { moved: number; fwhm: number; apart: number },
): RefinedTraces {
  const { orders, fibres, blocks, rows } = traces
  const { samples, perRow } = grid
  const light = new Float64Array(orders * fibres)
  const values = new Float32Array(blocks * orders * fibres * samples)
  for (const { order, fibre, profiles, wings, images: own } of fitted) {
    const at = order * fibres + fibre
    for (const { flux } of own) light[at]! += flux.reduce((sum, one) => sum + one, 0)
    for (let block = 0; block < blocks; block++) {
      const profile = profiles.subarray(block * samples, (block + 1) * samples)
      const inside = 1 / (1 + wings[block]!.light)
      values.set(
        profile.map((value) => inside * value),
        (block * orders * fibres + at) * samples,
      )
      traces.profiles.set(wholeRows(profile, perRow, rows), (block * orders * fibres + at) * rows)
    }
  }
  for (let o = 0; o < orders; o++) for (let f = 0; f < fibres; f++) setColumnsOnDetector(traces, o, f)
  const marked = images.reduce((sum, { bad }) => sum + sumOf(bad), 0)
  const rejected = marked + flats.reduce((sum, flat) => sum + flat.rejected, 0)
  return { traces: { ...traces, fine: { perRow, samples, values } }, shift: moved, light, rejected, fwhm, apart }
}

/** A profile by whole rows, of sum 1. */
function wholeRows(profile: Float32Array, perRow: number, rows: number): Float64Array {
  const middle = (profile.length - 1) / 2
  const out = Float64Array.from({ length: rows }, (_, r) => {
    const place = middle + (r - (rows - 1) / 2) * perRow
    const k = Math.floor(place)
    return (1 - place + k) * (profile[k] ?? 0) + (place - k) * (profile[k + 1] ?? 0)
  })
  const sum = out.reduce((a, b) => a + b, 0)
  return sum > 0 ? out.map((value) => value / sum) : out
}

/** Callbacks of typed arrays are slow, and this is a whole frame. */
function sumOf(marks: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < marks.length; i++) sum += marks[i]!
  return sum
}
