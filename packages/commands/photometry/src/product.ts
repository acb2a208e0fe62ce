import { catTable } from '@nightpipe/catalogues'
import { copyHeader, type Header, type NewColumn, type NewHdu, removeCard, setCard } from '@nightpipe/fits'
import { type Calibration, fluxesOf, instrumental, MAG } from './calibrate.js'
import { type PhotFacts, scintillation } from './frame-facts.js'
import type { FrameMeasures } from './measure-frame.js'
import type { TargetMeasure } from './measure-targets.js'
import type { Config } from './schema.js'
import { emptyStarColumns, type FoundStars } from './star-columns.js'

/** Magnitudes of limits: 5 sigma (or what the INI says) by empty circles and by the fit, and half found of those put in. */
export interface LimitMagnitudes {
  aperture: number
  psf: number
  injected?: number
}

export function limitMagnitudes(
  { limits, growth, chosen, x }: FrameMeasures,
  facts: PhotFacts,
  zero: number,
  significance: number,
): LimitMagnitudes {
  void x
  const part = growth.part(chosen, 0, 0)
  const magnitude = (flux: number) => zero + instrumental(flux, facts.exposure)
  return {
    aperture: magnitude((significance * limits.emptyScatter) / part),
    psf: magnitude(significance * limits.fitScatter),
    ...(limits.halfFound === undefined ? {} : { injected: magnitude(limits.halfFound) }),
  }
}

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
  const column = (
    name: string,
    format: string,
    values: Float64Array | Float32Array | Int16Array,
    of: string,
    comment: string,
  ): NewColumn => ({
    ...{ name, format, comment, values },
    ...(of === '' ? {} : { unit: of }),
  })
  const extra: NewColumn[] = [
    column('FLUX_TOTAL', 'D', flux, unit, 'chosen circle over the growth curve'),
    column('FLUXERR_TOTAL', 'D', fluxError, unit, 'one sigma of FLUX_TOTAL'),
  ]
  if (fit) {
    extra.push(
      column('FLUX_PSF', 'D', fit.flux, unit, 'fit of the profile, on the scale of FLUX_TOTAL'),
      column('FLUXERR_PSF', 'D', fit.fluxError, unit, 'one sigma of FLUX_PSF'),
      column(
        'X_PSF',
        'D',
        fit.x.map((value) => value + 1),
        'pix',
        'place of the fit; the first pixel is 1',
      ),
      column(
        'Y_PSF',
        'D',
        fit.y.map((value) => value + 1),
        'pix',
        'place of the fit; the first pixel is 1',
      ),
      column('CHI_PSF', 'E', fit.chi, '', 'residuals over their noise in the core'),
      column('CROWDING', 'E', fit.crowding, '', 'light of others in the core over its own'),
    )
  }
  extra.push(...magnitudeColumns(measures, facts, calibration, config, column))
  const sky = facts.wcs?.toSkyMany(measures.x, measures.y)
  return catTable(stars, { unit, sky, extra, ...(calibration ? { zeroPoint: zeroPointOf(calibration, facts) } : {}) })
}

/** Magnitude of one unit of flux in this exposure. */
const zeroPointOf = ({ zero }: Calibration, { exposure }: PhotFacts) => zero.value + 2.5 * Math.log10(exposure)

type ColumnMaker = (
  name: string,
  format: string,
  values: Float64Array | Float32Array | Int16Array,
  unit: string,
  comment: string,
) => NewColumn

