import { random } from '@nightpipe/math'
import t from 'tap'
import { extraNoise } from '../src/sky-residuals.js'

/** Residuals of many stars whose errors go from `least` to `most`, with `extra` that no star tells of. */
function residuals(n: number, least: number, most: number, extra: number, seed = 4) {
  const { normal, uniform } = random(seed)
  const claimed = Float64Array.from({ length: n }, () => least * (most / least) ** Math.sqrt(uniform()))
  const draw = () => Float64Array.from(claimed, (own) => Math.hypot(own, extra) * normal())
  return { claimed, dx: draw(), dy: draw() }
}

t.test('noise that only bright stars show is found, however many faint ones there are', async (t) => {
  for (const extra of [0.05, 0.1, 0.3]) {
    const { dx, dy, claimed } = residuals(800, 0.003, 0.4, extra)
    const found = extraNoise(dx, dy, claimed, 6)
    // some hundred stars tell it
    t.ok(Math.abs(found / extra - 1) < 0.15, `${found} of ${extra}`)
  }
})

t.test('noise is found where faint stars claim too much, and a tenth of the stars are others', async (t) => {
  const { dx, dy, claimed } = residuals(800, 0.003, 0.4, 0.1)
  const more = claimed.map((own) => (own > 0.15 ? 1.6 * own : own))
  const { uniform } = random(6)
  for (let k = 0; k < dx.length; k += 10) dx[k] += 3 * uniform()
  const found = extraNoise(dx, dy, more, 6)
  t.ok(found > 0.075 && found < 0.16, `${found}`)
})

t.test('where errors are right there is no more than keeps a few bright stars from deciding all', async (t) => {
  const { dx, dy, claimed } = residuals(800, 0.02, 0.4, 0)
  const middle = claimed.toSorted()[400]
  t.ok(Math.abs(extraNoise(dx, dy, claimed, 6) / middle - 0.25) < 1e-6)
  t.equal(extraNoise(new Float64Array(0), new Float64Array(0), new Float64Array(0), 6), 0)
})
