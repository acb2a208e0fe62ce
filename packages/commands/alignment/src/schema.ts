import { type ConfigOf, choice, flag, integer, list, number, numbers, path } from '@nightpipe/config'

/** Every key of alignment.ini, once. */
export const schema = {
  group: {
    by: list(['object', 'instrument', 'binning'], 'frames that agree in these are aligned on one reference', {}),
    types: list(['object', 'unknown'], 'types of frames that are aligned'),
  },
  reference: {
    file: path('', 'frame on which all are aligned; empty: one of them'),
    choose: choice(
      'auto',
      ['auto', 'first', 'middle'],
      'which: the one with sharp stars, many of them, in the middle of the others; the first; the one in the middle',
    ),
  },
  stars: {
    catalogues: path('', 'folder with <stem>.cat.fits of findstars; empty: stars are found here'),
    most: integer(600, 'brightest stars that are used', { min: 10, max: 20000 }),
    threshold: number(6, 'height of a star above the sky', { unit: 'sigma', min: 2 }),
    saturation: number(undefined, 'pixels from here on are saturated; empty: of the header or the profile', {
      ...{ optional: true, min: 0 },
    }),
  },
  match: {
    method: choice(
      'stars',
      ['stars', 'wcs', 'auto'],
      'by star patterns, by plate solutions, or by these where stars fail',
    ),
    mirrored: choice('either', ['no', 'yes', 'either'], 'whether frames are mirror images of the reference'),
    scale: numbers([0.9, 1.1], 'smallest and largest scale of a frame over that of the reference'),
    tolerance: number(1.5, 'a star may be this far from its place when patterns are looked for', {
      unit: 'px',
      min: 0.1,
    }),
    shift: number(0, 'largest shift of the middle of a frame; 0: any', { unit: 'px', min: 0 }),
    minimum: integer(4, 'a frame with fewer stars in common with the reference is set aside', { min: 3 }),
    rms: number(1, 'a frame whose stars lie further from those of the reference is set aside', { unit: 'px', min: 0 }),
    chance: number(1e-6, 'a match more likely than this to be due to chance is none', { min: 0, max: 1 }),
  },
  transform: {
    model: choice(
      'auto',
      ['auto', 'shift', 'rigid', 'similarity', 'affine', 'quadratic', 'cubic'],
      'how frames may differ; auto: the simplest that does justice to the stars',
    ),
  },
  resample: {
    method: choice('lanczos3', ['lanczos3', 'lanczos4', 'bilinear', 'nearest', 'flux'], 'how pixels are interpolated'),
    conserve: flag(true, 'stars keep their flux where the scale differs; no: surfaces their brightness'),
    lift: number(
      3,
      'a pixel is at most this far below the lowest of its four neighbours: no dark rings; 0: as it falls',
      {
        ...{ unit: 'sigma of the sky', min: 0 },
      },
    ),
    grid: choice(
      'reference',
      ['reference', 'frame'],
      'pixels that are made: those of the reference, or all of each frame',
    ),
    overlap: number(0.02, 'a frame that covers less of the reference than this is set aside (grid reference)', {
      ...{ min: 0, max: 1 },
    }),
    error: flag(true, 'write the ERR plane of frames that have one'),
    mask: flag(true, 'write the MASK plane of frames that have one'),
  },
}

export type AlignmentSchema = typeof schema
export type AlignmentConfig = ConfigOf<AlignmentSchema>
