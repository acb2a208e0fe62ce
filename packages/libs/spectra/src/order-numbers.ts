import { median } from '@nightpipe/math'
import type { RoughSpectrograph } from './identify.js'
import {
  fitWavelengthPolynomial,
  polynomialWavelength,
  type WavelengthPoint,
  type WavelengthPolynomial,
} from './wavelength-polynomial.js'

/**
 * The diffraction orders that belong to wavelengths λ(x, index), and the same wavelengths as a polynomial of these. For a grating m λ is
 * nearly the same in the middle of all orders: the numbers for which it scatters least are right, unless those that the spectrograph is
 * known by do nearly as well.
 */
export function bestOrderNumbers(
  of: WavelengthPolynomial,
  indices: readonly number[],
  rough: RoughSpectrograph,
): WavelengthPolynomial {
  const middle = (of.width - 1) / 2
  const central = indices.map((index) => ({ index, wavelength: polynomialWavelength(of, index, middle) }))
  const spread = (firstOrder: number, orderStep: number) => {
    const products = central.map(({ index, wavelength }) => (firstOrder + orderStep * index) * wavelength)
    if (products.some((product) => !(product > 0))) return Number.POSITIVE_INFINITY
    const centre = median([...products])
    return median(products.map((product) => Math.abs(product - centre))) / centre
  }
  const rising =
    polynomialWavelength(of, indices[0], middle) < polynomialWavelength(of, indices[indices.length - 1], middle)
  const step = rising === indices[0] < indices[indices.length - 1] ? -1 : 1
  let best = { firstOrder: of.firstOrder, spread: Number.POSITIVE_INFINITY }
  const [low, high] = [Math.min(...indices), Math.max(...indices)]
  for (let first = 1 + (step < 0 ? high : -low); first < 400; first++) {
    const value = spread(first, step)
    if (value < best.spread) best = { firstOrder: first, spread: value }
  }
  const known = rough.orderStep === step && rough.firstOrder > 0
  const keep = known && spread(rough.firstOrder, step) < Math.max(1.5 * best.spread, best.spread + 2e-4)
  return renumbered(of, indices, keep ? rough.firstOrder : best.firstOrder, step)
}

/** The same wavelengths with other order numbers: the polynomial through those of the old one. */
export function renumbered(
  of: WavelengthPolynomial,
  indices: readonly number[],
  firstOrder: number,
  orderStep: number,
): WavelengthPolynomial {
  if (of.firstOrder === firstOrder && of.orderStep === orderStep) return of
  const numbers = indices.map((index) => firstOrder + orderStep * index)
  const frame = { ...of, firstOrder, orderStep, lowOrder: Math.min(...numbers), highOrder: Math.max(...numbers) }
  const points: WavelengthPoint[] = []
  for (const index of indices) {
    for (let k = 0; k <= 20; k++) {
      const x = (k / 20) * (of.width - 1)
      points.push({ index, x, wavelength: polynomialWavelength(of, index, x), error: 1e-3 })
    }
  }
  return fitWavelengthPolynomial(points, frame) ?? of
}
