import { LIGHT_SPEED, select } from '@nightpipe/math'
import { templateCurves, type VelocityTemplate } from './velocity-template.js'

/** Absorption lines of a kind of star: a numerical mask, as Baranne et al. 1996 (A&AS 119, 373) have it. */
export interface LineMask {
  /** vacuum, Angstrom, at rest, rising */
  wavelength: Float64Array
  /** how much a line counts: its depth, 0 to 1 */
  weight: Float64Array
}

/** The least depth of a line that counts, and how close another may be (velocity, m/s). */
const LEAST_DEPTH = 0.08
const APART = 6000

/**
 * The lines of a template: minima of its curve that are `LEAST_DEPTH` deep below the continuum around, which is the highest
 * tenth of the values within 300 km/s. Their places are those of the parabola through three points.
 */
export function maskOfTemplate(template: VelocityTemplate): LineMask {
  const lines: [number, number][] = []
  for (const { curve } of templateCurves(template)) {
    const { x, y } = curve
    const top = continuumOf(y, 200)
    for (let k = 2; k < y.length - 2; k++) {
      const [a, b, c] = [y[k - 1]!, y[k]!, y[k + 1]!]
      const depth = 1 - b / top[k]!
      if (!(b <= a && b < c && depth > LEAST_DEPTH && depth < 1)) continue
      const shift = (0.5 * (a - c)) / (a - 2 * b + c)
      lines.push([x[k]! + shift * (x[k + 1]! - x[k]!), depth])
    }
  }
  lines.sort((one, other) => one[0] - other[0])
  const near = APART / LIGHT_SPEED
  // the same line in two orders, or one that is not alone: the deeper one counts
  const alone = lines.filter(([u, depth], k) =>
    [lines[k - 1], lines[k + 1]].every((other) => !other || Math.abs(other[0] - u) > near || other[1] < depth),
  )
  return { wavelength: Float64Array.from(alone, ([u]) => Math.exp(u)), weight: Float64Array.from(alone, ([, d]) => d) }
}

/** The 90th percentile of every fourth value within `half` of each, taken at steps of half of that and joined by straight lines. */
export function continuumOf(values: Float64Array, half: number): Float64Array {
  const step = Math.max(1, half >> 1)
  const nodes: number[] = []
  const sample = new Float64Array((half >> 1) + 2)
  for (let k = 0; ; k += step) {
    const at = Math.min(k, values.length - 1)
    let n = 0
    for (let i = Math.max(0, at - half); i <= Math.min(values.length - 1, at + half); i += 4) {
      if (Number.isFinite(values[i]!)) sample[n++] = values[i]!
    }
    nodes.push(n > 0 ? select(sample, Math.floor(0.9 * (n - 1)), n) : Number.NaN)
    if (at === values.length - 1) break
  }
  const out = new Float64Array(values.length)
  for (let k = 0; k < out.length; k++) {
    const low = Math.min(Math.floor(k / step), nodes.length - 1)
    const high = Math.min(low + 1, nodes.length - 1)
    out[k] = nodes[low]! + (k / step - low) * (nodes[high]! - nodes[low]!)
  }
  return out
}
