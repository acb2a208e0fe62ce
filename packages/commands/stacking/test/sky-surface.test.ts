import { leastSquares, medianOf, random } from '@nightpipe/math'
import t from 'tap'
import { moffatTransform } from '../src/moffat.js'
import { skyOf } from '../src/sky-surface.js'

const nodes = (columns: number, rows: number) => ({
  x: Float64Array.from({ length: columns * rows }, (_, k) => 32 + 64 * (k % columns)),
  y: Float64Array.from({ length: columns * rows }, (_, k) => 40 + 64 * Math.floor(k / columns)),
})

t.test('the surface is that of least squares, without the nodes that lie off it', async (t) => {
  const { normal } = random(3)
  const { x, y } = nodes(12, 9)
  const [reference, own] = [x.map(() => 50 + normal()), x.map(() => 0)]
  const bends = (u: number, v: number) => 300 + 0.02 * u - 0.05 * v + 2e-5 * u * v + 4e-5 * v * v
  for (let k = 0; k < x.length; k++) own[k] = bends(x[k], y[k]) + (reference[k] - 50) / 2 + 0.5 * normal()
  own[17] += 900
  reference[40] = Number.NaN
  const { offset, surface } = skyOf({ at: own, level: 1 }, { at: reference, level: 50 }, 2, { x, y }, 'surface')
  const both = Array.from(x.keys()).filter((k) => k !== 40)
  const difference = both.map((k) => own[k] - (reference[k] - 50) / 2)
  t.equal(offset, medianOf(difference))
  const { middle, half, terms } = surface!
  const at = (k: number) => {
    const [u, v] = [(x[k] - middle[0]) / half, (y[k] - middle[1]) / half]
    return [1, u, v, u * u, u * v, v * v]
  }
  let used = both
  let solution: Float64Array | undefined
  for (let round = 0; round < 4; round++) {
    const above = used.map((k) => difference[both.indexOf(k)] - offset)
    solution = leastSquares(used.flatMap(at), above, 6).solution
    const off = (k: number) =>
      Math.abs(difference[both.indexOf(k)] - offset - at(k).reduce((sum, term, i) => sum + term * solution![i], 0))
    const limit = 3 * 1.4826022185056018 * medianOf(used.map(off)) + 1e-9
    used = both.filter((k) => off(k) <= limit)
  }
  t.notOk(used.includes(17))
  for (let i = 0; i < 6; i++) t.ok(Math.abs(terms[i] - solution![i]) < 1e-9, `${terms[i]}, ${solution![i]}`)
  t.ok(Math.abs(surface!.terms[2] / half + 0.05 - 8e-5 * middle[1] - 2e-5 * middle[0]) < 2e-3)
})

t.test('little in common gives a plane, less a level', async (t) => {
  const { x, y } = nodes(12, 9)
  const own = x.map((value) => 10 + 0.01 * value)
  const seen = (part: number) => own.map((_, k) => (x[k] < part * 768 ? 5 : Number.NaN))
  const sky = (part: number) => skyOf({ at: own, level: 14 }, { at: seen(part), level: 5 }, 1, { x, y }, 'surface')
  t.same(sky(0.4).surface!.terms.slice(3), [0, 0, 0])
  t.equal(sky(0.2).surface, undefined)
  t.same(sky(0), { offset: 14 })
})

t.test('a strip one node high has a surface too', async (t) => {
  const { x, y } = nodes(64, 1)
  const own = x.map((value) => 10 + 0.01 * value)
  const { surface } = skyOf({ at: own, level: 14 }, { at: x.map(() => 5), level: 5 }, 1, { x, y }, 'surface')
  const { middle, half, terms } = surface!
  t.ok(Math.abs(terms[1] / half - 0.01) < 1e-12)
  t.equal(middle[1], 40)
})

t.test('what a profile leaves of waves is the transform of its light', async (t) => {
  const [fwhm, exponent] = [3.4, 2.9]
  const a2 = fwhm ** 2 / 4 / (2 ** (1 / exponent) - 1)
  const waves = Float64Array.of(0, 0.1, 0.5, 1.3)
  // along one axis, the other one summed up: a profile of exponent - 1/2
  const along = (x: number) => (1 + (x * x) / a2) ** (0.5 - exponent)
  const sum = (k: number) => {
    let total = 0
    for (let x = -4000; x <= 4000; x += 0.05) total += along(x) * Math.cos(k * x)
    return total
  }
  moffatTransform(waves, fwhm, exponent).forEach((value, q) => {
    t.ok(Math.abs(value - sum(waves[q]) / sum(0)) < 2e-6, `${waves[q]}: ${value}, ${sum(waves[q]) / sum(0)}`)
  })
})
