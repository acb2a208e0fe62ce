import { inverse, solve } from '@nightpipe/math'
import { LineFlag, type LineLight, type SpectralLine } from './find-lines.js'
import { GAUSSIAN_FWHM } from './line-profile.js'
import type { Neighbour, Neighbours } from './list-neighbours.js'

/**
 * The image of a sharp line as the pixels of an order see it: what a pixel collects of a line of unit light, by how far it lies from the
 * line. A Gaussian times Hermite polynomials (van der Marel & Franx 1993, ApJ 407, 525), whose coefficients change over the detector as
 * `shapes` says. Wings die out as the Gaussian does: faint lines that nobody knows lie there, and would draw the centre of gravity.
 */
export interface LineImage {
  /** of the Gaussian, px */
  sigma: number
  /** [shape][term] */
  coefficients: Float64Array
  /** 1: the same everywhere; 2: it changes along the orders; 3: and from order to order */
  shapes: number
  width: number
  lowIndex: number
  highIndex: number
  /** one sigma of the centre of gravity, px */
  centreError: number
}

/** Terms: Hermite polynomials of degree 0 to 9. */
export const IMAGE_TERMS = 10
/** How far from the line pixels are looked at, in its widths. */
const REACH = 2.2
/** Lines that are asked for an image, for one that changes along x, and over the orders. */
const LINES_ASKED = [25, 80, 200] as const
/** Lines that are taken at most in an order: the brightest. */
const PER_ORDER = 12
/** How nearly the images of neighbouring lines are alike, of their light in a pixel. */
const ALIKE = 0.03
/** Pixels further than this from the image count little: a faint line lies there. Sigma. */
const FAR = 3
const ROUNDS = 4

/** The image of lines, from bright ones that stand alone; undefined where there are too few. */
export function measureLineImage(
  lines: readonly SpectralLine[],
  light: ReadonlyMap<number, LineLight>,
  fwhm: number,
  neighbours: Neighbours,
): LineImage | undefined {
  const reach = REACH * fwhm
  const chosen = brightLines(lines, reach, fwhm, neighbours)
  const shapes = LINES_ASKED.filter((asked) => chosen.length >= asked).length
  const first = light.values().next().value
  if (shapes === 0 || !first) return undefined
  const indices = [...light.keys()]
  const frame: LineImage = {
    // pixels widen the Gaussian that was fitted
    sigma: Math.sqrt((fwhm / GAUSSIAN_FWHM) ** 2 + 1 / 12),
    coefficients: new Float64Array(shapes * IMAGE_TERMS),
    ...{ shapes, width: first.light.length, centreError: 0 },
    ...{ lowIndex: Math.min(...indices), highIndex: Math.max(...indices) },
  }
  const samples = samplesOf(chosen, light, frame, reach)
  let fitted = fitImage(samples, frame, undefined)
  for (let round = 1; round < ROUNDS; round++) fitted = fitImage(samples, frame, fitted.coefficients)
  const { coefficients, covariance } = fitted
  // the centre of gravity is the second coefficient over the first; u² and v² are a third in the mean
  const variance = (shape: number) => {
    const k = shape * IMAGE_TERMS + 1
    return shape < shapes ? covariance[k * shapes * IMAGE_TERMS + k]! : 0
  }
  const centreError = (frame.sigma * Math.sqrt(variance(0) + (variance(1) + variance(2)) / 3)) / coefficients[0]!
  return { ...frame, coefficients, centreError }
}

/** Lines whose neighbours have more than this part of their light tell nothing of the image. */
const CROWDED = 0.15

/** A bright line with all that shines beside it, found or only listed. */
interface Sample {
  line: SpectralLine
  beside: Neighbour[]
  /** their light, of the line's */
  crowded: number
}

/** Bright lines with few neighbours, or little light in them. */
function brightLines(lines: readonly SpectralLine[], reach: number, fwhm: number, neighbours: Neighbours): Sample[] {
  const byOrder = new Map<number, Sample[]>()
  lines.forEach((line, k) => {
    if (line.flags & ~LineFlag.blended || line.flux < 40 * line.fluxError || line.chiSquare > 50) return
    const beside = [...neighbours.of(k)]
    for (const step of [-1, 1]) {
      for (let j = k + step; lines[j]?.index === line.index; j += step) {
        const apart = lines[j]!.x - line.x
        if (Math.abs(apart) > reach + fwhm) break
        beside.push({ apart, ratio: Math.max(0, lines[j]!.flux / line.flux) })
      }
    }
    const crowded = beside.reduce((sum, { ratio }) => sum + ratio, 0)
    if (crowded > CROWDED) return
    const here = byOrder.get(line.index)
    if (here) here.push({ line, beside, crowded })
    else byOrder.set(line.index, [{ line, beside, crowded }])
  })
  const worth = ({ line, crowded }: Sample) => (line.fluxError / line.flux) ** 2 + crowded ** 2
  return [...byOrder.values()].flatMap((some) => some.sort((a, b) => worth(a) - worth(b)).slice(0, PER_ORDER))
}

