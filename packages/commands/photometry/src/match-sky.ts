import type { Catalogue } from '@nightpipe/catalogues'
import { nearestWithin } from '@nightpipe/registration'
import type { Wcs } from '@nightpipe/sky'

/** A reference star on the frame. */
export interface Reference {
  /** Index of the star of the frame. */
  star: number
  magnitude: number
  error: number
  colour: number
  ra: number
  dec: number
}

export interface SkyMatch {
  references: Reference[]
  /** The band that was used. */
  band: string
  /** Reference stars within the frame. */
  offered: number
}

export interface SkyMatchOptions {
  band: string
  /** Two bands, or none. */
  colour: readonly [string, string] | undefined
  radiusArcsec: number
  brightest: number
  faintest: number
  /** Julian year of the frame: reference stars are moved to it. */
  epoch?: number
}

/** Reference stars of the field, each with the star of the frame that is mutually nearest on the detector. */
export function matchSky(
  catalogue: Catalogue,
  wcs: Wcs,
  size: { width: number; height: number },
  stars: { x: Float64Array; y: Float64Array },
  options: SkyMatchOptions,
): SkyMatch {
  const [ra, dec] = wcs.toSky((size.width - 1) / 2, (size.height - 1) / 2)
  const radius = ((Math.hypot(size.width, size.height) / 2) * wcs.scaleArcsec * 1.05) / 3600
  const { band, colour, faintest } = options
  const cone = catalogue.cone(ra, dec, radius, { band, faintest, ...(options.epoch ? { toEpoch: options.epoch } : {}) })
  const { x, y } = wcs.toPixelMany(cone.ra, cone.dec)
  const { value, error } = cone.magnitudes[band]!
  const inside = Array.from({ length: cone.count }, (_, k) => k).filter(
    (k) => x[k]! > -0.5 && y[k]! > -0.5 && x[k]! < size.width && y[k]! < size.height && value[k]! >= options.brightest,
  )
  const places = { x: inside.map((k) => x[k]!), y: inside.map((k) => y[k]!) }
  const pairs = nearestWithin(stars, places, options.radiusArcsec / wcs.scaleArcsec)
  const [blue, red] = (colour ?? []).map((name) => cone.magnitudes[name]?.value)
  const references = pairs.map(([star, j]) => {
    const k = inside[j]!
    return {
      ...{ star, magnitude: value[k]!, ra: cone.ra[k]!, dec: cone.dec[k]! },
      error: Number.isFinite(error[k]) ? error[k]! : 0,
      colour: blue && red ? blue[k]! - red[k]! : Number.NaN,
    }
  })
  return { references, band, offered: inside.length }
}

/** The band of a catalogue for a filter: the one asked for, that of the same name (without case, or prime), or the first. */
export function bandFor(
  catalogue: Pick<Catalogue, 'bands'>,
  asked: string,
  filter: string | undefined,
): string | undefined {
  const { bands } = catalogue
  const plain = (name: string) =>
    name
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '')
      .replace(/mag$/, '')
  if (asked !== '') return bands.find((name) => name === asked) ?? bands.find((name) => plain(name) === plain(asked))
  const same = filter && (bands.find((name) => name === filter) ?? bands.find((name) => plain(name) === plain(filter)))
  return same || bands[0]
}
