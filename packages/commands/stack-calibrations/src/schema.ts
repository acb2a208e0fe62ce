import {
  choice,
  flag,
  integer,
  LINEARITY_DOC,
  linearityKeys,
  list,
  number,
  path,
  section,
  text,
} from '@nightpipe/config'

/** Every key of stack-calibrations.ini, once. */
export const schema = {
  select: {
    start: text('', 'only frames taken at or after this date (UTC)'),
    end: text('', 'only frames taken at or before this date (UTC)'),
    site: text('', 'only frames of this site'),
    camera: text('', 'only frames of this camera'),
    instrument: text('', 'only frames of this instrument'),
    target: text('', 'only frames of this target'),
    types: list([], 'types of calibration that are stacked; empty: bias, dark, flat and arc'),
    minimum: integer(3, 'refuse to make a master of fewer good frames than this (bias, dark, flat of images)', {
      min: 1,
    }),
  },
  overscan: {
    method: choice(
      'rows',
      ['rows', 'median', 'mean', 'none'],
      'level of the overscan: one per amplifier, one per row (smoothed), or left',
    ),
    smooth: integer(
      51,
      'rows over which a row-wise overscan is averaged at most; fewer where the level changes faster',
      { unit: 'px', min: 1 },
    ),
  },
  linearity: section(LINEARITY_DOC, linearityKeys, { pattern: true, optional: true }),
  spectra: {
    'flat frames': integer(1, 'refuse to make a master of fewer extracted flats than this', { min: 1 }),
    'template frames': integer(2, 'refuse to make a template of fewer exposures than this', { min: 2 }),
    'flat method': choice(
      'weighted',
      ['weighted', 'split'],
      'inverse-variance mean of the flats, outliers rejected; or mean of the slow part and median of the fast, as of old',
    ),
  },
  combine: {
    method: choice('clip', ['clip', 'median', 'mean', 'minmax'], 'how frames become a master'),
    clip: number(5, 'reject samples further than this from the median of their pixel, by the noise expected there', {
      unit: 'sigma',
      min: 1,
    }),
    drop: integer(1, 'samples dropped at each end by minmax', { min: 0 }),
  },
  calibration: {
    folder: path('', 'folder with masters (calibrations.csv) for what the input lacks; empty: only the input'),
    age: number(0, 'masters of that folder older or younger than this do not serve; 0: any age', { unit: 'd', min: 0 }),
  },
  dark: {
    scale: flag(true, 'bias subtracted and scaled to one second; no: kept as is, bias included'),
  },
  flat: {
    low: number(0, 'faintest level above bias; 0: a twentieth of saturation', { unit: 'adu', min: 0 }),
    high: number(0, 'brightest level, bias included; 0: nine tenths of saturation', { unit: 'adu', min: 0 }),
    varies: number(
      0,
      'what flats may differ by besides noise, before samples are rejected; 0: half of what their illumination is seen to',
      { min: 0 },
    ),
    dark: choice(
      'auto',
      ['auto', 'required', 'none'],
      'subtract a dark from flats: when there is one, always, or never',
    ),
  },
  reject: {
    saturated: number(0.01, 'set a frame aside when more than this fraction of its pixels is saturated', {
      min: 0,
      max: 1,
    }),
    level: number(8, 'bias and dark: level further than this from the median level of the group', {
      unit: 'sigma',
      min: 0,
    }),
    noise: number(1.4, 'noise above that of the group by more than this factor', { min: 1 }),
    gradient: number(0.05, 'flat: illumination across the frame differs from that of the group by more than this', {
      min: 0,
    }),
    stars: number(0.01, 'flat: fraction of the pixels that stand out as stars do', { min: 0, max: 1 }),
  },
  mask: {
    hot: number(10, 'dark: pixels this far above their neighbourhood are hot', { unit: 'sigma', min: 1 }),
    deviant: number(20, 'bias: pixels this far from their neighbourhood are bad', { unit: 'sigma', min: 1 }),
    dead: number(0.2, 'flat: pixels with less response than this are bad', { min: 0, max: 1 }),
    low: number(0.7, 'flat: pixels with less response than this are marked as of low response', { min: 0, max: 1 }),
  },
}
