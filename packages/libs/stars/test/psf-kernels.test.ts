import { allocate, kernels, scoped } from '@nightpipe/kernels'
import t from 'tap'
import { lightAt, type PsfHere, samplePsf } from '../src/psf-model.js'

/** Numbers from 0 to 1, the same at every run. */
function numbers(count: number): Float64Array {
  let state = 12345
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  })
}

const NODES = 9
const here: PsfHere = {
  ...{ qxx: 0.21, qxy: -0.03, qyy: 0.17, beta: 3.1, scale: 0.04, step: 0.8, nodes: NODES },
  table: numbers(NODES * NODES).map((value) => 0.02 * (value - 0.5)),
}

t.test('light on a stamp is that of each of its pixels, with and without a table', async (t) => {
  const [x, y, x0, y0, columns, rows] = [100.3, 51.7, 93, 46, 13, 11]
  for (const one of [here, { ...here, nodes: 0, table: new Float64Array(0) }]) {
    const out = new Float64Array(columns * rows)
    samplePsf(one, x, y, x0, y0, columns, rows, out)
    let worst = 0
    for (let p = 0; p < out.length; p++) {
      const expected = lightAt(one, (p % columns) + x0 - x, Math.floor(p / columns) + y0 - y)
      worst = Math.max(worst, Math.abs(out[p] - expected) / here.scale)
    }
    t.ok(worst < 1e-14, `by ${worst}`) // logarithms and exponentials of two libraries
  }
})

t.test('the slopes of a profile are its differences between neighbouring places', async (t) => {
  const bare = { ...here, nodes: 0, table: new Float64Array(0) }
  const [x, y, n, h] = [7.2, 6.9, 15, 1e-5]
  const at = (dx: number, dy: number) => {
    const planes = [0, 1, 2].map(() => new Float64Array(n * n))
    samplePsf(bare, x + dx, y + dy, 0, 0, n, n, planes[0], planes[1], planes[2])
    return planes
  }
  const [, byX, byY] = at(0, 0)
  const [right, left, up, down] = [at(h, 0)[0], at(-h, 0)[0], at(0, h)[0], at(0, -h)[0]]
  let worst = 0
  for (let p = 0; p < n * n; p++) {
    // the mean over pixels is followed where it hardly changes: to a few per cent of the steepest slope
    worst = Math.max(worst, Math.abs((right[p] - left[p]) / (2 * h) - byX[p]))
    worst = Math.max(worst, Math.abs((up[p] - down[p]) / (2 * h) - byY[p]))
  }
  const steepest = byX.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0)
  t.ok(worst < 0.15 * steepest, `by ${worst / steepest} of the steepest`)
})

const NAMES = ['amplitude', 'x', 'y', 'qxx', 'qxy', 'qyy', 'level', 'beta']

/** A Moffat profile at a pixel, its derivatives as a fit takes them, the long way. */
function derivatives(profile: ArrayLike<number>, column: number, row: number): [light: number, by: number[]] {
  const [amplitude, x, y, qxx, qxy, qyy, level, beta, x0, y0] = Array.from(profile)
  const [dx, dy] = [column + x0 - x, row + y0 - y]
  const u = 1 + qxx * dx ** 2 + 2 * qxy * dx * dy + qyy * dy ** 2
  const [gx, gy] = [qxx * dx + qxy * dy, qxy * dx + qyy * dy]
  const bare = u ** -beta
  const mean = bare * (1 + ((beta / 12) * ((2 * (beta + 1) * (gx ** 2 + gy ** 2)) / u - qxx - qyy)) / u)
  const slope = (amplitude * beta * bare) / u
  const byShape = [-slope * dx ** 2, -2 * slope * dx * dy, -slope * dy ** 2]
  return [
    level + amplitude * mean,
    [mean, 2 * slope * gx, 2 * slope * gy, ...byShape, 1, -amplitude * bare * Math.log(u)],
  ]
}

