import { inverse, power, solve } from '@nightpipe/math'
import { LineFlag, type LineLight, type SpectralLine } from './find-lines.js'
import { IMAGE_TERMS, type LineImage, placeOf } from './line-image.js'
import { GAUSSIAN_FWHM } from './line-profile.js'
import type { Neighbour, Neighbours } from './list-neighbours.js'

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
  return settled(frame, fitted)
}

/**
 * The image, with the error of its centre of gravity: from how that moves when parts of the lines are left out in turn (the jackknife), for
 * light that nobody knows pulls each line its own way. An asymmetry that is not larger than its error is such light, and is taken off;
 * one that is somewhat larger in part, and the variance shrinks alike (Efron & Morris 1973).
 */
function settled(frame: LineImage, { coefficients, covariance, without }: Fitted): LineImage {
  const offset = size(centreOf(frame, coefficients))
  const centres = without.map((one) => centreOf(frame, one))
  const mean = [0, 1, 2].map((k) => centres.reduce((sum, centre) => sum + centre[k]!, 0) / centres.length)
  const squares = centres.map((centre) => size(centre.map((value, k) => value - mean[k]!)) ** 2)
  const variance = squares.reduce((sum, square) => sum + square, 0) * (1 - 1 / centres.length)
  const kept = Math.max(0, 1 - variance / offset ** 2)
  const own = coefficients.map((value, k) => ((k % IMAGE_TERMS) % 2 === 1 ? kept * value : value))
  // what the fit itself leaves unknown: for an image that these terms do not quite make
  const n = coefficients.length
  const formal = [0, 1, 2].map((s) => (s < frame.shapes ? Math.sqrt(covariance[(s * IMAGE_TERMS + 1) * (n + 1)]!) : 0))
  const least = (frame.sigma * size(formal)) / coefficients[0]!
  return { ...frame, coefficients: own, centreError: Math.max(least, Math.sqrt(variance * Math.max(kept, LEAST_KEPT))) }
}

/** Of the variance: an image may be a little asymmetric where its lines cannot show it. */
const LEAST_KEPT = 0.25

/** The centre of gravity (px) in the middle of the detector, and by how much it changes to the end of orders and to the last order. */
function centreOf({ sigma, shapes }: LineImage, coefficients: Float64Array): number[] {
  return [0, 1, 2].map((s) => (s < shapes ? (sigma * coefficients[s * IMAGE_TERMS + 1]!) / coefficients[0]! : 0))
}

/** Root mean square over the detector: of u² and v² the mean is a third. */
const size = ([middle, along, across]: number[]) => Math.sqrt(middle! ** 2 + (along! ** 2 + across! ** 2) / 3)

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

/** Parts of the lines that are left out in turn: every tenth one. */
const PARTS = 10

interface Fitted {
  coefficients: Float64Array
  covariance: Float64Array
  /** the same without each part of the lines */
  without: Float64Array[]
}

/** Least squares for the coefficients; pixels far from the image of before count the less, the further they lie. */
function fitImage(samples: Samples, { shapes }: LineImage, before: Float64Array | undefined): Fitted {
  const n = IMAGE_TERMS * shapes
  const parts = Array.from({ length: PARTS }, () => ({ normal: new Float64Array(n * n), right: new Float64Array(n) }))
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
    const share = pull > FAR ? power(FAR / pull, 4) : 1
    squares += share * pull * pull
    weights += share
    weight *= share
    for (let i = 0; i < IMAGE_TERMS; i++) {
      const v = weight * row[i]!
      side[i]! += v * samples.value[k]!
      for (let j = 0; j <= i; j++) own[i * IMAGE_TERMS + j]! += v * row[j]!
    }
    if (samples.line[k] === samples.line[k + 1] && k + 1 < samples.count) continue
    const { normal, right } = parts[samples.line[k]! % PARTS]!
    spreadOver(factors, own, side, normal, right)
  }
  const all = summed(parts)
  const coefficients = solve(all.normal, all.right)
  const without = parts.map(({ normal, right }) =>
    solve(
      all.normal.map((value, k) => value - normal[k]!),
      all.right.map((value, k) => value - right[k]!),
    ),
  )
  const scale = squares / Math.max(1, weights - n)
  return { coefficients, covariance: inverse(all.normal, n).map((value) => scale * value), without }
}

function summed(parts: readonly { normal: Float64Array; right: Float64Array }[]) {
  const [first, ...rest] = parts
  const all = { normal: first!.normal.slice(), right: first!.right.slice() }
  for (const { normal, right } of rest) {
    for (let k = 0; k < normal.length; k++) all.normal[k]! += normal[k]!
    for (let k = 0; k < right.length; k++) all.right[k]! += right[k]!
  }
  return all
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
