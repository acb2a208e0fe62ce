import { MAD_TO_SIGMA, mad, medianOf } from '@nightpipe/math'
import t from 'tap'
import { findStars } from '../src/index.js'
import { moffatField, type TrueStar } from './support/moffat-field.js'

// The truth is the oracle: Moffat stars of 3.2 px, 3.3 with the pixels, alone; an optimal sum errs by 70 adu.
const FIELD = { width: 640, height: 640, corner: 1, ellipticity: 0, fwhm: 3.2 }
const WIDTH = 3.3
const FLUXES = { 'S/N 7': 500, 'S/N 14': 1000, 'S/N 20': 1400, bright: 30_000 }

const stars: TrueStar[] = Array.from({ length: 19 * 19 }, (_, k) => ({
  x: 32.3 + 32 * (k % 19) + ((k * 0.37) % 1),
  y: 32.1 + 32 * Math.floor(k / 19) + ((k * 0.73) % 1),
  flux: Object.values(FLUXES)[k % 4]!,
}))
const { stars: found } = findStars(moffatField(stars, FIELD), { threshold: 5 })

for (const [what, flux] of Object.entries(FLUXES)) {
  t.test(`the width of stars of ${what} is that of the bright ones, not that of the noise about them`, async (t) => {
    const widths = stars
      .filter((star) => star.flux === flux)
      .flatMap(({ x, y }) =>
        Array.from({ length: found.count }, (_, i) => i)
          .filter((i) => Math.hypot(found.x[i]! - x, found.y[i]! - y) < 3)
          .map((i) => found.fwhm[i]!),
      )
    t.ok(widths.length > 70, `${widths.length} found`)
    const known = widths.filter(Number.isFinite)
    t.ok(known.length > 0.9 * widths.length, `${known.length} have a width`)
    const [middle, scatter] = [medianOf(known), MAD_TO_SIGMA * mad(known)]
    t.ok(Math.abs(middle / WIDTH - 1) < 0.06, `median ${middle} px`)
    // a width errs by about its size over the signal to noise ratio
    t.ok(scatter < (1.3 * WIDTH * 70) / Math.min(flux, 5000), `scatter ${scatter} px`)
  })
}
