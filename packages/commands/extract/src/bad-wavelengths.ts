import { readFileSync } from 'node:fs'
import { DataError } from '@nightpipe/command'
import { openFits } from '@nightpipe/fits'
import { type BadWavelength, markBadWavelengths, parseBadWavelengths, type Spectra } from '@nightpipe/spectra'
import { lightOf, orderOf, readOrderImage, readSpectra, SPECTRUM } from '@nightpipe/spectrographs'
import type { ExtractJob } from './plan.js'

/** Angstrom in a nm. */
const NM = 10

/** Marks what the list of bad wavelengths says in the spectra of stars, where both the list and wavelengths are there. */
export function markBad(spectra: Spectra, { badWavelengths, wavelengths, fibres }: ExtractJob): void {
  if (!badWavelengths || !wavelengths) return
  const bad = readList(badWavelengths)
  const stars = spectra.orders.filter(({ fibre }) => !fibres || lightOf(fibres[fibre]!) === 'star')
  markBadWavelengths({ width: spectra.width, orders: stars }, bad, wavelengthsOf(wavelengths, spectra.width))
}

function readList(path: string): BadWavelength[] {
  try {
    return parseBadWavelengths(readFileSync(path, 'utf8'))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new DataError(`${path}: ${error.message}`, 'mend the list, or name another in [bad wavelengths] list')
  }
}

/** Wavelengths (nm) by order: of a TRIPLE (an image in nm), or of a -1d file (Angstrom; its lowest fibre). */
function wavelengthsOf(path: string, width: number): (index: number) => ArrayLike<number> | undefined {
  const file = openFits(path)
  try {
    if (!file.hdus.some(({ name }) => name === SPECTRUM)) {
      const image = readOrderImage(file)
      if (image.width !== width) throw new DataError(`${path} has ${image.width} columns, the frame ${width}`)
      return (index) => (index < image.orders ? orderOf(image, 0, index) : undefined)
    }
    const { orders } = readSpectra(file)
    return (index) => orders.find((one) => one.index === index)?.wavelength?.map((value) => value / NM)
  } finally {
    file.close()
  }
}
