import { random } from '@nightpipe/math'
import t from 'tap'
import { wanderRate, wanderShares } from '../src/index.js'

const TIMES = [0, 0.01, 30, 30.01, 60, 60.01, 90, 90.01, 120, 120.01, 150, 150.01]

/** Six quantities with errors of their own, that walk by `step` of these from night to night. */
function walk(seed: number, step: number) {
  const noise = random(seed)
  const errors = [1, 2, 2, 3, 4, 3]
  const values = errors.map((error) => {
    let level = 100 * noise.normal()
    return TIMES.map((_, k) => {
      if (k > 0 && k % 2 === 0) level += step * error * noise.normal()
      return level + error * noise.normal()
    })
  })
  return { times: TIMES, values, errors }
}

const sumOf = (shares: Float64Array) => shares.reduce((a, b) => a + b, 0)

t.test('what stands still is told by all measurements alike, wherever it is asked for', async (t) => {
  for (const at of [-50, 31, 500]) {
    for (const share of wanderShares(TIMES, 0, at)) t.ok(Math.abs(share - 1 / TIMES.length) < 1e-6)
  }
})

t.test('shares are those of least variance: three measurements, by hand', async (t) => {
  // y = level + walk + noise at 0, 1, 3; asked for at 1. Var of sum w y − level(1): minimised under sum w = 1
  const rate = 0.7
  const variance = (a: number, c: number) => (1 + rate * 1) * a * a + (1 - a - c) ** 2 + (1 + rate * 2) * c * c
  const [a, b, c] = wanderShares([0, 1, 3], rate, 1)
  t.ok(Math.abs(a! + b! + c! - 1) < 1e-9)
  for (const [da, dc] of [
    [1e-3, 0],
    [-1e-3, 0],
    [0, 1e-3],
    [0, -1e-3],
  ] as const) {
    t.ok(variance(a! + da, c! + dc) > variance(a!, c!))
  }
})

t.test('what wanders fast is told by the nearest night alone', async (t) => {
  const shares = wanderShares(TIMES, 100, 60.005)
  t.ok(shares[4]! + shares[5]! > 0.99, String(shares))
  t.ok(Math.abs(sumOf(shares) - 1) < 1e-9)
})

t.test('the rate of a walk is found, and that there is none', async (t) => {
  const seeds = Array.from({ length: 40 }, (_, k) => k + 1)
  const still = seeds.map((seed) => wanderRate(walk(seed, 0)))
  // a walk of a twentieth of the noise a night changes nothing
  t.ok(still.filter((rate) => 30 * rate < 0.05 ** 2).length >= 24, still.join())
  t.ok(
    still.every((rate) => 30 * rate < 0.3),
    still.join(),
  )
  for (const step of [1, 5]) {
    const rates = seeds.map((seed) => wanderRate(walk(seed, step))).sort((a, b) => a - b)
    const found = Math.sqrt(30 * rates[20]!) / step
    t.ok(found > 0.7 && found < 1.4, `${found} of a walk of ${step}`)
  }
})

t.test('a jump is taken for a walk: nights behind it hardly count', async (t) => {
  const still = walk(3, 0)
  const jumped = {
    ...still,
    values: still.values.map((one, q) => one.map((v, k) => (k >= 8 ? v + 20 * still.errors[q]! : v))),
  }
  const shares = wanderShares(TIMES, wanderRate(jumped), 90.005)
  t.ok(Math.abs(shares.slice(8).reduce((a, b) => a + b, 0)) < 0.05, String(shares))
})
