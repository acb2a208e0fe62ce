import { type Catalogue, openCatalogue } from '@nightpipe/catalogues'
import { DataError } from '@nightpipe/command'
import { julianYear } from '@nightpipe/sky'
import { StarFlag } from '@nightpipe/stars'
import type { PhotFacts } from './frame-facts.js'
import { bandFor, matchSky, type Reference } from './match-sky.js'
import type { FrameMeasures } from './measure-frame.js'
import type { Config } from './schema.js'
import { fitZeroPoint, type ZeroPoint } from './zero-point.js'

/** What the catalogue says of a frame. */
export interface Calibration {
  zero: ZeroPoint
  band: string
  colour?: readonly [string, string]
  references: Reference[]
  /** Reference stars within the frame. */
  offered: number
}

/** Magnitudes for one of flux: 2.5 / ln 10. */
export const MAG = 2.5 / Math.LN10

/** Instrumental magnitude: of one unit of the frame in a second. */
export const instrumental = (flux: number, exposure: number) => -2.5 * Math.log10(flux / exposure)

/** Opens the catalogue of the configuration and finds the bands in it. */
export function catalogueFor(config: Config): { catalogue: Catalogue; colour?: readonly [string, string] } | undefined {
  const keys = config['zero point']
  if (keys.catalogue === '') return undefined
  const catalogue = openCatalogue(keys.catalogue)
  const known = catalogue.bands.join(', ') || 'none'
  const missing = (name: string) => new DataError(`no band '${name}' in ${keys.catalogue}`, `it has ${known}`)
  if (keys.band !== '' && !bandFor(catalogue, keys.band, undefined)) throw missing(keys.band)
  if (keys.colour === '') return { catalogue }
  const names = keys.colour.split('-').map((name) => name.trim())
  if (names.length !== 2) throw new DataError(`'${keys.colour}' is no colour`, 'write two bands, as g-r')
  const [blue, red] = names.map((name) => bandFor(catalogue, name, undefined))
  if (!blue || !red) throw missing(blue ? names[1]! : names[0]!)
  return { catalogue, colour: [blue, red] }
}

/** The zero point of a frame, or why there is none. */
export function calibrate(
  measures: FrameMeasures,
  facts: PhotFacts,
  size: { width: number; height: number },
  config: Config,
): Calibration | string {
  const opened = catalogueFor(config)
  if (!opened) return ''
  if (!facts.wcs) return 'no plate solution in the header: run astrometry first'
  const keys = config['zero point']
  const band = bandFor(opened.catalogue, keys.band, facts.filter)
  if (!band) return `the catalogue ${keys.catalogue} has no magnitudes`
  const radiusArcsec = keys.radius > 0 ? keys.radius : 0.7 * measures.width * facts.wcs.scaleArcsec
  const { references, offered } = matchSky(opened.catalogue, facts.wcs, size, measures, {
    ...{ band, colour: opened.colour, radiusArcsec, brightest: keys.brightest, faintest: keys.faintest },
    epoch: facts.mjd === undefined ? undefined : julianYear(facts.mjd),
  })
  const { flux, error } = fluxesOf(measures, config)
  const spoilt = StarFlag.saturated | StarFlag.truncated | StarFlag.masked | StarFlag.cosmicRay
  const blended = StarFlag.neighbours | StarFlag.deblended
  const fit = (mask: number) =>
    references.filter(({ star: i }) => (measures.flags[i]! & mask) === 0 && flux[i]! > 5 * error[i]!)
  const alone = fit(spoilt | blended)
  const usable = alone.length >= 20 ? alone : fit(spoilt)
  const colourTerm = opened.colour ? (keys['colour term'] ?? 'fit') : 'none'
  const zero = fitZeroPoint(
    {
      x: usable.map(({ star }) => measures.x[star]!),
      y: usable.map(({ star }) => measures.y[star]!),
      instrumental: usable.map(({ star }) => instrumental(flux[star]!, facts.exposure)),
      error: usable.map(({ star }) => (MAG * error[star]!) / flux[star]!),
      catalogue: usable.map(({ magnitude }) => magnitude),
      catalogueError: usable.map((reference) => reference.error),
      colour: usable.map(({ colour }) => colour),
    },
    { ...size, colourTerm, order: keys.order, clip: keys.clip },
  )
  if (!zero) return `${usable.length} of ${offered} reference stars matched: too few for a zero point`
  // the growth curve is the same for all stars of a frame: no number of them averages its error
  const whole = Math.hypot(zero.error, MAG * measures.growth.error[measures.chosen]!)
  return { zero: { ...zero, error: whole }, band, colour: opened.colour, references: usable, offered }
}

/** The fluxes that are calibrated. */
export function fluxesOf({ flux, fluxError, fit }: FrameMeasures, config: Config) {
  return config['zero point'].flux === 'psf' && fit
    ? { flux: fit.flux, error: fit.fluxError }
    : { flux, error: fluxError }
}
