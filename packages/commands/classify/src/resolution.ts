import { basename } from 'node:path'
import { DataError } from '@nightpipe/command'
import { type Header, numberOf } from '@nightpipe/fits'

/** How sharp a spectrum is, and who says so. */
export interface Resolution {
  resolution: number
  from: string
}

/**
 * The resolution that was given, else that of the lines of the lamp in the header of the spectrum, to three digits: its exposures then
 * share the set of templates at one resolution.
 */
export function resolutionOf(given: number, header: Header, path: string): Resolution {
  if (given > 0) return { resolution: given, from: 'given: [classify] resolution' }
  const measured = numberOf(header, 'RESOLUT') ?? 0
  if (measured > 0) return { resolution: Number(measured.toPrecision(3)), from: 'lines of the lamp: RESOLUT' }
  throw new DataError(
    `${basename(path)} does not say its resolution (RESOLUT)`,
    'run wavelength on it again, or give --set classify.resolution=NUMBER',
  )
}
