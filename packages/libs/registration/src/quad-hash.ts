import { pairFrame, placeInPair, setPair } from './quad-code.js'

/**
 * Groups of four stars of a frame, to be found by their shape (Lang et al. 2010, AJ 139, 1782): A and B far apart, C and D
 * inside the circle that has AB as its diameter; where C and D lie in the frame of AB is the code, four numbers.
 */
export interface QuadHash {
  count: number
  /** A, B, C, D: indices of stars, four for each quad. */
  stars: Int32Array
  codes: Float64Array
  /** Distance of A and B on the plane that touches the sphere between them, radians. */
  lengths: Float64Array
  tolerance: number
  cells: number
  heads: Int32Array
  keys: Int32Array
  next: Int32Array
  entries: Int32Array
}

export interface QuadChoice {
  /** Shortest and longest AB, radians. */
  lengths: readonly [number, number]
  /** Of the stars inside the circle no more than this many, the brightest, serve as C and D. */
  inside: number
  /** Codes that differ by more in any number are different. */
  tolerance: number
}

/** A fuse: no frame needs as many quads. */
const MOST_QUADS = 400_000

/** All quads of the stars (unit vectors, brightest first) within the choice, ready to be looked up. */
export function hashQuads(vectors: Float64Array, choice: QuadChoice): QuadHash {
  const found = collectQuads(vectors, choice)
  const { tolerance } = choice
  const cells = Math.min(100, Math.max(4, Math.floor(1 / (3 * tolerance))))
  const hash = emptyHash(found, tolerance, cells)
  let entry = 0
  for (let quad = 0; quad < hash.count; quad++) {
    // a cell that the tolerance around the code reaches into knows the quad, so that a look-up opens one cell
    const [low, high] = [0, 1].map((side) =>
      [0, 1, 2, 3].map((k) => cellOf(hash.codes[4 * quad + k] + (side ? tolerance : -tolerance), k, cells)),
    )
    for (let i = low[0]; i <= high[0]; i++) {
      for (let j = low[1]; j <= high[1]; j++) {
        for (let k = low[2]; k <= high[2]; k++) {
          for (let l = low[3]; l <= high[3]; l++) {
            if (entry === hash.entries.length) grow(hash)
            insert(hash, ((i * cells + j) * cells + k) * cells + l, quad, entry++)
          }
        }
      }
    }
  }
  return hash
}

const cellOf = (value: number, k: number, cells: number) =>
  Math.min(cells - 1, Math.max(0, Math.floor((k % 2 === 0 ? value : value + 0.5) * cells)))

interface Quads {
  stars: number[]
  codes: number[]
  lengths: number[]
}

function collectQuads(vectors: Float64Array, { lengths, inside, tolerance }: QuadChoice): Quads {
  const n = vectors.length / 3
  const quads: Quads = { stars: [], codes: [], lengths: [] }
  const frame = pairFrame()
  const places = new Float64Array(2 * n)
  const members = new Int32Array(n)
  const slack = 2 * tolerance
  for (let b = 1; b < n; b++) {
    for (let a = 0; a < b; a++) {
      const length = setPair(frame, vectors, a, b)
      if (length < lengths[0] || length > lengths[1]) continue
      let count = 0
      for (let c = 0; c < n && count < inside; c++) {
        if (c === a || c === b) continue
        placeInPair(frame, vectors, c, places, 2 * count)
        const [x, y] = [places[2 * count] - 0.5, places[2 * count + 1]]
        if (x * x + y * y <= (0.5 + tolerance) ** 2) members[count++] = c
      }
      for (let c = 0; c < count; c++) {
        for (let d = 0; d < c; d++) addOrders(quads, a, b, members, places, c, d, length, slack)
      }
    }
    if (quads.lengths.length > MOST_QUADS) break
  }
  return quads
}

/** The quad in each order of its stars that noise may make the right one: x of C before that of D, both nearer to A. */
function addOrders(
  quads: Quads,
  a: number,
  b: number,
  members: Int32Array,
  places: Float64Array,
  c: number,
  d: number,
  length: number,
  slack: number,
): void {
  for (let turned = 0; turned < 2; turned++) {
    for (let swapped = 0; swapped < 2; swapped++) {
      const [first, second] = swapped ? [d, c] : [c, d]
      const sign = turned ? -1 : 1
      const [x1, x2] = [turned + sign * places[2 * first], turned + sign * places[2 * second]]
      if (x1 > x2 + slack || x1 + x2 > 1 + slack) continue
      quads.stars.push(turned ? b : a, turned ? a : b, members[first], members[second])
      quads.codes.push(x1, sign * places[2 * first + 1], x2, sign * places[2 * second + 1])
      quads.lengths.push(length)
    }
  }
}

function emptyHash({ stars, codes, lengths }: Quads, tolerance: number, cells: number): QuadHash {
  const count = lengths.length
  const room = Math.max(16, 9 * count)
  const size = 2 ** Math.ceil(Math.log2(2 * room))
  return {
    ...{ count, tolerance, cells },
    stars: Int32Array.from(stars),
    codes: Float64Array.from(codes),
    lengths: Float64Array.from(lengths),
    heads: new Int32Array(size).fill(-1),
    keys: new Int32Array(room),
    next: new Int32Array(room),
    entries: new Int32Array(room),
  }
}

function grow(hash: QuadHash): void {
  for (const name of ['keys', 'next', 'entries'] as const) {
    const longer = new Int32Array(2 * hash[name].length)
    longer.set(hash[name])
    hash[name] = longer
  }
}

const slot = (key: number, size: number) => (Math.imul(key, 0x9e3779b1) >>> 7) & (size - 1)

function insert(hash: QuadHash, key: number, quad: number, entry: number): void {
  const at = slot(key, hash.heads.length)
  hash.keys[entry] = key
  hash.entries[entry] = quad
  hash.next[entry] = hash.heads[at]
  hash.heads[at] = entry
}

/** The quads whose code agrees with this one, into `out`; how many there are (no more than `out` holds). */
export function findQuads(hash: QuadHash, c1: number, c2: number, c3: number, c4: number, out: Int32Array): number {
  const { cells, codes, tolerance } = hash
  const key =
    ((cellOf(c1, 0, cells) * cells + cellOf(c2, 1, cells)) * cells + cellOf(c3, 2, cells)) * cells +
    cellOf(c4, 3, cells)
  let count = 0
  for (let e = hash.heads[slot(key, hash.heads.length)]; e >= 0 && count < out.length; e = hash.next[e]) {
    if (hash.keys[e] !== key) continue
    const quad = hash.entries[e]
    const at = 4 * quad
    if (Math.abs(codes[at] - c1) > tolerance || Math.abs(codes[at + 1] - c2) > tolerance) continue
    if (Math.abs(codes[at + 2] - c3) > tolerance || Math.abs(codes[at + 3] - c4) > tolerance) continue
    out[count++] = quad
  }
  return count
}
