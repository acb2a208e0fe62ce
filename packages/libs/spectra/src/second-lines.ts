import { LIGHT_SPEED, MAD_TO_SIGMA, medianOf } from '@nightpipe/math'
import { type Correlation, correlated, gridOrders, linesOfTemplate } from './cross-correlate.js'
import type { OrderSpectrum } from './spectrum.js'
import type { VelocityTemplate } from './velocity-template.js'

/** Lines of the template at another velocity than that of the star. */
export interface SecondLines {
  /** c z as seen, m/s: good to a tenth of the width of the correlation */
  velocity: number
  /** height of their correlation over that of the star */
  part: number
  /** by how much they stand out of what is left elsewhere, in units of its scatter */
  significance: number
}

/** Single stars reach 4.7 at S/N 10 to 300, 6.2 where their lines are eight times as wide as those of the template; less than a twentieth may be of the template. */
const [SIGNIFICANT, LEAST] = [7, 0.05]
/** Nearer than so many widths of the correlation to the star, what is left is that its lines are not quite those of the template. */
const BESIDE = 1.2

/**
 * What the correlation shows beside the star: a second set of lines of the same kind (of a double star, of the Moon, of a
 * neighbour in the fibre). The template alone, where the star is, correlates with itself at other velocities too, as its pattern of lines has it; that
 * is taken off first. The correlation is that of `crossCorrelate` on its own grid. Undefined where nothing stands out.
 */
export function secondLines(
  spectrum: readonly OrderSpectrum[],
  template: VelocityTemplate,
  { velocity, value: seen, z, width }: Correlation,
): SecondLines | undefined {
  const grids = gridOrders(spectrum, template)
  if (grids.length === 0) return undefined
  const reach = (seen.length - 1) / 2
  const step = (Math.log1p(velocity.at(-1)! / LIGHT_SPEED) * LIGHT_SPEED) / reach
  const alone = correlated(
    grids.map((one) => ({ star: linesOfTemplate(one, Math.log1p(z)), mirror: one.mirror })),
    reach,
  )
  const star = Math.round((Math.log1p(z) * LIGHT_SPEED) / step) + reach
  if (!(alone[star]! > 0)) return undefined
  const left = seen.map((one, k) => one - (seen[star]! / alone[star]!) * alone[k]!)
  const far = (k: number, from: number) => Math.abs(k - from) * step > BESIDE * width
  let at = -1
  for (let k = 1; k < left.length - 1; k++) if (far(k, star) && (at < 0 || left[k]! > left[at]!)) at = k
  if (at < 0 || left[at]! < left[at - 1]! || left[at]! < left[at + 1]!) return undefined // the flank of the star
  const rest = left.filter((_, k) => far(k, star) && far(k, at))
  if (rest.length < 3) return undefined
  const middle = medianOf(rest.slice())
  const scatter = MAD_TO_SIGMA * medianOf(rest.map((one) => Math.abs(one - middle)))
  const significance = (left[at]! - middle) / scatter
  const part = left[at]! / seen[star]!
  return significance > SIGNIFICANT && part > LEAST ? { velocity: velocity[at]!, part, significance } : undefined
}
