import { allocate, scoped } from '@nightpipe/kernels'
import { median, type Random, random } from '@nightpipe/math'
import t from 'tap'
import {
  boxMean,
  convolve,
  convolveSeparable,
  gaussianLine,
  medianFilter,
  separableMedianFilter,
} from '../src/index.js'

const SIZES = [
  [1, 1],
  [1, 9],
  [9, 1],
  [2, 3],
  [5, 4],
  [7, 7],
  [23, 17],
  [40, 70],
  [131, 66],
]

function image(r: Random, width: number, height: number, hostile: number): Float32Array {
  const wild = [Number.NaN, Number.NaN, Infinity, -Infinity, 0, -0, 1e30]
  return Float32Array.from({ length: width * height }, () =>
    r.uniform() < hostile ? wild[r.bits() % wild.length] : Math.round(40 * r.normal()) / 4,
  )
}

/** The values of the window about (x, y), the edge pixels repeated. */
function window(pixels: Float32Array, width: number, height: number, x: number, y: number, sx: number, sy: number) {
  const values: number[] = []
  for (let v = y - (sy >> 1); v <= y + (sy >> 1); v++) {
    for (let u = x - (sx >> 1); u <= x + (sx >> 1); u++) {
      values.push(pixels[Math.min(height - 1, Math.max(0, v)) * width + Math.min(width - 1, Math.max(0, u))])
    }
  }
  return values
}

function medianOracle(pixels: Float32Array, width: number, height: number, sx: number, sy: number): Float32Array {
  return pixels.map((_, p) => {
    const values = window(pixels, width, height, p % width, Math.floor(p / width), sx, sy)
    return median(values.filter((v) => !Number.isNaN(v)))
  })
}

const same = (a: Float32Array, b: Float32Array) =>
  a.every((v, i) => v === b[i] || (Number.isNaN(v) && Number.isNaN(b[i])))
const near = (a: Float32Array, b: Float32Array, tolerance: number) =>
  a.every((v, i) => Object.is(v, b[i]) || v === b[i] || Math.abs(v - b[i]) <= tolerance)

t.test('the median filter of any size is that of the sorted window, exactly, NaN and edges included', async (t) => {
  const r = random(41)
  for (const [width, height] of SIZES) {
    for (const hostile of [0, 0.05, 0.6]) {
      const pixels = image(r, width, height, hostile)
      for (const size of [1, 3, 5, 7, 9, 15]) {
        const expected = size === 1 ? pixels : medianOracle(pixels, width, height, size, size)
        t.ok(same(medianFilter(pixels, width, height, size), expected), `${size} on ${width} x ${height}, ${hostile}`)
      }
    }
  }
  const nothing = new Float32Array(12).fill(Number.NaN)
  for (const size of [3, 5, 7]) t.ok(medianFilter(nothing, 4, 3, size).every(Number.isNaN))
})

t.test('the separable median is the median of rows, then of columns', async (t) => {
  const r = random(42)
  for (const [width, height] of SIZES) {
    const pixels = image(r, width, height, 0.03)
    for (const size of [3, 5, 7, 9, 11, 13, 15]) {
      const rows = medianOracle(pixels, width, height, size, 1)
      const expected = medianOracle(rows, width, height, 1, size)
      t.ok(same(separableMedianFilter(pixels, width, height, size), expected), `${size} on ${width} x ${height}`)
    }
  }
  t.throws(() => separableMedianFilter(new Float32Array(4), 2, 2, 17), RangeError)
})

t.test('convolution with a lopsided kernel is the sum of its definition', async (t) => {
  const r = random(43)
  for (const [width, height] of SIZES) {
    const pixels = image(r, width, height, 0)
    for (const [sx, sy] of [
      [1, 1],
      [3, 3],
      [5, 5],
      [7, 1],
      [1, 7],
      [3, 9],
    ]) {
      const values = Float32Array.from({ length: sx * sy }, () => r.normal())
      const turned = values.toReversed()
      const expected = pixels.map((_, p) =>
        window(pixels, width, height, p % width, Math.floor(p / width), sx, sy).reduce(
          (sum, v, i) => sum + v * turned[i],
          0,
        ),
      )
      const ours = convolve(pixels, width, height, { width: sx, height: sy, values })
      t.ok(near(ours, expected, 2e-4), `${sx} x ${sy} on ${width} x ${height}`) // 25 float32 sums of up to 100
    }
  }
})

