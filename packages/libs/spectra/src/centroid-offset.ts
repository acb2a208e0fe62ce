import { fitPolynomial, median } from '@nightpipe/math'
import type { SpectralLine } from './find-lines.js'
import type { OrderSpectrum } from './spectrum.js'

/**
 * Lines whose image is not symmetric: a Gaussian is drawn to their steep side, and a star's spectrum, which is blurred by the same image,
 * lies at its centre of gravity. Measures how far the two differ (px) on bright lines that stand alone, as a straight line along the
 * orders. Gives what is to be added to the place of a line; nothing where the two do not differ for certain.
 */
export function centroidOffset(
  lines: readonly SpectralLine[],
  orders: readonly OrderSpectrum[],
  fwhm: number,
): (x: number) => number {
  const none = () => 0
  const spectra = new Map(orders.map((order) => [`${order.index} ${order.fibre}`, order]))
  const reach = 2.2 * fwhm
  const x: number[] = []
  const offset: number[] = []
  const error: number[] = []
  for (let k = 0; k < lines.length; k++) {
    const line = lines[k]
    if (line.flags || line.flux < 60 * line.fluxError) continue
    const near = (other: SpectralLine | undefined) =>
      other && other.index === line.index && other.fibre === line.fibre && Math.abs(other.x - line.x) < 2.2 * reach
    if (near(lines[k - 1]) || near(lines[k + 1])) continue
    const measured = centroid(spectra.get(`${line.index} ${line.fibre}`)!, line.x, reach)
    if (!measured || Math.abs(measured.x - line.x) > 0.3 * fwhm) continue
    x.push(line.x)
    offset.push(measured.x - line.x)
    error.push(Math.hypot(measured.error, 0.01))
  }
  if (x.length < 30) return none
  const fit = fitPolynomial(x, offset, 1, { errors: error, clip: 3 })
  return Math.abs(fit.at(fit.middle)) < 3 * fit.errors[0] ? none : fit.at
}

/** Centre of gravity of the light within `reach` of a place, above what lies at both ends. */
function centroid(order: OrderSpectrum, x: number, reach: number): { x: number; error: number } | undefined {
  const from = Math.ceil(x - reach)
  const to = Math.floor(x + reach)
  if (from < 3 || to > order.flux.length - 4) return undefined
  const level = median([...order.flux.slice(from - 2, from + 1), ...order.flux.slice(to, to + 3)])
  let sum = 0
  let moment = 0
  let variance = 0
  for (let at = from; at <= to; at++) {
    if (order.mask[at] || !Number.isFinite(order.flux[at])) return undefined
    // pixels at the ends count by the part of them that lies within reach: the window moves with the line
    const part = Math.min(1, at + 0.5 - (x - reach), x + reach - (at - 0.5))
    const light = part * (order.flux[at] - level)
    sum += light
    moment += light * (at - x)
    variance += (part * order.uncertainty[at] * (at - x)) ** 2
  }
  return sum > 0 ? { x: x + moment / sum, error: Math.sqrt(variance) / sum } : undefined
}
