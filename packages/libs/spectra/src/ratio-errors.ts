import type { OrderSpectrum } from './spectrum.js'

/** One sigma of flux over response, in every column. */
export interface RatioErrors {
  /** of the flux and of the flat together */
  all: Float64Array
  /** of the flat alone: the same in all exposures that were divided by it, and no average of them makes it less */
  common: Float64Array
}

/**
 * How well `flux / blaze` is known, no response counting as less than `least`. Where the error of the response is not known
 * it counts for nothing; NaN where there is no ratio.
 */
export function ratioErrors(
  { flux, uncertainty, blaze, blazeError }: Pick<OrderSpectrum, 'flux' | 'uncertainty' | 'blaze' | 'blazeError'>,
  least = 0,
): RatioErrors {
  const [all, common] = [new Float64Array(flux.length), new Float64Array(flux.length)]
  for (let x = 0; x < flux.length; x++) {
    const response = Math.max(blaze ? blaze[x]! : 1, least)
    const known = response > 0 && Number.isFinite(flux[x])
    common[x] = known ? (Math.abs(flux[x]!) * (blazeError?.[x] || 0)) / response ** 2 : Number.NaN
    const own = uncertainty[x]! / response
    all[x] = known ? Math.sqrt(own * own + common[x]! * common[x]!) : Number.NaN
  }
  return { all, common }
}
