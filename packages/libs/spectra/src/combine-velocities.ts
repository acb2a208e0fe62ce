/** The velocity of an exposure from those of its orders (or blocks), in the unit of these. */
export interface CombinedVelocity {
  value: number
  /** one sigma: from the errors of the parts and, where they scatter more than these and the noise of the template say, from their scatter */
  error: number
  /** what the errors of the parts alone would give */
  formal: number
  /** what the noise of the template does to the value: the same for all that is compared with it, and not in `error` */
  template: number
  /** added in quadrature to the error of each part, so that they agree */
  jitter: number
  /** weighted scatter of the parts, the jitter not taken off */
  scatter: number
  /** parts used, of all; `used[i]` is 0 for those set aside as beyond 4.5 sigma */
  parts: number
  used: Uint8Array
  median: number
}

/** Further than this from the others a part is set aside: one in 10^5 by chance. */
const CLIP = 4.5

/**
 * The inverse-variance mean of parts. Where they scatter more than their errors say, a common error is added to each until
 * chi square is right (Mandel & Paule 1970); parts that are off even then are set aside, one round at a time, until none is.
 * `noise` is what the template brings into each part: parts may differ by it, but from spectrum to spectrum it does not change.
 */
export function combineVelocities(
  values: ArrayLike<number>,
  errors: ArrayLike<number>,
  noise?: ArrayLike<number>,
): CombinedVelocity {
  const both = noise ? Float64Array.from(errors, (error, i) => Math.hypot(error, noise[i]!)) : errors
  const used = Uint8Array.from(values, (v, i) => (Number.isFinite(v) && errors[i]! > 0 ? 1 : 0))
  if (!used.includes(1)) throw new RangeError('no order gives a velocity')
  for (let round = 0; ; round++) {
    const jitter = jitterOf(values, both, used)
    const { mean, sum } = meanOf(values, errors, used, jitter)
    const out = round < 20 ? furthest(values, both, used, jitter, mean) : -1
    if (out >= 0) {
      used[out] = 0
      continue
    }
    const formal = 1 / Math.sqrt(meanOf(values, errors, used, 0).sum)
    const parts = used.reduce((n, one) => n + one, 0)
    return {
      ...{ value: mean, error: 1 / Math.sqrt(sum), formal, jitter, parts, used },
      template: noise ? noiseOf(noise, errors, used, jitter) / sum : 0,
      scatter: scatterOf(values, errors, used, jitter, mean),
      median: medianOfUsed(values, used),
    }
  }
}

function meanOf(values: ArrayLike<number>, errors: ArrayLike<number>, used: Uint8Array, jitter: number) {
  let [sum, product] = [0, 0]
  for (let i = 0; i < used.length; i++) {
    if (used[i] === 0) continue
    const w = 1 / (errors[i]! ** 2 + jitter ** 2)
    sum += w
    product += w * values[i]!
  }
  return { mean: product / sum, sum }
}

/** The root of the sum of the squares of what each part brings of its noise, times its weight. */
function noiseOf(noise: ArrayLike<number>, errors: ArrayLike<number>, used: Uint8Array, jitter: number): number {
  let sum = 0
  for (let i = 0; i < used.length; i++) {
    if (used[i] === 1) sum += (noise[i]! / (errors[i]! ** 2 + jitter ** 2)) ** 2
  }
  return Math.sqrt(sum)
}

/** Chi square of the parts about their mean, less what is expected. */
function excess(values: ArrayLike<number>, errors: ArrayLike<number>, used: Uint8Array, jitter: number): number {
  const { mean } = meanOf(values, errors, used, jitter)
  let [chi, n] = [0, 0]
  for (let i = 0; i < used.length; i++) {
    if (used[i] === 0) continue
    chi += (values[i]! - mean) ** 2 / (errors[i]! ** 2 + jitter ** 2)
    n++
  }
  return chi - (n - 1)
}

/** The common error that makes chi square what it should be; 0 while chance explains it (two sigma of chi square). */
function jitterOf(values: ArrayLike<number>, errors: ArrayLike<number>, used: Uint8Array): number {
  const n = used.reduce((sum, one) => sum + one, 0)
  if (!(excess(values, errors, used, 0) > 2 * Math.sqrt(2 * (n - 1)))) return 0
  let high = 0
  for (let i = 0; i < used.length; i++) if (used[i] === 1) high = Math.max(high, errors[i]!)
  while (excess(values, errors, used, high) > 0 && high < 1e300) high *= 2
  let low = 0
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2
    if (excess(values, errors, used, middle) > 0) low = middle
    else high = middle
  }
  return high
}

/** The part that is furthest beyond the limit, judged by the others alone; -1 for none, or when few are left. */
function furthest(
  values: ArrayLike<number>,
  errors: ArrayLike<number>,
  used: Uint8Array,
  jitter: number,
  mean: number,
): number {
  const left = used.reduce((n, one) => n + one, 0)
  if (left < 5) return -1
  let [worst, at] = [0, -1]
  for (let i = 0; i < used.length; i++) {
    if (used[i] === 0) continue
    const off = Math.abs(values[i]! - mean) / Math.hypot(errors[i]!, jitter)
    if (off > worst) [worst, at] = [off, i]
  }
  if (at < 0) return -1
  used[at] = 0 // judged by the jitter and the mean without it: it would excuse itself
  const alone = jitterOf(values, errors, used)
  const off = Math.abs(values[at]! - meanOf(values, errors, used, alone).mean) / Math.hypot(errors[at]!, alone)
  used[at] = 1
  return off > CLIP ? at : -1
}

function scatterOf(
  values: ArrayLike<number>,
  errors: ArrayLike<number>,
  used: Uint8Array,
  jitter: number,
  mean: number,
): number {
  let [sum, product, n] = [0, 0, 0]
  for (let i = 0; i < used.length; i++) {
    if (used[i] === 0) continue
    const w = 1 / (errors[i]! ** 2 + jitter ** 2)
    sum += w
    product += w * (values[i]! - mean) ** 2
    n++
  }
  return n > 1 ? Math.sqrt((product / sum) * (n / (n - 1))) : 0
}

function medianOfUsed(values: ArrayLike<number>, used: Uint8Array): number {
  const sorted = Float64Array.from(values)
    .filter((_, i) => used[i] === 1)
    .sort()
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}
