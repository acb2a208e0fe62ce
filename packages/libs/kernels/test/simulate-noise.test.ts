import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

/** High and low half of the product of two unsigned 32-bit words. */
function product(a: number, b: number): [high: number, low: number] {
  const full = BigInt(a >>> 0) * BigInt(b >>> 0)
  return [Number(full >> 32n), Number(full & 0xffffffffn)]
}

/** Philox4x32-10 as in its paper. */
function philox(counter: number[], key: number[]): number[] {
  let [a, b, c, d] = counter as [number, number, number, number]
  let [k0, k1] = key as [number, number]
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = product(0xd2511f53, a)
    const [high1, low1] = product(0xcd9e8d57, c)
    ;[a, b, c, d] = [(high1 ^ b ^ k0) >>> 0, low1, (high0 ^ d ^ k1) >>> 0, low0]
    k0 = (k0 + 0x9e3779b9) >>> 0
    k1 = (k1 + 0xbb67ae85) >>> 0
  }
  return [a, b, c, d]
}

/** Word `p` of a row: the counter is p's lane in its block of 16, the word of that counter is the vector it stands in. */
const wordOf = (p: number, row: number, purpose: number, key: number[]) =>
  philox([4 * (p >> 4) + (p & 3), row, purpose, 0], key)[(p >> 2) & 3]!

function normalOf(p: number, row: number, purpose: number, key: number[]): number {
  const pair = p & ~4
  const [first, second] = [wordOf(pair, row, purpose, key), wordOf(pair | 4, row, purpose, key)]
  const radius = Math.sqrt(-2 * Math.log((first + 0.5) / 2 ** 32))
  const angle = Math.PI * 0.5 * ((second & 0x3fffffff) / 2 ** 30 - 0.5 + (second >>> 30))
  return radius * (p & 4 ? Math.cos(angle) : Math.sin(angle))
}

t.test('Philox gives the numbers that its authors publish', async (t) => {
  const hex = (words: number[]) => words.map((word) => word.toString(16).padStart(8, '0')).join(' ')
  t.equal(hex(philox([0, 0, 0, 0], [0, 0])), '6627e8d5 e169c58d bc57ac4c 9b00dbd8')
  const pi = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344]
  t.equal(hex(philox(pi, [0xa4093822, 0x299f31d0])), 'd16cfe09 94fdcceb 5001e420 24126ea1')
})

