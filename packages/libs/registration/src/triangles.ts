import type { Points } from './nearest.js'

/**
 * Triangles of stars, described by what a shift, a rotation and a scale leave as it is (Groth 1986, AJ 91, 1244). The
 * corners are in the order of the sides across from them, the longest first, so that corners of like triangles match.
 */
export interface Triangles {
  count: number
  /** Three stars for each. */
  corners: Int32Array
  /** Longest side, px; the other two over it, the longer first. */
  longest: Float64Array
  middle: Float64Array
  shortest: Float64Array
  /** 1 where the corners run from +x to +y, else -1. */
  sense: Int8Array
}

/** All triangles of the first `n` points whose corners are told apart by their sides; `blur` is the error of a side. */
export function trianglesOf({ x, y }: Points, n: number, blur: number): Triangles {
  const most = (n * (n - 1) * (n - 2)) / 6
  const found: Triangles = {
    ...{ count: 0, corners: new Int32Array(3 * most), sense: new Int8Array(most) },
    ...{ longest: new Float64Array(most), middle: new Float64Array(most), shortest: new Float64Array(most) },
  }
  const side = (i: number, j: number) => Math.hypot(x[i] - x[j], y[i] - y[j])
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const ij = side(i, j)
      for (let k = j + 1; k < n; k++) add(found, { x, y }, [i, j, k], [side(j, k), side(i, k), ij], blur)
    }
  }
  return found
}

/** `across[c]` is the side across from corner c. */
function add(to: Triangles, { x, y }: Points, star: readonly number[], across: readonly number[], blur: number): void {
  let [a, b, c] = [0, 1, 2]
  if (across[a] < across[b]) [a, b] = [b, a]
  if (across[b] < across[c]) [b, c] = [c, b]
  if (across[a] < across[b]) [a, b] = [b, a]
  const [longest, middle, shortest] = [across[a], across[b], across[c]]
  // sides as good as equal: which corner is which cannot be said; small ones have no shape
  if (shortest < 8 * blur || longest - middle < 2 * blur || middle - shortest < 2 * blur) return
  const n = to.count++
  to.corners.set([star[a], star[b], star[c]], 3 * n)
  to.longest[n] = longest
  to.middle[n] = middle / longest
  to.shortest[n] = shortest / longest
  const [p, q, r] = [star[a], star[b], star[c]]
  to.sense[n] = (x[q] - x[p]) * (y[r] - y[p]) - (y[q] - y[p]) * (x[r] - x[p]) > 0 ? 1 : -1
}

/** What two triangles may differ by to be taken for the same. */
export interface Likeness {
  /** Error of a side, px. */
  blur: number
  /** Longest side of the second over that of the first. */
  scale: readonly [number, number]
  mirrored: boolean | 'either'
}

/** Pairs of like triangles, [of first, of second] one after the other, the pairs of the largest triangles first. */
export function likeTriangles(first: Triangles, second: Triangles, likeness: Likeness): Int32Array {
  const { blur, scale, mirrored } = likeness
  const order = sortedBy(second.middle, second.count)
  const sorted = Float64Array.from(order, (k) => second.middle[k])
  const found: number[] = []
  for (const i of sortedBy(first.longest, first.count).reverse()) {
    const [a, m, s] = [first.longest[i], first.middle[i], first.shortest[i]]
    const slack = 3 * blur * (1 / a + 1 / (a * scale[0]))
    for (let k = firstAbove(sorted, m - slack); k < order.length && sorted[k] <= m + slack; k++) {
      const j = order[k]
      if (Math.abs(second.shortest[j] - s) > slack) continue
      const ratio = second.longest[j] / a
      if (ratio < scale[0] || ratio > scale[1]) continue
      if (mirrored !== 'either' && (first.sense[i] !== second.sense[j]) !== mirrored) continue
      found.push(i, j)
    }
  }
  return Int32Array.from(found)
}

const sortedBy = (key: Float64Array, count: number) =>
  Int32Array.from({ length: count }, (_, k) => k).sort((a, b) => key[a] - key[b] || a - b)

function firstAbove(sorted: ArrayLike<number>, value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle] < value) low = middle + 1
    else high = middle
  }
  return low
}
