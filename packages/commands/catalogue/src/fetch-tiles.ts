import { joinStars, pickStars, type SkyStars, starsOf, votable } from '@nightpipe/catalogues'
import { DataError } from '@nightpipe/command'
import { HIGHEST_ORDER, healpixCentre, healpixOf, healpixRadius } from '@nightpipe/sky'
import type { Survey } from './surveys.js'
import type { TapAnswer } from './tap.js'

/** The stars of a HEALPix pixel. An answer that was cut off is asked for in quarters. */
export async function tileStars(
  ask: (query: string) => Promise<TapAnswer>,
  survey: Survey,
  faintest: number | undefined,
  order: number,
  tile: number,
): Promise<SkyStars> {
  const { text, overflow } = await ask(queryOf(survey, faintest, order, tile))
  const bands = Object.keys(survey.magnitudes)
  if (!overflow) {
    const { columns, magnitudes, epoch } = survey
    const stars = starsOf(votable(text, survey.url), survey.url, { ...columns, magnitudes, epoch })
    return insideOf(stars, order, tile)
  }
  if (order >= HIGHEST_ORDER) throw new DataError(`${survey.url} cuts off even the smallest tile`, 'raise [fetch] rows')
  const quarters: SkyStars[] = []
  for (let k = 0; k < 4; k++) quarters.push(await tileStars(ask, survey, faintest, order + 1, 4 * tile + k))
  return joinStars(quarters, bands, survey.epoch)
}

/** A circle that holds the pixel: what every TAP service knows. */
export function queryOf(survey: Survey, faintest: number | undefined, order: number, tile: number): string {
  const [ra, dec] = healpixCentre(order, tile)
  // A little more, so that no service rounds a corner away.
  const radius = healpixRadius(order) * 1.0001 + 1e-6
  const circle = `CIRCLE('ICRS', ${ra.toFixed(9)}, ${dec.toFixed(9)}, ${radius.toFixed(9)})`
  const place = `1 = CONTAINS(POINT('ICRS', ${survey.ra}, ${survey.dec}), ${circle})`
  const bright = faintest === undefined ? '' : ` AND ${survey.brightness} <= ${faintest}`
  return `SELECT ${survey.select.join(', ')} FROM ${survey.table} WHERE ${place}${bright}`
}

function insideOf(stars: SkyStars, order: number, tile: number): SkyStars {
  const inside: number[] = []
  for (let k = 0; k < stars.count; k++) {
    if (Number.isNaN(stars.ra[k] + stars.dec[k])) continue
    if (healpixOf(order, stars.ra[k], stars.dec[k]) === tile) inside.push(k)
  }
  // Services give rows in any order: ours is always the same.
  inside.sort((a, b) => stars.dec[a] - stars.dec[b] || stars.ra[a] - stars.ra[b])
  return pickStars(stars, inside)
}
