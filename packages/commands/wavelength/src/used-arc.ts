import { lineResolution, type SpectralLine, type WavelengthPolynomial, zeroPointError } from '@nightpipe/spectra'
import type { Arc } from './arcs.js'
import type { CommonArc } from './common-arcs.js'

/** An arc as an exposure needs it: by fibre, with its share; the lines of the fibre that the drift is measured in. */
export interface UsedArc {
  name: string
  mjd: number
  fwhm: number
  polynomials: [number, WavelengthPolynomial][]
  lines: SpectralLine[]
  /** by fibre: one sigma of the zero point of its wavelengths, of the light of its lines alone, m/s; what it shares with other arcs apart */
  zeroErrors: [number, number][]
  sharedErrors: [number, number][]
  /** by fibre: wavelength over FWHM of a line */
  resolutions: [number, number][]
}

export function usedArc(arc: Arc | CommonArc, lamp: readonly number[]): UsedArc {
  const { name, mjd, fwhm, solutions } = arc
  const common = 'common' in arc ? arc.common : undefined
  const lamps = solutions.filter(({ fibre }) => lamp.includes(fibre))
  const places = (one: (typeof lamps)[number]): SpectralLine[] =>
    common?.get(one.fibre)?.places ?? [...one.lines, ...(one.unnamed ?? [])]
  return {
    ...{ name, mjd, fwhm, lines: lamps.flatMap(places) },
    polynomials: solutions.map(({ fibre, polynomial }): [number, WavelengthPolynomial] => [fibre, polynomial]),
    zeroErrors: solutions.map((one) => [one.fibre, common?.get(one.fibre)?.error ?? zeroPointError(one)]),
    sharedErrors: solutions.map(({ fibre }) => [fibre, common?.get(fibre)?.meanError ?? 0]),
    resolutions: solutions.map(({ fibre, lines }) => [fibre, lineResolution(lines)]),
  }
}
