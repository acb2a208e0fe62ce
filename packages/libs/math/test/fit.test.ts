import t from 'tap'
import {
  evaluatePolynomial,
  fitLine,
  fitPolynomial,
  inverse,
  leastSquares,
  legendre,
  random,
  solve,
  solver,
} from '../src/index.js'

const close = (a: number, b: number, tolerance = 1e-10) => Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b))

t.test('a polynomial through exact points comes back, at degree 12 and far from the origin', async (t) => {
  const truth = (x: number) => Math.cos((x - 2000) / 300)
  const x = Array.from({ length: 60 }, (_, i) => 1500 + 17 * i)
  const fit = fitPolynomial(x, x.map(truth), 12)
  t.ok(x.every((v) => close(fit.at(v), truth(v), 1e-6))) // the 13th term of the series is smaller than this
  const cubic = fitPolynomial(
    x,
    x.map((v) => evaluatePolynomial([5, -1, 0.01, 1e-6], v)),
    3,
  )
  t.ok(x.every((v) => close(cubic.at(v), evaluatePolynomial([5, -1, 0.01, 1e-6], v), 1e-11)))
})

t.test('the errors of a line are those of the scatter, with and without given sigmas', async (t) => {
  const { normal } = random(8)
  const x = Array.from({ length: 30 }, (_, i) => 100 + i)
  const errors = x.map((_, i) => (i % 2 ? 0.5 : 2))
  let pulls = 0
  let plain = 0
  const runs = 1500
  for (let run = 0; run < runs; run++) {
    const y = x.map((v, i) => 3 + 0.2 * v + errors[i] * normal())
    const fit = fitLine(x, y, { errors })
    pulls += ((fit.slope - 0.2) / fit.slopeError) ** 2
    const same = fitLine(
      x,
      x.map((v) => 3 + 0.2 * v + normal()),
    )
    plain += ((same.intercept - 3) / same.interceptError) ** 2
  }
  t.ok(Math.abs(pulls / runs - 1) < 0.15) // 4 x sqrt(2 / 1500)
  t.ok(Math.abs(plain / runs - 1) < 0.25) // Student's t of 28 degrees has variance 28 / 26
})

t.test('outliers and impossible points are left out', async (t) => {
  const x = Array.from({ length: 40 }, (_, i) => i)
  const y = x.map((v) => 2 * v + 1 + (v % 2 ? 0.1 : -0.1))
  y[5] = 500
  y[9] = Number.NaN
  const fit = fitLine(x, y, { clip: 4 })
  t.equal(fit.count, 38)
  t.ok(close(fit.slope, 2, 0.01))
  t.throws(() => fitLine([1, 1, 1], [1, 2, 3]), RangeError)
  t.throws(() => fitPolynomial([1, 2], [1, 2], 2), RangeError)
})

t.test('Cholesky and QR solve the same normal equations', async (t) => {
  const { normal } = random(2)
  const columns = 4
  const a = Float64Array.from({ length: 9 * columns }, normal)
  const b = Float64Array.from({ length: 9 }, normal)
  const normalMatrix = new Float64Array(columns * columns)
  const right = new Float64Array(columns)
  for (let r = 0; r < 9; r++) {
    for (let i = 0; i < columns; i++) {
      right[i] += a[r * columns + i] * b[r]
      for (let j = 0; j < columns; j++) normalMatrix[i * columns + j] += a[r * columns + i] * a[r * columns + j]
    }
  }
  const direct = solve(normalMatrix, right)
  const { solution, covariance, chiSquare } = leastSquares(a, b, columns)
  t.ok(solution.every((v, i) => close(v, direct[i])))
  let squares = 0
  for (let r = 0; r < 9; r++) {
    let rest = b[r]
    for (let i = 0; i < columns; i++) rest -= a[r * columns + i] * solution[i]
    squares += rest * rest
  }
  t.ok(close(chiSquare, squares))
  const unit = solve(normalMatrix, [1, 0, 0, 0])
  t.ok(unit.every((v, i) => close(v, covariance[i * columns])))
  const whole = inverse(normalMatrix, 4)
  for (let k = 0; k < 4; k++) {
    const column = solve(
      normalMatrix,
      [0, 1, 2, 3].map((i) => Number(i === k)),
    )
    for (let i = 0; i < 4; i++) t.ok(Math.abs(whole[4 * i + k] / column[i] - 1) < 1e-9, 'the inverse, column by column')
  }
  t.throws(() => solve([1, 2, 2, 1], [1, 1]), RangeError)
  const solved = solver(normalMatrix, 4)
  for (const b of [right, [1, 0, 0, 0], [0, 0, -2, 3]]) t.same(solved(b), solve(normalMatrix, b))
  t.throws(() => solver([1, 2, 2, 1], 2), RangeError)
  t.throws(() => inverse([1, 2, 2, 1], 2), RangeError)
})

t.test('Legendre polynomials are orthogonal and 1 at 1', async (t) => {
  t.same([...legendre(1, new Float64Array(6))], [1, 1, 1, 1, 1, 1])
  t.same([...legendre(0.5, new Float64Array(4))], [1, 0.5, -0.125, -0.4375])
  t.same(legendre(0.3, new Float64Array(0)).length, 0)
})
