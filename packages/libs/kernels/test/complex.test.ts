import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

/** Small repeatable numbers. */
function numbers(n: number, seed: number): Float32Array {
  const values = allocate(Float32Array, n)
  let state = seed
  for (let p = 0; p < n; p++) {
    state = (state * 1103515245 + 12345) % 2147483648
    values[p] = (state % 2001) / 1000 - 1
  }
  return values
}

t.test('products and sums with i are those of complex numbers, whatever the length', async (t) => {
  for (const n of [1, 4, 7, 18]) {
    scoped(() => {
      const [a, b, c, d, re, im] = [1, 2, 3, 4, 5, 6].map((seed) => numbers(n, seed))
      const places = [a, b, c, d, re, im].map((part) => part.byteOffset)
      const [ar, ai, br, bi, to, too] = places
      kernels().complexProduct(ar, ai, br, bi, to, too, n)
      t.ok(re.every((value, p) => Math.abs(value - (a[p] * c[p] - b[p] * d[p])) < 1e-6))
      t.ok(im.every((value, p) => Math.abs(value - (a[p] * d[p] + b[p] * c[p])) < 1e-6))
      kernels().complexJoin(ar, ai, br, bi, to, too, n)
      t.ok(re.every((value, p) => Math.abs(value - (a[p] - d[p])) < 1e-6))
      t.ok(im.every((value, p) => Math.abs(value - (b[p] + c[p])) < 1e-6))
    })
  }
})

t.test('a transform of two images is split by its opposite frequencies', async (t) => {
  for (const [width, height] of [
    [4, 4],
    [12, 5],
    [20, 8],
  ]) {
    scoped(() => {
      const n = width * height
      const [re, im, a, b, c, d] = [1, 2, 3, 4, 5, 6].map((seed) => numbers(n, seed))
      const [r, i, ar, ai, br, bi] = [re, im, a, b, c, d].map((part) => part.byteOffset)
      kernels().complexSplit(r, i, width, height, ar, ai, br, bi)
      let worst = 0
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const [p, q] = [y * width + x, ((height - y) % height) * width + ((width - x) % width)]
          worst = Math.max(worst, Math.abs(a[p] - (re[p] + re[q]) / 2), Math.abs(b[p] - (im[p] - im[q]) / 2))
          worst = Math.max(worst, Math.abs(c[p] - (im[p] + im[q]) / 2), Math.abs(d[p] - (re[q] - re[p]) / 2))
        }
      }
      t.ok(worst < 1e-6, `${width} x ${height}: ${worst}`)
    })
  }
})

t.test('an image is added with a weight for each column and row', async (t) => {
  for (const width of [4, 6, 17]) {
    scoped(() => {
      const height = 3
      const [source, target] = [numbers(width * height, 1), numbers(width * height, 2)]
      const [across, up] = [numbers(width, 3), numbers(height, 4)]
      const before = Float32Array.from(target)
      const places = [across.byteOffset, up.byteOffset, target.byteOffset] as const
      kernels().addWeighed(source.byteOffset, width, height, ...places)
      const wanted = (p: number) => before[p] + up[Math.floor(p / width)] * across[p % width] * source[p]
      t.ok(target.every((value, p) => Math.abs(value - wanted(p)) < 1e-6))
    })
  }
})