t.test('a point becomes the kernel, a NaN spreads as far as it, and a Gaussian is separable', async (t) => {
  const point = new Float32Array(49)
  point[24] = 1
  const values = [1, 2, 3, 4, 5, 6, 7, 8, 9]
  const spread = convolve(point, 7, 7, { width: 3, height: 3, values })
  t.same([...spread.subarray(16, 19), ...spread.subarray(23, 26), ...spread.subarray(30, 33)], values)
  point[24] = Number.NaN
  t.equal(convolve(point, 7, 7, { width: 3, height: 3, values }).filter(Number.isNaN).length, 9)
  const line = gaussianLine(1.3)
  const pixels = image(random(44), 50, 41, 0)
  const square = {
    width: line.length,
    height: line.length,
    values: [...line].flatMap((a) => [...line].map((b) => a * b)),
  }
  t.ok(near(convolveSeparable(pixels, 50, 41, line, line), convolve(pixels, 50, 41, square), 1e-4))
  t.ok(Math.abs(line.reduce((a, b) => a + b) - 1) < 1e-12)
})

t.test('the box mean counts the finite pixels inside the image', async (t) => {
  const r = random(45)
  for (const [width, height] of SIZES) {
    const pixels = image(r, width, height, 0.1).map((v) => (v > 1e20 ? Number.NaN : v))
    for (const size of [1, 3, 9, 31]) {
      const half = size >> 1
      const expected = pixels.map((_, p) => {
        let [sum, n] = [0, 0]
        for (
          let y = Math.max(0, Math.floor(p / width) - half);
          y <= Math.min(height - 1, Math.floor(p / width) + half);
          y++
        ) {
          for (let x = Math.max(0, (p % width) - half); x <= Math.min(width - 1, (p % width) + half); x++) {
            if (!Number.isFinite(pixels[y * width + x])) continue
            sum += pixels[y * width + x]
            n++
          }
        }
        return sum / n
      })
      t.ok(near(boxMean(pixels, width, height, size), expected, 1e-4), `${size} on ${width} x ${height}`)
    }
  }
})

t.test('filters give the same bytes in kernel memory and outside, over several strips', async (t) => {
  const [width, height] = [1031, 600]
  const pixels = image(random(46), width, height, 0.001)
  const filters = {
    median3: (p: Float32Array, out: Float32Array) => medianFilter(p, width, height, 3, out),
    median9: (p: Float32Array, out: Float32Array) => medianFilter(p, width, height, 9, out),
    separable: (p: Float32Array, out: Float32Array) => separableMedianFilter(p, width, height, 5, out),
    box: (p: Float32Array, out: Float32Array) => boxMean(p, width, height, 7, out),
    gauss: (p: Float32Array, out: Float32Array) =>
      convolveSeparable(p, width, height, gaussianLine(2), gaussianLine(1), out),
  }
  for (const [name, filter] of Object.entries(filters)) {
    const outside = filter(pixels, new Float32Array(pixels.length))
    scoped(() => {
      const ours = allocate(Float32Array, pixels.length)
      ours.set(pixels)
      const inside = filter(ours, allocate(Float32Array, pixels.length))
      t.ok(Buffer.from(outside.buffer).equals(Buffer.from(inside.slice().buffer)), name)
    })
  }
})

t.test('impossible windows and sizes are refused', async (t) => {
  const pixels = new Float32Array(6)
  for (const size of [0, 2, -1, 1.5, Number.NaN]) t.throws(() => medianFilter(pixels, 3, 2, size), RangeError)
  t.throws(() => medianFilter(pixels, 2, 2, 3), RangeError)
  t.throws(() => medianFilter(pixels, 3, 2, 3, pixels), RangeError)
  t.throws(() => convolve(pixels, 3, 2, { width: 3, height: 3, values: [1] }), RangeError)
  t.throws(() => convolve(pixels, 3, 2, { width: 2, height: 1, values: [1, 1] }), RangeError)
})
