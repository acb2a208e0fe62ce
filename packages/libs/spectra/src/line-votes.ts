/** Lines of one order, ready to be compared with a list: places from −1 to 1 over the detector. */
export interface OrderLines {
  index: number
  /** places of the lines, −1 to 1 over the width of the detector */
  u: Float64Array
}

/** A shape of the dispersion common to all orders: ln λ(u) = t + s (u + q u²), t being the order's own. */
export interface DispersionShape {
  /** change of ln λ from the middle to the end of an order, if it were straight; negative where the wavelength falls with x */
  s: number
  /** how the dispersion changes along the order */
  q: number
}

/** A place where an order may lie: the logarithm of its central wavelength, and how well the list agrees with it. */
export interface Candidate {
  t: number
  /** log-likelihood ratio of so many coincidences against chance */
  score: number
  /** lines that agree */
  count: number
}

/** Scratch for votes, kept from call to call. */
export interface VoteScratch {
  bins: Uint16Array
}

/**
 * Where the lines of an order may lie in a list (logarithms of wavelengths, rising), with central ln λ between `from` and `to`: every
 * pair of a line and a list line votes for the t that would make them one; where more votes fall than by chance is a candidate.
 * `tolerance` is the width of a bin in ln λ; a candidate counts two neighbouring bins.
 */
export function voteForOrder(
  lines: OrderLines,
  list: Float64Array,
  shape: DispersionShape,
  range: { from: number; to: number },
  tolerance: number,
  keep: number,
  scratch: VoteScratch,
): Candidate[] {
  const size = Math.max(2, Math.ceil((range.to - range.from) / tolerance))
  if (scratch.bins.length < size) scratch.bins = new Uint16Array(size)
  const bins = scratch.bins
  bins.fill(0, 0, size)
  let votes = 0
  const { u } = lines
  const { s, q } = shape
  const perUnit = 1 / tolerance
  for (let i = 0; i < u.length; i++) {
    const zero = range.from + s * (u[i] + q * u[i] * u[i])
    const end = firstAbove(list, zero + size * tolerance)
    for (let j = firstAbove(list, zero); j < end; j++) {
      bins[((list[j] - zero) * perUnit) | 0]++ // a vote beyond the last bin is lost: rounding alone can put one there
      votes++
    }
  }
  return peaksOf(bins, size, votes, keep).map(({ at, score, count }) => ({
    ...{ t: range.from + (at + 1) * tolerance, score, count },
  }))
}

/** Bins of one block, over which chance is reckoned: 128. */
const BLOCK = 7

/** The best pairs of neighbouring bins, compared with the mean of the block around them and of all. */
function peaksOf(bins: Uint16Array, size: number, votes: number, keep: number): Peak[] {
  const best: Peak[] = []
  const whole = votes / size
  const blocks = new Int32Array((size >> BLOCK) + 1)
  for (let k = 0; k < size; k++) blocks[k >> BLOCK] += bins[k]
  const least = Math.max(2, whole + 1)
  for (let k = 0; k + 1 < size; k++) {
    const count = bins[k] + bins[k + 1]
    if (count <= least) continue
    const block = k >> BLOCK
    const around = blocks[block] / Math.min(1 << BLOCK, size - (block << BLOCK))
    // Chance, from the surroundings and from the whole range: neither may be far too low by itself.
    const chance = Math.max(0.2, 2 * Math.max(around, 0.5 * whole))
    if (count <= chance + 1) continue
    const score = count * Math.log(count / chance) - (count - chance)
    if (best.length < keep || score > best[keep - 1].score) insert(best, { at: k, score, count }, keep)
  }
  return best
}

interface Peak {
  at: number
  score: number
  count: number
}

/** Keeps the best few, one of each peak. */
function insert(best: Peak[], one: Peak, keep: number): void {
  const beside = best.findIndex((other) => Math.abs(other.at - one.at) <= 1)
  if (beside >= 0) {
    if (best[beside].score >= one.score) return
    best.splice(beside, 1)
  } else if (best.length === keep) best.pop()
  let at = best.length
  while (at > 0 && best[at - 1].score < one.score) at--
  best.splice(at, 0, one)
}

/** Place of the first element of a rising array that is at least `value`. */
export function firstAbove(sorted: Float64Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle] < value) low = middle + 1
    else high = middle
  }
  return low
}
