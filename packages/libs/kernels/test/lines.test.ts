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

const filled = (n: number, value: (k: number) => number) => {
  const array = allocate(Float32Array, n)
  for (let k = 0; k < n; k++) array[k] = value(k)
  return array
}

t.test('a line between nodes comes off every pixel, and off no pixel behind the row', async (t) => {
  const next = sequence(3)
  for (const n of [1, 7, 8, 9, 64, 101]) {
    scoped(() => {
      const pixels = filled(n + 1, () => 1000 * next())
      const nodes = filled(Math.ceil(n / 8) + 1, () => 10 * next())
      const before = pixels.slice()
      kernels().subtractNodes(pixels.byteOffset, n, nodes.byteOffset)
      for (let x = 0; x < n; x++) {
        const k = x >> 3
        const line = nodes[k]! + ((nodes[k + 1]! - nodes[k]!) * (x - 8 * k)) / 8
        t.ok(Math.abs(pixels[x]! - (before[x]! - line)) < 2e-4, `${n}: ${x}`) // float32 of a thousand
      }
      t.equal(pixels[n], before[n])
    })
  }
})

t.test('a row between two others, with and without columns of its own', async (t) => {
  const next = sequence(5)
  for (const n of [1, 2, 3, 4, 5, 18, 67]) {
    scoped(() => {
      const [low, high, more] = [0, 1, 2].map(() => filled(n, next)) as [Float32Array, Float32Array, Float32Array]
      const target = filled(n + 1, () => -7)
      for (const columns of [undefined, more]) {
        kernels().blendRows(
          ...([low.byteOffset, high.byteOffset, 0.3, columns?.byteOffset ?? 0, n, target.byteOffset] as const),
        )
        for (let x = 0; x < n; x++) {
          const value = 0.7 * low[x]! + 0.3 * high[x]! + (columns?.[x] ?? 0)
          t.ok(Math.abs(target[x]! - value) < 1e-6)
        }
        t.equal(target[n], -7)
      }
    })
  }
})

t.test('what stands out of a row is told from the rest, whose squares and sums are kept', async (t) => {
  const next = sequence(9)
  const n = 301
  scoped(() => {
    const level = filled(n, () => 5 * next())
    const sigma = filled(n, () => 1 + next())
    const values = filled(n, (x) => level[x]! + (x % 17 === 0 ? 40 : x % 23 === 0 ? Number.NaN : 2 * (next() - 0.5)))
    const positions = allocate(Int32Array, n)
    const squares = allocate(Float64Array, 1).fill(2)
    const [sums, counts] = [allocate(Float64Array, n).fill(1), allocate(Float64Array, n).fill(0)]
    const row = [values.byteOffset, level.byteOffset, sigma.byteOffset, 5, n] as const
    for (let x = 0; x < n; x++) if (Number.isNaN(values[x])) values[x] = level[x]!
    const found = kernels().hotPixels(...row, 1000, positions.byteOffset, squares.byteOffset)
    kernels().addQuiet(...row, sums.byteOffset, counts.byteOffset)
    const wanted = Array.from({ length: n }, (_, x) => x).filter((x) => x % 17 === 0)
    t.same(
      [...positions.subarray(0, found)],
      wanted.map((x) => 1000 + x),
    )
    let sum = 2
    for (let x = 0; x < n; x++) {
      const off = Math.fround(values[x]! - level[x]!)
      if (x % 17 !== 0) sum += off * off
      t.equal(counts[x], x % 17 === 0 ? 0 : 1)
      t.equal(sums[x], x % 17 === 0 ? 1 : 1 + off)
    }
    t.ok(Math.abs(squares[0]! - sum) < 1e-9 * sum)
  })
})

t.test('a value that is no number counts neither as quiet nor as standing out', async (t) => {
  scoped(() => {
    const values = filled(1, () => Number.NaN)
    const [level, sigma] = [filled(1, () => 0), filled(1, () => 1)]
    const [sums, counts] = [allocate(Float64Array, 1).fill(0), allocate(Float64Array, 1).fill(0)]
    const row = [values.byteOffset, level.byteOffset, sigma.byteOffset, 5, 1] as const
    kernels().addQuiet(...row, sums.byteOffset, counts.byteOffset)
    t.equal(counts[0], 0)
    const [positions, squares] = [allocate(Int32Array, 1), allocate(Float64Array, 1).fill(0)]
    t.equal(kernels().hotPixels(...row, 0, positions.byteOffset, squares.byteOffset), 0)
  })
})
