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

const inMemory = (values: number[]) => {
  const array = allocate(Float32Array, values.length)
  array.set(values)
  return array
}

/** By sorting: the mean of the two in the middle. */
function medianOf(values: number[]): number {
  const sorted = values.filter((v) => !Number.isNaN(v)).sort((a, b) => a - b)
  const n = sorted.length
  return n === 0 ? Number.NaN : (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2
}
const near = (a: number, b: number) => Object.is(a, b) || Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(b))

t.test('boxMedian is the median by sorting, NaN left out, for boxes of any size and place', async (t) => {
  const next = sequence(3)
  for (let round = 0; round < 200; round++) {
    scoped(() => {
      const width = 1 + Math.floor(12 * next())
      const height = 1 + Math.floor(12 * next())
      const values = Array.from({ length: width * height }, () => (next() < 0.1 ? Number.NaN : Math.floor(50 * next())))
      const pixels = inMemory(values)
      const scratch = allocate(Float32Array, values.length)
      const x0 = Math.floor(width * next())
      const y0 = Math.floor(height * next())
      const columns = 1 + Math.floor((width - x0) * next())
      const rows = 1 + Math.floor((height - y0) * next())
      const box = values.filter((_, p) => {
        const [x, y] = [p % width, Math.floor(p / width)]
        return x >= x0 && x < x0 + columns && y >= y0 && y < y0 + rows
      })
      const from = pixels.byteOffset + 4 * (y0 * width + x0)
      t.ok(near(kernels().boxMedian(from, width, columns, rows, scratch.byteOffset), medianOf(box)))
    })
  }
})

t.test('neighbourDifferences are those of plain numbers, of one image and of the difference of two', async (t) => {
  const next = sequence(5)
  for (const [width, rows] of [
    [1, 4],
    [2, 1],
    [37, 5],
  ]) {
    scoped(() => {
      const [a, b] = [1, 2].map(() => Array.from({ length: width * rows }, () => Math.fround(1000 * next() - 300)))
      const [first, second] = [a, b].map((values) => inMemory(values))
      for (const other of [undefined, second]) {
        const joint = other ? a.map((v, p) => Math.fround(v - b[p])) : a
        const expected = joint.flatMap((v, p) => (p % width === 0 ? [] : [Math.fround(v - joint[p - 1])]))
        const target = allocate(Float32Array, a.length)
        const address = other?.byteOffset ?? 0
        const n = kernels().neighbourDifferences(first.byteOffset, address, width, a.length, target.byteOffset)
        t.same(Array.from(target.subarray(0, n)), expected)
      }
    })
  }
})

t.test('standingOut counts pixels above the median of their segment of the row by more than the limit', async (t) => {
  const next = sequence(4)
  for (const [width, rows, segment] of [
    [1, 1, 4],
    [64, 3, 16],
    [37, 5, 8],
  ]) {
    scoped(() => {
      const values = Array.from({ length: width * rows }, () => (next() < 0.05 ? Number.NaN : 10 * next() ** 4))
      let expected = 0
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < width; x += segment) {
          const part = values.slice(y * width + x, y * width + Math.min(width, x + segment)).map(Math.fround)
          expected += part.filter((v) => v - medianOf(part) > 3).length
        }
      }
      const pixels = inMemory(values)
      const scratch = allocate(Float32Array, segment).byteOffset
      t.equal(kernels().standingOut(pixels.byteOffset, width, rows, segment, 3, scratch), expected)
    })
  }
})

t.test('surroundings give level and scatter of each segment, of all its pixels where they are few', async (t) => {
  const next = sequence(5)
  for (const [columns, rows, segment] of [
    [1, 1, 8],
    [24, 4, 8],
    [37, 5, 16],
  ]) {
    scoped(() => {
      const values = Array.from({ length: columns * rows }, () =>
        next() < 0.1 ? [Number.NaN, Number.POSITIVE_INFINITY][Math.floor(2 * next())] : 100 + 10 * next(),
      )
      const pixels = inMemory(values)
      const segments = Math.ceil(columns / segment)
      const [levels, scatters] = [allocate(Float32Array, segments), allocate(Float32Array, segments)]
      const scratch = allocate(Float32Array, 2 * 1000 + segment)
      const addresses = [levels.byteOffset, scatters.byteOffset, scratch.byteOffset] as const
      kernels().surroundings(pixels.byteOffset, columns, rows, segment, 1000, ...addresses)
      for (let s = 0; s < segments; s++) {
        const part = values
          .filter((_, p) => Math.floor((p % columns) / segment) === s)
          .filter(Number.isFinite)
          .map(Math.fround)
        const level = medianOf(part)
        t.ok(near(levels[s], level), `level of segment ${s} of ${columns}x${rows}`)
        const scatter = 1.4826022 * medianOf(part.map((v) => Math.abs(v - levels[s])))
        t.ok(near(scatters[s], scatter), `scatter of segment ${s} of ${columns}x${rows}`)
      }
    })
  }
})

t.test('surroundings look at a part of many pixels, and find their level within its error', async (t) => {
  scoped(() => {
    const next = sequence(6)
    const n = 64 * 64
    const pixels = inMemory(Array.from({ length: n }, () => 1000 + 10 * next()))
    const [levels, scatters] = [allocate(Float32Array, 1), allocate(Float32Array, 1)]
    const scratch = allocate(Float32Array, 2 * 128 + 64)
    const addresses = [levels.byteOffset, scatters.byteOffset, scratch.byteOffset] as const
    kernels().surroundings(pixels.byteOffset, 64, 64, 64, 128, ...addresses)
    // The median of 128 even values over 10 is known to 10 / 2 / √128 = 0.44; their MAD is 2.5.
    t.ok(Math.abs(levels[0] - 1005) < 1.8)
    t.ok(Math.abs(scatters[0] / (1.4826 * 2.5) - 1) < 0.3)
  })
})
