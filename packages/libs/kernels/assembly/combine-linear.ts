// Samples of a pixel, sorted, should lie on a line: those far from it are set aside. The rest is averaged.

/** Left-out samples within so many sigma of the mean were left out by chance. */
const BY_CHANCE: f32 = 4
/** A logistic distribution so much steeper is within 0.01 of the normal one. */
const LOGISTIC: f32 = 1.702
/** Steps of the table of what that changes. */
const STEPS: f32 = 64

let left: i32 = 0
// The line that the samples which are left were last held against, of so many in the middle; sigma of the first line.
let lineMean: f32 = 0
let lineSlope: f32 = 0
let lineInner: i32 = 0
let firstSigma: f32 = 0

/**
 * `n` pixels of `planes` float planes. `records` has, for each plane, its address and that of its mask (0: none), then floats offset,
 * scale, weight, ceiling, and the variance of a sample at 0 and what a unit adds to it: a sample is (value - offset) scale of a value
 * below the ceiling. `low` and `high` count sigma from the line. `scratch` holds 9 floats for each plane. With `errors` (addresses of
 * float planes; 0: none) the variance is that of the sample. Writes means, counts (int16) and the variance of the mean: Σw²σ² / (Σw)²,
 * times what `cut` (65 floats) has for the part of the weight that chance left out; and what it adds that noise decides what is left out
 * where samples differ by more than noise, at most by `unlike` times the mean.
 */
export function combineLinear(
  records: usize, planes: i32, n: i32, maskBits: i32, low: f32, high: f32, cut: usize, unlike: f32, errors: usize,
  scratch: usize,
  pixels: usize, counts: usize, spread: usize,
): void {
  const row = (<usize>planes) << 2
  const values = scratch
  const weights = values + row
  const variances = weights + row
  const slopes = variances + row
  for (let p: usize = 0; p < <usize>n; p++) {
    let count = 0
    for (let k = 0; k < planes; k++) {
      const record = records + ((<usize>k) << 5)
      const mask = <usize>load<u32>(record, 4)
      if (mask != 0 && (<i32>load<i16>(mask + (p << 1)) & maskBits) != 0) continue
      const value = load<f32>(<usize>load<u32>(record) + (p << 2))
      if (value - value != 0 || value >= load<f32>(record, 20)) continue
      const sample = (value - load<f32>(record, 8)) * load<f32>(record, 12)
      let variance = load<f32>(record, 24)
      let slope = load<f32>(record, 28)
      if (errors) {
        const error = load<f32>(<usize>load<u32>(errors + ((<usize>k) << 2)) + (p << 2)) * load<f32>(record, 12)
        variance = error * error
        slope = 0
      }
      insert(values, row, count, sample, load<f32>(record, 16), variance, slope)
      count++
    }
    count = trim(values, row, count, low, high)
    let sum: f32 = 0
    let total: f32 = 0
    for (let i: usize = 0; i < <usize>count; i++) {
      const w = load<f32>(weights + (i << 2))
      sum += w * load<f32>(values + (i << 2))
      total += w
    }
    const mean = sum / total
    const level = max<f32>(0, mean)
    let squares: f32 = 0
    for (let i: usize = 0; i < <usize>count; i++) {
      const w = load<f32>(weights + (i << 2))
      squares += w * w * (load<f32>(variances + (i << 2)) + level * load<f32>(slopes + (i << 2)))
    }
    let chance: f32 = 0
    for (let i: usize = 0; i < <usize>left; i++) {
      const at = 4 * row + (i << 2)
      const off = load<f32>(values + at) - mean
      const variance = load<f32>(variances + at) + level * load<f32>(slopes + at)
      if (off * off > BY_CHANCE * BY_CHANCE * variance) continue
      chance += load<f32>(weights + at)
    }
    const part = chance > 0 ? (STEPS * chance) / (total + chance) : 0
    const step = <i32>min<f32>(part, STEPS - 1)
    const at = cut + ((<usize>step) << 2)
    const factor = load<f32>(at) + (part - <f32>step) * (load<f32>(at, 4) - load<f32>(at))
    store<f32>(pixels + (p << 2), count > 0 ? mean : NaN)
    store<i16>(counts + (p << 1), <i16>count)
    let variance = (factor * squares) / (total * total)
    const light = unlike * level
    const noise = (squares * <f32>count) / (total * total)
    if (light * light > noise && firstSigma * firstSigma > noise) {
      const beyond = min<f32>(light * light, firstSigma * firstSigma) / noise - 1
      variance += (beyond / (beyond + 1)) * doubtfulVariance(values, row, count, low, high, mean, total)
    }
    store<f32>(spread + (p << 2), count > 0 ? variance : NaN)
  }
}

/** Puts a sample in its place among those that are sorted already: its value, and a row further each its weight, its variance and the slope of that. */
function insert(values: usize, row: usize, count: i32, value: f32, weight: f32, variance: f32, slope: f32): void {
  let i = count
  while (i > 0) {
    const before = values + ((<usize>(i - 1)) << 2)
    if (load<f32>(before) <= value) break
    copySample(before, before + 4, row)
    i--
  }
  const at = values + ((<usize>i) << 2)
  store<f32>(at, value)
  store<f32>(at + row, weight)
  store<f32>(at + 2 * row, variance)
  store<f32>(at + 3 * row, slope)
}

