import { findCard, type Header, type NewHdu, openFits, setCard, sideHdus } from '@nightpipe/fits'
import { type Spectra, SpectrumBit, vacuumToAir } from '@nightpipe/spectra'
import {
  ARC_LINES,
  readSpectra,
  SOLUTIONS,
  SPECTRUM,
  type SpectrumFile,
  spectraHdus,
  UNNAMED_LINES,
  WAVE_ARCS,
} from '@nightpipe/spectrographs'
import type { WavelengthConfig } from './schema.js'

/** A spectrum with its header, and what lies beside it in its file. */
export function readWithSides(path: string): { spectra: SpectrumFile; sides: NewHdu[] } {
  const file = openFits(path)
  try {
    const table = file.hdus.find(({ name }) => name === SPECTRUM)
    const spectra = readSpectra(file)
    const own = new Set([SOLUTIONS, ARC_LINES, UNNAMED_LINES, WAVE_ARCS])
    const sides = sideHdus(file, table ?? file.hdus[0]!).filter(({ name }) => !own.has(name ?? ''))
    return { spectra, sides }
  } finally {
    file.close()
  }
}

/** The HDUs of a `-1d` file with wavelengths, in vacuum and in air. */
export function withWavelengths(
  spectra: Spectra,
  header: Header,
  sides: readonly NewHdu[],
  config: WavelengthConfig,
  unit: string,
): NewHdu[] {
  const formula = config.wavelength['air formula']
  return [...spectraHdus(spectra, header, { unit, air: (vacuum) => vacuumToAir(vacuum, formula) }), ...sides]
}

/** Gives an order its wavelengths, or the mark that it has none. */
export function setWavelengths(
  order: Spectra['orders'][number],
  wavelength: Float64Array | undefined,
  number: number | undefined,
): void {
  if (wavelength) {
    order.wavelength = wavelength
    if (number !== undefined) order.order = number
    for (let x = 0; x < order.mask.length; x++) order.mask[x]! &= ~SpectrumBit.noWavelength
    return
  }
  order.wavelength = new Float64Array(order.flux.length).fill(Number.NaN)
  for (let x = 0; x < order.mask.length; x++) order.mask[x]! |= SpectrumBit.noWavelength
}

/** What the card RESOLUT says. */
export const RESOLUTION = 'of lamp lines: wavelength over FWHM, with pixels'

/** Cards with numbers of six digits; those that are not finite are left out. */
export function setNumbers(header: Header, cards: readonly (readonly [string, number, string])[]): void {
  for (const [keyword, value, comment] of cards) {
    if (Number.isFinite(value)) setCard(header, keyword, Number(value.toPrecision(7)), comment)
  }
}

/** The unit of the fluxes of a file. */
export const unitOf = (header: Header): string => (findCard(header, 'BUNIT') ? 'adu' : 'electron')
