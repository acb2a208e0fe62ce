// Writes the AssemblyScript of the networks that find a median without a branch: a fixed list of "smaller one here,
// larger one there" for each number of values, so that four pixels are sorted at once in the lanes of a vector.

/** Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2 M): pairs that sort `n` values. */
export function sortingNetwork(n) {
  const pairs = []
  const top = 2 ** Math.ceil(Math.log2(n)) / 2
  for (let p = top; p >= 1; p /= 2) {
    let q = top
    let r = 0
    let d = p
    for (;;) {
      for (let i = 0; i < n - d; i++) if ((i & p) === r) pairs.push([i, i + d])
      if (q === p) break
      d = q - p
      q /= 2
      r = p
    }
  }
  return pairs
}

/** The steps of a network that the outputs in `wanted` need: [i, j, keepSmaller, keepLarger] in order. */
export function prune(pairs, wanted) {
  const live = new Set(wanted)
  const steps = []
  for (const [i, j] of pairs.toReversed()) {
    const smaller = live.has(i)
    const larger = live.has(j)
    if (!smaller && !larger) continue
    live.add(i).add(j)
    steps.push([i, j, smaller, larger])
  }
  return steps.reverse()
}

/** The places of the middle value, or of the two middle values, of `n` in order. */
export const middles = (n) => [...new Set([(n - 1) >> 1, n >> 1])]

/** Lines that run `steps` on variables named `v0`, `v1` …  */
function exchangeLines(steps, smallest = 'f32x4.pmin', largest = 'f32x4.pmax') {
  return steps.map(([i, j, smaller, larger]) => {
    const low = `${smallest}(v${i}, v${j})`
    const high = `${largest}(v${i}, v${j})`
    if (!larger) return `    v${i} = ${low}`
    if (!smaller) return `    v${j} = ${high}`
    return `    t = ${low}; v${j} = ${high}; v${i} = t`
  })
}

/** What comes out: the middle value, or the mean of the two; + 0 makes -0 of either sign the same zero. */
function middleLine(n) {
  const [a, b] = middles(n)
  const half = 'f32x4.splat(0.5)'
  if (b === undefined) return `f32x4.add(v${a}, f32x4.splat(0))`
  return `f32x4.add(f32x4.add(f32x4.mul(v${a}, ${half}), f32x4.mul(v${b}, ${half})), f32x4.splat(0))`
}

/** `median<n>(source, target)`: medians of 16 pixels whose samples lie 64 bytes apart, plane after plane; no NaN. */
function planesMedian(n) {
  return [
    `function median${n}(source: usize, target: usize): void {`,
    '  let t: v128',
    '  for (let at: usize = 0; at < 64; at += 16) {',
    ...numbered(n).map((k) => `    let v${k} = v128.load(source + at, ${64 * k})`),
    ...exchangeLines(prune(sortingNetwork(n), middles(n))),
    `    v128.store(target + at, ${middleLine(n)})`,
    '  }',
    '}',
  ]
}

/**
 * `sparseMedian<n>(source, target, counts)`: the same where some samples are NaN. They are sorted as infinities, and the
 * number of the others, which goes to `counts`, says where the middle is; the median of none is NaN.
 */
function sparseMedian(n) {
  const lower = numbered((n >> 1) + 1) // the middle of n or fewer is among these
  return [
    `function sparseMedian${n}(source: usize, target: usize, counts: usize): void {`,
    '  const infinity = f32x4.splat(Infinity)',
    '  const half = f32x4.splat(0.5)',
    '  let t: v128',
    '  for (let at: usize = 0; at < 64; at += 16) {',
    '    let n = i32x4.splat(0)',
    ...numbered(n).flatMap((k) => [
      `    let v${k} = v128.load(source + at, ${64 * k})`,
      `    t = f32x4.eq(v${k}, v${k}); n = i32x4.sub(n, t); v${k} = v128.bitselect(v${k}, infinity, t)`,
    ]),
    ...exchangeLines(prune(sortingNetwork(n), lower)),
    '    const above = i32x4.shr_u(n, 1)',
    '    const below = i32x4.shr_s(i32x4.sub(n, i32x4.splat(1)), 1)',
    '    let a = f32x4.splat(NaN), b = a',
    ...lower.flatMap((k) => [
      `    t = i32x4.splat(${k})`,
      `    a = v128.bitselect(v${k}, a, i32x4.eq(below, t)); b = v128.bitselect(v${k}, b, i32x4.eq(above, t))`,
    ]),
    '    v128.store(counts + at, n)',
    '    a = f32x4.add(f32x4.mul(a, half), f32x4.mul(b, half))',
    '    v128.store(target + at, f32x4.add(a, f32x4.splat(0)))',
    '  }',
    '}',
  ]
}

/**
 * `shortMedian<n>(planes, from, limit, zero, target)`: medians of 16 pixels of 16-bit integers that stand in the order of a
 * file, `zero` added; the records of the planes begin with their addresses, to which `from` is added. False, and nothing is
 * said of the medians, where one is above the limit.
 */
