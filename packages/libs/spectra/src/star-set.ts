import { inverse, legendre } from '@nightpipe/math'
import { type LogSpectrum, resolutionKernel } from './broaden.js'

/** What a star is, as far as spectra tell: K, dex, dex, m/s. */
export interface StarParameters {
  teff: number
  logg: number
  metallicity: number
  vsini: number
}

/** One spectrum of a set, all on the same steps; parameters that are not known are NaN. */
export interface SetMember extends StarParameters {
  name: string
  /** wavelength over FWHM of its lines; infinite where left out */
  resolution?: number | undefined
  /** squares of the steps that it was averaged over on its way here, in ln wavelength, added */
  averaged?: number
  spectrum: LogSpectrum
}

/** What all members of a set have under one order, their continuum divided out. */
export interface Stretch {
  /** logarithm of the wavelength of the first sample */
  first: number
  step: number
  /** as the spectrograph would see each member */
  flux: Float32Array[]
  /** means of `BIN` samples each */
  coarse: Float32Array[]
}

/** Samples in one of the coarse spectra: half of the width of a line. */
export const BIN = 4

/** A spectrum is sampled eight times per width (FWHM) of a line. */
export const samplingFor = (resolution: number) => 1 / (8 * resolution)

/** Room at both ends of a stretch, for the shift of the star and its rotation: 600 km/s. */
const ROOM = 0.002

/** Where an order lies, as logarithms of wavelengths. */
export interface Range {
  from: number
  to: number
}

export interface PreparedSet {
  /** by range; undefined where the set has nothing there */
  stretches: (Stretch | undefined)[]
  members: SetMember[]
  /** members that were left out */
  short: number
}

/**
 * The stretches of a set under the orders of a spectrograph, at its resolution. Only members that reach as far as most do are taken, and
 * only orders that they cover. The continuum of each stretch is taken off as a polynomial of the degree by which
 * the star's own may differ from it: between members lines are mixed then, and not levels.
 */
export function prepareSet(set: readonly SetMember[], ranges: readonly Range[], resolution?: number): PreparedSet {
  const { step } = set[0]!.spectrum
  const reach = set.map(({ spectrum: { first, flux } }) => ({ from: first, to: first + step * (flux.length - 1) }))
  const covered = reach.map((one) => ranges.reduce((sum, range) => sum + overlap(one, range), 0))
  const most = Math.max(...covered)
  if (!(most > 0)) throw new RangeError('no template of the set covers the spectrum')
  const kept = [...set.keys()].filter((k) => covered[k]! > 0.7 * most)
  const common = {
    from: Math.max(...kept.map((k) => reach[k]!.from)),
    to: Math.min(...kept.map((k) => reach[k]!.to)),
  }
  const members = kept.map((k) => set[k]!)
  const stretches = ranges.map((range) => {
    if (overlap(common, range) < 0.3 * (range.to - range.from)) return undefined
    const [from, to] = [Math.max(range.from - ROOM, common.from), Math.min(range.to + ROOM, common.to)]
    return stretchOf(members, from, to, resolution)
  })
  return { stretches, members, short: set.length - kept.length }
}

const overlap = (a: Range, b: Range) => Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from))

function stretchOf(members: readonly SetMember[], from: number, to: number, resolution?: number): Stretch {
  const { step, first: origin } = members[0]!.spectrum
  const start = Math.ceil((from - origin) / step - 1e-6)
  const length = BIN * Math.floor(((to - origin) / step + 1e-6 - start) / BIN)
  const first = origin + start * step
  const level = levelsOf(length / BIN)
  const stretch: Stretch = { first, step, flux: [], coarse: [] }
  for (const { spectrum, resolution: own, averaged } of members) {
    const offset = (first - spectrum.first) / step
    if (Math.abs(offset - Math.round(offset)) > 0.01)
      throw new RangeError('the members of the set are not on the same steps')
    const kernel = resolution ? resolutionKernel(resolution, step, own, averaged) : Float64Array.of(1)
    const flux = seenThrough(spectrum.flux, Math.round(offset), length, kernel)
    const coarse = level(flux)
    stretch.flux.push(Float32Array.from(flux))
    stretch.coarse.push(coarse)
  }
  return stretch
}

/** A part of a spectrum, convolved with a kernel of odd length; beyond its ends it goes on as it is there. */
function seenThrough(all: Float64Array, from: number, length: number, kernel: Float64Array): Float64Array {
  const half = kernel.length >> 1
  const padded = new Float64Array(length + 2 * half)
  for (let k = 0; k < padded.length; k++) padded[k] = all[Math.max(0, Math.min(all.length - 1, from + k - half))]!
  const out = new Float64Array(length)
  for (let k = 0; k < length; k++) {
    let sum = 0
    for (let j = 0; j < kernel.length; j++) sum += kernel[j]! * padded[k + j]!
    out[k] = sum
  }
  return out
}

/** Terms of the polynomial of the continuum. */
export const CONTINUUM_TERMS = 5

/** For stretches of so many bins: divides a spectrum by the polynomial nearest to it, and returns the means in bins. */
function levelsOf(bins: number): (flux: Float64Array) => Float32Array {
  const basis = Array.from({ length: bins }, (_, b) =>
    legendre((2 * b + 1) / bins - 1, new Float64Array(CONTINUUM_TERMS)),
  )
  const normal = new Float64Array(CONTINUUM_TERMS ** 2)
  for (const row of basis)
    for (let i = 0; i < CONTINUUM_TERMS; i++)
      for (let j = 0; j < CONTINUUM_TERMS; j++) normal[i * CONTINUUM_TERMS + j]! += row[i]! * row[j]!
  const solved = inverse(normal, CONTINUUM_TERMS)
  return (flux) => {
    const coarse = new Float32Array(bins)
    const right = new Float64Array(CONTINUUM_TERMS)
    for (let b = 0; b < bins; b++) {
      const mean = (flux[BIN * b]! + flux[BIN * b + 1]! + flux[BIN * b + 2]! + flux[BIN * b + 3]!) / BIN
      coarse[b] = mean
      for (let i = 0; i < CONTINUUM_TERMS; i++) right[i]! += basis[b]![i]! * mean
    }
    const terms = right.map((_, i) => right.reduce((sum, one, j) => sum + solved[i * CONTINUUM_TERMS + j]! * one, 0))
    const least = 0.05 * Math.abs(terms[0]!)
    for (let b = 0; b < bins; b++) {
      let level = 0
      for (let i = 0; i < CONTINUUM_TERMS; i++) level += terms[i]! * basis[b]![i]!
      coarse[b]! /= Math.max(level, least)
    }
    const place = new Float64Array(CONTINUUM_TERMS)
    for (let k = 0; k < flux.length; k++) {
      legendre((2 * k + 1) / flux.length - 1, place)
      let level = 0
      for (let i = 0; i < CONTINUUM_TERMS; i++) level += terms[i]! * place[i]!
      flux[k]! /= Math.max(level, least)
    }
    return coarse
  }
}
