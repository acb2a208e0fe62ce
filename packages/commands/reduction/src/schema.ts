import {
  type ConfigOf,
  choice,
  flag,
  integer,
  LINEARITY_DOC,
  linearityKeys,
  list,
  number,
  path,
  section,
} from '@nightpipe/config'
import { COSMIC_RAY_DEFAULTS } from '@nightpipe/image'

const cosmic = COSMIC_RAY_DEFAULTS

/** Every key of reduction.ini, once. The first three sections, as far as they go, are those of the GP1 files. */
export const schema = {
  calibration: {
    bias: path('', 'master bias: a file, a folder or table to choose from, or none; empty: see folder'),
    dark: path('', 'master dark, likewise'),
    flat: path('', 'master flat, likewise'),
    mask: path('', 'image of bad pixels, not 0 where a pixel is bad; of the size of the raw or of the trimmed frame'),
    folder: path(
      '',
      'folder of masters (calibrations.csv) for those not named; empty: calibrations in the output folder',
    ),
    build: flag(true, 'make missing masters of the calibration frames among the inputs'),
    age: number(0, 'masters older or younger than this do not serve; 0: any age', { unit: 'd', min: 0 }),
    'dark contains': choice(
      'auto',
      ['auto', 'bias', 'no bias'],
      'whether the bias is still in the dark; auto: it is in those that are not per second and lie as high as the bias',
    ),
    'bias pixels': choice(
      'auto',
      ['auto', 'all', 'smooth'],
      'subtract the bias pixel by pixel, or (its noise is then kept out) its smooth level, its columns and what stands out; ' +
        'auto: all, but of spectra the latter where the bias is of few frames and has no pattern beyond its noise',
    ),
    'dark pixels': choice(
      'auto',
      ['auto', 'all', 'hot'],
      'subtract the dark pixel by pixel, or (its noise is then kept out) only its hot pixels and a smooth level; ' +
        'auto: all, but of spectra only where the dark is deep enough not to be seen in the noise',
    ),
    'minimum flat': number(0.1, 'pixels with a lower flat are marked as of low response', { min: 0, max: 1 }),
  },
  parameters: {
    ps: number(undefined, 'pixel scale, for the first guess of the coordinates; empty: of the header', {
      ...{ unit: 'deg per pixel', optional: true, min: 0, alias: ['pixel scale'] },
    }),
    gain: number(undefined, 'gain; empty: of the header, the profile or the master flat', {
      ...{ unit: 'electrons per adu', optional: true, min: 1e-6 },
    }),
    sat_level: number(undefined, 'raw level from which a pixel is saturated; empty: of the header or the profile', {
      ...{ unit: 'adu', optional: true, min: 0, alias: ['saturation'] },
    }),
    detect_thresh: number(1.5, 'pixels are left out of the sky where the mean of 5 x 5 is this far above it', {
      ...{ unit: 'sigma of a pixel', min: 0.1 },
    }),
    'read noise': number(undefined, 'read noise; empty: of the master bias, the header, the profile or the overscan', {
      ...{ unit: 'electrons', optional: true, min: 0 },
    }),
  },
  select: {
    types: list(
      [],
      'types of frames that are reduced; empty: object and unknown, of a spectrograph object, flat and arc',
    ),
    saturated: number(0.5, 'set a frame aside when more than this fraction of it is saturated', { min: 0, max: 1 }),
    'saturated light': number(
      0.1,
      'set spectra (of lamp or star) aside when more than this fraction of the pixels with light is saturated',
      { min: 0, max: 1 },
    ),
    'flat light': number(
      0.01,
      'set flats of spectrographs aside when less than this fraction of the pixels has light',
      {
        ...{ min: 0, max: 1 },
      },
    ),
    'star light': number(
      1,
      'set exposures aside in whose best orders a star has less signal to noise than this in a column; needs traces',
      { min: 0 },
    ),
    'arc light': number(0.001, 'set arcs aside when less than this fraction of the pixels has light', {
      ...{ min: 0, max: 1 },
    }),
  },
  overscan: {
    method: choice(
      'rows',
      ['median', 'mean', 'rows', 'columns', 'none'],
      'level of the overscan: one per amplifier, one per row or column of it, or left; as it was for the masters',
    ),
    fit: choice('smooth', ['none', 'smooth', 'polynomial', 'spline'], 'how levels of rows or columns are smoothed'),
    smooth: integer(
      51,
      'rows (or columns) that smooth averages at most, fewer where the level changes faster; between the knots of spline',
      {
        unit: 'px',
        min: 1,
      },
    ),
    order: integer(5, 'degree of polynomial', { min: 0, max: 50 }),
  },
  linearity: section(LINEARITY_DOC, linearityKeys, { pattern: true }),
  saturation: {
    bleed: choice('columns', ['columns', 'rows', 'none'], 'direction in which charge of saturated pixels spills over'),
    clip: number(5, 'follow it until pixels are this close to normal', { unit: 'sigma', min: 1 }),
  },
  'cosmic rays': {
    method: choice(
      'auto',
      ['auto', 'sharp', 'paper', 'none'],
      'judged against the stars of the frame; L.A.Cosmic; not; auto: sharp, of spectra not (extract does it)',
    ),
    sigclip: number(undefined, `what stands out; empty: ${cosmic.sigclip}, for paper 4.5`, {
      ...{ unit: 'sigma', optional: true, min: 1 },
    }),
    sigfrac: number(
      undefined,
      `fraction of it for neighbours of a cosmic ray; empty: ${cosmic.sigfrac}, for paper 0.3`,
      {
        ...{ optional: true, min: 0, max: 1 },
      },
    ),
    objlim: number(cosmic.objlim, 'paper: contrast of Laplacian and fine structure', { min: 0 }),
    iterations: integer(cosmic.iterations, 'most iterations', { min: 1, max: 50 }),
    contrast: number(cosmic.contrast, 'sharp: of the sharpness of stars; smaller finds fewer', { min: 0, max: 1 }),
    margin: number(cosmic.margin, 'sharp: noise by which a pixel must be sharper', { unit: 'sigma', min: 0 }),
    fwhm: number(cosmic.fwhm, 'sharp: FWHM of the stars; 0: measured on each frame', { unit: 'px', min: 0 }),
    compare: integer(2, 'other frames of the field, nearest in time, that each frame is compared with; 0: none', {
      min: 0,
    }),
    tolerance: number(1, 'what a star may be brighter in a pixel than in those, as a fraction', { min: 0 }),
  },
  'scattered light': {
    method: choice('auto', ['auto', 'none'], 'what is between the orders of spectra goes off as a smooth surface; not'),
    traces: path(
      '',
      'where the orders are: a TRACE file; empty: that of the tree, and without one nothing is taken off',
    ),
    margin: number(1, 'rows beyond those of the extraction that stay clear of the orders, at least', {
      ...{ unit: 'px', min: 0 },
    }),
  },
  pattern: {
    file: path('', 'pattern of the sky (fringes), fitted to each frame and taken off; empty: none'),
    make: flag(false, 'make it of the dithered frames of each instrument and filter'),
    smooth: integer(7, 'box over which it is smoothed, odd; 1: not', { unit: 'px', min: 1, max: 101 }),
    frames: integer(3, 'refuse to make it of fewer frames than this', { min: 2 }),
  },
  interpolate: {
    bits: list([], 'pixels to fill in from their neighbours, marked 16: bad, saturated, cosmic, nodata, low'),
  },
  frame: {
    unit: choice('electron', ['electron', 'adu'], 'unit of the reduced frame'),
    'per second': flag(false, 'divide by the exposure time'),
    error: flag(true, 'write the ERR plane'),
    mask: flag(true, 'write the MASK plane'),
    orient: flag(true, 'turn frames as the instrument profile says, so that all of a camera lie alike'),
  },
}

export type ReductionSchema = typeof schema
export type ReductionConfig = ConfigOf<ReductionSchema>
