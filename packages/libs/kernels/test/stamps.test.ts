import t from 'tap'
import { allocate, kernels, lent, scoped } from '../src/index.js'

const [WIDTH, HEIGHT, SIDE] = [23, 17, 7]
const values = Float32Array.from({ length: WIDTH * HEIGHT }, (_, p) => Math.sin(p) * 100 + (p % 41 === 0 ? 900 : 0))

t.test('squares are those of the image, and stay as they were beyond it', async (t) => {
  const [lefts, tops] = [Int32Array.of(3, -2, 20, 40), Int32Array.of(4, -3, 14, 2)]
  const out = scoped(() => {
    const into = allocate(Float32Array, 4 * SIDE * SIDE).fill(-1)
    kernels().cutSquares(
      ...([lent(values).byteOffset, WIDTH, HEIGHT, 4, lent(lefts).byteOffset, lent(tops).byteOffset] as const),
      ...([4, SIDE, into.byteOffset] as const),
    )
    return into.slice()
  })
  const expected = Array.from(out, (_, p) => {
    const [k, v, u] = [Math.floor(p / SIDE ** 2), Math.floor(p / SIDE) % SIDE, p % SIDE]
    const [x, y] = [lefts[k] + u, tops[k] + v]
    return x >= 0 && y >= 0 && x < WIDTH && y < HEIGHT ? values[y * WIDTH + x] : -1
  })
  t.same(Array.from(out), expected)
})

t.test('pixels are unlike where noise and a part of their light do not explain it', async (t) => {
  const others = values.map((value, p) => (value + (p % 29) * Math.cos(3 * p)) / 1.1 - (p % 53 === 0 ? 300 : 0))
  others[30] = Number.NaN
  const [scale, low, high, limit, variance, perUnit, part] = [1.1, 4, 2, 3, 9, 0.7, 0.1]
  const expected = Array.from(values, (_, p) => p).filter((p) => {
    const [a, b] = [values[p] - low, scale * (others[p] - high)]
    const common = Math.max(0, Math.min(a, b))
    return Math.abs(a - b) > limit * Math.sqrt(variance + perUnit * common) + part * common
  })
  const found = scoped(() => {
    const into = allocate(Int32Array, values.length)
    const count = kernels().unlikePixels(
      ...([lent(values).byteOffset, lent(others).byteOffset, values.length, scale, low, high] as const),
      ...([limit, variance, perUnit, part, into.byteOffset] as const),
    )
    return Array.from(into.subarray(0, count))
  })
  t.ok(expected.length > 10 && expected.length < values.length / 2, `${expected.length} pixels`)
  t.same(found, expected)
})
