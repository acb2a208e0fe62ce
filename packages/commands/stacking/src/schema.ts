import { type ConfigOf, choice, flag, integer, list, number } from '@nightpipe/config'

/** Every key of stacking.ini, once. */
export const schema = {
  group: {
    by: list(['object', 'filter'], 'frames that agree in these become one stack'),
    types: list(['object', 'unknown'], 'types of frames that are stacked'),
    'all filters': flag(true, 'a stack of all filters of a field too, where there are several'),
    minimum: integer(1, 'refuse to stack fewer frames than this', { min: 1 }),
  },
  match: {
    scale: choice(
      'stars',
      ['stars', 'exposure', 'none'],
      'frames are brought to the flux scale of the reference by their stars, by their exposure times, or not',
    ),
    background: choice(
      'surface',
      ['level', 'surface', 'none'],
      'their sky is brought to that of the reference: its level, its level and gradients, or not',
    ),
    stars: integer(100, 'stars from which the scale is found', { min: 5, max: 5000 }),
  },
  combine: {
    method: choice(
      'clip',
      ['clip', 'linear', 'mean', 'median', 'minmax'],
      'mean of what lies near the median; of what lies on a line when sorted; plain mean; median; mean without extremes',
    ),
    weights: choice(
      'depth',
      ['depth', 'seeing', 'exposure', 'none'],
      'frames weigh by the inverse of their noise squared; likewise and by their sharpness; by exposure time; all alike',
    ),
    low: number(4, 'samples further than this below the others are set aside', { unit: 'sigma', min: 1 }),
    high: number(4, 'likewise above', { unit: 'sigma', min: 1 }),
    tolerance: number(
      undefined,
      'what a star may vary by besides noise, as a fraction: it is not set aside for it, and errors of medians and the like ' +
        'allow for it; empty: from the seeing; 0: nothing',
      { optional: true, min: 0 },
    ),
    drop: integer(1, 'samples dropped at each end by minmax', { min: 0 }),
  },
  reject: {
    seeing: number(0, 'set a frame aside whose stars are wider than this times the median; 0: none', { min: 0 }),
    transparency: number(0.1, 'set a frame aside whose stars are fainter than this, over those of the reference', {
      ...{ min: 0, max: 1 },
    }),
  },
  product: {
    sky: choice('reference', ['reference', 'zero'], 'level of the sky in the stack: that of the reference, or none'),
    error: flag(true, 'write the ERR plane'),
    mask: flag(true, 'write the MASK plane'),
    coverage: flag(true, 'write the COVERAGE plane: how many frames went into a pixel'),
  },
}

export type StackingSchema = typeof schema
export type StackingConfig = ConfigOf<StackingSchema>
