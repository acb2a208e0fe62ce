import { type OrderSpectrum, SpectrumBit } from './spectrum.js'

/** Vacuum wavelengths in the frame of the telescope where the air absorbs, Angstrom. */
export interface Window {
  from: number
  to: number
}

/**
 * The bands of oxygen and water in which lines of the air are deeper than a percent or so, below 10000 Angstrom
 * (Wallace, Hinkle & Livingston 1998, NSO Technical Report 98-001): they move with the Earth, not with the star.
 */
export const TELLURIC_BANDS: readonly Window[] = [
  [5885, 6000],
  [6276, 6320],
  [6460, 6605],
  [6865, 7060],
  [7160, 7405],
  [7590, 7720],
  [8100, 8410],
  [8920, 9800],
].map(([from, to]) => ({ from: from!, to: to! }))

/** The orders with the pixels of the bands marked; orders without any are the same as before. */
export function maskTellurics(orders: readonly OrderSpectrum[], bands: readonly Window[]): OrderSpectrum[] {
  return orders.map((one) => {
    const { wavelength } = one
    if (!wavelength || bands.length === 0) return one
    const inside = (lambda: number) => bands.some(({ from, to }) => lambda >= from && lambda <= to)
    const mask = one.mask.map((bits, x) => (inside(wavelength[x]!) ? bits | SpectrumBit.telluric : bits))
    return { ...one, mask }
  })
}