t.test(
  'the equations of a Moffat fit are the sums over its pixels; one without a variance counts for nothing',
  async (t) => {
    const size = 11
    const chance = numbers(2 * size * size)
    const profile = [80, 20.4, 31.1, 0.2, 0.02, 0.25, 1.5, 2.8, 15, 26]
    const value = Float64Array.from({ length: size * size }, (_, p) => 10 * chance[p])
    const variance = Float64Array.from(value, (_, p) => (p % 7 === 0 ? 0 : 1 + chance[size * size + p]))
    const [sum, normal, right] = scoped(() => {
      const lend = (values: ArrayLike<number>) => {
        const lent = allocate(Float64Array, values.length)
        lent.set(values)
        return lent
      }
      const [n, r] = [allocate(Float64Array, 64), allocate(Float64Array, 8)]
      const planes = [lend(value).byteOffset, lend(variance).byteOffset, size, lend(profile).byteOffset] as const
      const chi = kernels().moffatEquations(...planes, n.byteOffset, r.byteOffset)
      return [chi, n.slice(), r.slice()]
    })
    const expected = { sum: 0, normal: new Float64Array(64), right: new Float64Array(8) }
    for (let p = 0; p < value.length; p++) {
      if (variance[p] === 0) continue
      const [light, by] = derivatives(profile, p % size, Math.floor(p / size))
      const residual = value[p] - light
      expected.sum += residual ** 2 / variance[p]
      for (let i = 0; i < 8; i++) {
        expected.right[i] += (by[i] * residual) / variance[p]
        for (let j = 0; j < 8; j++) expected.normal[8 * i + j] += (by[i] * by[j]) / variance[p]
      }
    }
    const near = (a: number, b: number, scale: number) => Math.abs(a - b) <= 1e-11 * scale
    t.ok(near(sum, expected.sum, expected.sum), 'the sum of squares')
    for (let i = 0; i < 8; i++) {
      const own = expected.normal[9 * i]
      t.ok(near(right[i], expected.right[i], Math.sqrt(own * expected.sum)), `right side, ${NAMES[i]}`)
      for (let j = 0; j <= i; j++) {
        const scale = Math.sqrt(own * expected.normal[9 * j])
        t.ok(near(normal[8 * i + j], expected.normal[8 * i + j], scale), `${NAMES[i]} by ${NAMES[j]}`)
      }
    }
  },
)

t.test('what two discs share is summed as pixel by pixel', async (t) => {
  const [width, columns, rows] = [13, 6, 5]
  const dice = numbers(2000)
  for (const per of [3, 1]) {
    scoped(() => {
      const [left, weight] = [0, 1].map((plane) => {
        const image = allocate(Float32Array, width * 12)
        image.forEach((_, p) => {
          image[p] = dice[plane * 300 + p] - (plane === 0 ? 0.5 : 0)
        })
        return image
      })
      const [bad, dark] = [2 * width + 4, 7]
      weight[bad] = 0
      left[bad] = Number.NaN
      // discs of unlike sizes; the shared pixels begin somewhere in each
      const discs = [9, 8].map((side, k) => {
        const slopes = allocate(Float64Array, per * side * 10)
        slopes.forEach((_, i) => {
          slopes[i] = dice[700 + 350 * k + i] - 0.2
        })
        return { side, plane: side * 10, slopes, first: side + 2 }
      })
      const [a, b] = discs
      a.slopes[a.first + dark] = 0
      const sums = allocate(Float64Array, 12)
      const first = width + 3
      kernels().pairEquations(
        ...([left.byteOffset + 4 * first, weight.byteOffset + 4 * first, width, columns, rows] as const),
        ...([a.slopes.byteOffset + 8 * a.first, a.side, a.plane] as const),
        ...([b.slopes.byteOffset + 8 * b.first, b.side, b.plane, per, sums.byteOffset] as const),
      )
      const expected = new Float64Array(per * per + per)
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          const p = first + y * width + x
          const [i, j] = [a.first + y * a.side + x, b.first + y * b.side + x]
          if (p === bad || a.slopes[i] === 0) continue
          for (let u = 0; u < per; u++) {
            const w = weight[p] * a.slopes[u * a.plane + i]
            for (let v = 0; v < per; v++) expected[u * per + v] += w * b.slopes[v * b.plane + j]
            expected[per * per + u] += w * left[p]
          }
        }
      }
      for (const [k, sum] of expected.entries()) t.ok(Math.abs(sums[k] - sum) < 1e-13, `${per}: ${sums[k]} and ${sum}`)
    })
  }
})
