import type { OrderSpectrum } from './spectrum.js'

/** The columns that measure the star; with `least`, those where the response of the flat is higher, too. */
export function goodColumns(one: OrderSpectrum, least?: number): Int32Array {
  const all = new Int32Array(one.flux.length)
  let n = 0
  for (let x = 0; x < all.length; x++) {
    if (isGood(one, x) && (least === undefined || one.blaze![x]! > least)) all[n++] = x
  }
  return all.subarray(0, n)
}

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
