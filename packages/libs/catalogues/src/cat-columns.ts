import type { FoundStars } from '@nightpipe/stars'

/** A column of CAT that holds one quantity of the stars. */
export interface CatColumn {
  field: keyof FoundStars
  name: string
  /** What SExtractor calls it. */
  alias: string
  /** FITS type of a cell: I int16, J int32, E float32, D float64. */
  format: 'I' | 'J' | 'E' | 'D'
  /** `flux` stands for the unit of the frame. */
  unit: string
  comment: string
  /** File minus memory: 1 for places, which count from 1 in files. */
  offset?: number
}

const at = (
  field: keyof FoundStars,
  name: string,
  alias: string,
  format: CatColumn['format'],
  unit: string,
  comment: string,
  offset?: number,
): CatColumn => ({ field, name, alias, format, unit, comment, offset })

/** The columns of CAT, in their order; NUMBER comes before them, magnitudes, apertures and RA, DEC after. */
export const CAT_COLUMNS: readonly CatColumn[] = [
  at('x', 'X', 'XWIN_IMAGE', 'D', 'pix', 'windowed centroid; the first pixel is 1', 1),
  at('y', 'Y', 'YWIN_IMAGE', 'D', 'pix', 'windowed centroid; the first pixel is 1', 1),
  at('xError', 'X_ERR', 'ERRX_WIN_IMAGE', 'E', 'pix', 'one sigma of X'),
  at('yError', 'Y_ERR', 'ERRY_WIN_IMAGE', 'E', 'pix', 'one sigma of Y'),
  at('flux', 'FLUX_AUTO', 'FLUX_AUTO', 'D', 'flux', 'total flux in the Kron ellipse'),
  at('fluxError', 'FLUXERR_AUTO', 'FLUXERR_AUTO', 'D', 'flux', 'one sigma of FLUX_AUTO'),
  at('fwhm', 'FWHM', 'FWHM_IMAGE', 'E', 'pix', 'full width at half maximum'),
  at('a', 'A', 'A_IMAGE', 'E', 'pix', 'major semi-axis, one sigma'),
  at('b', 'B', 'B_IMAGE', 'E', 'pix', 'minor semi-axis, one sigma'),
  at('theta', 'THETA', 'THETA_IMAGE', 'E', 'deg', 'position angle of A from +x to +y'),
  at('halfLight', 'HALF_LIGHT', 'FLUX_RADIUS', 'E', 'pix', 'radius that holds half of FLUX_AUTO'),
  at('kronRadius', 'KRON_RADIUS', 'KRON_RADIUS', 'E', '', 'semi-axes of the Kron ellipse over A and B'),
  at('peak', 'PEAK', 'FLUX_MAX', 'E', 'flux', 'highest pixel above the background'),
  at('background', 'BACKGROUND', 'BACKGROUND', 'E', 'flux', 'background at the centroid'),
  at('significance', 'SIGNIFICANCE', 'SNR_DETECT', 'E', '', 'peak of the filtered image over its noise'),
  at('starness', 'STARNESS', 'CLASS_STAR', 'E', '', '1 is a star, 0 a galaxy or a cosmic ray'),
  at('flags', 'FLAGS', 'FLAGS', 'I', '', 'bits: what may be wrong'),
  at('area', 'AREA', 'ISOAREA_IMAGE', 'J', 'pix**2', 'pixels within the isophote'),
  at('isophotalFlux', 'FLUX_ISO', 'FLUX_ISO', 'D', 'flux', 'sum within the isophote'),
  at('isophotalError', 'FLUXERR_ISO', 'FLUXERR_ISO', 'D', 'flux', 'one sigma of FLUX_ISO'),
  at('xIsophotal', 'X_ISO', 'X_IMAGE', 'D', 'pix', 'centroid within the isophote', 1),
  at('yIsophotal', 'Y_ISO', 'Y_IMAGE', 'D', 'pix', 'centroid within the isophote', 1),
  at('xMinimum', 'X_MIN', 'XMIN_IMAGE', 'J', 'pix', 'first column of the isophote', 1),
  at('xMaximum', 'X_MAX', 'XMAX_IMAGE', 'J', 'pix', 'last column of the isophote', 1),
  at('yMinimum', 'Y_MIN', 'YMIN_IMAGE', 'J', 'pix', 'first row of the isophote', 1),
  at('yMaximum', 'Y_MAX', 'YMAX_IMAGE', 'J', 'pix', 'last row of the isophote', 1),
]

/** Names of the other columns: ours and SExtractor's. */
export const OTHER_NAMES = {
  number: ['NUMBER', 'NUMBER'],
  elongation: ['ELONGATION', 'ELONGATION'],
  magnitude: ['MAG_AUTO', 'MAG_AUTO'],
  magnitudeError: ['MAGERR_AUTO', 'MAGERR_AUTO'],
  aperture: ['FLUX_APER', 'FLUX_APER'],
  apertureError: ['FLUXERR_APER', 'FLUXERR_APER'],
  apertureMagnitude: ['MAG_APER', 'MAG_APER'],
  apertureMagnitudeError: ['MAGERR_APER', 'MAGERR_APER'],
  ra: ['RA', 'ALPHAWIN_J2000'],
  dec: ['DEC', 'DELTAWIN_J2000'],
} as const
