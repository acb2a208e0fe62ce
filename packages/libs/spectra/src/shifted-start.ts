import { fitPolynomial } from '@nightpipe/math'
import type { SpectralLine } from './find-lines.js'
import { firstAbove } from './line-votes.js'
import {
  fitWavelengthPolynomial,
  placeEvaluator,
  type WavelengthPoint,
  type WavelengthPolynomial,
  wavelengthEvaluator,
} from './wavelength-polynomial.js'

/** Neighbouring orders that vote together. */
const GROUP = 6

/**
 * A solution moved along x to where lines are now: groups of neighbouring orders vote for their shift (px, up to `reach`), and a
 * parabola through the votes gives that of each order.
 */
export function shiftedStart(
  lines: readonly SpectralLine[],
  list: Float64Array,
  before: WavelengthPolynomial,
  reach: number,
): WavelengthPolynomial | undefined {
  const indices = [...new Set(lines.map((line) => line.index))].sort((a, b) => a - b)
  const middles: number[] = []
  const shifts: number[] = []
  for (let k = 0; k < indices.length; k += GROUP) {
    const group = indices.slice(k, k + GROUP)
    const here = lines.filter((line) => group.includes(line.index))
    const shift = votedShift(here, list, before, reach)
    if (shift === undefined) continue
    middles.push(group.reduce((sum, index) => sum + index, 0) / group.length)
    shifts.push(shift)
  }
  if (middles.length === 0) return undefined
  const fit = fitPolynomial(middles, shifts, Math.min(2, Math.max(0, middles.length - 2)), { clip: 4 })
  const points: WavelengthPoint[] = []
  const wavelengthAt = wavelengthEvaluator(before)
  for (const index of indices) {
    for (let k = 0; k <= 16; k++) {
      const x = (k / 16) * (before.width - 1)
      points.push({ index, x, wavelength: wavelengthAt(index, x - fit.at(index)), error: 1e-3 })
    }
  }
  return fitWavelengthPolynomial(points, before, { covariance: false })
}

/** The shift that most pairs of lines agree on, in px; undefined where none stands out of chance. */
function votedShift(
  lines: readonly SpectralLine[],
  list: Float64Array,
  before: WavelengthPolynomial,
  reach: number,
): number | undefined {
  const bins = new Float64Array(2 * reach + 1)
  const valueAt = placeEvaluator(before)
  for (const { index, x } of lines) {
    const { wavelength, dispersion } = valueAt(index, x)
    const half = reach * Math.abs(dispersion)
    for (let j = firstAbove(list, wavelength - half); j < list.length && list[j] <= wavelength + half; j++) {
      // where the line of the list would lie by the old solution, seen from where one is now
      const shift = (wavelength - list[j]) / dispersion
      const at = Math.round(shift + reach)
      if (at >= 0 && at < bins.length) bins[at]++
    }
  }
  const smooth = bins.map((value, k) => value + (bins[k - 1] ?? 0) + (bins[k + 1] ?? 0))
  const best = smooth.indexOf(Math.max(...smooth))
  const chance = smooth.reduce((sum, value) => sum + value, 0) / smooth.length
  if (smooth[best] < chance + 4 * Math.sqrt(chance + 1)) return undefined
  let sum = 0
  let weight = 0
  for (let k = Math.max(0, best - 1); k <= Math.min(bins.length - 1, best + 1); k++) {
    sum += bins[k] * (k - reach)
    weight += bins[k]
  }
  return sum / weight
}