/** Pixels of the chosen lines: how far from the line, its light there as a part of all, one sigma, and where on the detector. */
interface Samples {
  count: number
  /** which line */
  line: Int32Array
  from: Float64Array
  value: Float64Array
  sigma: Float64Array
  u: Float64Array
  v: Float64Array
  /** the terms of the image there, pixel after pixel */
  terms: Float64Array
}

function samplesOf(
  lines: readonly Sample[],
  light: ReadonlyMap<number, LineLight>,
  image: LineImage,
  reach: number,
): Samples {
  const most = lines.length * (2 * Math.ceil(reach) + 2)
  const empty = () => new Float64Array(most)
  const samples = {
    count: 0,
    line: new Int32Array(most),
    from: empty(),
    value: empty(),
    sigma: empty(),
    u: empty(),
    v: empty(),
    terms: new Float64Array(most * IMAGE_TERMS),
  }
  lines.forEach(({ line, beside }, number) => {
    const { index, x, flux } = line
    const of = light.get(index)!
    const [u, v] = placeOf(image, index, x)
    const last = Math.min(of.light.length - 1, Math.floor(x + reach))
    for (let at = Math.max(0, Math.ceil(x - reach)); at <= last; at++) {
      if (of.sigma[at] === Number.POSITIVE_INFINITY) continue
      const k = samples.count++
      // neighbours are taken off as Gaussians, and half believed
      let other = 0
      for (const { apart, ratio } of beside) {
        const t = (at - x - apart) / image.sigma
        other += (ratio * Math.exp(-0.5 * t * t)) / (image.sigma * Math.sqrt(2 * Math.PI))
      }
      samples.line[k] = number
      samples.from[k] = at - x
      samples.value[k] = of.light[at]! / flux - other
      samples.sigma[k] = Math.hypot(of.sigma[at]! / flux, 0.5 * other)
      samples.u[k] = u
      samples.v[k] = v
      hermite((at - x) / image.sigma, image.sigma, samples.terms, k * IMAGE_TERMS)
    }
  })
  return samples
}

/** Places on the detector from −1 to 1: along the orders, and over them. */
const placeOf = ({ width, lowIndex, highIndex }: LineImage, index: number, x: number): [number, number] => [
  (2 * x) / (width - 1) - 1,
  highIndex > lowIndex ? (2 * (index - lowIndex)) / (highIndex - lowIndex) - 1 : 0,
]

/** Least squares for the coefficients; pixels far from the image of before count the less, the further they lie. */
function fitImage(samples: Samples, { shapes }: LineImage, before: Float64Array | undefined) {
  const n = IMAGE_TERMS * shapes
  const [normal, right] = [new Float64Array(n * n), new Float64Array(n)]
  const [row, shape] = [new Float64Array(IMAGE_TERMS), new Float64Array(IMAGE_TERMS)]
  // sums over the pixels of one line, for which the shapes have the same weights
  const [own, side] = [new Float64Array(IMAGE_TERMS ** 2), new Float64Array(IMAGE_TERMS)]
  let factors: number[] = []
  let [squares, weights] = [0, 0]
  for (let k = 0; k < samples.count; k++) {
    if (k === 0 || samples.line[k] !== samples.line[k - 1]) {
      factors = [1, samples.u[k]!, samples.v[k]!].slice(0, shapes)
      own.fill(0)
      side.fill(0)
      for (let i = 0; i < IMAGE_TERMS; i++) {
        shape[i] = factors.reduce((sum, factor, s) => sum + factor * (before?.[s * IMAGE_TERMS + i] ?? 0), 0)
      }
    }
    for (let i = 0, at = k * IMAGE_TERMS; i < IMAGE_TERMS; i++, at++) row[i] = samples.terms[at]!
    let model = before ? 0 : samples.value[k]!
    if (before) for (let i = 0; i < IMAGE_TERMS; i++) model += row[i]! * shape[i]!
    let weight = 1 / (samples.sigma[k]! ** 2 + (ALIKE * model) ** 2 + 1e-8)
    const pull = Math.abs(samples.value[k]! - model) * Math.sqrt(weight)
    const share = pull > FAR ? (FAR / pull) ** 4 : 1
    squares += share * pull * pull
    weights += share
    weight *= share
    for (let i = 0; i < IMAGE_TERMS; i++) {
      const v = weight * row[i]!
      side[i]! += v * samples.value[k]!
      for (let j = 0; j <= i; j++) own[i * IMAGE_TERMS + j]! += v * row[j]!
    }
    if (samples.line[k] !== samples.line[k + 1] || k + 1 === samples.count)
      spreadOver(factors, own, side, normal, right)
  }
  const scale = squares / Math.max(1, weights - n)
  const covariance = inverse(normal, n).map((value) => scale * value)
  return { coefficients: solve(normal, right), covariance }
}

