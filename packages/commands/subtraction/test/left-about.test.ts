import { random } from '@nightpipe/math'
import t from 'tap'
import { scatterBeyond } from '../src/imperfection.js'
import { leftAbout, type Sample } from '../src/left-about.js'

const HALF = 6
const SIDE = 2 * HALF + 1
const NOISE = 1e-3

/** A ring about a star, stronger to the right of the field. */
const ringAt = ([x]: Sample['place']) =>
  Float64Array.from({ length: SIDE * SIDE }, (_, p) => {
    const r = Math.hypot((p % SIDE) - HALF, Math.floor(p / SIDE) - HALF)
    return 0.004 * (1 + x) * Math.exp(-((r - 3) ** 2))
  })

/** Forty stars with the ring, or without. */
function samplesOf(strength: number, seed: number): Sample[] {
  const { uniform, normal } = random(seed, 3)
  return Array.from({ length: 40 }, () => {
    const place = [2 * uniform() - 1, 2 * uniform() - 1] as const
    const values = ringAt(place).map((value) => strength * value + NOISE * normal())
    return { place, values, noise: values.map(() => NOISE) }
  })
}

t.test('what stars leave alike is predicted where it is, and nothing where there is nothing', async (t) => {
  const samples = samplesOf(1, 1)
  const left = leftAbout(samples, samples, { half: HALF, seeing: 2 })!
  for (const place of [[0.6, 0.1] as const, [-0.7, -0.4] as const]) {
    const [ring] = left.at(place)
    // forty stars leave a sixth of the noise of one, three terms a little more; at the rim it is brought to 0
    const off = ringAt(place).map((value, p) => (Math.abs(ring[p]! - value) < NOISE ? 0 : 1))
    t.ok(off.reduce((sum, value) => sum + value, 0) < 0.02 * off.length)
  }
  const none = samplesOf(0, 2)
  t.equal(leftAbout(none, none, { half: HALF, seeing: 2 }), undefined)
})

t.test('a source beside a star is neither taken for what all leave, nor taken off about its own star', async (t) => {
  const samples = samplesOf(1, 3)
  const clean = leftAbout(samples, samples, { half: HALF, seeing: 2 })!.at(samples[5]!.place)[0]
  const pixel = HALF * SIDE + HALF + 4
  samples[5]!.values[pixel]! += 50 * NOISE
  const left = leftAbout(samples, samples, { half: HALF, seeing: 2 })!
  t.ok(Math.abs(left.at(samples[5]!.place)[0][pixel]! - clean[pixel]!) < NOISE)
  const own = left.at(samples[5]!.place, 5)[0][pixel]!
  t.ok(Math.abs(own - ringAt(samples[5]!.place)[pixel]!) < 1.5 * NOISE)
})

t.test('bright stars tell their scatter, which the noise of faint ones hides', async (t) => {
  const { normal } = random(7, 1)
  const sigmas = Array.from({ length: 200 }, (_, k) => 0.001 * 1.02 ** k)
  const quiet = sigmas.map((sigma) => sigma * normal())
  const variances = sigmas.map((sigma) => sigma * sigma)
  // the brightest alone tell it to some 0.0003
  t.ok(scatterBeyond(quiet, variances) < 0.0005)
  const loud = sigmas.map((sigma) => Math.hypot(sigma, 0.005) * normal())
  const scatter = scatterBeyond(loud, variances)
  t.ok(scatter > 0.004 && scatter < 0.006, `${scatter}`)
  // a star that is saturated in one of the frames says nothing of the others
  t.ok(Math.abs(scatterBeyond([...loud, 0.9], [...variances, 1e-8]) - scatter) < 0.0005)
})
