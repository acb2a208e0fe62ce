import { type ConfigOf, choice, flag, integer, number, numbers } from '@nightpipe/config'
import { FIND_DEFAULTS } from '@nightpipe/stars'

const usual = FIND_DEFAULTS

/** Every key of findstars.ini, once. */
export const schema = {
  background: {
    mesh: integer(usual.mesh, 'side of a mesh of the background', { unit: 'px', min: 4 }),
    filter: integer(usual.meshFilter, 'median filter over the meshes, odd; 1: none', { unit: 'meshes', min: 1 }),
  },
  detection: {
    threshold: number(usual.threshold, 'significance of the peak of a star, in noise of the filtered image', {
      ...{ unit: 'sigma', min: 0.5 },
    }),
    isophote: number(usual.isophote, 'where a star ends, likewise; not above threshold', { unit: 'sigma', min: 0.5 }),
    area: integer(usual.minimumArea, 'least number of pixels above the isophote', { unit: 'px', min: 1 }),
    filter: choice('psf', ['psf', 'none'], 'the image is filtered with the profile of its own stars, or not'),
  },
  deblending: {
    levels: integer(usual.deblendLevels, 'levels between isophote and peak; 1: no deblending', { min: 1, max: 1024 }),
    contrast: number(usual.deblendContrast, 'least part of the flux that a star of a blend has', { min: 0, max: 1 }),
    clean: number(usual.clean, 'exponent of the wings that explain faint neighbours; 0: no cleaning', { min: 0 }),
  },
  photometry: {
    apertures: numbers([...usual.apertures], 'radii of the circles', { unit: 'px', min: 0.1 }),
    kron: number(usual.kronFactor, 'the ellipse of the total flux, in Kron radii', { min: 0.5 }),
    'kron minimum': number(usual.kronMinimum, 'no smaller than this, in semi-axes', { min: 0 }),
    gain: number(undefined, 'electrons per unit of the frame; empty: of the header', {
      ...{ optional: true, min: 1e-6 },
    }),
    saturation: number(undefined, 'a pixel from here on is saturated, unit of the frame; empty: of the header', {
      ...{ optional: true, min: 0 },
    }),
  },
  products: {
    names: choice('own', ['own', 'sextractor'], 'names of the columns'),
    segmentation: flag(false, 'write the image of the numbers of the stars, <stem>.segm.fits'),
    background: flag(false, 'write the image without its background, <stem>.net.fits'),
  },
}

export type FindSchema = typeof schema
export type FindConfig = ConfigOf<FindSchema>
