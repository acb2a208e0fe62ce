import type { OrderSpectrum } from './spectrum.js'

/** The speed of light, m/s. */
export const LIGHT = 299792458

/** A pixel that measures the star: no bit of its mask, a flux with an error, a wavelength. */
export function isGood(one: OrderSpectrum, x: number): boolean {
  return (
    one.mask[x] === 0 &&
    Number.isFinite(one.flux[x]!) &&
    one.uncertainty[x]! > 0 &&
    one.uncertainty[x]! < Number.POSITIVE_INFINITY &&
    one.wavelength !== undefined &&
    one.wavelength[x]! > 0
  )
}
