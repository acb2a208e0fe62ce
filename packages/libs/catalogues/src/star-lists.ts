import type { SkyStars } from './star.js'

/** The quantities that not every catalogue has. */
export const OPTIONAL = ['raError', 'decError', 'parallax'] as const

/** No stars, or `count` of which nothing is known yet, in these bands. */
export function emptySkyStars(bands: readonly string[], epoch: number, count = 0): SkyStars {
  const unknown = () => new Float32Array(count).fill(Number.NaN)
  return {
    ...{ count, epoch, ra: new Float64Array(count), dec: new Float64Array(count), pmRa: unknown(), pmDec: unknown() },
    magnitudes: Object.fromEntries(bands.map((band) => [band, { value: unknown(), error: unknown() }])),
  }
}

/** Those of the stars, in this order. */
export function pickStars(stars: SkyStars, which: ArrayLike<number>): SkyStars {
  const count = which.length
  const single = (values: Float32Array) => {
    const out = new Float32Array(count)
    for (let k = 0; k < count; k++) out[k] = values[which[k]]
    return out
  }
  const double = (values: Float64Array) => {
    const out = new Float64Array(count)
    for (let k = 0; k < count; k++) out[k] = values[which[k]]
    return out
  }
  const picked: SkyStars = {
    ...{ count, epoch: stars.epoch, ra: double(stars.ra), dec: double(stars.dec) },
    ...{ pmRa: single(stars.pmRa), pmDec: single(stars.pmDec) },
    magnitudes: Object.fromEntries(
      Object.entries(stars.magnitudes).map(([band, { value, error }]) => [
        band,
        { value: single(value), error: single(error) },
      ]),
    ),
  }
  for (const key of OPTIONAL) if (stars[key]) picked[key] = single(stars[key])
  if (stars.id) picked.id = Array.from({ length: count }, (_, k) => stars.id![which[k]])
  return picked
}

/** Several lists one after the other; a quantity or band that some of them lack is NaN for theirs. */
export function joinStars(lists: readonly SkyStars[], bands: readonly string[], epoch: number): SkyStars {
  const count = lists.reduce((sum, one) => sum + one.count, 0)
  const all = emptySkyStars(bands, epoch, count)
  for (const key of OPTIONAL) if (lists.some((one) => one[key])) all[key] = new Float32Array(count).fill(Number.NaN)
  if (lists.some((one) => one.id)) all.id = []
  let at = 0
  for (const one of lists) {
    all.ra.set(one.ra, at)
    all.dec.set(one.dec, at)
    all.pmRa.set(one.pmRa, at)
    all.pmDec.set(one.pmDec, at)
    for (const band of bands) {
      const from = one.magnitudes[band]
      if (!from) continue
      all.magnitudes[band].value.set(from.value, at)
      all.magnitudes[band].error.set(from.error, at)
    }
    for (const key of OPTIONAL) if (one[key]) all[key]!.set(one[key], at)
    for (let k = 0; all.id && k < one.count; k++) all.id.push(one.id?.[k] ?? '')
    at += one.count
  }
  return all
}

/** The bands of a list, in its own order. */
export const bandsOf = (stars: SkyStars): string[] => Object.keys(stars.magnitudes)
