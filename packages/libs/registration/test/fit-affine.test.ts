import { random } from '@nightpipe/math'
import t from 'tap'
import { type Affine, compose, fitAffine, fitSimilarity, IDENTITY, invert, partsOf, transform } from '../src/index.js'

const near = (a: Affine, b: Affine) => a.every((v, k) => Math.abs(v - b[k]) <= (k % 3 === 2 ? 1e-9 : 1e-12))

function pairsUnder(map: Affine, n: number, noise = 0) {
  const { uniform, normal } = random(7)
  const from = { x: new Float64Array(n), y: new Float64Array(n) }
  const to = { x: new Float64Array(n), y: new Float64Array(n) }
  for (let i = 0; i < n; i++) {
    from.x[i] = 2000 * uniform()
    from.y[i] = 2000 * uniform()
    const [u, v] = transform(map, from.x[i], from.y[i])
    to.x[i] = u + noise * normal()
    to.y[i] = v + noise * normal()
  }
  return { from, to }
}

const turned: Affine = [0.8, -0.61, 30, 0.6, 0.81, -200]

t.test('back and forth is nothing', async (t) => {
  t.ok(near(compose(invert(turned), turned), IDENTITY))
  t.throws(() => invert([1, 2, 0, 2, 4, 0]), RangeError)
})

t.test('an affine transformation is found from its pairs', async (t) => {
  t.ok(near(fitAffine(pairsUnder(turned, 20)).transform, turned))
})

t.test('its rms and its errors are those of the noise', async (t) => {
  const { transform: fitted, rms, errors } = fitAffine(pairsUnder(turned, 4000, 0.1))
  t.ok(Math.abs(rms / (0.1 * Math.SQRT2) - 1) < 0.03, `${rms}`)
  for (let k = 0; k < 6; k++) t.ok(Math.abs(fitted[k] - turned[k]) < 4 * errors[k])
  t.ok(Math.abs(errors[0] / (0.1 / Math.sqrt(4000) / (2000 / Math.sqrt(12))) - 1) < 0.1)
})

t.test('a weightless outlier does nothing', async (t) => {
  const pairs = pairsUnder(turned, 20)
  pairs.to.x[3] += 500
  t.ok(near(fitAffine(pairs, new Float64Array(20).fill(1).fill(0, 3, 4)).transform, turned))
})

t.test('a similarity, mirrored or not, and a rigid one', async (t) => {
  for (const mirrored of [false, true]) {
    const [c, s] = [1.02 * Math.cos(0.3), 1.02 * Math.sin(0.3)]
    const flip = mirrored ? -1 : 1
    const map: Affine = [flip * c, -s, 12, flip * s, c, -7]
    const { transform: fitted, rms } = fitSimilarity(pairsUnder(map, 5), { mirrored })
    t.ok(near(fitted, map))
    t.ok(rms < 1e-9)
    t.ok(Math.abs(partsOf(fitted).scale - 1.02) < 1e-12)
    t.equal(partsOf(fitted).mirrored, mirrored)
    t.ok(Math.abs(partsOf(fitted).rotation - (0.3 * 180) / Math.PI) < 1e-9)
    t.ok(partsOf(fitted).shear < 1e-7)
  }
  const stretched = fitSimilarity(pairsUnder([1.1, 0, 3, 0, 1.1, 4], 9), { rigid: true })
  t.ok(Math.abs(partsOf(stretched.transform).scale - 1) < 1e-12)
})
