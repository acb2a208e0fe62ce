import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

/** An image of 60x50 of noise, some pixels of which are not finite. */
function image() {
  let state = 12345
  const next = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return state / 2 ** 32
  }
  const pixels = allocate(Float32Array, 60 * 50)
  for (let p = 0; p < pixels.length; p++) pixels[p] = next() < 0.01 ? Number.NaN : 100 * next() - 20
  return pixels
}

function ring(pixels: Float32Array, px: number, py: number, inner: number, outer: number, step: number) {
  const values: number[] = []
  for (let v = -Math.ceil(outer); v <= outer; v += step) {
    for (let u = -Math.ceil(outer); u <= outer; u += step) {
      const [r2, x, y] = [u * u + v * v, px + u, py + v]
      if (r2 < inner * inner || r2 > outer * outer || x < 0 || y < 0 || x >= 60 || y >= 50) continue
      if (Number.isFinite(pixels[y * 60 + x])) values.push(pixels[y * 60 + x]!)
    }
  }
  values.sort((a, b) => a - b)
  const [n, half] = [values.length, values.length >> 1]
  return { n, median: n % 2 ? values[half]! : values[half - 1]! / 2 + values[half]! / 2 }
}

t.test('the sky of a ring is the median of its pixels, to the last bit', (t) =>
  scoped(() => {
    const pixels = image()
    const values = allocate(Float64Array, 4096).byteOffset
    for (const [px, py, inner, outer, step] of [
      [30, 25, 5.3, 9.7, 1],
      [3, 47, 4, 8.2, 1],
      [31, 20, 6, 19.5, 3],
      [59, 0, 4, 9.5, 2],
    ] as const) {
      const kernel = (least: number) =>
        kernels().ringMedian(pixels.byteOffset, 60, 50, px, py, inner, outer, step, least, values, 4096)
      const { n, median } = ring(pixels, px, py, inner, outer, step)
      t.ok(n > 10)
      t.equal(kernel(n), median)
      t.same(kernel(n + 1), Number.NaN, 'fewer than are wanted')
    }
    t.end()
  }),
)

t.test('the light in circles is that of a loop with Math.hypot, to the last bit', (t) =>
  scoped(() => {
    const pixels = image()
    const radii = allocate(Float64Array, 3)
    const sums = allocate(Float64Array, 6)
    radii.set([1.5, 3.25, 5.1])
    let cut = 0
    for (let k = 0; k < 200; k++) {
      const [x, y] = [(k * 7.31) % 60, (k * 3.77) % 50]
      const [flux, variance] = [new Float64Array(3), new Float64Array(3)]
      let isWhole = true
      for (let v = Math.max(0, Math.floor(y) - 7); v <= Math.min(49, Math.floor(y) + 7); v++) {
        for (let u = Math.max(0, Math.floor(x) - 7); u <= Math.min(59, Math.floor(x) + 7); u++) {
          const distance = Math.hypot(u - x, v - y)
          if (distance >= 5.6) continue
          const value = pixels[v * 60 + u]! - 12.5
          if (Number.isNaN(value)) isWhole = false
          for (let j = 0; j < 3; j++) {
            const part = Math.min(1, Math.max(0, radii[j]! + 0.5 - distance))
            flux[j]! += part * value
            variance[j]! += part * (9 + Math.max(0, value) / 1.7)
          }
        }
      }
      const done = kernels().circleLight(
        ...([pixels.byteOffset, 60, 50, x, y, radii.byteOffset, 3, 12.5, 9, 1.7, sums.byteOffset] as const),
      )
      t.equal(Boolean(done), isWhole)
      if (isWhole) t.same([...sums], [...flux, ...variance])
      else cut++
    }
    t.ok(cut > 20 && cut < 180, 'some are cut, others are whole')
    t.end()
  }),
)

t.test('the weights of Lanczos are those of its formula, and add up to 1', (t) =>
  scoped(() => {
    const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
    for (const taps of [6, 8]) {
      const half = taps / 2
      const table = allocate(Float32Array, 8 * 101)
      const squares = allocate(Float64Array, 101)
      kernels().lanczosTable(taps, 100, table.byteOffset, squares.byteOffset)
      for (let phase = 0; phase <= 100; phase++) {
        const places = Array.from({ length: taps }, (_, k) => k - half + 1 - phase / 100)
        const raw = places.map((x) => (Math.abs(x) < half ? sinc(x) * sinc(x / half) : 0))
        const weights = raw.map((weight) => weight / raw.reduce((sum, one) => sum + one, 0))
        for (const [k, weight] of weights.entries()) {
          // half of the last digit of a float32
          if (!(Math.abs(table[8 * phase + k]! - weight) <= 6e-8)) t.fail(`${taps} taps, phase ${phase}, tap ${k}`)
        }
        const sum = weights.reduce((all, weight) => all + weight * weight, 0)
        if (!(Math.abs(squares[phase]! - sum) < 1e-14)) t.fail(`${taps} taps, squares of phase ${phase}`)
      }
    }
    t.end()
  }),
)
