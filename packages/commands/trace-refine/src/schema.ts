import { flag, integer, number } from '@nightpipe/config'

/** Every key of trace-refine.ini, once. */
export const schema = {
  fit: {
    degree: integer(7, 'of the polynomials along the orders', { min: 1, max: 14 }),
    blocks: integer(12, 'profiles along an order', { min: 1, max: 100 }),
    search: number(6, 'how far the image may have moved since the traces were made', { unit: 'px', min: 0, max: 100 }),
    clip: number(5, 'pixels further off the model are cosmic rays', { unit: 'sigma', min: 3 }),
    scattered: flag(true, 'take off the light between the orders first'),
    neighbours: flag(true, 'let bright orders lead faint ones: traces change smoothly with the order number'),
    rows: number(0, 'rows that extraction takes, and of the profiles; 0: as the traces have them', {
      unit: 'px',
      min: 0,
    }),
  },
  judge: {
    scatter: number(0.5, 'an order whose centres scatter more from column to column shows no light', {
      unit: 'px',
      min: 0,
    }),
    apart: number(1.8, 'least distance of traces that a flat lights at once; closer ones cannot be told apart', {
      unit: 'widths',
      min: 0,
    }),
    lit: number(0.8, 'least part of the orders of lit fibres that must show light', { min: 0, max: 1 }),
  },
}

export type RefineSchema = typeof schema
