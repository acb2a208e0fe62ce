import type { Frame } from '@nightpipe/image'
import { findStars } from './find-stars.js'
import { buildPsf, type PsfOptions } from './psf-build.js'
import type { PsfFluxes } from './psf-fit.js'
import type { Psf } from './psf-model.js'
import { neighboursOf } from './psf-stars.js'
import { addLight } from './psf-subtract.js'

/** A star serves where none within so many widths has more than this part of its light, and it is this many sigma. */
const [NEAR, DIM, SIGNAL] = [2.5, 0.5, 50]

/**
 * The model of the profile of a crowd, again: from its bright stars, after all others were fitted and subtracted, so that
 * no neighbour lifts the wings (Stetson 1987, PASP 99, 191). The model that there was where too few stars serve.
 */
export function refinePsf(frame: Frame, psf: Psf, fluxes: PsfFluxes, options: Partial<PsfOptions>): Psf {
  const kept = brightOnes(psf, fluxes, frame)
  if (kept.length < 12) return psf
  const pixels = fluxes.residual.slice()
  for (const i of kept) {
    const star = fluxes.subtracted[i]
    if (star) addLight(pixels, frame.width, star, star.flux)
  }
  const left: Frame = { ...frame, pixels }
  const { stars } = findStars(left, { gain: options.gain, saturation: options.saturation })
  try {
    return buildPsf(left, stars, options)
  } catch (error) {
    if (error instanceof RangeError) return psf
    throw error
  }
}

function brightOnes(psf: Psf, { count, x, y, flux, fluxError }: PsfFluxes, { width, height }: Frame): number[] {
  const reach = NEAR * psf.fwhm((width - 1) / 2, (height - 1) / 2)
  const neighbours = neighboursOf({ count, x, y }, reach)
  return [...flux.keys()].filter((i) => {
    if (!(flux[i] > SIGNAL * fluxError[i])) return false
    let alone = true
    neighbours.about(i, reach, (j) => {
      if (flux[j] > DIM * flux[i]) alone = false
    })
    return alone
  })
}