// @ts-ignore: decorator
@inline
function copySample(from: usize, to: usize, row: usize): void {
  store<f32>(to, load<f32>(from))
  store<f32>(to + row, load<f32>(from + row))
  store<f32>(to + 2 * row, load<f32>(from + 2 * row))
  store<f32>(to + 3 * row, load<f32>(from + 3 * row))
}

/** Of normal deviates, sorted, the middle two fifths rise by 2.6 sigma over the number of them from one to the next. */
const RISE: f32 = 2.62

/**
 * Takes away what lies off the line until nothing does; how many are left. The line is that of the middle two fifths,
 * which outliers do not reach, and so is the sigma: what rises steadily from frame to frame (a sky that brightens) only
 * makes it steeper. Those that are taken away go four rows further.
 */
function trim(values: usize, row: usize, samples: i32, low: f32, high: f32): i32 {
  let count = samples
  left = 0
  firstSigma = 0
  lineInner = 0
  while (count > 4) {
    const from = max<i32>(1, (3 * count) / 10)
    const inner = count - 2 * from
    let mean: f32 = 0
    for (let i = from; i < count - from; i++) mean += load<f32>(values + ((<usize>i) << 2))
    mean /= <f32>inner
    const middle = <f32>(count - 1) / 2
    let slope: f32 = 0
    for (let i = from; i < count - from; i++) {
      slope += (<f32>i - middle) * (load<f32>(values + ((<usize>i) << 2)) - mean)
    }
    slope *= 12 / (<f32>inner * (<f32>inner * <f32>inner - 1))
    const sigma = (slope * <f32>count) / RISE
    if (count == samples) firstSigma = sigma
    lineMean = mean
    lineSlope = slope
    lineInner = inner
    let kept = 0
    for (let i = 0; i < count; i++) {
      const off = load<f32>(values + ((<usize>i) << 2)) - mean - slope * (<f32>i - middle)
      if (off >= -low * sigma && off <= high * sigma) kept++
    }
    if (kept == count || kept < 3) break
    kept = 0
    for (let i = 0; i < count; i++) {
      const at = values + ((<usize>i) << 2)
      const off = load<f32>(at) - mean - slope * (<f32>i - middle)
      if (off < -low * sigma || off > high * sigma) {
        const to = values + 4 * row + ((<usize>left) << 2)
        copySample(at, to, row)
        store<f32>(to + 4 * row, doubt(at, row, <f32>i - middle, count, off < 0 ? low : high))
        left++
      } else {
        copySample(at, values + ((<usize>kept) << 2), row)
        kept++
      }
    }
    count = kept
    lineInner = 0
  }
  return count
}

/**
 * p (1 - p), p being the probability that a sample is left out of `count` (logistic). It is where its distance from the middle is more
 * than `reach` slopes; the logarithm of their ratio varies with the noise of the sample, of the middle and of the slope, which is no
 * less certain than spacings by chance are (exponential ones).
 */
function doubt(at: usize, row: usize, fromMiddle: f32, count: i32, clip: f32): f32 {
  const inner = <f32>lineInner
  const off = load<f32>(at) - lineMean
  const square = off * off
  const variance = load<f32>(at + 2 * row) + max<f32>(0, lineMean) * load<f32>(at + 3 * row)
  if (!(square > variance) || !(lineSlope > 0)) return 0
  const reach = (clip * <f32>count) / RISE + abs(fromMiddle)
  const ofSlope = min<f32>((12 * variance) / (inner * (inner * inner - 1) * lineSlope * lineSlope), 1 / (inner - 1))
  const margin: f32 = <f32>0.5 * Mathf.log((reach * reach * lineSlope * lineSlope) / square)
  const e = Mathf.exp((-LOGISTIC * abs<f32>(margin)) / Mathf.sqrt((variance * (1 + <f32>1 / inner)) / square + ofSlope))
  return e / ((1 + e) * (1 + e))
}

/**
 * Samples that differ by more than noise keep their places in the order, and noise decides whether the line, which is of few of them, leaves
 * one out: the mean then is one or another, by a step that is this sample's.
 */
function doubtfulVariance(
  values: usize, row: usize, count: i32, low: f32, high: f32, mean: f32, total: f32,
): f32 {
  let sum: f32 = 0
  for (let i = 0; lineInner > 0 && i < count; i++) {
    const at = values + ((<usize>i) << 2)
    const fromMiddle = <f32>i - <f32>(count - 1) / 2
    const off = load<f32>(at) - lineMean - lineSlope * fromMiddle
    const weight = load<f32>(at + row)
    const step = (weight * (load<f32>(at) - mean)) / (total - weight)
    sum += step * step * doubt(at, row, fromMiddle, count, off < 0 ? low : high)
  }
  for (let i = 0; i < left; i++) {
    const at = values + 4 * row + ((<usize>i) << 2)
    const weight = load<f32>(at + row)
    const step = (weight * (load<f32>(at) - mean)) / (total + weight)
    sum += step * step * load<f32>(at + 4 * row)
  }
  return sum
}
