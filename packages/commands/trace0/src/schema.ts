import { integer, list, number } from '@nightpipe/config'

/** Every key of trace0.ini, once. What it takes from the profile: orders, fibres, their order, the axis of dispersion. */
export const schema = {
  find: {
    fibres: list([], 'fibres with light in every frame, as 0, 1; empty: as the headers say, or all'),
    degree: integer(4, 'of the polynomials along the orders', { min: 1, max: 12 }),
    types: list(
      ['flat', 'arc', 'object', 'unknown'],
      'types of frame to find orders on; the first that there is serves',
    ),
    'least orders': integer(1, 'fewer is no success', { min: 1 }),
  },
  hand: {
    degree: integer(5, 'of the polynomials in order number through the orders traced by hand', { min: 0, max: 9 }),
    columns: integer(0, 'of the detector; 0: as the frame or the table of spectrographs says', { unit: 'px', min: 0 }),
    rows: integer(0, 'of the detector; 0: as the frame says, or as many as columns', { unit: 'px', min: 0 }),
  },
  profiles: {
    height: number(0, 'rows of an order of one fibre; 0: as the profile says, or from the frame', {
      unit: 'px',
      min: 0,
    }),
    blocks: integer(12, 'flat profiles along an order, to be replaced by trace-refine', { min: 0, max: 100 }),
  },
}

export type Trace0Schema = typeof schema
