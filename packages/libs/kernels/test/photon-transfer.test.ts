import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

/** Numbers that repeat from run to run. */
function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return state / 2 ** 32
  }
}

/** By sorting: the mean of the two in the middle. */
function medianOf(values: readonly number[]): number {
  const sorted = values.filter((v) => !Number.isNaN(v)).sort((a, b) => a - b)
  const n = sorted.length
  return (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2
}

/** 1 / gain of one box by its definition; no outliers. */
function plain(
  a: readonly number[],
  b: readonly number[],
  below: readonly [number, number],
  readVariance: number,
): number {
  const [la, lb] = [medianOf(a) - below[0], medianOf(b) - below[1]]
  const ratio = a.map((v, k) => Math.fround((v - below[0]) / la - (b[k] - below[1]) / lb))
  const mean = ratio.reduce((sum, v) => sum + v, 0) / ratio.length
  const variance = ratio.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (ratio.length - 1)
  return (variance - readVariance * (1 / la ** 2 + 1 / lb ** 2)) / (1 / la + 1 / lb)
}

const BOX = 64
const BOXES = 5

/** Runs the kernel on two images of five boxes. */
function inverseGains(
  a: readonly number[],
  b: readonly number[],
  below: readonly [number, number],
  clip: number,
): number[] {
  return scoped(() => {
    const [first, second] = [a, b].map((values) => {
      const array = allocate(Float32Array, values.length)
      array.set(values)
      return array.byteOffset
    })
    const scratch = allocate(Float32Array, BOX + 4112).byteOffset
    const to = allocate(Float64Array, BOXES)
    const n = kernels().inverseGains(first, second, a.length, BOX, ...below, 9, clip, 1, scratch, to.byteOffset)
    return [...to.subarray(0, n)]
  })
}

const uniform = sequence(5)
const flat = (level: number) => Array.from({ length: BOX * BOXES }, () => Math.round(level + 100 * (uniform() - 0.5)))

t.test('the inverse gains of boxes are those of the definition', async (t) => {
  const [a, b, below] = [flat(9000), flat(15000), [300, 310] as const]
  const found = inverseGains(a, b, below, 8)
  t.equal(found.length, BOXES)
  for (const [k, value] of found.entries()) {
    const part = (values: readonly number[]) => values.slice(k * BOX, (k + 1) * BOX)
    const truth = plain(part(a), part(b), below, 9)
    t.ok(Math.abs(value / truth - 1) < 1e-6, `box ${k}: ${value}, ${truth}`)
  }
})

t.test(
  'a box with an outlier says what it says without; one without light, or of few numbers, says nothing',
  async (t) => {
    const [a, b] = [flat(9000), flat(15000)]
    const clean = inverseGains(a, b, [0, 0], 5)
    const hit = inverseGains(a.with(7, 60000), b, [0, 0], 5)
    t.ok(Math.abs(hit[0] / clean[0] - 1) < 0.1, `${hit[0]}, ${clean[0]}`)
    t.same(hit.slice(1), clean.slice(1))
    const dark = a.map((v, p) => (p < BOX ? 0 : v))
    t.same(inverseGains(dark, b, [0, 0], 5), clean.slice(1))
    const empty = a.map((v, p) => (p < 0.7 * BOX ? Number.NaN : v))
    t.same(inverseGains(empty, b, [0, 0], 5), clean.slice(1))
  },
)
