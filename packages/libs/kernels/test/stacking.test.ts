import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

const place = (values: readonly number[] | Float32Array) => {
  const array = allocate(Float32Array, values.length)
  array.set(values)
  return array
}
const bits = (values: readonly number[]) => {
  const array = allocate(Int16Array, values.length)
  array.set(values)
  return array
}
/** Numbers that look like noise, the same each time. */
const wild = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, k) => ((k * 7919 + seed * 104729) % 1009) / 10)

t.test('local maxima above the limit of their square, edges left out, as a look at all finds them', async (t) => {
  const [width, height, tile] = [53, 31, 16]
  scoped(() => {
    const pixels = place(wild(width * height, 3))
    const columns = Math.ceil(width / tile)
    const limits = place(Array.from({ length: columns * Math.ceil(height / tile) }, (_, k) => 60 + 3 * k))
    const list = allocate(Int32Array, 500)
    const count = kernels().localPeaks(
      ...([pixels.byteOffset, width, height, limits.byteOffset, tile, columns, 2, list.byteOffset, 500] as const),
    )
    const expected: number[] = []
    for (let y = 2; y < height - 2; y++) {
      for (let x = 2; x < width - 2; x++) {
        const p = y * width + x
        const around = [-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1].map((d) => pixels[p + d])
        const limit = limits[Math.floor(y / tile) * columns + Math.floor(x / tile)]
        const highest = around.every((v, k) => (k < 4 ? pixels[p] > v : pixels[p] >= v))
        if (pixels[p] > limit && highest) expected.push(p)
      }
    }
    t.ok(count > 5)
    t.same([...list.subarray(0, count)], expected)
  })
})

t.test('the highest value about each pixel; NaN and what is negative count for nothing', async (t) => {
  const [width, rows, reach] = [37, 12, 3]
  scoped(() => {
    const pixels = place(wild(width * rows, 5).map((v) => v - 60))
    pixels[100] = Number.NaN
    const target = allocate(Float32Array, width * 5)
    const scratch = allocate(Float32Array, width + 4)
    kernels().localMaximum(
      ...([pixels.byteOffset, width, rows, 4, 5, reach, 0.5, target.byteOffset, scratch.byteOffset] as const),
    )
    for (let y = 0; y < 5; y++) {
      for (let x = 0; x < width; x++) {
        let best = 0
        for (let v = Math.max(0, y + 4 - reach); v <= Math.min(rows - 1, y + 4 + reach); v++) {
          for (let u = Math.max(0, x - reach); u <= Math.min(width - 1, x + reach); u++) {
            if (pixels[v * width + u] > best) best = pixels[v * width + u]
          }
        }
        if (target[y * width + x] !== Math.fround(0.5 * best)) t.fail(`${x}, ${y}: ${target[y * width + x]}`)
      }
    }
  })
})

t.test('a parabola is taken off a row', async (t) => {
  scoped(() => {
    const row = wild(23, 4)
    const pixels = place(row)
    kernels().subtractCurve(pixels.byteOffset, 23, -1.2, 0.1, 30, -7, 5)
    row.forEach((value, x) => {
      const u = -1.2 + 0.1 * x
      // float32 has seven digits
      t.ok(Math.abs(pixels[x] - (value - (30 - 7 * u + 5 * u * u))) < 2e-5, `${x}`)
    })
  })
})

t.test('masks of a stack: no data, saturated in some of the frames, lost', async (t) => {
  scoped(() => {
    const masks = [bits([0, 2, 2, 1, 8, 3]), bits([0, 0, 2, 1, 8, 8])]
    const list = allocate(Int32Array, 3)
    list.set([masks[0].byteOffset, masks[1].byteOffset, 0])
    const count = bits([3, 2, 1, 1, 1, 1])
    const out = bits([0, 0, 0, 0, 0, 0])
    const stack = (planes: number) =>
      kernels().stackMasks(list.byteOffset, planes, 6, count.byteOffset, 2, 13, out.byteOffset)
    t.equal(stack(3), 0)
    t.same([...out], [0, 2, 2, 0, 0, 0], 'a bad pixel that is saturated too says nothing')
    count.set([2, 1, 0, 0, 0, 0])
    t.equal(stack(2), 1)
    t.same([...out], [0, 2, 2, 9, 8, 9])
  })
})

