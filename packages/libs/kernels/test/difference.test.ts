import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

let state = 7
const next = () => {
  state = (state * 1103515245 + 12345) % 2147483648
  return state / 2147483648 - 0.5
}

const doubles = (n: number) => {
  const values = allocate(Float64Array, n)
  for (let p = 0; p < n; p++) values[p] = next()
  return values
}
const floats = (n: number) => {
  const values = allocate(Float32Array, n)
  for (let p = 0; p < n; p++) values[p] = next()
  return values
}

t.test('rows and columns of a stamp are convolved in the order of the plain sum', async (t) => {
  scoped(() => {
    for (const [side, n] of [
      [21, 9],
      [29, 29],
      [3, 5],
    ]) {
      const wide = side + n - 1
      const [source, line] = [doubles(wide * wide), doubles(n)]
      const [rows, out] = [allocate(Float64Array, wide * side), allocate(Float64Array, side * side)]
      kernels().stampRows(source.byteOffset, wide, line.byteOffset, n, rows.byteOffset)
      kernels().stampColumns(rows.byteOffset, side, line.byteOffset, n, 0.7, out.byteOffset)
      const expectedRows = Float64Array.from({ length: wide * side }, (_, p) => {
        let sum = 0
        for (let k = 0; k < n; k++) sum += line[k] * source[Math.floor(p / side) * wide + (p % side) + n - 1 - k]
        return sum
      })
      const expected = Float64Array.from({ length: side * side }, (_, p) => {
        let sum = 0
        for (let k = 0; k < n; k++) sum += 0.7 * line[k] * expectedRows[p + (n - 1 - k) * side]
        return sum
      })
      t.same(rows, expectedRows)
      t.same(out, expected)
    }
  })
})

t.test('normal equations of a stamp are sums over its pixels', async (t) => {
  scoped(() => {
    for (const [unknowns, n] of [
      [7, 25],
      [4, 64],
      [1, 3],
    ]) {
      const [images, data, weight] = [doubles(unknowns * n), doubles(n), doubles(n)]
      const [matrix, right] = [allocate(Float64Array, unknowns ** 2), allocate(Float64Array, unknowns)]
      const at = [images, data, weight].map(({ byteOffset }) => byteOffset)
      const weighed = doubles(n).byteOffset
      kernels().stampEquations(at[0], unknowns, at[1], at[2], n, weighed, matrix.byteOffset, right.byteOffset)
      const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, p) => sum + weight[p] * value * b[p], 0)
      const image = (k: number) => images.subarray(k * n, (k + 1) * n)
      for (let i = 0; i < unknowns; i++) {
        t.ok(Math.abs(right[i] - dot(image(i), data)) < 1e-13)
        for (let j = 0; j < unknowns; j++) {
          t.ok(Math.abs(matrix[i * unknowns + j] - dot(image(i), image(j))) < 1e-13)
          t.equal(matrix[i * unknowns + j], matrix[j * unknowns + i])
        }
      }
    }
  })
})

t.test('a row of a spline is its four weights times values and curvatures', async (t) => {
  scoped(() => {
    const [width, columns] = [23, 4]
    const [values, curvatures, weights] = [doubles(columns), doubles(columns), doubles(4 * width)]
    const first = allocate(Int32Array, columns)
    first.set([0, 6, 6, width])
    const out = allocate(Float32Array, width)
    const lines = [values.byteOffset, curvatures.byteOffset, 1, first.byteOffset, columns - 1] as const
    kernels().splineRow(...lines, weights.byteOffset, width, out.byteOffset)
    out.forEach((value, x) => {
      const i = x < 6 ? 0 : 2
      const w = [0, 1, 2, 3].map((k) => weights[k * width + x])
      const sum = w[0] * values[i] + w[1] * values[i + 1] + w[2] * curvatures[i] + w[3] * curvatures[i + 1]
      t.equal(value, Math.fround(sum))
    })
  })
})

t.test('bins are means of their pixels, without those that are not a number', async (t) => {
  scoped(() => {
    for (const factor of [2, 3]) {
      const [width, height] = [23, 14]
      const pixels = floats(width * height)
      pixels[5] = pixels[30] = Number.NaN
      for (const p of [0, 1, 2, width, width + 1, width + 2, 2 * width, 2 * width + 1, 2 * width + 2]) {
        pixels[p] = Number.NaN
      }
      const [columns, rows] = [Math.floor(width / factor), Math.floor(height / factor)]
      const out = allocate(Float32Array, columns * rows)
      kernels().binMean(pixels.byteOffset, width, factor, columns, rows, out.byteOffset)
      const expected = Float32Array.from(out, (_, q) => {
        let [sum, good] = [0, 0]
        for (let k = 0; k < factor * factor; k++) {
          const y = Math.floor(q / columns) * factor + Math.floor(k / factor)
          const value = pixels[y * width + (q % columns) * factor + (k % factor)]
          if (!Number.isNaN(value)) [sum, good] = [sum + value, good + 1]
        }
        return sum / good
      })
      t.same(out, expected)
    }
  })
})

