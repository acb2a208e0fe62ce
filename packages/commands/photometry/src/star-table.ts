import { catTable } from '@nightpipe/catalogues'
import type { NewColumn, NewHdu } from '@nightpipe/fits'
import { type Calibration, fluxesOf, instrumental, MAG } from './calibrate.js'
import { type PhotFacts, scintillation } from './frame-facts.js'
import type { FrameMeasures } from './measure-frame.js'
import type { Config } from './schema.js'
import { emptyStarColumns, type FoundStars } from './star-columns.js'

/** A column of a number for each star; `unit` is empty where it has none. */
function column(
  name: string,
  format: string,
  values: Float64Array | Float32Array | Int16Array,
  unit: string,
  comment: string,
): NewColumn {
  return { name, format, comment, values, ...(unit === '' ? {} : { unit }) }
}

const fromOne = (places: Float64Array) => places.map((value) => value + 1)

/** The table CAT of a frame: what findstars writes, and the photometry. */
export function photTable(
  measures: FrameMeasures,
  facts: PhotFacts,
  calibration: Calibration | undefined,
  config: Config,
): NewHdu {
  const { found, count, detected, circles, fit, flux, fluxError } = measures
  const stars = emptyStarColumns(found.stars as FoundStars, count, detected, {
    ...{ x: measures.x, y: measures.y, flags: measures.flags },
    apertures: { radii: circles.radii, flux: circles.flux, error: circles.error },
  })
  const unit = facts.unit
  const extra: NewColumn[] = [
    column('FLUX_TOTAL', 'D', flux, unit, 'chosen circle over the growth curve'),
    column('FLUXERR_TOTAL', 'D', fluxError, unit, 'one sigma of FLUX_TOTAL'),
  ]
  if (fit) {
    extra.push(
      column('FLUX_PSF', 'D', fit.flux, unit, 'fit of the profile, on the scale of FLUX_TOTAL'),
      column('FLUXERR_PSF', 'D', fit.fluxError, unit, 'one sigma of FLUX_PSF'),
      column('X_PSF', 'D', fromOne(fit.x), 'pix', 'place of the fit; the first pixel is 1'),
      column('Y_PSF', 'D', fromOne(fit.y), 'pix', 'place of the fit; the first pixel is 1'),
      column('CHI_PSF', 'E', fit.chi, '', 'residuals over their noise in the core'),
      column('CROWDING', 'E', fit.crowding, '', 'light of others in the core over its own'),
    )
  }
  extra.push(...magnitudeColumns(measures, facts, calibration, config))
  const sky = facts.wcs?.toSkyMany(measures.x, measures.y)
  return catTable(stars, { unit, sky, extra, ...(calibration ? { zeroPoint: zeroPointOf(calibration, facts) } : {}) })
}

/** Magnitude of one unit of flux in this exposure. */
const zeroPointOf = ({ zero }: Calibration, { exposure }: PhotFacts) => zero.value + 2.5 * Math.log10(exposure)

/** Calibrated magnitudes; a star that is not seen has none. */
function magnitudeColumns(
  measures: FrameMeasures,
  facts: PhotFacts,
  calibration: Calibration | undefined,
  config: Config,
): NewColumn[] {
  if (!calibration) return []
  const { zero, references } = calibration
  const { count } = measures
  const { flux, error } = fluxesOf(measures, config)
  const blank = () => new Float64Array(count).fill(Number.NaN)
  const [magnitude, magnitudeError, catalogue] = [blank(), blank(), blank()]
  const [catalogueError, colour, residual] = [blank(), blank(), blank()]
  references.forEach((reference, k) => {
    catalogue[reference.star] = reference.magnitude
    catalogueError[reference.star] = reference.error
    colour[reference.star] = reference.colour
    residual[reference.star] = zero.residual[k]!
  })
  const twinkle = scintillation(config.noise.diameter, config.noise.altitude, facts.exposure, facts.airmass ?? 1)
  for (let i = 0; i < count; i++) {
    if (!(flux[i]! > 0)) continue
    const known = Number.isFinite(colour[i])
    const shift = known ? zero.colourTerm * (colour[i]! - zero.meanColour) : 0
    const unknown = known ? 0 : zero.colourTerm * zero.colourSpread
    magnitude[i] =
      zero.value + instrumental(flux[i]!, facts.exposure) + shift + zero.spatial(measures.x[i]!, measures.y[i]!)
    magnitudeError[i] = Math.hypot((MAG * error[i]!) / flux[i]!, zero.error, unknown, twinkle)
  }
  const used = new Int16Array(count)
  references.forEach(({ star }, k) => {
    used[star] = zero.used[k] ? 1 : 0
  })
  return [
    column('MAG_CAL', 'D', magnitude, 'mag', 'calibrated magnitude'),
    column(
      'MAGERR_CAL',
      'E',
      Float32Array.from(magnitudeError),
      'mag',
      'one sigma: photons, zero point, unknown colour',
    ),
    column('CAT_MAG', 'D', catalogue, 'mag', `${calibration.band} of the catalogue`),
    column('CAT_MAGERR', 'E', Float32Array.from(catalogueError), 'mag', 'one sigma of CAT_MAG'),
    column('CAT_COLOUR', 'E', Float32Array.from(colour), 'mag', calibration.colour?.join(' - ') ?? 'no colour'),
    column('ZP_RESID', 'E', Float32Array.from(residual), 'mag', 'catalogue minus calibrated'),
    column('ZP_USED', 'I', used, '', '1: in the fit of the zero point'),
  ]
}
