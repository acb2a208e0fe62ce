import t from 'tap'
import { mean, random } from '../src/index.js'

const variance = (values: Float64Array) => {
  const centre = mean(values)
  return mean(values.map((v) => (v - centre) ** 2))
}

t.test('one seed, one sequence; another seed, another', async (t) => {
  const draw = (...seeds: number[]) => {
    const r = random(...seeds)
    return [r.uniform(), r.normal(), r.poisson(5), r.poisson(500), r.bits()]
  }
  t.same(draw(1), draw(1))
  t.same(draw(1, 2), draw(1, 2))
  t.notSame(draw(1), draw(2))
  t.notSame(draw(1, 2), draw(2, 1))
  t.notSame(draw(1), draw(1 + 2 ** 32))
})

// Tolerances: four times the standard error of the moment for 400,000 draws.
t.test('normal numbers have mean 0, variance 1, no skew, kurtosis 3 and Gaussian tails', async (t) => {
  const { normal } = random(3)
  const values = Float64Array.from({ length: 400000 }, normal)
  t.ok(Math.abs(mean(values)) < 0.0064)
  t.ok(Math.abs(variance(values) - 1) < 0.009)
  t.ok(Math.abs(mean(values.map((v) => v ** 3))) < 0.025)
  t.ok(Math.abs(mean(values.map((v) => v ** 4)) - 3) < 0.063)
  const beyond = (limit: number) => values.filter((v) => Math.abs(v) > limit).length / values.length
  t.ok(Math.abs(beyond(3) - 0.0027) < 0.00033)
  t.ok(Math.abs(beyond(3.6) - 3.18e-4) < 1.2e-4) // the tail beyond the last layer
})

t.test('Poisson numbers have the mean and the variance asked for, small or large', async (t) => {
  const { poisson } = random(4)
  for (const expected of [0.2, 3, 11.9, 12.1, 80, 5000]) {
    const values = Float64Array.from({ length: 100000 }, () => poisson(expected))
    t.ok(Math.abs(mean(values) - expected) < 4 * Math.sqrt(expected / 1e5), `mean ${expected}`)
    t.ok(Math.abs(variance(values) / expected - 1) < 4 * Math.sqrt((2 + 1 / expected) / 1e5), `variance ${expected}`)
  }
  t.equal(poisson(0), 0)
  t.throws(() => poisson(Number.POSITIVE_INFINITY), RangeError)
})

t.test('uniform numbers fill 0 to 1', async (t) => {
  const { uniform } = random(6)
  const values = Float64Array.from({ length: 100000 }, uniform)
  t.ok(Math.abs(mean(values) - 0.5) < 0.004)
  t.ok(Math.abs(variance(values) - 1 / 12) < 0.001)
  t.ok(values.every((v) => v >= 0 && v < 1))
})
