import { inverse, solve } from '@nightpipe/math'
import type { LineLight, SpectralLine } from './find-lines.js'
import { IMAGE_TERMS, imageAt, imageValue, type LineImage } from './line-image.js'
import type { Neighbour, Neighbours } from './list-neighbours.js'

/** Neighbours of a line that are fitted at most: those that move it most. */
const MOST = 6
const STEPS = 4

/**
 * The places of lines anew, with the measured image of a line instead of a Gaussian: their centres of gravity. Lines that lie together
 * are fitted together, on a level of their own, where one of them is in the list; with them the neighbours that the list knows beside them, whose brightness is believed
 * as far as the list proved right. What all these leave unknown is in the errors.
 */
export function refineLines(
  lines: readonly SpectralLine[],
  light: ReadonlyMap<number, LineLight>,
  image: LineImage,
  fwhm: number,
  neighbours: Neighbours,
): SpectralLine[] {
  const out: SpectralLine[] = []
  let from = 0
  for (let k = 1; k <= lines.length; k++) {
    const [before, line] = [lines[k - 1]!, lines[k]]
    if (line && line.index === before.index && line.x - before.x < 2.5 * fwhm && k - from < 6) continue
    const group = lines.slice(from, k)
    if (!group.some((_, i) => neighbours.isNamed(from + i))) {
      out.push(...group)
      from = k
      continue
    }
    const beside = group.flatMap((_, i) => neighbours.of(from + i).map((one) => ({ ...one, host: i })))
    out.push(...refineGroup(group, light.get(group[0]!.index)!, image, fwhm, beside, neighbours.scatter ?? 1))
    from = k
  }
  return out
}

interface Beside extends Neighbour {
  /** place of its line in the group */
  host: number
}

/** One group: level, light and place of each line, light of each neighbour; Gauss and Newton. */
function refineGroup(
  group: readonly SpectralLine[],
  { light, sigma }: LineLight,
  image: LineImage,
  fwhm: number,
  all: readonly Beside[],
  scatter: number,
): SpectralLine[] {
  const beside = [...all].sort((a, b) => weightOf(b, fwhm) - weightOf(a, fwhm)).slice(0, MOST)
  const [first, last] = [group[0]!, group[group.length - 1]!]
  const from = Math.max(0, Math.floor(first.x - 1.7 * fwhm))
  const to = Math.min(light.length - 1, Math.ceil(last.x + 1.7 * fwhm))
  const shape = new Float64Array(IMAGE_TERMS)
  const offset = imageAt(image, first.index, (first.x + last.x) / 2, shape)
  const n = 1 + 2 * group.length + beside.length
  const p = new Float64Array(n)
  group.forEach(({ flux, x }, k) => {
    p[1 + 2 * k] = flux
    p[2 + 2 * k] = x
  })
  beside.forEach(({ host, ratio }, k) => {
    p[1 + 2 * group.length + k] = ratio * group[host]!.flux
  })
  const scratch = { normal: new Float64Array(n * n), gradient: new Float64Array(n), slope: new Float64Array(n) }
  const about = { light, sigma, from, to, image, shape, beside, group: group.length, start: p.slice(), scatter }
  const problem = { ...about, ...scratch }
  let equations = equationsOf(problem, p)
  for (let step = 0; step < STEPS; step++) {
    let change: Float64Array
    try {
      change = solve(equations.normal, equations.gradient)
    } catch {
      return [...group] // lines that cannot be told apart: what is there stays
    }
    let most = 0
    for (let i = 0; i < n; i++) {
      const place = i > 0 && i <= 2 * group.length && i % 2 === 0
      const by = place ? Math.min(fwhm / 4, Math.max(-fwhm / 4, change[i]!)) : change[i]!
      p[i]! += by
      if (place) most = Math.max(most, Math.abs(by) / group[i / 2 - 1]!.error)
    }
    equations = equationsOf(problem, p)
    if (most < 0.02) break
  }
  return describe(group, p, equations, offset)
}

