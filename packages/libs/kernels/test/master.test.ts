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

const inMemory = (values: ArrayLike<number>) => {
  const array = allocate(Float32Array, values.length)
  array.set(Array.from(values))
  return array
}

t.test('flagStrip is the plain rule, pixel by pixel, and counts what it flags', async (t) => {
  for (const [columns, rows, segment] of [
    [1, 1, 4],
    [7, 3, 4],
    [64, 2, 16],
    [37, 5, 10],
  ]) {
    scoped(() => {
      const next = sequence(columns)
      const n = columns * rows
      const values = [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.1, 0.5, 0.9, 1, 1, 1, 1, 1, 1, 1.1, 1.5, 3]
      const pixels = inMemory(Array.from({ length: n }, () => values[Math.floor(next() * values.length)]))
      const count = allocate(Uint16Array, n).map(() => (next() < 0.1 ? 0 : 5))
      const counted = allocate(Uint16Array, n)
      counted.set(count)
      const mask = allocate(Int16Array, n)
      for (let p = 0; p < n; p++) mask[p] = next() < 0.1 ? 1 : 0
      const segments = Math.ceil(columns / segment)
      const bounds = inMemory(
        Array.from({ length: 3 * segments }, (_, k) => [0.2, 1.4, 0.7][k % 3] + Math.floor(k / 3) / 100),
      )
      const expected = { mask: [] as number[], counts: [0, 0, 0, 0] }
      for (let p = 0; p < n; p++) {
        const [low, high, weak] = bounds.subarray(3 * Math.floor((p % columns) / segment))
        let bits = mask[p]
        if (counted[p] === 0 || Number.isNaN(pixels[p])) {
          bits |= 8
          expected.counts[3]++
        } else if (pixels[p] > high) {
          bits |= 1
          expected.counts[1]++
        } else if (pixels[p] < low) bits |= 1
        else if (pixels[p] < weak) {
          bits |= 32
          expected.counts[2]++
        }
        if (bits & 1) expected.counts[0]++
        expected.mask.push(bits)
      }
      const counts = allocate(Int32Array, 4).fill(0)
      kernels().flagStrip(
        pixels.byteOffset,
        counted.byteOffset,
        columns,
        rows,
        segment,
        bounds.byteOffset,
        mask.byteOffset,
        counts.byteOffset,
      )
      t.same([...mask], expected.mask, `${columns}x${rows}`)
      t.same([...counts], expected.counts)
    })
  }
})

t.test('tallyStrip counts, sums and sorts into bins what is not masked', async (t) => {
  scoped(() => {
    const next = sequence(5)
    const n = 1001
    const pixels = inMemory(Array.from({ length: n }, () => 100 + 10 * (next() - 0.5)))
    pixels[3] = 1e6
    pixels[4] = -1e6
    const mask = allocate(Int16Array, n).fill(0)
    for (let p = 0; p < n; p += 7) mask[p] = 8
    pixels[0] = Number.NaN
    const histogram = allocate(Int32Array, 10)
    const spare = allocate(Int32Array, 30).fill(1e9)
    histogram.fill(0)
    const sums = allocate(Float64Array, 4).fill(0)
    const count = allocate(Uint16Array, n).fill(7)
    count[5] = 65535
    kernels().tallyStrip(
      pixels.byteOffset,
      mask.byteOffset,
      count.byteOffset,
      n,
      100,
      95,
      1,
      10,
      histogram.byteOffset,
      spare.byteOffset,
      sums.byteOffset,
    )
    const good = [...pixels].filter((_, p) => mask[p] === 0)
    const bins = new Array(10).fill(0)
    for (const v of good) bins[Math.floor(Math.min(9, Math.max(0, Math.fround(v - 95))))]++
    t.same([...histogram], bins)
    t.equal(sums[0], good.length)
    t.ok(Math.abs(sums[1] - good.reduce((s, v) => s + (v - 100), 0)) < 1e-6)
    t.ok(Math.abs(sums[2] / good.reduce((s, v) => s + (v - 100) ** 2, 0) - 1) < 1e-12)
    t.equal(sums[3], 7 * (n - 1) + 65535)
  })
})

t.test('joinErrors adds in quadrature, with either, both or none', async (t) => {
  for (const which of [0, 1, 2, 3]) {
    scoped(() => {
      const error = inMemory([3, 0, 1, 2, 5])
      const a = inMemory([2, 1, 0, 4, 6])
      const b = inMemory([1, 1, 1, 1, 1])
      const expected = [...error].map((e, p) => Math.hypot(e, which & 1 ? 2 * a[p] : 0, which & 2 ? 0.5 * b[p] : 0))
      kernels().joinErrors(error.byteOffset, which & 1 ? a.byteOffset : 0, 2, which & 2 ? b.byteOffset : 0, 0.5, 5)
      for (let p = 0; p < 5; p++) t.ok(Math.abs(error[p] - expected[p]) < 1e-6 * Math.max(1, expected[p]))
    })
  }
})

t.test('inheritFlags takes the wanted bits of the other mask, to the last pixel', async (t) => {
  for (const n of [1, 7, 8, 19]) {
    scoped(() => {
      const next = sequence(n)
      const bits = () => Math.floor(next() * 64)
      const [mask, other] = [allocate(Int16Array, n), allocate(Int16Array, n)]
      for (let p = 0; p < n; p++) [mask[p], other[p]] = [bits(), bits()]
      const expected = [...mask].map((m, p) => m | (other[p] & 9))
      kernels().inheritFlags(mask.byteOffset, other.byteOffset, 9, n)
      t.same([...mask], expected)
    })
  }
})

t.test(
  'evenErrors puts the photons of the surroundings in the place of those of the pixel, outliers apart',
  async (t) => {
    for (const [columns, rows, segment] of [
      [1, 1, 4],
      [11, 3, 4],
    ]) {
      scoped(() => {
        const next = sequence(columns)
        const n = columns * rows
        const pixels = inMemory(Array.from({ length: n }, () => (next() < 0.1 ? 500 : 12 * next() - 1)))
        const error = inMemory(Array.from({ length: n }, () => 2 + next()))
        const count = allocate(Uint16Array, n)
        for (let p = 0; p < n; p++) count[p] = Math.floor(5 * next())
        const levels = inMemory(Array.from({ length: Math.ceil(columns / segment) }, () => 8 * next() - 1))
        const expected = [...error].map((e, p) => {
          const level = levels[Math.floor((p % columns) / segment)]
          if (count[p] === 0 || !(Math.abs(pixels[p] - level) < 4 * e)) return e
          return Math.sqrt(e * e + (0.6 * (Math.max(0, level) - Math.max(0, pixels[p]))) / count[p])
        })
        const from = [error.byteOffset, pixels.byteOffset, count.byteOffset] as const
        kernels().evenErrors(...from, columns, rows, segment, levels.byteOffset, 0.6)
        for (let p = 0; p < n; p++) t.ok(Math.abs(error[p] - expected[p]) < 1e-5, `pixel ${p} of ${columns}x${rows}`)
      })
    }
  },
)
