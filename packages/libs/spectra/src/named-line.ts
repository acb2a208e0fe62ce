import type { SpectralLine } from './find-lines.js'
import type { FittedLine } from './wavelength-fit.js'

/**
 * A line with what its wavelength adds. All names are spelt out: V8 stores what follows a spread in a literal by a call of its
 * runtime for each name, and lines are made by the thousand in every fit and read from every arc.
 */
export const namedLine = (line: SpectralLine, more: Omit<FittedLine, keyof SpectralLine>): FittedLine => ({
  index: line.index,
  fibre: line.fibre,
  x: line.x,
  error: line.error,
  flux: line.flux,
  fluxError: line.fluxError,
  fwhm: line.fwhm,
  chiSquare: line.chiSquare,
  flags: line.flags,
  wavelength: more.wavelength,
  listed: more.listed,
  dispersion: more.dispersion,
  sigma: more.sigma,
  residual: more.residual,
  velocity: more.velocity,
  used: more.used,
})
