import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

/** Numbers between 0 and 1, repeatable. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648
    return state / 2147483648
  }
}

t.test('net rows: pedestal and bias off, saturation and missing values marked, other columns untouched', async (t) => {
  const next = numbers(3)
  for (const [width, x0, stride] of [
    [9, 3, 14],
    [4, 0, 4],
    [1, 2, 5],
  ]) {
    scoped(() => {
      const rows = 5
      const targetStride = width + 6
      const source = allocate(Float32Array, stride * rows)
      source.forEach((_, p) => {
        source[p] = next() < 0.1 ? Number.NaN : Math.floor(1000 * next())
      })
      const pedestal = allocate(Float32Array, rows).map((_, y) => 10 * y)
      const levels = allocate(Float32Array, rows)
      levels.set(pedestal)
      const columns = allocate(Float32Array, width)
      columns.forEach((_, x) => {
        columns[x] = x
      })
      const bias = allocate(Float32Array, targetStride * rows).fill(7)
      const target = allocate(Float32Array, targetStride * rows).fill(-1)
      const mask = allocate(Int16Array, targetStride * rows).fill(1)
      const { netStrip } = kernels()
      const layout = [source.byteOffset, stride, x0, width, rows, targetStride] as const
      netStrip(
        ...layout,
        levels.byteOffset,
        columns.byteOffset,
        bias.byteOffset,
        900,
        target.byteOffset,
        mask.byteOffset,
      )
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < targetStride; x++) {
          const raw = source[y * stride + x0 + x]
          const expected = x < width ? raw - 10 * y - x - 7 : -1
          const bits = x < width ? 1 | (raw >= 900 ? 2 : 0) | (Number.isNaN(raw) ? 8 : 0) : 1
          t.same([target[y * targetStride + x], mask[y * targetStride + x]], [expected, bits])
        }
      }
    })
  }
})

/** What each pixel of a section is expected to hold; both answers where rounding may decide between them. */
function expected(
  pixels: Float32Array,
  stride: number,
  [x0, y0, x1, y1]: readonly number[],
  rv: number,
  pe: number,
): Map<number, number[]> {
  const result = new Map<number, number[]>()
  const within = (value: number, low: number, high: number) => Math.min(high - 1, Math.max(low, value))
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const window: number[] = []
      for (let v = Math.max(y0, y - 2); v <= Math.min(y1 - 1, y + 2); v++) {
        for (let u = Math.max(x0, x - 2); u <= Math.min(x1 - 1, x + 2); u++) {
          if (Number.isFinite(pixels[v * stride + u])) window.push(pixels[v * stride + u])
        }
      }
      const mean = window.reduce((a, b) => a + b, 0) / window.length
      const variance = window.reduce((sum, v) => sum + (v - mean) ** 2, 0) / Math.max(1, window.length - 1)
      const excess = variance / (rv + pe * Math.max(0, mean)) - 1.6
      const at = (u: number, v: number, instead: number) => {
        const value = pixels[within(v, y0, y1) * stride + within(u, x0, x1)]
        return Number.isFinite(value) ? value : instead
      }
      const near = [-1, 0, 1].flatMap((v) =>
        [-1, 0, 1].map((u) => ({ value: at(x + u, y + v, mean), weight: (2 - Math.abs(u)) * (2 - Math.abs(v)) })),
      )
      const median = near.map(({ value }) => value).sort((a, b) => a - b)[4]
      const centre = 0.75 * median + near.reduce((sum, { value, weight }) => sum + (value * weight) / 64, 0)
      const d = at(x, y, centre) - centre
      const own = d === 0 ? 0 : Math.max(0, 1 - (6 * (rv + pe * Math.max(0, centre))) / d ** 2)
      const answers = [mean, centre + own * d]
      result.set(y * stride + x, Math.abs(excess) < 1e-3 ? answers : [answers[excess > 0 ? 1 : 0]])
    }
  }
  return result
}

t.test('the expected signal is the mean where there is only noise, and what neighbours say on stars', async (t) => {
  const next = numbers(11)
  for (const [stride, height, x0, y0, x1, y1] of [
    [23, 19, 0, 0, 23, 19],
    [23, 19, 5, 3, 18, 12],
    [7, 4, 1, 1, 2, 2],
    [40, 9, 3, 0, 40, 9],
  ]) {
    scoped(() => {
      const pixels = allocate(Float32Array, stride * height)
      pixels.forEach((_, p) => {
        const value = 100 + 20 * next() + (next() < 0.05 ? 3000 * next() : 0)
        pixels[p] = next() < 0.04 ? [Number.NaN, Number.POSITIVE_INFINITY][p % 2] : value
      })
      const target = allocate(Float32Array, stride * height).fill(-5)
      const scratch = allocate(Float32Array, 15 * (x1 - x0 + 16))
      const { expectedSignal } = kernels()
      for (let y = y0; y < y1; y += 3) {
        expectedSignal(
          ...([pixels.byteOffset, stride, x0, y0, x1, y1, y, Math.min(y1, y + 3)] as const),
          ...([110, 25, 0.5, scratch.byteOffset, target.byteOffset] as const),
        )
      }
      const truth = expected(pixels, stride, [x0, y0, x1, y1], 25, 0.5)
      for (let p = 0; p < pixels.length; p++) {
        const wanted = truth.get(p)
        if (wanted === undefined) t.equal(target[p], -5, 'outside the section nothing is written')
        // float32 sums of squares about a pivot keep five digits of the scatter
        else if (wanted.every(Number.isFinite)) {
          const near = wanted.some((value) => Math.abs(target[p] - value) <= 1e-3 * Math.abs(value))
          t.ok(near, `${target[p]} ${wanted}`)
        }
      }
    })
  }
})

