import t from 'tap'
import { random, solve, solveBandedInPlace } from '../src/index.js'

/** A positive definite matrix that is zero beyond `band` places from its diagonal, both ways, and a right-hand side. */
function made(n: number, band: number) {
  const { normal } = random(11)
  const full = new Float64Array(n * n)
  const values = new Float64Array(n * (band + 1))
  for (let i = 0; i < n; i++) {
    for (let j = Math.max(0, i - band); j <= i; j++) {
      full[i * n + j] = i === j ? 4 * band + 4 : normal()
      full[j * n + i] = full[i * n + j]!
      values[i * (band + 1) + band + j - i] = full[i * n + j]!
    }
  }
  return { full, values, b: Float64Array.from({ length: n }, normal) }
}

t.test('the solution is that of the full matrix, bit for bit, and fulfils the equations', async (t) => {
  for (const [n, band] of [
    [1, 0],
    [7, 2],
    [40, 11],
    [12, 20],
  ] as const) {
    const { full, values, b } = made(n, band)
    const x = solveBandedInPlace({ band, values }, Float64Array.from(b))
    t.same(x, solve(full, b), `${n} unknowns, band ${band}`)
    for (let i = 0; i < n; i++) {
      let sum = 0
      for (let j = 0; j < n; j++) sum += full[i * n + j]! * x[j]!
      t.ok(Math.abs(sum - b[i]!) < 1e-12 * n)
    }
  }
})

t.test('a matrix that determines nothing is refused', async (t) => {
  t.throws(() => solveBandedInPlace({ band: 1, values: new Float64Array(8) }, new Float64Array(4)), RangeError)
})
