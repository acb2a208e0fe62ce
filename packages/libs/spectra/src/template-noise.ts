import { type OrderData, type OrderMatch, type Scratch, templateAt } from './order-match.js'

/** One sigma of the shift of an order (logarithm of the wavelength) that comes of what is not the noise of its own pixels. */
export interface ShiftNoise {
  /** from the noise of the template: the same in all spectra that are compared with it; 0 where it does not tell its errors */
  template: number
  /** from what is unknown of the response of the columns: the same in all spectra of one flat and one place on the detector */
  flat: number
}

/** To first order: what each pixel gives to the shift, times the noise of the template, or the error of the response, there. */
export function shiftNoise(
  data: OrderData,
  shift: number,
  { solution }: Pick<OrderMatch, 'solution'>,
  scratch: Scratch,
): ShiftNoise {
  const { weight, used, continuum, terms, template, flatError } = data
  const { curve, sigma } = template
  const { at, value, slope } = templateAt(data, shift, 0, data.u.length, scratch)
  const last = curve.x.length - 1
  let [information, ofTemplate, ofFlat, k] = [0, 0, 0, 0]
  for (let i = 0; i < at.length; i++) {
    if (used[i] === 0 || Number.isNaN(slope[i]!)) continue
    while (k > 0 && curve.x[k]! > at[i]!) k--
    while (k < last && curve.x[k + 1]! <= at[i]!) k++
    let level = 0
    for (let j = 0; j < terms; j++) level += solution[j]! * continuum[i * terms + j]!
    const gain = weight[i]! * level * level * slope[i]!
    information += gain * slope[i]!
    if (sigma) ofTemplate += (gain * sigma[k]!) ** 2
    if (flatError) ofFlat += (gain * value[i]! * flatError[i]!) ** 2
  }
  if (!(information > 0)) return { template: 0, flat: 0 }
  return { template: Math.sqrt(ofTemplate) / information, flat: Math.sqrt(ofFlat) / information }
}