function shortMedian(n) {
  const [a, b = a] = middles(n)
  const half = (part) => {
    const value = (k) => `f32x4.add(f32x4.convert_i32x4_s(i32x4.extend_${part}_i16x8_s(v${k})), zero)`
    if (a === b) return `f32x4.add(${value(a)}, f32x4.splat(0))`
    return `f32x4.add(f32x4.add(f32x4.mul(${value(a)}, half), f32x4.mul(${value(b)}, half)), f32x4.splat(0))`
  }
  return [
    `function shortMedian${n}(planes: usize, from: usize, limit: v128, zero: v128, target: usize): bool {`,
    '  const half = f32x4.splat(0.5)',
    '  let t: v128',
    '  for (let at: usize = 0; at < 32; at += 16) {',
    ...numbered(n).map((k) => `    let v${k} = eightShorts(load<usize>(planes, ${64 * k}) + from + at)`),
    '    t = v0',
    ...numbered(n).map((k) => `    t = i16x8.max_s(t, v${k})`),
    '    if (v128.any_true(i16x8.gt_s(t, limit))) return false',
    ...exchangeLines(prune(sortingNetwork(n), middles(n)), 'i16x8.min_s', 'i16x8.max_s'),
    `    v128.store(target + (at << 1), ${half('low')})`,
    `    v128.store(target + (at << 1), ${half('high')}, 16)`,
    '  }',
    '  return true',
    '}',
  ]
}

const numbered = (n) => Array.from({ length: n }, (_, k) => k)

/** `median<size>x<size>(source, stride)`: the median of a square of vectors whose rows lie `stride` bytes apart. */
function squareMedian(size) {
  return [
    `export function median${size}x${size}(source: usize, stride: usize): v128 {`,
    '  let t: v128',
    ...numbered(size * size).map(
      (k) => `  let v${k} = v128.load(source + ${Math.floor(k / size)} * stride, ${4 * (k % size)})`,
    ),
    ...exchangeLines(prune(sortingNetwork(size * size), middles(size * size))),
    `  return ${middleLine(size * size)}`,
    '}',
  ]
}

/** `lineMedian<n>(source, stride)`: the median of `n` vectors that lie `stride` bytes apart. */
function lineMedian(n) {
  return [
    `function lineMedian${n}(source: usize, stride: usize): v128 {`,
    '  let t: v128',
    ...numbered(n).map((k) => `  let v${k} = v128.load(source + ${k} * stride)`),
    ...exchangeLines(prune(sortingNetwork(n), middles(n))),
    `  return ${middleLine(n)}`,
    '}',
  ]
}

const LINES = [3, 5, 7, 9, 11, 13, 15]

/** The largest number of planes with a network of its own; beyond, the pairs are read from a table. */
const LARGEST = 16

export function networkSource() {
  const sizes = Array.from({ length: LARGEST - 1 }, (_, i) => i + 2)
  return [
    "import { eightShorts } from './pixel-source'",
    `export const LARGEST_NETWORK: i32 = ${LARGEST}`,
    ...sizes.flatMap(planesMedian),
    ...sizes.flatMap(sparseMedian),
    ...sizes.flatMap(shortMedian),
    '/** Medians of 16 pixels of `n` planes, 2 to LARGEST_NETWORK, of 16-bit integers as in a file; see networks.mjs. */',
    'export function networkShortMedian(',
    '  n: i32, planes: usize, from: usize, limit: v128, zero: v128, target: usize,',
    '): bool {',
    '  switch (n) {',
    ...sizes.map((n) => `    case ${n}: return shortMedian${n}(planes, from, limit, zero, target)`),
    '    default: unreachable()',
    '  }',
    '  return false',
    '}',
    '/** Medians of 16 pixels of `n` planes, 2 to LARGEST_NETWORK, none of them NaN. */',
    'export function networkMedian(n: i32, source: usize, target: usize): void {',
    '  switch (n) {',
    ...sizes.map((n) => `    case ${n}: median${n}(source, target); break`),
    '    default: unreachable()',
    '  }',
    '}',
    '/** The same where some may be NaN, with the number of the others. */',
    'export function sparseNetworkMedian(n: i32, source: usize, target: usize, counts: usize): void {',
    '  switch (n) {',
    ...sizes.map((n) => `    case ${n}: sparseMedian${n}(source, target, counts); break`),
    '    default: unreachable()',
    '  }',
    '}',
    ...squareMedian(3),
    ...squareMedian(5),
    ...LINES.flatMap(lineMedian),
    '/** The median of `n` vectors, an odd number up to 15, that lie `stride` bytes apart. */',
    'export function lineMedian(n: i32, source: usize, stride: usize): v128 {',
    '  switch (n) {',
    ...LINES.map((n) => `    case ${n}: return lineMedian${n}(source, stride)`),
    '    default: unreachable()',
    '  }',
    '  return f32x4.splat(0)',
    '}',
  ].join('\n')
}
