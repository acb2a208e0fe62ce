import t from 'tap'
import { random, scattered } from '../src/index.js'

const draw = random(5)
const PLACES = Array.from({ length: 40 }, () => [3 * draw.uniform(), 2 * draw.uniform() - 7, draw.uniform()])
const sum = (weights: Float64Array, values: readonly number[]) =>
  weights.reduce((total, w, i) => total + w * values[i], 0)

t.test('known places give their own values, others those of a polynomial of the degree exactly', async (t) => {
  const surface = ([x, y, z]: readonly number[]) => 2 - x + 0.3 * y * y - 1.5 * x * z + 0.1 * z * z
  const values = PLACES.map(surface)
  for (const power of [3, 5] as const) {
    const model = scattered(PLACES, { power, degree: 2 })
    for (const place of [PLACES[7], [1.2, -6.1, 0.4], [2.9, -5.2, 0.9]]) {
      const { weights, slopes } = model.at(place)
      t.ok(Math.abs(sum(weights, values) - surface(place)) < 1e-6)
      t.ok(Math.abs(weights.reduce((a, b) => a + b) - 1) < 1e-7)
      const [x, y, z] = place
      t.ok(Math.abs(sum(slopes[0], values) - (-1 - 1.5 * z)) < 1e-5)
      t.ok(Math.abs(sum(slopes[1], values) - 0.6 * y) < 1e-5)
      t.ok(Math.abs(sum(slopes[2], values) - (-1.5 * x + 0.2 * z)) < 1e-5)
    }
    t.ok(model.at(PLACES[3]).variance < 1e-6)
  }
})

t.test('what is left out is guessed as if it had never been there', async (t) => {
  const values = PLACES.map(([x, y, z]) => Math.sin(2 * x) + Math.cos(y) * z)
  for (const [power, degree] of [
    [1, 0],
    [3, 1],
    [3, 2],
    [5, 2],
  ] as const) {
    const all = scattered(PLACES, { power, degree })
    const wrong = all.leftOut(values)
    for (const k of [0, 13, 39]) {
      const rest = scattered(
        PLACES.filter((_, i) => i !== k),
        { power, degree },
      ).at(PLACES[k])
      const guess = sum(
        rest.weights,
        values.filter((_, i) => i !== k),
      )
      t.ok(
        Math.abs(wrong[k] - (values[k] - guess)) < 1e-5 * (1 + Math.abs(wrong[k])),
        `${wrong[k]} ${values[k] - guess}`,
      )
    }
  }
})

t.test('the smooth surface is guessed better than the rough one says', async (t) => {
  const values = PLACES.map(([x, y, z]) => Math.exp(0.3 * x) + 0.2 * y * z)
  const smooth = scattered(PLACES, { power: 3, degree: 2 })
  const place = [1.5, -6, 0.5]
  t.ok(Math.abs(sum(smooth.at(place).weights, values) - (Math.exp(0.45) - 0.6)) < 2e-3)
})

t.test('places on a line, or too few, are refused; those that repeat are not', async (t) => {
  t.throws(() => scattered([[1], [2]], { power: 3, degree: 2 }), RangeError)
  t.throws(
    () =>
      scattered(
        [0, 1, 2, 3].map((x) => [x, 2 * x]),
        { power: 3, degree: 1 },
      ),
    /do not determine/,
  )
  const twice = scattered([[0], [1], [1], [2]], { power: 3, degree: 1 }).at([1])
  t.ok(Math.abs(twice.weights[1] - 0.5) < 1e-3)
})
