import { MAD_TO_SIGMA, mad } from '@nightpipe/math'
import type { SpectralLine } from './find-lines.js'
import type { LineList } from './line-list.js'
import { firstAbove } from './line-votes.js'
import { matchLines } from './match-lines.js'
import { placeEvaluator, type WavelengthPolynomial } from './wavelength-polynomial.js'

/** Light of a line that was not found by itself: where it is beside one that was, and how bright it should be beside it. */
export interface Neighbour {
  /** px from the line that was found */
  apart: number
  /** of its light */
  ratio: number
}

/** Neighbours of less than this part of a line's light are left out, and those further away than so many widths. */
const LEAST = 0.002
const REACH = 2.2
/** A listed line so near a found one, in widths, is that one. */
const SAME = 0.5

/** Brightness that is wrong by more than this (natural logarithm) says nothing: it is that of another lamp. */
const WORTHLESS = 0.9
/** No list is believed more than this. */
const BELIEVED = 0.3

/** What the list knows beside lines that were found. */
export interface Neighbours {
  /** of the line of this place */
  of: (line: number) => readonly Neighbour[]
  /** it is one of the list */
  isNamed: (line: number) => boolean
  /** how well their brightness is known, natural logarithm; undefined where the list does not know this lamp, and `of` has none */
  scatter?: number
}

/**
 * What a list knows beside each of the found lines: the lines of the lamp that were not found by themselves. Brightness is that of the
 * list, beside that of the line that the found one is. How good it is for this lamp is asked of the lines that were found.
 */
export function listNeighbours(
  lines: readonly SpectralLine[],
  list: LineList,
  polynomial: WavelengthPolynomial,
  fwhm: number,
): Neighbours {
  const { wavelength, intensity } = list.all ?? list
  const named = new Map(
    matchLines(lines, list.wavelength, polynomial, SAME * fwhm).map((one) => [one.line, one.listed]),
  )
  const scatter = brightnessScatter(lines, list, named)
  const isNamed = (k: number) => named.has(k)
  if (!(scatter < WORTHLESS)) return { of: () => [], isNamed }
  const valueAt = placeEvaluator(polynomial)
  const of = (k: number) => {
    const { index, x } = lines[k]!
    const listed = named.get(k)
    if (listed === undefined || !(list.intensity[listed]! > 0)) return []
    const { dispersion } = valueAt(index, x)
    const own = list.wavelength[listed]!
    const half = REACH * fwhm * Math.abs(dispersion)
    const out: Neighbour[] = []
    for (let j = firstAbove(wavelength, own - half); j < wavelength.length && wavelength[j]! < own + half; j++) {
      const apart = (wavelength[j]! - own) / dispersion
      const ratio = intensity[j]! / list.intensity[listed]!
      if (Math.abs(apart) < 0.02 * fwhm || !(ratio > LEAST) || isFound(lines, k, x + apart, fwhm)) continue
      out.push({ apart, ratio })
    }
    return out
  }
  return { of, isNamed, scatter: Math.max(BELIEVED, scatter) }
}

/** How well a list knows the brightness of lines (natural logarithm): from neighbours in an order, which the spectrograph dims alike. */
function brightnessScatter(
  lines: readonly SpectralLine[],
  { intensity }: LineList,
  named: ReadonlyMap<number, number>,
): number {
  const misses: number[] = []
  let before = Number.NaN
  lines.forEach(({ index, flux }, k) => {
    const known = intensity[named.get(k) ?? -1]
    if (lines[k - 1]?.index !== index) before = Number.NaN
    if (!(known! > 0 && flux > 0)) return
    const ratio = Math.log(flux / known!)
    if (!Number.isNaN(before)) misses.push(ratio - before)
    before = ratio
  })
  return misses.length < 20 ? Number.POSITIVE_INFINITY : (MAD_TO_SIGMA * mad(misses)) / Math.SQRT2
}

/** Another line was found there, or is nearer to it: it is not this one's neighbour. */
function isFound(lines: readonly SpectralLine[], k: number, x: number, fwhm: number): boolean {
  for (const step of [-1, 1]) {
    for (let j = k + step; lines[j]?.index === lines[k]!.index; j += step) {
      const away = Math.abs(lines[j]!.x - x)
      if (away < SAME * fwhm || away < Math.abs(lines[k]!.x - x)) return true
      if (Math.abs(lines[j]!.x - lines[k]!.x) > 4 * fwhm) break
    }
  }
  return false
}