t.test('the kernel draws the same words as Philox written out', async (t) => {
  scoped(() => {
    const out = allocate(Int32Array, 16)
    for (const [block, row, purpose, key0, key1] of [
      [0, 0, 0, 0, 0],
      [3, 77, 5, 0xdeadbeef, 0x12345678],
      [0x3fffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    ] as const) {
      kernels().simulateWords(out.byteOffset, block, row, purpose, key0, key1)
      const expected = Array.from(
        { length: 16 },
        (_, p) => philox([(4 * block + (p & 3)) >>> 0, row, purpose, 0], [key0, key1])[p >> 2]!,
      )
      t.same(
        [...out].map((word) => word >>> 0),
        expected,
      )
    }
  })
})

t.test('normal deviates are those of Box and Muller, for every length', async (t) => {
  scoped(() => {
    for (const n of [1, 3, 16, 17, 100]) {
      const out = allocate(Float32Array, n + 1)
      out[n] = 42
      kernels().simulateNormals(out.byteOffset, n, 9, 2, 11, 22)
      let worst = 0
      for (let p = 0; p < n; p++) worst = Math.max(worst, Math.abs(out[p]! - normalOf(p, 9, 2, [11, 22])))
      t.ok(worst < 3e-6, `${n} deviates, worst ${worst}`) // float32 polynomials
      t.equal(out[n], 42)
    }
  })
})

const PIXELS = 1 << 16

/** Mean, variance and skewness of the charge of many equal pixels. */
function moments(mean: number): { mean: number; variance: number; skewness: number } {
  return scoped(() => {
    const [dark, out] = [allocate(Float32Array, PIXELS), allocate(Float32Array, PIXELS)]
    dark.fill(mean / 2)
    let [sum, square, cube, n] = [0, 0, 0, 0]
    for (let row = 0; row < 16; row++) {
      kernels().simulateCharge(0, dark.byteOffset, 0, PIXELS, 2, 1, row, 0, 5, 6, out.byteOffset)
      for (const value of out) {
        const d = value - mean
        sum += d
        square += d * d
        cube += d * d * d
        n++
      }
    }
    const shift = sum / n
    const variance = square / n - shift * shift
    return { mean: mean + shift, variance, skewness: (cube / n - 3 * shift * variance - shift ** 3) / variance ** 1.5 }
  })
}

t.test('photon noise has the mean, variance and skewness of the Poisson distribution', async (t) => {
  const n = 16 * PIXELS
  for (const mean of [0.02, 0.7, 5, 15.9, 16.1, 40, 1000, 90000]) {
    const found = moments(mean)
    // Five standard errors of each, and what float32 rounding of the mean leaves.
    t.ok(Math.abs(found.mean - mean) < 5 * Math.sqrt(mean / n) + 1e-7 * mean, `mean ${found.mean} of ${mean}`)
    const varianceError = mean * Math.sqrt((2 + 1 / mean) / n)
    t.ok(Math.abs(found.variance - mean) < 5 * varianceError, `variance ${found.variance} of ${mean}`)
    const skewError = mean < 1 ? 0.05 / mean : 5 * Math.sqrt(6 / n)
    t.ok(Math.abs(found.skewness - 1 / Math.sqrt(mean)) < skewError, `skewness ${found.skewness} of ${mean}`)
  }
})

t.test('charges follow the Poisson distribution value by value on both sides of the change of method', async (t) => {
  for (const mean of [3, 15.99, 16.01, 30]) {
    const counts = new Float64Array(200)
    scoped(() => {
      const [dark, out] = [allocate(Float32Array, PIXELS), allocate(Float32Array, PIXELS)]
      dark.fill(mean)
      for (let row = 0; row < 16; row++) {
        kernels().simulateCharge(0, dark.byteOffset, 0, PIXELS, 1, 1, row, 4, 1, 2, out.byteOffset)
        for (const value of out) counts[value]!++
      }
    })
    let p = Math.exp(-mean)
    let [chi2, bins] = [0, 0]
    for (let k = 0; k < 200; k++) {
      const expected = 16 * PIXELS * p
      if (expected > 20) {
        chi2 += (counts[k]! - expected) ** 2 / expected
        bins++
      }
      p *= mean / (k + 1)
    }
    t.ok(chi2 < bins + 5 * Math.sqrt(2 * bins), `chi2 ${chi2.toFixed(1)} in ${bins} bins at mean ${mean}`)
  }
})

t.test('without noise the charge is the mean, light through the flat and dark together', async (t) => {
  scoped(() => {
    const n = 37
    const [light, dark, flat, out] = [0, 1, 2, 3].map(() => allocate(Float32Array, n)) as Float32Array[]
    for (let i = 0; i < n; i++) {
      light![i] = 10 + i
      dark![i] = 0.01 * i
      flat![i] = 1 - 0.003 * i
    }
    const at = [light!, dark!, flat!].map((array) => array.byteOffset) as [number, number, number]
    kernels().simulateCharge(...at, n, 30, 0, 0, 0, 0, 0, out!.byteOffset)
    for (let i = 0; i < n; i++) {
      const f = Math.fround
      t.equal(out![i], f(30 * f(dark![i]! + f(flat![i]! * light![i]!))))
    }
  })
})

t.test('the readout adds level, bias and read noise, bends and rounds', async (t) => {
  scoped(() => {
    const n = 21
    const [charge, bias, out] = [0, 1, 2].map(() => allocate(Float32Array, n)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ]
    for (let i = 0; i < n; i++) {
      charge[i] = 9000 * i
      bias[i] = 0.25 * i
    }
    const read = (noise: number, maximum: number) =>
      kernels().simulateReadout(
        charge.byteOffset,
        bias.byteOffset,
        n,
        300,
        1.5,
        1e-7,
        noise,
        maximum,
        8,
        1,
        3,
        4,
        out.byteOffset,
      )
    read(0, 0)
    for (let i = 0; i < n; i++) {
      const expected = 300 + bias[i]! + (charge[i]! * (1 - 1e-7 * charge[i]!)) / 1.5
      t.ok(Math.abs(out[i]! - expected) < 2e-7 * expected)
    }
    read(4, 65535)
    for (let i = 0; i < n; i++) {
      const clean = 300 + bias[i]! + (charge[i]! * (1 - 1e-7 * charge[i]!)) / 1.5
      const expected = Math.min(65535, Math.max(0, Math.floor(clean + 4 * normalOf(i, 8, 1, [3, 4]) + 0.5)))
      t.ok(
        Math.abs(out[i]! - expected) <= (Math.abs(clean % 1) < 0.02 ? 1 : 0) + 1e-9 ||
          Math.abs(out[i]! - expected) <= 1,
      )
    }
    t.equal(out[20], 65535)
  })
})
