import { type ConfigOf, choice, integer, number, path } from '@nightpipe/config'
import { EXTRACTION_LIMITS as LIMITS, SHIFT_REACH } from '@nightpipe/spectra'

/** Every key of extract.ini, once. */
export const schema = {
  extraction: {
    method: choice(
      'optimal',
      ['optimal', 'box'],
      'optimal: rows weighted by the profile of the light and their noise; box: their sum',
    ),
    rows: integer(undefined, 'rows about the centre that are used; empty: as many as the traces say', {
      ...{ optional: true, unit: 'px', min: 3, max: 200 },
    }),
    shift: choice(
      'auto',
      ['auto', 'none'],
      'move the traces of a frame to where its light lies, all by the same; frames with lamps of lines only are left as they are',
    ),
    tilt: choice(
      'auto',
      ['auto', 'none'],
      'lines that do not stand upright are extracted along their tilt, which is measured in the frame itself; none: columns as they stand',
    ),
    background: choice(
      'local',
      ['none', 'local'],
      'local: light that reduction left between the fibres is measured there, in blocks of 128 columns, and taken off',
    ),
    'shift reach': integer(SHIFT_REACH, 'largest shift that is looked for', { unit: 'px', min: 0, max: 50 }),
  },
  profile: {
    from: choice(
      'auto',
      ['auto', 'traces', 'frame'],
      'profiles of the light across the orders: those of the traces, or measured in the frame; auto: of the traces where they have some that fit',
    ),
  },
  'cosmic rays': {
    high: number(LIMITS.high, 'a pixel brighter than the profile allows by this much is a cosmic ray', {
      unit: 'sigma',
      min: 2,
    }),
    near: number(LIMITS.near, 'the same for a pixel that touches one', { unit: 'sigma', min: 1 }),
    low: number(LIMITS.low, 'a pixel darker than the profile allows by this much is bad', { unit: 'sigma', min: 2 }),
    accuracy: number(
      LIMITS.accuracy,
      'how well the profile is known: this fraction of the light in a pixel is no cosmic ray',
      {
        ...{ min: 0, max: 1 },
      },
    ),
    tilt: number(LIMITS.tilt, 'lines may be tilted by this much without being taken for cosmic rays', {
      ...{ unit: 'px per px', min: 0, max: 1 },
    }),
  },
  'bad wavelengths': {
    list: path('', 'bloomed lines and telluric stretches to mark in stars (badlams.txt); empty: that of the tree'),
  },
  products: {
    images: choice(
      'auto',
      ['auto', 'yes', 'no'],
      'also write the images EXTR, SPEC and BLAZ (stars), DBLE (arcs); auto: in a tree only. FLAT is always written',
    ),
  },
}

export type ExtractSchema = typeof schema
export type ExtractConfig = ConfigOf<ExtractSchema>