/** Adds the sums of one line to those of all shapes, by what each shape counts at its place. */
function spreadOver(
  factors: readonly number[],
  own: Float64Array,
  side: Float64Array,
  normal: Float64Array,
  right: Float64Array,
): void {
  const n = right.length
  for (let s = 0; s < factors.length; s++) {
    for (let i = 0; i < IMAGE_TERMS; i++) {
      const row = s * IMAGE_TERMS + i
      right[row]! += factors[s]! * side[i]!
      for (let r = 0; r <= s; r++) {
        const factor = factors[s]! * factors[r]!
        for (let j = 0; j < IMAGE_TERMS; j++) {
          normal[row * n + r * IMAGE_TERMS + j]! += factor * own[i >= j ? i * IMAGE_TERMS + j : j * IMAGE_TERMS + i]!
        }
      }
    }
  }
}

/** The first terms at a place: He_n(t) exp(−t²/2) / (σ √2π). */
function hermite(t: number, sigma: number, out: Float64Array, from: number): void {
  let last = 0
  let now = Math.exp(-0.5 * t * t) / (sigma * Math.sqrt(2 * Math.PI))
  for (let n = 0; n < IMAGE_TERMS; n++) {
    out[from + n] = now
    const next = t * now - n * last
    last = now
    now = next
  }
}

/**
 * The image at a place of the detector, of unit light: coefficients of powers of t = x / σ, that the Gaussian multiplies. Returns its centre
 * of gravity, px from the line.
 */
export function imageAt(image: LineImage, index: number, x: number, out: Float64Array): number {
  const { shapes, coefficients, sigma } = image
  const [u, v] = placeOf(image, index, x)
  const at = (n: number) =>
    coefficients[n]! +
    (shapes > 1 ? u * coefficients[IMAGE_TERMS + n]! : 0) +
    (shapes > 2 ? v * coefficients[2 * IMAGE_TERMS + n]! : 0)
  const light = at(0)
  const norm = 1 / (light * sigma * Math.sqrt(2 * Math.PI))
  out.fill(0)
  for (let n = 0; n < IMAGE_TERMS; n++) {
    const value = at(n) * norm
    for (let k = 0; k <= n; k++) out[k]! += value * POWERS[n]![k]!
  }
  return (at(1) / light) * sigma
}

/** Hermite polynomials as powers: He_n = Σ POWERS[n][k] t^k. */
const POWERS: readonly number[][] = hermitePowers(IMAGE_TERMS)

function hermitePowers(count: number): number[][] {
  const out = [[1], [0, 1]]
  for (let n = 1; n + 1 < count; n++) {
    out.push(Array.from({ length: n + 2 }, (_, k) => (out[n]![k - 1] ?? 0) - n * (out[n - 1]![k] ?? 0)))
  }
  return out
}

/** Light of a pixel `from` px beyond a line, and how it changes with that distance. */
export function imageValue(sigma: number, powers: Float64Array, from: number, out: Float64Array): void {
  const t = from / sigma
  if (Math.abs(t) > 7) {
    out[0] = 0
    out[1] = 0
    return
  }
  let [value, slope] = [0, 0]
  for (let k = IMAGE_TERMS - 1; k >= 0; k--) {
    slope = slope * t + value
    value = value * t + powers[k]!
  }
  const gauss = Math.exp(-0.5 * t * t)
  out[0] = value * gauss
  out[1] = ((slope - t * value) * gauss) / sigma
}