t.test('linear fit: what lies off the line of the sorted samples is set aside; a steady rise is not', async (t) => {
  scoped(() => {
    // pixel 0: noise; 1: one outlier; 2: a ramp; 3: two samples only
    const sigma = 0.5
    const samples = [
      [10, 10, 10, 4],
      [11, 11, 20, 6],
      [9, 9, 30, Number.NaN],
      [10.5, 10.5, 40, Number.NaN],
      [9.5, 9.5, 50, Number.NaN],
      [10.2, 10.2, 60, Number.NaN],
      [9.8, 9.8, 70, Number.NaN],
      [10.1, 500, 80, Number.NaN],
    ].map(place)
    const records = allocate(Int32Array, 64)
    const numbers = new Float32Array(records.buffer, records.byteOffset, 64)
    samples.forEach((plane, k) => {
      records[8 * k] = plane.byteOffset
      records[8 * k + 1] = 0
      numbers.set([0, 1, 1, Number.POSITIVE_INFINITY, sigma ** 2, 0], 8 * k + 2)
    })
    const [pixels, spread, scratch] = [allocate(Float32Array, 4), allocate(Float32Array, 4), allocate(Float32Array, 72)]
    // an eighth of the weight that chance left out: half of the variance
    const cut = allocate(Float32Array, 65).fill(1)
    cut[8] = 0.5
    const count = bits([0, 0, 0, 0])
    const combine = () =>
      kernels().combineLinear(
        ...([records.byteOffset, 8, 4, 0, 4, 4, cut.byteOffset, 0, 0, scratch.byteOffset] as const),
        ...([pixels.byteOffset, count.byteOffset, spread.byteOffset] as const),
      )
    combine()
    t.same([...count], [8, 7, 8, 2])
    const means = [10.0125, 10, 45, 5]
    means.forEach((mean, k) => {
      t.ok(Math.abs(pixels[k] - mean) < 1e-4, `${pixels[k]}`)
    })
    t.ok(Math.abs(spread[1] - sigma ** 2 / 7) < 1e-6)
    // of noise that reaches so far it was no outlier
    for (let k = 0; k < 8; k++) numbers[8 * k + 6] = 150 ** 2
    combine()
    t.same([...count], [8, 7, 8, 2])
    t.ok(Math.abs(spread[1] - (0.5 * 150 ** 2) / 7) < 1e-3)
    t.ok(Math.abs(spread[0] - 150 ** 2 / 8) < 1e-3)
  })
})

/** The cells that stand out, by the words of the kernel's comment. */
function outliersOf(
  frames: { pixels: Float32Array; mask?: Int16Array; offset: number; scale: number; ceiling: number }[],
  {
    stack,
    counts,
    allowance,
    width,
    rows,
  }: Record<'stack' | 'allowance', Float32Array> & {
    counts: Int16Array
    width: number
    rows: number
  },
): number[][] {
  const found: number[][] = []
  for (let v = 0; v + 4 <= rows; v += 4) {
    for (let u = 0; u + 4 <= width; u += 4) {
      const cell = Array.from({ length: 16 }, (_, i) => (v + (i >> 2)) * width + u + (i & 3))
      if (cell.every((p) => counts[p] === frames.length)) continue
      frames.forEach(({ pixels, mask, offset, scale, ceiling }, k) => {
        const out = cell.flatMap((p) => {
          const excess = (pixels[p] - offset) * scale - stack[p]
          const sigma = Math.sqrt(4 + 0.5 * Math.max(0, stack[p]))
          const good = pixels[p] < ceiling && !((mask?.[p] ?? 0) & 13) && allowance[p] <= sigma
          return good && excess > 4 * sigma ? [excess / sigma] : []
        })
        const least = out.sort((a, b) => b - a)[7]
        if (least > 0) found.push([k, u / 4, v / 4, Math.floor(least)])
      })
    }
  }
  return found
}

t.test('cells of a stack in which a frame stands out, as a look at each pixel finds them', async (t) => {
  scoped(() => {
    const [width, rows] = [23, 13]
    const n = width * rows
    const frames = [0, 1, 2].map((k) => ({
      pixels: place(wild(n, 11 + k).map((value, p) => value + ((p + 40 * k) % 97 < 30 ? 90 : 0))),
      mask: k === 1 ? undefined : bits(Array.from({ length: n }, (_, p) => (p % 11 === k ? 4 : 0))),
      ...{ offset: 10 + k, scale: 1 + 0.25 * k, ceiling: 185 },
    }))
    const stack = place(wild(n, 5).map((value) => value / 2 - 10))
    const allowance = place(wild(n, 8).map((value) => value / 45))
    const counts = bits(Array.from({ length: n }, (_, p) => (p % width < 8 && p < 6 * width ? 3 : 2)))
    const words = allocate(Int32Array, 24)
    const floats = new Float32Array(words.buffer, words.byteOffset, 24)
    frames.forEach(({ pixels, mask, offset, scale, ceiling }, k) => {
      words.set([pixels.byteOffset, mask?.byteOffset ?? 0], 8 * k)
      floats.set([offset, scale, ceiling, 4, 0.5], 8 * k + 2)
    })
    const found = allocate(Int32Array, 4 * 15 * 3)
    const count = kernels().strongOutliers(
      ...([words.byteOffset, 3, 13, stack.byteOffset, counts.byteOffset, allowance.byteOffset] as const),
      ...([width, rows, 4, found.byteOffset, allocate(Float32Array, 16).byteOffset] as const),
    )
    const expected = outliersOf(frames, { stack, counts, allowance, width, rows })
    t.ok(expected.length > 3 && expected.length < 40, `${expected.length}`)
    t.equal(count, expected.length)
    expected.forEach((record, k) => {
      t.same([...found.subarray(4 * k, 4 * k + 4)], record)
    })
  })
})
