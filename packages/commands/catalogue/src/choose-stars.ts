import { bandsOf, pickStars, type SkyStars } from '@nightpipe/catalogues'

/** Stars with a place, and not fainter than asked in the first band. */
export function chosen(stars: SkyStars, faintest: number | undefined): SkyStars {
  const band = bandsOf(stars)[0]
  const value = band === undefined ? undefined : stars.magnitudes[band].value
  const kept: number[] = []
  for (let k = 0; k < stars.count; k++) {
    if (!(stars.ra[k] >= 0 && stars.ra[k] < 360 && Math.abs(stars.dec[k]) <= 90)) continue
    if (faintest === undefined || (value !== undefined && value[k] <= faintest)) kept.push(k)
  }
  return kept.length === stars.count ? stars : pickStars(stars, kept)
}

/** Each place once: index files of one catalogue share stars, to the last bit. */
export function withoutTwins(stars: SkyStars): SkyStars {
  const { ra, dec } = stars
  const order = Uint32Array.from({ length: stars.count }, (_, k) => k)
  order.sort((a, b) => ra[a] - ra[b] || dec[a] - dec[b] || a - b)
  const twin = new Uint8Array(stars.count)
  for (let k = 1; k < order.length; k++) {
    const [a, b] = [order[k - 1], order[k]]
    if (ra[a] === ra[b] && dec[a] === dec[b]) twin[b] = 1
  }
  const kept = Uint32Array.from({ length: stars.count }, (_, k) => k).filter((k) => twin[k] === 0)
  return kept.length === stars.count ? stars : pickStars(stars, kept)
}
