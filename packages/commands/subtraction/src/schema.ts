import { type ConfigOf, choice, flag, integer, list, number, numbers, path } from '@nightpipe/config'

/** Every key of subtraction.ini, once. */
export const schema = {
  reference: {
    file: path('', 'the reference: a frame; or a folder of frames, of which that of the field and filter serves', {
      alias: ['template', 'folder'],
    }),
    best: flag(false, 'without file: of the frames of a field and filter the sharpest deep one is the reference'),
    radius: number(0.5, 'a frame of the folder is of the field when its centre is no further than this', {
      ...{ unit: 'deg', min: 0 },
    }),
  },
  registration: {
    method: choice(
      'auto',
      ['auto', 'stars', 'wcs', 'none'],
      'how the reference comes onto the grid of the new frame: auto uses it as it is when stars or coordinates agree',
    ),
    tolerance: number(0.5, 'a reference that lies this near is not resampled: the kernel moves it', {
      unit: 'px',
      min: 0,
    }),
    resampling: choice('lanczos3', ['lanczos3', 'lanczos4', 'bilinear', 'nearest'], 'how pixels are interpolated'),
  },
  noise: {
    gain: number(undefined, 'electrons per unit of the new frame, for frames without ERR; empty: of the header', {
      ...{ optional: true, min: 1e-6 },
    }),
    'reference gain': number(undefined, 'likewise of the reference (of a mean of N frames: N times as much)', {
      ...{ optional: true, min: 1e-6 },
    }),
    saturation: number(undefined, 'a pixel from here on is saturated, unit of the frame; empty: of the header', {
      ...{ optional: true, min: 0 },
    }),
    mesh: integer(64, 'side of a mesh in which noise is measured, and the sky of the difference', {
      unit: 'px',
      min: 8,
    }),
  },
  subtraction: {
    method: choice('alard', ['alard', 'zogy'], 'matching kernel (Alard & Lupton), or proper subtraction (ZOGY)', {
      synonyms: { 'alard-lupton': 'alard', kernel: 'alard', hotpants: 'alard' },
    }),
    convolve: choice(
      'auto',
      ['auto', 'reference', 'new', 'both'],
      'which image the kernel is applied to; auto: the sharper one; both: tried both ways, and the better kept',
    ),
    decorrelate: flag(true, 'make the noise of the difference white again'),
    'astrometric noise': number(undefined, 'scatter of positions; empty: measured on the bright stars', {
      ...{ unit: 'px', optional: true, min: 0 },
    }),
    'flux noise': number(undefined, 'scatter of the fluxes of stars, as a part; empty: measured on the bright stars', {
      ...{ optional: true, min: 0 },
    }),
    normalise: flag(true, 'divide the score by its own scatter where the noise is not what it is said to be'),
  },
  kernel: {
    basis: choice('gaussians', ['gaussians', 'delta'], 'Gaussians times polynomials, or a value for each pixel'),
    half: integer(0, 'half of the side of the kernel; 0: 3.3 times the seeing', { unit: 'px', min: 0, max: 40 }),
    sigmas: numbers([], 'of the Gaussians; empty: from the seeing of the two', { unit: 'px', min: 0.1 }),
    degrees: numbers([4, 3, 2, 2], 'of their polynomials', { min: 0, max: 8 }),
    order: integer(2, 'degree of the change of the kernel over the field', { min: 0, max: 3 }),
    background: integer(1, 'degree of the difference of the skies', { min: 0, max: 3 }),
    'constant ratio': flag(false, 'the ratio of fluxes is the same all over the field'),
    smoothness: number(undefined, 'delta: cost of a rough kernel; empty: what predicts left-out stamps best', {
      ...{ optional: true, min: 0 },
    }),
    stamps: integer(120, 'most stamps', { min: 1, max: 2000 }),
    stamp: integer(0, 'half of the side of a stamp; 0: from kernel and seeing', { unit: 'px', min: 0, max: 100 }),
    clip: number(3, 'stamps whose residual is so many sigma above the others are left out', { unit: 'sigma', min: 1 }),
  },
  candidates: {
    threshold: number(5.5, 'least significance of a source in the difference', { unit: 'sigma', min: 1 }),
    negative: flag(true, 'list what has become fainter too'),
    edge: integer(0, 'margin in which nothing is believed; 0: the half of the seeing disc', { unit: 'px', min: 0 }),
    saturated: number(2.5, 'nothing is believed so near to a saturated star, in FWHM beyond its saturated part', {
      ...{ unit: 'fwhm', min: 0 },
    }),
    dipole: number(0.4, 'least depth of the negative next to a source, as a part of it, that makes it a residual', {
      ...{ min: 0 },
    }),
    residual: number(0.01, 'a source fainter than this part of the star under it is a residual', {
      ...{ min: 0, max: 1 },
    }),
    chi: number(3, 'reduced chi² of a source against the point spread above which it is none (grows with its light)', {
      ...{ min: 1 },
    }),
    stamp: integer(31, 'side of the stamps of each candidate, odd; 0: none', { unit: 'px', min: 0, max: 201 }),
    png: flag(false, 'write the stamps of candidates as PNG too: new, reference, difference'),
    rejected: flag(true, 'list rejected candidates too, with the reason'),
    most: integer(2000, 'most candidates of a frame, the most significant first', { min: 1 }),
  },
  photometry: {
    'zero point': number(undefined, 'magnitude of one unit of flux in the new frame; empty: of the header', {
      unit: 'mag',
      optional: true,
    }),
    limit: number(3, 'a flux below so many of its errors gives an upper limit, not a magnitude', {
      ...{ unit: 'sigma', min: 0 },
    }),
    positions: list(
      [],
      'measured in each difference whether something is found or not: ra, dec, ra, dec … in degrees',
      {
        alias: ['forced'],
      },
    ),
  },
  movers: {
    rate: number(120, 'fastest motion looked for among the epochs of a field', { unit: 'arcsec/h', min: 0 }),
    tolerance: number(1, 'positions agree within this with a straight line (or a fixed place)', {
      ...{ unit: 'px', min: 0.01 },
    }),
    epochs: integer(3, 'least number of epochs on a line', { min: 3 }),
  },
  products: {
    score: flag(true, 'write the score image, <stem>.score.fits'),
    convolved: flag(false, 'add the reference as it was subtracted, as an extension of the difference'),
  },
}

export type SubtractionSchema = typeof schema
export type SubtractionConfig = ConfigOf<SubtractionSchema>
