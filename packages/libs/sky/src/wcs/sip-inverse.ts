import { leastSquares, power } from '@nightpipe/math'
import { distortionMap, type SipDistortion } from './distortion.js'
import type { WcsSolution } from './make-wcs.js'

/** Points along each side of the grid that the inverse is fitted on. */
const GRID = 25

/**
 * A SIP solution with the inverse polynomials AP and BP that other programs want, fitted over a frame of this size; two
 * orders above those of A and B, as a polynomial's inverse is none. Without a SIP distortion it comes back as it is.
 */
export function withSipInverse<W extends WcsSolution>(wcs: W, width: number, height: number): W {
  const { distortion, linear } = wcs
  if (distortion?.kind !== 'SIP') return wcs
  const forward = distortionMap({ kind: 'SIP', a: distortion.a, b: distortion.b })
  const order = Math.min(9, Math.max(distortion.a.length, distortion.b.length) + 1)
  const reach = Math.max(width, height) / 2
  const powers = termsUpTo(order)
  const rows: number[] = []
  const [first, second]: [number[], number[]] = [[], []]
  const at = new Float64Array(2)
  for (let j = 0; j < GRID; j++) {
    for (let i = 0; i < GRID; i++) {
      const u = (i / (GRID - 1)) * width - 0.5 - linear.pixel[0]
      const v = (j / (GRID - 1)) * height - 0.5 - linear.pixel[1]
      forward.apply(u, v, at)
      for (const [p, q] of powers) rows.push(power(at[0] / reach, p) * power(at[1] / reach, q))
      first.push(u - at[0])
      second.push(v - at[1])
    }
  }
  const series = (values: number[]) => seriesOf(leastSquares(rows, values, powers.length).solution, powers, reach)
  return { ...wcs, distortion: { ...distortion, ap: series(first), bp: series(second) } satisfies SipDistortion }
}

function termsUpTo(order: number): [p: number, q: number][] {
  const terms: [number, number][] = []
  for (let p = 0; p <= order; p++) for (let q = 0; q <= order - p; q++) terms.push([p, q])
  return terms
}

function seriesOf(solution: Float64Array, powers: readonly [number, number][], reach: number): number[][] {
  const series: number[][] = []
  for (const [k, [p, q]] of powers.entries()) {
    series[p] ??= []
    series[p][q] = solution[k] / power(reach, p + q)
  }
  return series
}
