import type { InstrumentProfile } from '@nightpipe/config'
import type { ReductionConfig } from './schema.js'

/** True for a profile that says anything of what disperses the light, be it only how many fibres: what its frames show are spectra. */
export function isSpectrograph({ values }: InstrumentProfile): boolean {
  const of = values.spectrograph
  const numbers = [of.orders, of['first order'], of['order constant'], of['pixel velocity'], of.width]
  return of.fibres > 1 || of.dispersion === 'y' || of.wavelength === 'falls' || numbers.some((number) => number > 0)
}

/**
 * What the configuration leaves open, as the instrument asks for it. Spectra are not flat-fielded pixel by pixel (the
 * extracted spectrum is divided by that of the flat), flats and arcs are reduced like science frames, and cosmic rays are
 * left to the extraction: it knows the profile, and a line of an arc is as sharp as a cosmic ray.
 */
export function settle(config: ReductionConfig, profile: InstrumentProfile, inTree = false): ReductionConfig {
  const spectra = isSpectrograph(profile)
  const { calibration, select } = config
  const rays = config['cosmic rays']
  const types = spectra ? ['object', 'flat', 'arc', ...(inTree ? ['bias', 'dark'] : [])] : ['object', 'unknown']
  return {
    ...config,
    calibration: {
      ...calibration,
      flat: calibration.flat || (spectra ? 'none' : ''),
      'bias pixels': !spectra && calibration['bias pixels'] === 'auto' ? 'all' : calibration['bias pixels'],
      'dark pixels': !spectra && calibration['dark pixels'] === 'auto' ? 'all' : calibration['dark pixels'],
    },
    select: { ...select, types: select.types.length > 0 ? select.types : types },
    'cosmic rays': {
      ...rays,
      method: rays.method === 'auto' ? (spectra ? 'none' : 'sharp') : rays.method,
      compare: spectra ? 0 : rays.compare,
    },
  }
}

/** A single bias or dark of a tree is in ADU (the dark per second, without its bias), and lies as it was read. */
export function settleFor(kind: 'BIAS' | 'DARK' | undefined, config: ReductionConfig): ReductionConfig {
  if (!kind) return config
  return {
    ...config,
    frame: { ...config.frame, unit: 'adu', 'per second': kind === 'DARK', orient: false },
    'cosmic rays': { ...config['cosmic rays'], method: 'none' },
    saturation: { ...config.saturation, bleed: 'none' },
  }
}
