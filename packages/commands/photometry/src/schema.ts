import { type ConfigOf, choice, flag, integer, number, numbers, path, text } from '@nightpipe/config'

/** Every key of photometry.ini, once. */
export const schema = {
  detection: {
    threshold: number(5, 'significance of the peak of a star', { unit: 'sigma', min: 1 }),
    mesh: integer(64, 'side of a mesh of the background', { unit: 'px', min: 8 }),
  },
  aperture: {
    radii: numbers([0.6, 0.8, 1, 1.25, 1.5, 2, 2.5, 3, 4], 'of the circles, the largest holding all light', {
      ...{ unit: 'fwhm', min: 0.1 },
    }),
    radius: number(1.5, 'of the circle that magnitudes come from', { unit: 'fwhm', min: 0.1 }),
    fixed: number(0, 'width that the radii are multiples of; 0: that of the stars of the frame', {
      ...{ unit: 'px', min: 0 },
    }),
    sky: choice('mesh', ['mesh', 'ring'], 'the sky under a star: of the meshes, or the median of a ring about it'),
    ring: numbers([5, 7], 'inner and outer radius of the ring', { unit: 'fwhm', min: 1 }),
    order: integer(1, 'of the variation of the growth curve over the field', { min: 0, max: 2 }),
  },
  psf: {
    model: choice(
      'no',
      ['no', 'also', 'only'],
      'write the model of the profile, <stem>.psf.fits; only: and nothing else',
    ),
    fit: choice(
      'yes',
      ['yes', 'crowded', 'no'],
      'fluxes by the profile; crowded: stars hidden by others are sought too',
    ),
    order: integer(2, 'of the variation of the profile over the field', { min: 0, max: 3 }),
    stars: integer(200, 'at most so many stars make the model', { min: 1 }),
    passes: integer(2, 'searches among what the stars leave, for crowded fields', { min: 1, max: 10 }),
  },
  noise: {
    gain: number(undefined, 'electrons per unit of the frame; empty: of the header', { optional: true, min: 1e-6 }),
    saturation: number(undefined, 'a pixel from here on is saturated, unit of the frame; empty: of the header', {
      ...{ optional: true, min: 0 },
    }),
    diameter: number(0, 'of the telescope, for scintillation; 0: it is not counted', { unit: 'm', min: 0 }),
    altitude: number(0, 'of the site', { unit: 'm', min: 0 }),
  },
  'zero point': {
    catalogue: path('', 'folder or file of reference stars; empty: magnitudes stay instrumental'),
    band: text('', 'of the catalogue; empty: the one named like the filter, else its first'),
    colour: text('', 'two bands, as g-r; empty: no colour term'),
    'colour term': number(undefined, 'magnitudes for each magnitude of colour; empty: fitted', { optional: true }),
    radius: number(0, 'of the match; 0: 0.7 of the width of stars', { unit: 'arcsec', min: 0 }),
    brightest: number(-10, 'reference stars no brighter than this', { unit: 'mag' }),
    faintest: number(40, 'and no fainter', { unit: 'mag' }),
    order: integer(0, 'of the variation over the field', { min: 0, max: 3 }),
    clip: number(4, 'stars further off are set aside', { unit: 'sigma', min: 2 }),
    flux: choice('aperture', ['aperture', 'psf'], 'which fluxes are calibrated'),
  },
  limit: {
    significance: number(5, 'of a star at the limit', { unit: 'sigma', min: 1 }),
    injected: integer(300, 'stars that are put in to see which are found; 0: none', { min: 0, max: 5000 }),
    apertures: integer(1000, 'empty places that tell the noise of a sum', { min: 20, max: 10000 }),
  },
  targets: {
    list: path('', 'CSV or FITS with name and ra_deg, dec_deg (or x, y from 1): measured whether seen or not'),
    significance: number(3, 'below this a target has an upper limit and no magnitude', { unit: 'sigma', min: 1 }),
  },
  series: {
    curves: flag(true, 'light curves of all stars, where there are several frames'),
    radius: number(1, 'stars of two frames are the same within this', { unit: 'fwhm', min: 0.1 }),
    frames: number(0.5, 'part of the frames that a star must be in', { min: 0, max: 1 }),
    'comparison signal': number(50, 'least signal to noise of comparison stars', { min: 3 }),
    comparisons: integer(100, 'at most so many comparison stars', { min: 1 }),
    order: integer(0, 'of what differs over the field from frame to frame', { min: 0, max: 2 }),
    effects: integer(0, 'trends that many stars share are taken out, this many (SysRem)', { min: 0, max: 10 }),
    flux: choice('best', ['best', 'aperture', 'psf'], 'best: for each brightness the circle with the least scatter'),
    plotted: integer(4, 'most variable stars whose light curves are drawn', { min: 0, max: 200 }),
    plots: choice('svg', ['svg', 'png', 'no'], 'form of the figures'),
  },
}

export type PhotometrySchema = typeof schema
export type Config = ConfigOf<PhotometrySchema>