t.test('floats are divided, squared and limited', async (t) => {
  scoped(() => {
    const values = floats(11)
    values[3] = Number.NaN
    const before = values.slice()
    kernels().divideFloats(values.byteOffset, 11, 12)
    t.same(
      values,
      before.map((value) => value / 12),
    )
    kernels().squareFloats(values.byteOffset, 11)
    t.same(
      values,
      before.map((value) => Math.fround(value / 12) ** 2),
    )
    kernels().limitFloats(values.byteOffset, 11, 1e-4)
    t.same(
      values,
      before.map((value) => Math.min(Math.fround(value / 12) ** 2, 1e-4)),
    )
  })
})

t.test('filters and sums of products of transforms', async (t) => {
  scoped(() => {
    const n = 16
    const parts = Array.from({ length: 8 }, () => floats(n))
    const [ar, ai, br, bi, cr, ci, dr, di] = parts
    const at = parts.map(({ byteOffset }) => byteOffset) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    const [re, im, white] = [floats(n), floats(n), floats(n)]
    kernels().complexSum(...at, re.byteOffset, im.byteOffset, n)
    for (let p = 0; p < n; p++) {
      // single precision: values below 1
      t.ok(Math.abs(re[p] - (ar[p] * br[p] - ai[p] * bi[p] + cr[p] * dr[p] - ci[p] * di[p])) < 1e-6)
      t.ok(Math.abs(im[p] - (ar[p] * bi[p] + ai[p] * br[p] + cr[p] * di[p] + ci[p] * dr[p])) < 1e-6)
    }
    const made = [white.byteOffset, re.byteOffset, im.byteOffset] as const
    const norm = kernels().whiteFilters(at[0], at[1], at[2], at[3], 2, 3, ...made, n)
    let expected = 0
    const top = 3 + 2 * ar[0] ** 2
    for (let p = 0; p < n; p++) {
      const flattening = top / (3 + 2 * (ar[p] ** 2 + ai[p] ** 2))
      t.equal(white[p], Math.fround(Math.sqrt(flattening)))
      t.equal(re[p], Math.fround(flattening * br[p]))
      t.equal(im[p], Math.fround(-flattening * bi[p]))
      expected += flattening * (br[p] ** 2 + bi[p] ** 2)
    }
    t.ok(Math.abs(norm - expected) < 1e-12)
  })
})

t.test(
  'the residual of a tile is 0 beyond the image and where it is blank, and its sky is taken off elsewhere',
  async (t) => {
    scoped(() => {
      const n = 11
      const [broad, matched, variance, out] = [floats(n), floats(n), floats(n), floats(n)]
      const blank = allocate(Uint8Array, n).fill(0)
      variance[2] = variance[9] = 0
      blank[4] = blank[10] = 1
      const [inside, seen] = [variance.byteOffset, blank.byteOffset]
      kernels().tileResidual(broad.byteOffset, matched.byteOffset, inside, seen, out.byteOffset, n)
      const hidden = (p: number) => variance[p] === 0 || blank[p] !== 0
      for (let p = 0; p < n; p++) t.equal(out[p], hidden(p) ? 0 : Math.fround(broad[p] - matched[p]))
      const [places, along] = [doubles(n), doubles(3)]
      const before = out.slice()
      kernels().subtractPolynomial(out.byteOffset, inside, seen, places.byteOffset, along.byteOffset, 2, n)
      out.forEach((value, p) => {
        const sky = (along[2] * places[p] + along[1]) * places[p] + along[0]
        t.equal(value, hidden(p) ? 0 : Math.fround(before[p] - sky))
      })
    })
  },
)

t.test('a finished row has difference, error, score, error of a flux and flux of the stars', async (t) => {
  scoped(() => {
    const [n, norm] = [5, 0.6]
    const [white, signals, stars, signalVariance, variance] = Array.from({ length: 5 }, () => floats(n))
    signalVariance[1] = -1
    const factors = doubles(n)
    const out = allocate(Float32Array, 5 * n)
    for (const scaled of [true, false]) {
      kernels().finishTileRow(
        ...([white.byteOffset, signals.byteOffset, stars.byteOffset, signalVariance.byteOffset] as const),
        ...([variance.byteOffset, scaled ? factors.byteOffset : 0, norm, n, out.byteOffset, n] as const),
      )
      for (let x = 0; x < n; x++) {
        const factor = scaled ? factors[x] : 1
        const sigma = Math.sqrt(Math.max(signalVariance[x], 1e-30))
        const row = [factor * white[x], Math.abs(factor) * Math.sqrt(Math.max(0, variance[x]))]
        row.push((Math.sign(factor) * signals[x]) / sigma, (Math.abs(factor) * sigma) / norm)
        row.push((Math.abs(factor) * stars[x]) / norm)
        t.same(
          [0, 1, 2, 3, 4].map((k) => out[k * n + x]),
          row.map(Math.fround),
        )
      }
    }
  })
})
