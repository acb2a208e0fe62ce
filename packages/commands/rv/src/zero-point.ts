import { type Header, numberOf } from '@nightpipe/fits'
import { type ArcPart, type StarExposure, zeroErrorAgainst } from '@nightpipe/spectrographs'
import type { Measured } from './measure.js'

/** The errors of a velocity, one sigma, m/s. */
export interface VelocityErrors {
  /** of the exposure: what velocities of several nights scatter by */
  error: number
  /** of the template: the same for all that is compared with it */
  template: number | undefined
  /** of both: against the truth, or against velocities by another template */
  total: number
}

/**
 * The errors of a velocity. That of the drift and that of the zero point of the wavelengths are common to all orders, so that their scatter
 * does not know them. A velocity is relative to its template: what the wavelengths of both have of the same arcs drops out.
 */
export function velocityErrors(
  measured: Measured,
  { spectra: { header }, arcs }: Pick<StarExposure, 'spectra' | 'arcs'>,
  fibre: number,
  reference: readonly ArcPart[] | undefined,
): VelocityErrors {
  const { own, beside } = zeroPoint(
    header,
    arcs?.filter((part) => part.fibre === fibre),
    reference,
  )
  const error = Math.hypot(measured.error, numberOf(header, 'DRIFTERR') ?? 0, own)
  const noise = measured.velocity?.combined.template
  const template = noise === undefined ? undefined : Math.hypot(noise, beside)
  return { error, template, total: Math.hypot(error, template ?? 0) }
}

/** Where either does not tell its arcs, they are taken to be others. */
function zeroPoint(header: Header, parts: readonly ArcPart[] | undefined, reference: readonly ArcPart[] | undefined) {
  if (!parts || parts.length === 0 || !reference) return { own: numberOf(header, 'WAVERR') ?? 0, beside: 0 }
  const { own, reference: beside } = zeroErrorAgainst(parts, reference)
  return { own, beside }
}
