import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

type Pixels = Float32Array | Float64Array

let state = 2010
const uniform = () => {
  state = (Math.imul(state, 1664525) + 1013904223) | 0
  return (state >>> 0) / 2 ** 32
}

const DITHER = (() => {
  const values = new Float32Array(10000)
  for (let i = 0, seed = 1; i < values.length; i++) {
    seed = (16807 * seed) % 2147483647
    values[i] = seed / 2147483647
  }
  return values
})()

/** The random number of each pixel of a tile: a run from a place that the tile chooses, then one the next chooses. */
function randoms(n: number, start: number): number[] {
  const out: number[] = []
  let seed = start
  for (let at = Math.floor(DITHER[seed] * 500); out.length < n; at++) {
    if (at === 10000) {
      seed = (seed + 1) % 10000
      at = Math.floor(DITHER[seed] * 500)
    }
    out.push(DITHER[at])
  }
  return out
}

const nearest = (x: number) => Math.trunc(x >= 0 ? x + 0.5 : x - 0.5)

function quantisePlainly(pixels: Pixels, step: number, zero: number, dither: number, start: number): Int32Array {
  const random = randoms(pixels.length, start)
  return Int32Array.from(pixels, (x, i) => {
    if (Number.isNaN(x)) return -2147483647
    if (dither === 2 && x === 0) return -2147483646
    const scaled = (x - zero) / step
    return nearest(dither ? scaled + random[i] - 0.5 : scaled)
  })
}

function unquantisePlainly(
  values: Int32Array,
  scale: number,
  zero: number,
  dither: number,
  start: number,
): Float64Array {
  const random = randoms(values.length, start)
  return Float64Array.from(values, (q, i) => {
    if (q === -2147483647) return Number.NaN
    if (dither === 2 && q === -2147483646) return 0
    return dither ? (q - random[i] + 0.5) * scale + zero : q * scale + zero
  })
}

function kernelQuantise(pixels: Pixels, step: number, zero: number, dither: number, start: number): Int32Array {
  return scoped(() => {
    const { quantiseFloats, quantiseDoubles } = kernels()
    const single = pixels instanceof Float32Array
    const source = single ? allocate(Float32Array, pixels.length) : allocate(Float64Array, pixels.length)
    source.set(pixels)
    const out = allocate(Int32Array, pixels.length)
    const quantise = single ? quantiseFloats : quantiseDoubles
    quantise(source.byteOffset, out.byteOffset, pixels.length, step, zero, dither, start)
    return out.slice()
  })
}

/** Big-endian, as the file has them, turned into numbers. */
function kernelUnquantise(values: Int32Array, size: 4 | 8, scale: number, zero: number, dither: number, start: number) {
  return scoped(() => {
    const { unquantiseFloats, unquantiseDoubles } = kernels()
    const source = allocate(Int32Array, values.length)
    source.set(values)
    const out = allocate(Uint8Array, size * values.length)
    const convert = size === 4 ? unquantiseFloats : unquantiseDoubles
    convert(source.byteOffset, out.byteOffset, values.length, scale, zero, dither, start, 1, -2147483647)
    const view = new DataView(out.buffer, out.byteOffset, out.length)
    return Float64Array.from(values, (_, i) => (size === 4 ? view.getFloat32(4 * i) : view.getFloat64(8 * i)))
  })
}

/** Lengths that end inside a vector, and cross one and two ends of the table. */
const LENGTHS = [1, 2, 3, 4, 5, 31, 1000, 9999, 10500, 20100]

for (const type of [Float32Array, Float64Array]) {
  t.test(`${type.name}: quantising is the plain formula, for every dither, with NaN and zeros`, async (t) => {
    for (const n of LENGTHS) {
      const pixels = new type(Array.from({ length: n }, () => (uniform() < 0.1 ? 0 : (uniform() - 0.4) * 1e5)))
      for (let i = 3; i < n; i += 17) pixels[i] = Number.NaN
      for (const dither of [0, 1, 2]) {
        for (const start of [0, 4321, 9999]) {
          const ours = kernelQuantise(pixels, 0.37, -12.5, dither, start)
          const same = Buffer.compare(bytesOf(ours), bytesOf(quantisePlainly(pixels, 0.37, -12.5, dither, start))) === 0
          if (!t.ok(same, `${n} pixels, dither ${dither}, start ${start}`)) return
        }
      }
    }
  })

  t.test(`${type.name}: what comes back is the plain formula, rounded once`, async (t) => {
    for (const n of LENGTHS) {
      const values = Int32Array.from({ length: n }, () => (uniform() - 0.5) * 2 ** 32)
      for (let i = 0; i < n; i += 11) values[i] = -2147483647 + (i % 2)
      for (const dither of [0, 1, 2]) {
        const expected = unquantisePlainly(values, 0.37, 1e4, dither, 77)
        if (type === Float32Array) expected.set(Float32Array.from(expected))
        const ours = kernelUnquantise(values, type === Float32Array ? 4 : 8, 0.37, 1e4, dither, 77)
        if (!t.same(ours, expected, `${n} pixels, dither ${dither}`)) return
      }
    }
  })
}

