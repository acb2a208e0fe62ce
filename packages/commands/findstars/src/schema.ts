import { type ConfigOf, choice, flag, integer, list, number, numbers, text } from '@nightpipe/config'
import { FIND_DEFAULTS } from '@nightpipe/stars'

const usual = FIND_DEFAULTS
const none = { optional: true } as const

/** Every key of findstars.ini, once. */
export const schema = {
  background: {
    mesh: integer(usual.mesh, 'side of a mesh of the background', { unit: 'px', min: 4 }),
    filter: integer(usual.meshFilter, 'median filter over the meshes, odd; 1: none', { unit: 'meshes', min: 1 }),
  },
  detection: {
    method: choice(
      'matched',
      ['matched', 'sextractor'],
      'matched: significance in the image filtered with the profile of its own stars; sextractor: as SExtractor does by ' +
        'default, threshold in noise of a pixel, background and sums as there',
    ),
    threshold: number(undefined, `significance of the peak of a star; empty: ${usual.threshold}, sextractor 1.5`, {
      ...{ ...none, unit: 'sigma', min: 0.5 },
    }),
    isophote: number(undefined, `where a star ends; empty: ${usual.isophote}, sextractor the threshold`, {
      ...{ ...none, unit: 'sigma', min: 0.5 },
    }),
    area: integer(undefined, `least number of pixels above the isophote; empty: ${usual.minimumArea}, sextractor 5`, {
      ...{ ...none, unit: 'px', min: 1 },
    }),
    filter: text('', 'psf, default (3 x 3 of SExtractor), none, or a .conv file; empty: psf, sextractor default'),
  },
  deblending: {
    levels: integer(
      undefined,
      `levels between isophote and peak; empty: ${usual.deblendLevels}, sextractor 32; 1: no deblending`,
      {
        ...{ ...none, min: 1, max: 1024 },
      },
    ),
    contrast: number(usual.deblendContrast, 'least part of the light that a star of a blend has; 1: no deblending', {
      ...{ min: 0, max: 1 },
    }),
    clean: number(usual.clean, 'exponent of the wings that explain faint neighbours; 0: no cleaning', { min: 0 }),
  },
  photometry: {
    apertures: numbers([...usual.apertures], 'radii of the circles', { unit: 'px', min: 0.1 }),
    kron: number(usual.kronFactor, 'the ellipse of the total flux, in Kron radii', { min: 0.5 }),
    'kron minimum': number(usual.kronMinimum, 'no smaller than this, in semi-axes', { min: 0 }),
    neighbours: choice(
      usual.neighbours,
      ['replace', 'keep'],
      'pixels of neighbours: as opposite in the star, or as is',
    ),
    gain: number(undefined, 'electrons per unit of the frame; empty: of the header', { ...none, min: 1e-6 }),
    saturation: number(undefined, 'a pixel from here on is saturated, unit of the frame; empty: of the header', {
      ...{ ...none, min: 0 },
    }),
  },
  products: {
    names: choice('own', ['own', 'sextractor'], 'names of the columns'),
    formats: list([], 'the table in other forms as well: csv, votable, regions (DS9)'),
    segmentation: flag(false, 'write the image of the numbers of the stars, <stem>.segm.fits'),
    background: flag(false, 'write the image without its background, <stem>.net.fits'),
  },
  quality: {
    stars: integer(0, 'set a frame aside with fewer good stars than this: clouds', { min: 0 }),
    elongation: number(undefined, 'with a larger median elongation of its stars: trailing', { ...none, min: 1 }),
    kurtosis: number(undefined, 'with a larger excess kurtosis of their angles: trailing; even angles have -1.2', none),
    seeing: number(undefined, 'with a larger full width at half maximum', { ...none, unit: 'px', min: 0 }),
    sky: number(undefined, 'with a brighter sky, in the unit of the frame', none),
    'limiting magnitude': number(undefined, 'with a brighter limit, instrumental: bright sky, wide stars', {
      ...none,
      unit: 'mag',
    }),
    peak: number(undefined, 'with a higher pixel in a star, in the unit of the frame', none),
    jump: number(undefined, 'whose pointing is further than this from that of the frame before', {
      ...{ ...none, unit: 'deg', min: 0 },
    }),
  },
}

export type FindSchema = typeof schema
export type FindConfig = ConfigOf<FindSchema>
