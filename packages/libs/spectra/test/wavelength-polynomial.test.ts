import { random } from '@nightpipe/math'
import t from 'tap'
import {
  diffractionOrder,
  normalEquations,
  placeEvaluator,
  termsUpTo,
  termValues,
} from '../src/wavelength-polynomial.js'

const FRAME = { width: 800, firstOrder: 90, orderStep: -1, lowOrder: 71, highOrder: 90, terms: termsUpTo(5, 4, 6) }
const draw = random(4)
const points = Array.from({ length: 300 }, () => ({
  ...{ index: Math.floor(20 * draw.uniform()), x: 799 * draw.uniform() },
  ...{ wavelength: 5000 + draw.uniform(), error: 0.001 + 0.01 * draw.uniform() },
}))

t.test('normal equations summed order by order are those of all terms, point by point', async (t) => {
  const { normal, right } = normalEquations(points, FRAME)
  const n = FRAME.terms.length
  const [plain, side] = [new Float64Array(n * n), new Float64Array(n)]
  for (const { index, x, wavelength, error } of points) {
    const order = diffractionOrder(FRAME, index)
    const values = termValues(FRAME, index, x)
    for (let i = 0; i < n; i++) {
      side[i]! += (values[i]! * wavelength) / (order * error ** 2)
      for (let j = 0; j < n; j++) plain[i * n + j]! += (values[i]! * values[j]!) / (order * error) ** 2
    }
  }
  const scale = plain[0]!
  for (let i = 0; i < n; i++) {
    t.ok(Math.abs(right[i]! - side[i]!) < 1e-9 * Math.abs(side[0]!))
    for (let j = 0; j <= i; j++) t.ok(Math.abs(normal[i * n + j]! - plain[i * n + j]!) < 1e-10 * scale)
  }
})

t.test('wavelength and dispersion at a place are the sum over the terms, and its slope', async (t) => {
  const coefficients = Float64Array.from(FRAME.terms, ([i, j], k) => (k === 0 ? 4e5 : 3000 * 0.1 ** (i + j)))
  const valueAt = placeEvaluator({ ...FRAME, coefficients })
  const plain = (index: number, x: number) =>
    termValues(FRAME, index, x).reduce((sum, value, k) => sum + value * coefficients[k]!, 0) /
    diffractionOrder(FRAME, index)
  for (const { index, x } of points) {
    const { wavelength, dispersion } = valueAt(index, x)
    t.ok(Math.abs(wavelength - plain(index, x)) < 1e-8)
    const slope = (plain(index, x + 1e-2) - plain(index, x - 1e-2)) / 2e-2
    t.ok(Math.abs(dispersion - slope) < 1e-7, `${dispersion} for ${slope}`)
  }
})
