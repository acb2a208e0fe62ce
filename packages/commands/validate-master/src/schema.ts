import { choice, flag, integer, number, section } from '@nightpipe/config'

/** Limits within which a candidate is accepted; the defaults are those of the first observatory that used them. */
const limits = {
  mode: choice('difference', ['difference', 'ratio'], 'candidate minus reference, or candidate over reference'),
  mean_min: number(-2, 'lowest accepted mean of the comparison', { unit: 'of the master, none for a ratio' }),
  mean_max: number(2, 'highest accepted mean of the comparison', { unit: 'of the master, none for a ratio' }),
  rms_min: number(0, 'lowest accepted deviation of the comparison', { unit: 'of the master, none for a ratio' }),
  rms_max: number(3, 'highest accepted deviation of the comparison', { unit: 'of the master, none for a ratio' }),
  deviating_max: number(0.02, 'largest accepted fraction of deviating pixels', { min: 0, max: 1 }),
}

/** Every key of validate-master.ini, once. */
export const schema = {
  limits: section(
    'limits; [limits.flat], [limits.dark.C1], [limits.flat.C1.r] are for a type, instrument and filter',
    limits,
    {
      pattern: true,
    },
  ),
  compare: {
    sigma: number(6, 'a pixel deviates when it differs by more than this many of its errors', {
      unit: 'sigma',
      min: 1,
    }),
    box: integer(32, 'side of the boxes of the dispersion map', { unit: 'px', min: 2 }),
    pictures: flag(true, 'draw histogram, dispersion map and evolution'),
  },
  json: {
    schema: choice('plan', ['plan', 'deployed'], 'which of the two descriptions of the calibration file is written'),
  },
  rebias: {
    masters: integer(0, 'how many of its latest biases each bias is averaged from; 0 for no average', { min: 0 }),
  },
  chain: {
    walk: flag(false, 'compare each input with what came before, in order of time, and promote nothing'),
    update: choice(
      'none',
      ['none', 'previous', 'difference', 'mean'],
      'what each next master of --chain is compared with',
    ),
  },
}

export type Limits = {
  mode: 'difference' | 'ratio'
  mean_min: number
  mean_max: number
  rms_min: number
  rms_max: number
  deviating_max: number
}
