import { healpixDisc, moveStar, RADIANS } from '@nightpipe/sky'
import type { SkyStars } from './star.js'
import { joinStars, pickStars } from './star-lists.js'

export interface ConeOptions {
  /** Nothing fainter than this in `band`; stars without that magnitude are left out. */
  faintest?: number
  /** The band that orders, and that `faintest` means: the first of the catalogue where none is given. */
  band?: string
  /** The brightest so many. */
  limit?: number
  /** Positions are moved to this Julian year; the circle is searched there. */
  toEpoch?: number
}

/** Where stars are kept, tile by tile. */
export interface TileSource {
  order: number
  bands: readonly string[]
  epoch: number
  /** mas/yr: no star moves faster. */
  fastest: number
  /** The stars of a HEALPix pixel; undefined where there are none. */
  tile(pixel: number): SkyStars | undefined
}

/** The stars within a circle, brightest first; equal ones and those without a magnitude by declination. */
export function searchCone(
  source: TileSource,
  ra: number,
  dec: number,
  radius: number,
  options: ConeOptions = {},
): SkyStars {
  const { bands, epoch } = source
  const band = options.band ?? bands[0]
  if (options.band !== undefined && !bands.includes(options.band)) {
    throw new RangeError(`no band '${options.band}' in the catalogue (it has ${bands.join(', ') || 'none'})`)
  }
  const years = options.toEpoch === undefined ? 0 : options.toEpoch - epoch
  const margin = (source.fastest * Math.abs(years)) / 3.6e6
  const found: SkyStars[] = []
  for (const pixel of healpixDisc(source.order, ra, dec, radius + margin)) {
    const tile = source.tile(pixel)
    if (!tile) continue
    const near = within(tile, ra, dec, radius, margin, years)
    if (near.count > 0) found.push(band === undefined ? near : notFainter(near, band, options.faintest))
  }
  const all = joinStars(found, bands, epoch + years)
  const order = byBrightness(all, band)
  return pickStars(all, options.limit === undefined ? order : order.subarray(0, options.limit))
}

/** Those of a tile that are in the circle, moved by so many years. */
function within(tile: SkyStars, ra: number, dec: number, radius: number, margin: number, years: number): SkyStars {
  const near: number[] = []
  const cosine = Math.cos(dec * RADIANS)
  const reach = radius + margin
  const most = reach >= 180 ? Number.POSITIVE_INFINITY : Math.sin((reach / 2) * RADIANS) ** 2
  for (let k = 0; k < tile.count; k++) {
    const height = tile.dec[k] - dec
    if (height > reach || height < -reach) continue
    if (haversine(height, tile.ra[k] - ra, cosine, tile.dec[k]) <= most) near.push(k)
  }
  const picked = pickStars(tile, near)
  if (years === 0) return picked
  const inner = radius >= 180 ? Number.POSITIVE_INFINITY : Math.sin((radius / 2) * RADIANS) ** 2
  const stay: number[] = []
  for (let k = 0; k < picked.count; k++) {
    const [a, d] = moveStar([picked.ra[k], picked.dec[k]], picked.pmRa[k], picked.pmDec[k], years)
    picked.ra[k] = a
    picked.dec[k] = d
    if (haversine(d - dec, a - ra, cosine, d) <= inner) stay.push(k)
  }
  return pickStars(picked, stay)
}

/** The square of the sine of half of the distance, which keeps its digits for close stars. */
function haversine(height: number, along: number, cosine: number, latitude: number): number {
  const [h, a] = [Math.sin((height / 2) * RADIANS), Math.sin((along / 2) * RADIANS)]
  return h * h + cosine * Math.cos(latitude * RADIANS) * a * a
}

function notFainter(stars: SkyStars, band: string, faintest: number | undefined): SkyStars {
  if (faintest === undefined) return stars
  const { value } = stars.magnitudes[band]
  const bright: number[] = []
  for (let k = 0; k < stars.count; k++) if (value[k] <= faintest) bright.push(k)
  return pickStars(stars, bright)
}

function byBrightness(stars: SkyStars, band: string | undefined): Uint32Array {
  const order = Uint32Array.from({ length: stars.count }, (_, k) => k)
  const value = band === undefined ? undefined : stars.magnitudes[band].value
  const key = (k: number) => {
    const magnitude = value?.[k] ?? Number.NaN
    return Number.isNaN(magnitude) ? Number.POSITIVE_INFINITY : magnitude
  }
  return order.sort((a, b) => {
    const [first, second] = [key(a), key(b)]
    return first === second ? stars.dec[a] - stars.dec[b] || stars.ra[a] - stars.ra[b] : first - second
  })
}
