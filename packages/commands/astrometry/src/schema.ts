import { type ConfigOf, choice, flag, integer, number, numbers, path, text } from '@nightpipe/config'

/** Every key of astrometry.ini, once. */
export const schema = {
  catalogue: {
    folder: path(
      '',
      'reference catalogue: a folder made by `catalogue import` or `catalogue fetch`, or one table of stars',
      {
        alias: ['path', 'file'],
      },
    ),
    epoch: number(undefined, 'proper motions bring the stars to this date; empty: the date of each frame', {
      ...{ unit: 'Julian year', optional: true, min: 1800, max: 2200 },
    }),
    'magnitude limit': number(undefined, 'fainter stars of the catalogue are left out; empty: none is', {
      ...{ unit: 'mag', optional: true },
    }),
    band: text('', 'magnitudes that say which stars are bright, as the catalogue calls them; empty: its first'),
    error: number(50, 'error of its positions along an axis, where frames are fitted together: a first guess', {
      ...{ unit: 'mas', min: 0.001 },
    }),
  },
  pointing: {
    ra: text('', 'right ascension of the middle of the frame, 10:23:45 or degrees; empty: of the header'),
    dec: text('', 'declination, -12:34:56 or degrees; empty: of the header'),
    radius: number(2, 'how far off that may be; 180: no pointing at all, the whole sky', {
      unit: 'deg',
      min: 0.001,
      max: 180,
    }),
    scale: numbers([], 'size of a pixel, or the smallest and largest that it may be; empty: of the header', {
      ...{ unit: 'arcsec', min: 1e-4 },
    }),
    'scale error': number(15, 'how wrong one pixel scale may be', { unit: 'percent', min: 0.1, max: 90 }),
    hand: choice(
      'either',
      ['either', 'normal', 'mirrored'],
      'east to the left where north is up (normal), to the right, or either',
    ),
  },
  stars: {
    catalogues: path('', 'folder of <stem>.cat.fits by findstars; empty: stars are found anew'),
    threshold: number(5, 'significance of the stars that are found anew', { unit: 'sigma', min: 2 }),
    most: integer(5000, 'only so many of the brightest stars are used', { min: 4 }),
  },
  match: {
    'false match': number(1e-9, 'a solution is refused if chance is expected to make this many as good or more', {
      min: 1e-300,
      max: 0.1,
    }),
  },
  fit: {
    distortion: choice('sip', ['sip', 'tpv', 'none'], 'how distortion is written; none: a plain TAN'),
    order: integer(0, 'order of the polynomials; 0: what the stars of the frame call for, up to 5', { min: 0, max: 6 }),
    clip: number(4, 'residuals beyond this are not used', { unit: 'sigma', min: 2 }),
    common: flag(
      false,
      'one distortion for all frames of a camera, filter and size, a pointing for each (of order 3, or as set)',
    ),
  },
  solver: {
    method: choice(
      'own',
      ['own', 'astrometry.net'],
      'who finds the field: this command, or solve-field of astrometry.net',
    ),
    command: text('solve-field', 'the executable of astrometry.net', { digest: false }),
    indexes: path('', 'folder of the index files of astrometry.net; empty: as it is configured'),
    seconds: number(120, 'processor time that it may take for a frame', { unit: 's', min: 1, digest: false }),
  },
  products: {
    write: choice(
      'frame',
      ['frame', 'header'],
      'the whole frame with its solution, or the header alone (quick, small)',
    ),
    plot: flag(true, 'draw the residuals, <stem>.residuals.svg'),
  },
}

export type AstrometrySchema = typeof schema
export type AstrometryConfig = ConfigOf<AstrometrySchema>
