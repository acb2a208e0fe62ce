// Whether pixels take only values a constant step apart, as the converter of a camera makes them: whole numbers, or every
// 16th of a camera of 12 bits, or those times a factor.

/** Part of the pixels that may lie elsewhere (mended ones), and how far off the others, in steps, may be by rounding. */
const MENDED: f64 = 0.02
const ROUNDING: f64 = 0.03
/** The sample may show a part of the step only, through mended pixels: up to this. */
const COARSEST: i32 = 16

/** So many values are sorted to see which gaps there are between them. */
const SAMPLES: i32 = 64

/** The value that the values of the last lattice found are whole steps from, in steps, from 0 to 1. */
export let latticePhase: f64 = 0

/** The step of the values from `low` to `high` of `n`, if it is at least `finest`; else 0. `sample`: 64 float64. */
export function latticeStep(values: usize, n: i32, low: f64, high: f64, finest: f64, sample: usize): f64 {
  const count = sortSample(values, n, low, high, sample)
  const origin = commonest(sample, count)
  if (origin != origin) return 0
  let gap: f64 = 0
  while ((gap = nextGap(sample, count, origin, Math.max(gap, 0.9 * finest))) < Infinity) {
    if (!lieOn(values, n, low, high, origin, gap, ROUNDING)) continue
    // the values that are not mended may be so many of these steps apart
    const step = gap * <f64>coarsest(values, n, low, high, origin, gap)
    latticePhase = origin / step - Math.floor(origin / step)
    return step
  }
  return 0
}

/** The first values that count, sorted; how many they are. */
function sortSample(values: usize, n: i32, low: f64, high: f64, sample: usize): i32 {
  let count = 0
  for (let k = 0; k < n && count < SAMPLES; k++) {
    const v = value(values, k)
    if (!(v >= low && v <= high)) continue
    let at = count++
    while (at > 0 && sorted(sample, at - 1) > v) {
      store<f64>(sample + ((<usize>at) << 3), sorted(sample, at - 1))
      at--
    }
    store<f64>(sample + ((<usize>at) << 3), v)
  }
  return count
}

// @ts-ignore: decorator
@inline
function sorted(sample: usize, i: i32): f64 {
  return load<f64>(sample + ((<usize>i) << 3))
}

/** The value that most of the sample have; NaN if all differ, as continuous ones do. */
function commonest(sample: usize, count: i32): f64 {
  let most = 1
  let found = NaN
  let run = 1
  for (let i = 1; i < count; i++) {
    run = sorted(sample, i) == sorted(sample, i - 1) ? run + 1 : 1
    if (run <= most) continue
    most = run
    found = sorted(sample, i)
  }
  return found
}

/** The least gap between neighbours of the sample, or to `origin`, that is clearly larger than `than`. */
function nextGap(sample: usize, count: i32, origin: f64, than: f64): f64 {
  let least = Infinity
  const above = than * 1.001
  for (let i = 0; i < count; i++) {
    const far = Math.abs(sorted(sample, i) - origin)
    if (far > above) least = Math.min(least, far)
    const gap = i > 0 ? sorted(sample, i) - sorted(sample, i - 1) : 0
    if (gap > above) least = Math.min(least, gap)
  }
  return least
}

/** How many steps the values are in truth apart. */
function coarsest(values: usize, n: i32, low: f64, high: f64, origin: f64, step: f64): i32 {
  for (let k = min<i32>(COARSEST, <i32>((high - low) / step)); k > 1; k--) {
    if (lieOn(values, n, low, high, origin, step * <f64>k, ROUNDING / <f64>k)) return k
  }
  return 1
}

// @ts-ignore: decorator
@inline
function value(values: usize, k: i32): f64 {
  return <f64>load<f32>(values + ((<usize>k) << 2))
}

/** Whether all but a few of the values are whole steps from `origin`, up to `tolerance`, in steps. */
function lieOn(values: usize, n: i32, low: f64, high: f64, origin: f64, step: f64, tolerance: f64): bool {
  let elsewhere = 0
  const most = <i32>(MENDED * <f64>n)
  for (let k = 0; k < n; k++) {
    const v = value(values, k)
    if (!(v >= low && v <= high)) continue
    const steps = (v - origin) / step
    if (Math.abs(steps - Math.round(steps)) > tolerance && ++elsewhere > most) return false
  }
  return true
}
