import t from 'tap'
import { power, random } from '../src/index.js'

/** The float64 nearest to a whole number to a whole power, by the exact arithmetic of BigInt. */
const exact = (base: number, exponent: number) => Number(BigInt(base) ** BigInt(exponent))

t.test('whole powers are exact where a float64 can be', async (t) => {
  for (let k = 0; k <= 22; k++) t.equal(power(10, k), exact(10, k))
  for (let base = -9; base <= 9; base++)
    for (let k = 0; k <= 16; k++) t.equal(power(base, k) - exact(base, k), 0, `${base}^${k}`)
  for (let k = 0; k <= 22; k++) t.equal(power(10, -k), Number(`1e-${k}`), `1e-${k}`)
  t.equal(power(2, 1023), 2 ** 1023)
  t.equal(power(2, -1022), 2 ** -1022)
})

t.test('small powers are the products that one would write', async (t) => {
  const { normal } = random(5)
  for (let k = 0; k < 1000; k++) {
    const x = 10 * normal()
    t.equal(power(x, 2), x * x)
    t.equal(power(x, 3), x * (x * x))
    t.equal(power(x, 4), x * x * (x * x))
    t.equal(power(x, -1), 1 / x)
  }
})

t.test('others are within 1e-14 of what the machine has, over forty decades', async (t) => {
  const { uniform } = random(6)
  let worst = 0
  for (let k = 0; k < 100_000; k++) {
    const base = 10 ** (4 * uniform() - 2)
    const exponent = 20 * (uniform() - 0.5)
    worst = Math.max(worst, Math.abs(power(base, exponent) / base ** exponent - 1))
  }
  t.ok(worst < 1e-14, worst.toExponential(2))
})

t.test('borders are those of the language', async (t) => {
  const values = [0, -0, 1, -1, 0.3, -2, 7, Number.POSITIVE_INFINITY, Number.NaN]
  const rounded = (value: number) => (Math.abs(value) < 1e300 ? Number(value.toPrecision(14)) : value) + 0
  for (const base of values)
    for (const exponent of [0, 1, 2, 3, -1, -2, 0.5, 1.5, -0.5, -1.5, Number.NaN])
      t.ok(Object.is(rounded(power(base, exponent)), rounded(base ** exponent)), `${base}^${exponent}`)
})
