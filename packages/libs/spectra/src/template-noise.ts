import { type OrderData, type OrderMatch, type Scratch, templateAt } from './order-match.js'

/**
 * One sigma that the noise of the template brings into the shift of an order (logarithm of the wavelength), to first order: what
 * each pixel gives to the shift, times the noise of the template there. It is the same in all spectra that are compared with the
 * template. 0 where the template does not tell its errors.
 */
export function templateNoise(
  data: OrderData,
  shift: number,
  { solution }: Pick<OrderMatch, 'solution'>,
  scratch: Scratch,
): number {
  const { weight, used, continuum, terms, template } = data
  const { curve, sigma } = template
  if (!sigma) return 0
  const { at, slope } = templateAt(data, shift, 0, data.u.length, scratch)
  const last = sigma.length - 1
  let [information, variance, k] = [0, 0, 0]
  for (let i = 0; i < at.length; i++) {
    if (used[i] === 0 || Number.isNaN(slope[i]!)) continue
    while (k > 0 && curve.x[k]! > at[i]!) k--
    while (k < last && curve.x[k + 1]! <= at[i]!) k++
    let level = 0
    for (let j = 0; j < terms; j++) level += solution[j]! * continuum[i * terms + j]!
    const gain = weight[i]! * level * level * slope[i]!
    information += gain * slope[i]!
    variance += (gain * sigma[k]!) ** 2
  }
  return information > 0 ? Math.sqrt(variance) / information : 0
}
