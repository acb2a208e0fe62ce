import { type Spectra, SpectrumBit } from './spectrum.js'

/** A stretch of the spectrum that is kept out of fits. */
export interface BadWavelength {
  /** bloomed: a line of the lamp that spills over its neighbours on the detector; telluric: absorbed by the air */
  kind: 'bloomed' | 'telluric'
  /** nm */
  centre: number
  /** columns of a bloomed line, nm of a telluric stretch */
  halfWidth: number
  /** orders on either side that a bloomed line spills into */
  orders: number
}

/** Reads a list as the NRES pipeline has it: two lines of heading, then `x` or `w`, centre, half-width, half-height. */
export function parseBadWavelengths(text: string): BadWavelength[] {
  return text.split('\n').flatMap((line, k): BadWavelength[] => {
    const [type, ...rest] = line.trim().split(/\s+/)
    if (k < 2 || !type) return []
    const [centre = Number.NaN, halfWidth = Number.NaN, orders = 0] = rest.map(Number)
    if (!/^[xw]$/.test(type) || !(centre > 0 && halfWidth >= 0 && orders >= 0)) {
      throw new RangeError(`line ${k + 1} is not 'x' or 'w' with centre, half-width and half-height: ${line.trim()}`)
    }
    return [{ kind: type === 'x' ? 'bloomed' : 'telluric', centre, halfWidth, orders }]
  })
}

/**
 * Sets the bits of bad stretches in the masks of spectra: `saturated` where a line of the lamp has bloomed, `telluric` where
 * the air absorbs. `wavelength` gives the wavelengths (nm) of the columns of an order; undefined where they are unknown.
 */
export function markBadWavelengths(
  { orders, width }: Spectra,
  bad: readonly BadWavelength[],
  wavelength: (index: number) => ArrayLike<number> | undefined,
): void {
  const indices = [...new Set(orders.map(({ index }) => index))]
  for (const { kind, centre, halfWidth, orders: reach } of bad) {
    const places = kind === 'bloomed' ? placesOf(indices, centre, width, wavelength) : []
    for (const { index, mask } of orders) {
      if (kind === 'telluric') {
        const lambda = wavelength(index)
        for (let x = 0; lambda && x < width; x++) {
          if (Math.abs(lambda[x]! - centre) <= halfWidth) mask[x]! |= SpectrumBit.telluric
        }
        continue
      }
      for (const place of places) {
        if (Math.abs(place.index - index) > reach) continue
        const [from, to] = [Math.max(0, Math.ceil(place.x - halfWidth)), Math.min(width - 1, place.x + halfWidth)]
        for (let x = from; x <= to; x++) mask[x]! |= SpectrumBit.saturated
      }
    }
  }
}

/** The orders and columns that a wavelength falls on. */
function placesOf(
  indices: readonly number[],
  centre: number,
  width: number,
  wavelength: (index: number) => ArrayLike<number> | undefined,
): { index: number; x: number }[] {
  return indices.flatMap((index) => {
    const lambda = wavelength(index)
    if (!lambda) return []
    for (let x = 1; x < width; x++) {
      const [a, b] = [lambda[x - 1]!, lambda[x]!]
      if (a !== b && (a - centre) * (b - centre) <= 0) return [{ index, x: x - 1 + (centre - a) / (b - a) }]
    }
    return []
  })
}