t.test('bits are counted, found and joined whatever the length', async (t) => {
  const next = numbers(5)
  for (const n of [0, 1, 7, 8, 9, 64, 201]) {
    scoped(() => {
      const mask = allocate(Int16Array, n).map(() => 0)
      const plane = allocate(Int16Array, n)
      plane.set(mask.map(() => (next() < 0.2 ? Math.floor(64 * next()) : 0)))
      const counts = allocate(Int32Array, 6)
      kernels().countBits(plane.byteOffset, n, counts.byteOffset)
      t.same(
        Array.from(counts),
        [1, 2, 4, 8, 16, 32].map((bit) => plane.filter((bits) => (bits & bit) !== 0).length),
      )
      const found = allocate(Int32Array, n)
      const wanted = Array.from(plane.keys()).filter((p) => (plane[p] & 10) !== 0)
      t.equal(kernels().positionsOf(plane.byteOffset, n, 10, found.byteOffset, n), wanted.length)
      t.same(Array.from(found.subarray(0, wanted.length)), wanted)
      t.equal(kernels().positionsOf(plane.byteOffset, n, 10, found.byteOffset, 0), wanted.length)
      const values = allocate(Float32Array, n)
      values.set(plane.map((bits) => bits))
      values[n - 1] = Number.NaN
      const high = Array.from(values.keys()).filter((p) => values[p]! >= 50)
      t.equal(kernels().positionsFrom(values.byteOffset, n, 50, found.byteOffset, n), high.length)
      t.same(Array.from(found.subarray(0, high.length)), high)
      const more = allocate(Int16Array, n).fill(64)
      const before = Array.from(plane)
      kernels().joinMasks(plane.byteOffset, more.byteOffset, n)
      t.same(
        Array.from(plane),
        before.map((bits) => bits | 64),
      )
      const stored = allocate(Uint8Array, 2 * n).fill(0)
      const some = Array.from(before, (bits, p) => (p % 90 < 3 ? bits : 0))
      const view = new DataView(stored.buffer, stored.byteOffset, 2 * n)
      for (const [p, bits] of some.entries()) view.setInt16(2 * p, bits)
      plane.set(before.map((_, p) => p % 4))
      kernels().joinStoredMasks(plane.byteOffset, stored.byteOffset, n)
      t.same(
        Array.from(plane),
        some.map((bits, p) => bits | (p % 4)),
      )
    })
  }
})

t.test('the planes of a stack are finished and counted as a plain loop does, with masks and without', async (t) => {
  scoped(() => {
    const n = 131
    const [pixels, count, bits] = [allocate(Float32Array, n), allocate(Int16Array, n), allocate(Int16Array, n)]
    const own = allocate(Int16Array, n)
    const [masks, totals] = [allocate(Int32Array, 2), allocate(Float64Array, 3).fill(0)]
    for (let p = 0; p < n; p++) {
      pixels[p] = p % 17 === 3 ? Number.NaN : 1000 * Math.sin(p)
      count[p] = p % 5
      own[p] = p % 7 === 1 ? 2 : p % 11 === 0 ? 4 : 0
    }
    const before = pixels.slice()
    masks.set([0, 0])
    t.equal(kernels().stackMasks(masks.byteOffset, 2, n, count.byteOffset, 2, 13, bits.byteOffset), 0)
    t.same(
      [...bits],
      [...count].map((samples) => (samples === 0 ? 8 : 0)),
    )
    masks.set([0, own.byteOffset])
    kernels().stackMasks(masks.byteOffset, 2, n, count.byteOffset, 2, 13, bits.byteOffset)
    kernels().tallyStack(pixels.byteOffset, count.byteOffset, bits.byteOffset, n, 200.1, 2, totals.byteOffset)
    t.same(
      [...pixels],
      [...before].map((value) => Math.fround(value + 200.1)),
    )
    const sum = (of: (p: number) => number) => before.reduce((total, _, p) => total + of(p), 0)
    t.same([...totals], [sum((p) => count[p]), sum((p) => Math.sign(count[p])), sum((p) => (bits[p] & 2) / 2)])
    t.ok(totals[2] > 10)
  })
})