t.test(
  'a pixel comes back within half a step, whatever the dither; NaN and, with method 2, zero come back themselves',
  async (t) => {
    const pixels = Float64Array.from({ length: 5000 }, (_, i) =>
      i % 7 === 0 ? 0 : i % 13 === 0 ? Number.NaN : uniform() * 300,
    )
    for (const dither of [0, 1, 2]) {
      const back = kernelUnquantise(kernelQuantise(pixels, 1.5, -40, dither, 9998), 8, 1.5, -40, dither, 9998)
      for (let i = 0; i < pixels.length; i++) {
        const wrong = Number.isNaN(pixels[i])
          ? !Number.isNaN(back[i])
          : !(Math.abs(back[i] - pixels[i]) <= 0.75 * (1 + 1e-12))
        if (wrong || (dither === 2 && pixels[i] === 0 && back[i] !== 0))
          t.fail(`pixel ${i}: ${pixels[i]} gives ${back[i]}`)
      }
      t.pass(`dither ${dither}`)
    }
  },
)

t.test('subtractive dithering keeps the mean of many equal pixels, far below a step', async (t) => {
  const pixels = new Float64Array(10000).fill(10.3)
  const mean = (dither: number) => {
    const back = kernelUnquantise(kernelQuantise(pixels, 1, 0, dither, 100), 8, 1, 0, dither, 100)
    return back.reduce((a, b) => a + b) / back.length
  }
  t.ok(Math.abs(mean(1) - 10.3) < 0.01, `${mean(1)}`) // 1/sqrt(12 * 10000) = 0.003
  t.equal(mean(0), 10)
})

function bytesOf(values: Int32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength)
}

/** Counts, range and lower medians, by sorting; in the arithmetic of the pixels. */
function noisePlainly(pixels: Pixels): number[] {
  const round = pixels instanceof Float32Array ? Math.fround : (x: number) => x
  const v = pixels.filter((x) => !Number.isNaN(x))
  const second: number[] = []
  const third: number[] = []
  const fifth: number[] = []
  for (let i = 4; i + 4 < v.length; i++) {
    const flat = v[i] === v[i + 1] && v[i + 1] === v[i + 2]
    if (!flat) second.push(Math.abs(round(v[i] - v[i + 2])))
    if (flat && v[i - 2] === v[i - 1] && v[i - 1] === v[i]) continue
    third.push(Math.abs(round(round(round(2 * v[i]) - v[i - 2]) - v[i + 2])))
    const outer = round(round(6 * v[i]) - round(4 * v[i - 2]))
    fifth.push(Math.abs(round(round(round(outer - round(4 * v[i + 2])) + v[i - 4]) + v[i + 4])))
  }
  const median = (list: number[]) => list.sort((a, b) => a - b)[(list.length - 1) >> 1] ?? 0
  return [
    v.length,
    Math.min(...v),
    Math.max(...v),
    second.length,
    third.length,
    median(second),
    median(third),
    median(fifth),
  ]
}

function kernelNoise(pixels: Pixels, guess: number): number[] {
  return scoped(() => {
    const { noiseOfFloats, noiseOfDoubles } = kernels()
    const single = pixels instanceof Float32Array
    const source = single ? allocate(Float32Array, pixels.length) : allocate(Float64Array, pixels.length)
    source.set(pixels)
    const scratch = allocate(Float64Array, 5 * pixels.length + 32)
    const results = allocate(Float64Array, 8).fill(0).fill(guess, 5)
    const measure = single ? noiseOfFloats : noiseOfDoubles
    measure(source.byteOffset, pixels.length, scratch.byteOffset, results.byteOffset)
    const [, , , seconds, thirds] = results
    if (seconds === 0) results[5] = 0
    if (thirds === 0) results.fill(0, 6)
    return [...results]
  })
}

const rows: Record<string, (i: number) => number> = {
  'noise on a slope': (i) => 100 + i + 20 * (uniform() + uniform() - 1),
  'noise with holes': (i) => (i % 5 === 2 ? Number.NaN : 30 * uniform()),
  'a few grey levels': () => Math.floor(4 * uniform()),
  'a flat stretch': (i) => (i % 60 < 35 ? 7 : uniform()),
  'one level': () => 3,
  'a comb': (i) => (i % 2 ? 1e20 : -1e20),
  infinities: (i) => (i % 50 === 3 ? Infinity : i % 50 === 9 ? -Infinity : uniform()),
}

for (const [scene, value] of Object.entries(rows)) {
  t.test(`the noise of ${scene} is that of sorted differences, whatever the guess`, async (t) => {
    for (const type of [Float32Array, Float64Array]) {
      for (const n of [1, 8, 9, 10, 11, 12, 13, 63, 64, 72, 73, 100, 1000]) {
        const pixels = new type(Array.from({ length: n }, (_, i) => value(i)))
        const expected = noisePlainly(pixels)
        // Infinities have no differences, and no tile that holds one is quantised: only the range counts.
        const part = scene === 'infinities' ? 3 : 8
        for (const guess of [0, expected[6], 1.01 * expected[6], 1e-3, 1e9]) {
          const ours = kernelNoise(pixels, guess)
          if (!t.same(ours.slice(0, part), expected.slice(0, part), `${type.name} ${n} pixels, guess ${guess}`)) return
        }
      }
    }
  })
}