/** Calibrated magnitudes; a star that is not seen has none. */
function magnitudeColumns(
  measures: FrameMeasures,
  facts: PhotFacts,
  calibration: Calibration | undefined,
  config: Config,
  column: ColumnMaker,
): NewColumn[] {
  if (!calibration) return []
  const { zero, references } = calibration
  const { count } = measures
  const { flux, error } = fluxesOf(measures, config)
  const blank = () => new Float64Array(count).fill(Number.NaN)
  const [magnitude, magnitudeError, catalogue, catalogueError, colour, residual] = [
    blank(),
    blank(),
    blank(),
    blank(),
    blank(),
    blank(),
  ]
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

/** A header for tables: a plate solution belongs to an image, and the stars have their directions already. */
export function withoutPlate(frame: Header): Header {
  const header = copyHeader(frame)
  const plate =
    /^(CTYPE|CUNIT|CRPIX|CRVAL|CDELT|CROTA|LTV)\d$|^(CD|PC|LTM)\d_\d$|^PV\d_\d+$|^(A|B|AP|BP)_(\d_\d|ORDER|DMAX)$|^WCSAXES$/
  for (const { keyword } of frame.cards) if (plate.test(keyword)) removeCard(header, keyword)
  return header
}

/** The header: that of the frame, and what the photometry found. */
export function photHeader(
  frame: Header,
  measures: FrameMeasures,
  facts: PhotFacts,
  calibration: Calibration | undefined,
  limits: LimitMagnitudes,
): Header {
  const header = withoutPlate(frame)
  const set = (keyword: string, value: number | string | undefined, comment: string) => {
    if (typeof value === 'number' && !Number.isFinite(value)) return
    if (value !== undefined)
      setCard(header, keyword, typeof value === 'number' ? Number(value.toPrecision(9)) : value, comment)
  }
  const { quality } = measures.found
  set('NSTARS', measures.count, 'sources measured')
  set('SEEING', quality.seeing, '[pix] median full width at half maximum')
  set('ELLIPTIC', quality.ellipticity, 'median of 1 - b / a of the stars')
  set('SKYLEV', quality.sky, 'median background')
  set('SKYSIG', quality.skySigma, 'noise of a pixel of the sky')
  set('PHRAD', measures.circles.radii[measures.chosen], '[pix] radius of the circle of FLUX_TOTAL')
  set(
    'PHPART',
    measures.growth.part(measures.chosen, (measures.x[0] ?? 0) * 0, 0),
    'part of the light in it, at the first pixel',
  )
  set('PHEXP', facts.exposure, '[s] exposure that magnitudes are divided by')
  set('PHMJD', facts.mjd, 'middle of the exposure, UTC')
  set('PHFILT', facts.filter === '' ? undefined : facts.filter, 'filter')
  set('PHAIRM', facts.airmass, 'airmass')
  if (measures.psf) {
    set('PSFBETA', measures.psf.beta, 'exponent of the Moffat profile')
    set('PSFSTARS', measures.psf.stars, 'stars of the model of the profile')
    set('PSFCHI', measures.psf.chi, 'their residuals over their noise')
  }
  if (calibration) zeroCards(set, calibration)
  set('LIMMAG', limits.aperture, '[mag] limit by the noise of empty circles')
  set('LIMPSF', limits.psf, '[mag] limit by the noise of a fit')
  set('LIMINJ', limits.injected, '[mag] half of the stars put in are found')
  return header
}

function zeroCards(
  set: (k: string, v: number | string | undefined, c: string) => void,
  { zero, band, colour }: Calibration,
): void {
  set('MAGZP', zero.value, '[mag] of 1 unit/s, in the middle, mean colour')
  set('MAGZPERR', zero.error, '[mag] one sigma of MAGZP')
  set('MAGZPSC', zero.scatter, '[mag] robust scatter of single stars')
  set('MAGZPIN', zero.intrinsic, '[mag] of that beyond their errors')
  set('MAGZPN', zero.count, 'stars of the zero point')
  set('MAGZPB', band, 'band of the catalogue')
  if (!colour) return
  set('MAGZPC', zero.colourTerm, '[mag/mag] colour term')
  set('MAGZPCER', zero.colourTermError, 'one sigma of MAGZPC')
  set('MAGZPC0', zero.meanColour, `[mag] colour that MAGZP is for`)
  set('MAGZPCB', colour.join('-'), 'colour')
}

/** The targets, whether seen or not: an upper limit has a column of its own. */
export function targetTable(targets: readonly TargetMeasure[], unit: string): NewHdu {
  const doubles = (of: (target: TargetMeasure) => number | undefined) =>
    Float64Array.from(targets, (t) => of(t) ?? Number.NaN)
  const column = (name: string, values: Float64Array, comment: string, of?: string): NewColumn => ({
    ...{ name, format: 'D', comment, values },
    ...(of ? { unit: of } : {}),
  })
  return {
    ...{ kind: 'table', name: 'TARGETS', rows: targets.length },
    columns: [
      {
        name: 'NAME',
        values: targets.map(({ name }) => name),
        comment: 'of the list',
        format: `${Math.max(1, ...targets.map(({ name }) => name.length))}A`,
      },
      column(
        'X',
        doubles(({ x }) => x + 1),
        'place; the first pixel is 1',
        'pix',
      ),
      column(
        'Y',
        doubles(({ y }) => y + 1),
        'place; the first pixel is 1',
        'pix',
      ),
      column(
        'RA',
        doubles(({ ra }) => ra),
        'right ascension',
        'deg',
      ),
      column(
        'DEC',
        doubles(({ dec }) => dec),
        'declination',
        'deg',
      ),
      column(
        'FLUX_TOTAL',
        doubles(({ flux }) => flux),
        'chosen circle over the growth curve',
        unit,
      ),
      column(
        'FLUXERR_TOTAL',
        doubles(({ fluxError }) => fluxError),
        'one sigma of FLUX_TOTAL',
        unit,
      ),
      column(
        'FLUX_PSF',
        doubles(({ psfFlux }) => psfFlux),
        'fit of the profile at that place',
        unit,
      ),
      column(
        'FLUXERR_PSF',
        doubles(({ psfFluxError }) => psfFluxError),
        'one sigma of FLUX_PSF',
        unit,
      ),
      column(
        'MAG',
        doubles(({ magnitude }) => magnitude),
        'magnitude where it is seen',
        'mag',
      ),
      column(
        'MAGERR',
        doubles(({ magnitudeError }) => magnitudeError),
        'one sigma of MAG',
        'mag',
      ),
      column(
        'MAG_LIMIT',
        doubles(({ limit }) => limit),
        'fainter than this where it is not seen',
        'mag',
      ),
      {
        name: 'FLAGS',
        format: 'I',
        comment: 'bits: what may be wrong',
        values: Int16Array.from(targets, ({ flags }) => flags),
      },
    ],
  }
}
