import { describeFrame, type InstrumentProfile } from '@nightpipe/config'
import { cardLookup, type FitsFile, frameHdu } from '@nightpipe/fits'
import { power } from '@nightpipe/math'
import { readWcs, type Wcs } from '@nightpipe/sky'

/** What photometry wants to know of a frame from its header. */
export interface PhotFacts {
  filter: string
  object: string
  exposure: number
  /** Middle of the exposure, UTC. */
  mjd?: number
  airmass?: number
  gain?: number
  readNoise?: number
  saturation?: number
  unit: string
  wcs?: Wcs
}

export function photFacts(file: FitsFile, profile: InstrumentProfile): PhotFacts {
  const hdu = frameHdu(file)
  const lookup = cardLookup(hdu)
  const facts = describeFrame(lookup as never, profile, { width: hdu.axes[0]!, height: hdu.axes[1]!, name: file.name })
  const exposure = facts.exposureSeconds && facts.exposureSeconds > 0 ? facts.exposureSeconds : 1
  const airmass = Number(lookup('AIRMASS'))
  const unit = String(lookup('BUNIT') ?? 'adu').trim()
  // a frame in electrons has a gain of 1, whatever the camera's was
  const gain = /^e(lectrons?|-)?\b/i.test(unit) ? 1 : facts.gain
  return {
    ...{ filter: facts.filter ?? '', object: facts.object ?? '', exposure, gain, unit },
    ...(facts.mjd === undefined ? {} : { mjd: facts.mjd + exposure / 2 / 86400 }),
    ...(airmass >= 1 && airmass < 40 ? { airmass } : {}),
    ...{ readNoise: facts.readNoise, saturation: facts.saturation, wcs: readWcs(lookup) },
  }
}

/**
 * Scatter by scintillation, in magnitudes: Young (1967, AJ 72, 747) with the empirical factor 1.5 of Osborn et al. (2015,
 * MNRAS 452, 1707) for a usual night.
 */
export function scintillation(diameter: number, altitude: number, exposure: number, airmass: number): number {
  if (!(diameter > 0)) return 0
  const variance = 1e-5 * 1.5 ** 2 * power(diameter, -4 / 3) * power(airmass, 3) * Math.exp((-2 * altitude) / 8000)
  return (2.5 / Math.LN10) * Math.sqrt(variance / exposure)
}
