// Points that stand in a row: Hough's transform (Duda & Hart 1972, Comm. ACM 15, 11).

/** Empty stripes beyond either end. */
const BEYOND = 3

/**
 * Seeks the stripe with the most points beyond what the stripes beside it have, by the bound on the probability of so many
 * (Chernoff 1952). `x` and `y` of `n` points are float64, in stripes from the middle; `directions` are pairs of cosine and
 * sine, float64. A stripe has `fewest` points at least, and its logarithm is below `limit`. `counts` (int32) has room for
 * the stripes and six more. Writes its direction and its stripe (int32) to `place`, and returns whether there is one.
 */
export function likeliestStripe(
  x: usize,
  y: usize,
  n: i32,
  directions: usize,
  many: i32,
  stripes: i32,
  fewest: i32,
  limit: f64,
  counts: usize,
  place: usize,
): bool {
  const middle = <f64>stripes / 2 + BEYOND
  let least = limit
  let found = false
  for (let d = 0; d < many; d++) {
    memory.fill(counts, 0, (<usize>stripes + 2 * BEYOND) << 2)
    const turn = directions + ((<usize>d) << 4)
    countStripes(x, y, n, load<f64>(turn), load<f64>(turn, 8), middle, counts)
    for (let s = BEYOND; s < stripes + BEYOND; s++) {
      const at = counts + ((<usize>s) << 2)
      const own = load<i32>(at)
      if (own < fewest) continue
      const others = load<i32>(at - 12) + load<i32>(at - 8) + load<i32>(at, 8) + load<i32>(at, 12)
      const beside = <f64>others / 4
      const mean = beside + sqrt(beside) + 0.5
      const more = <f64>own - mean
      // the logarithm that follows is at least -more² / 2 mean: most stripes need none
      if (more <= 0 || more * more < -2 * mean * least) continue
      const log = more - <f64>own * Math.log(<f64>own / mean)
      if (log >= least) continue
      least = log
      found = true
      store<i32>(place, d)
      store<i32>(place, s - BEYOND, 4)
    }
  }
  return found
}

/** Counts points by the stripe that they lie in: number y cos - x sin + middle, which is positive, rounded down. */
function countStripes(x: usize, y: usize, n: i32, cos: f64, sin: f64, middle: f64, counts: usize): void {
  const along = f64x2.splat(cos)
  const across = f64x2.splat(sin)
  const half = f64x2.splat(middle)
  let i = 0
  for (; i + 2 <= n; i += 2) {
    const at = (<usize>i) << 3
    const turned = f64x2.sub(f64x2.mul(v128.load(y + at), along), f64x2.mul(v128.load(x + at), across))
    const stripe = i32x4.trunc_sat_f64x2_s_zero(f64x2.add(turned, half))
    countOne(counts, i32x4.extract_lane(stripe, 0))
    countOne(counts, i32x4.extract_lane(stripe, 1))
  }
  if (i === n) return
  const at = (<usize>i) << 3
  countOne(counts, <i32>(load<f64>(y + at) * cos - load<f64>(x + at) * sin + middle))
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function countOne(counts: usize, stripe: i32): void {
  const at = counts + ((<usize>stripe) << 2)
  store<i32>(at, load<i32>(at) + 1)
}