/** How far a neighbour could move its line, of its width. */
const weightOf = ({ apart, ratio }: Beside, fwhm: number) => ratio * Math.exp(-2.77 * (apart / (1.4 * fwhm)) ** 2)

interface Problem extends LineLight {
  from: number
  to: number
  image: LineImage
  shape: Float64Array
  beside: readonly Beside[]
  group: number
  start: Float64Array
  /** of the brightness of neighbours */
  scatter: number
  /** filled anew at each step */
  normal: Float64Array
  gradient: Float64Array
  slope: Float64Array
}

interface Equations {
  normal: Float64Array
  gradient: Float64Array
  chiSquare: number
  pixels: number
}

function equationsOf(
  { light, sigma, from, to, image, shape, beside, group, start, scatter, normal, gradient, slope }: Problem,
  p: Float64Array,
) {
  const n = p.length
  normal.fill(0)
  gradient.fill(0)
  const seen = new Float64Array(2)
  let [chiSquare, pixels, noise] = [0, 0, Number.POSITIVE_INFINITY]
  for (let x = from; x <= to; x++) {
    if (sigma[x] === Number.POSITIVE_INFINITY) continue
    slope.fill(0)
    slope[0] = 1
    let model = p[0]!
    for (let k = 1; k <= 2 * group; k += 2) {
      imageValue(image.sigma, shape, x - p[k + 1]!, seen)
      model += p[k]! * seen[0]!
      slope[k] = seen[0]!
      slope[k + 1] = -p[k]! * seen[1]!
    }
    for (let b = 0; b < beside.length; b++) {
      const { host, apart } = beside[b]!
      const k = 1 + 2 * group + b
      imageValue(image.sigma, shape, x - p[2 + 2 * host]! - apart, seen)
      model += p[k]! * seen[0]!
      slope[k] = seen[0]!
      slope[2 + 2 * host]! -= p[k]! * seen[1]!
    }
    const weight = 1 / sigma[x]! ** 2
    if (sigma[x]! < noise) noise = sigma[x]!
    const residual = light[x]! - model
    chiSquare += weight * residual * residual
    pixels++
    for (let i = 0; i < n; i++) {
      const s = slope[i]! * weight
      if (s === 0) continue
      gradient[i]! += s * residual
      for (let j = 0; j <= i; j++) normal[i * n + j]! += s * slope[j]!
    }
  }
  // what is believed beforehand: the level is that of the surroundings, neighbours are as bright as the list says
  hold(normal, gradient, n, 0, -p[0]!, noise)
  for (let k = 1 + 2 * group; k < n; k++) hold(normal, gradient, n, k, start[k]! - p[k]!, scatter * start[k]!)
  return { normal, gradient, chiSquare, pixels }
}

function hold(normal: Float64Array, gradient: Float64Array, n: number, k: number, miss: number, sigma: number): void {
  if (!(sigma > 0) || sigma === Number.POSITIVE_INFINITY) return
  normal[k * n + k]! += 1 / sigma ** 2
  gradient[k]! += miss / sigma ** 2
}

function describe(
  group: readonly SpectralLine[],
  p: Float64Array,
  { normal, chiSquare, pixels }: Equations,
  offset: number,
): SpectralLine[] {
  const n = p.length
  let covariance: Float64Array
  try {
    covariance = inverse(normal, n)
  } catch {
    return [...group]
  }
  const reduced = chiSquare / Math.max(1, pixels - 1 - 2 * group.length)
  const scale = Math.max(1, reduced)
  const sigmaOf = (k: number) => Math.sqrt(scale * covariance[k * n + k]!)
  return group.map((line, g) => ({
    ...line,
    ...{ x: p[2 + 2 * g]! + offset, error: sigmaOf(2 + 2 * g) },
    ...{ flux: p[1 + 2 * g]!, fluxError: sigmaOf(1 + 2 * g), chiSquare: reduced },
  }))
}
