import { MAD_TO_SIGMA, median, power } from '@nightpipe/math'
import { DISPLACEMENT_TERMS } from './fibre-displacement.js'
import { weightedFit } from './weighted-fit.js'

/** A line seen through two fibres. */
export interface LinePair {
  index: number
  /** px, in the reference fibre and in the other */
  reference: number
  other: number
  error: number
}

/** Lines of two fibres that are the same: of one order, and one line of the list. */
export function pairLines(
  reference: readonly { index: number; x: number; error: number; listed: number }[],
  other: readonly { index: number; x: number; error: number; listed: number }[],
): LinePair[] {
  const by = new Map(reference.map((line) => [`${line.index} ${line.listed}`, line]))
  return other.flatMap((line) => {
    const same = by.get(`${line.index} ${line.listed}`)
    return same
      ? [{ index: line.index, reference: same.x, other: line.x, error: Math.hypot(same.error, line.error) }]
      : []
  })
}

/**
 * The ten coefficients by which lines of one fibre lie beside those of the reference fibre (px), from lines seen in both; what lies beyond
 * 5 sigma is set aside. Undefined where not more than ten lines are left.
 */
export function fitDisplacement(pairs: readonly LinePair[], nx: number, orders: number): Float64Array | undefined {
  let used = [...pairs]
  let found: Float64Array | undefined
  for (let round = 0; round < 4; round++) {
    if (used.length <= DISPLACEMENT_TERMS.length) return undefined
    const rows = used.map((pair) => displacementRow(pair, nx, orders))
    // Scaled columns: the monomials run over ten powers of ten.
    const scaled = weightedFit(
      rows,
      used.map((pair) => pair.other - pair.reference),
      used.map(({ error }) => Math.hypot(error, 0.01)),
    )
    if (!scaled) return undefined
    const value = (pair: LinePair) =>
      displacementRow(pair, nx, orders).reduce((sum, term, k) => sum + term * scaled[k], 0)
    const misses = pairs.map((pair) => Math.abs(pair.other - pair.reference - value(pair)))
    const scatter = MAD_TO_SIGMA * median([...misses])
    used = pairs.filter((_, k) => misses[k] < 5 * scatter + 1e-9)
    found = scaled.map(
      (c, k) => c / power(nx / 2, DISPLACEMENT_TERMS[k][0]) / power(orders / 2, DISPLACEMENT_TERMS[k][1]),
    )
  }
  return found
}

function displacementRow({ index, other }: LinePair, nx: number, orders: number): number[] {
  const u = (other - nx / 2) / (nx / 2)
  const v = (index - orders / 2) / (orders / 2)
  return DISPLACEMENT_TERMS.map(([i, j]) => power(u, i) * power(v, j))
}
