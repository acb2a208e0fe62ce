import { lineResolution, type SpectralLine, type WavelengthPolynomial, zeroPointError } from '@nightpipe/spectra'
import type { Arc } from './arcs.js'
import type { CommonArc, SharedSolution } from './common-arcs.js'

/** An arc as an exposure needs it: by fibre, with its share; the lines of the fibre that the drift is measured in. */
export interface UsedArc {
  name: string
  mjd: number
  /** of an average */
  members?: Arc['members']
  fwhm: number
  polynomials: [number, WavelengthPolynomial][]
  lines: SpectralLine[]
  /** by fibre: one sigma of the zero point of its wavelengths, of the light of its lines alone, m/s; that of its place beside others where it is compared with them */
  zeroErrors: [number, number][]
  /** by fibre: the arcs whose solutions its wavelengths are then the mean of */
  meanOf: [number, SharedSolution['meanOf']][]
  /** by fibre: wavelength over FWHM of a line */
  resolutions: [number, number][]
}

export function usedArc(arc: Arc | CommonArc, lamp: readonly number[]): UsedArc {
  const { name, mjd, members, fwhm, solutions } = arc
  const common = 'common' in arc ? arc.common : undefined
  const lamps = solutions.filter(({ fibre }) => lamp.includes(fibre))
  const places = (one: (typeof lamps)[number]): SpectralLine[] =>
    common?.get(one.fibre)?.places ?? [...one.lines, ...(one.unnamed ?? [])]
  return {
    ...{ name, mjd, members, fwhm, lines: lamps.flatMap(places) },
    polynomials: solutions.map(({ fibre, polynomial }): [number, WavelengthPolynomial] => [fibre, polynomial]),
    zeroErrors: solutions.map((one) => [one.fibre, common?.get(one.fibre)?.error ?? zeroPointError(one)]),
    meanOf: solutions.flatMap(({ fibre }): UsedArc['meanOf'] => {
      const one = common?.get(fibre)
      return one ? [[fibre, one.meanOf]] : []
    }),
    resolutions: solutions.map(({ fibre, lines }) => [fibre, lineResolution(lines)]),
  }
}
