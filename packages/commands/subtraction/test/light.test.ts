import t from 'tap'
import { lightPoint, zeroPointOf } from '../src/light.js'

t.test('a point is a magnitude or an upper limit, never both, and never 0', async (t) => {
  const seen = lightPoint(1000, 50, 25, 3)
  t.ok(Math.abs(seen.magnitude - 17.5) < 1e-12)
  t.ok(Math.abs(seen.magnitudeError - 1.0857362 / 20) < 1e-6)
  t.ok(Number.isNaN(seen.upperLimit))
  const faint = lightPoint(100, 50, 25, 3)
  t.ok(Number.isNaN(faint.magnitude))
  t.ok(Math.abs(faint.upperLimit - (25 - 2.5 * Math.log10(250))) < 1e-12)
  const negative = lightPoint(-400, 50, 25, 3)
  t.ok(Math.abs(negative.upperLimit - (25 - 2.5 * Math.log10(150))) < 1e-12)
})

t.test('without a zero point there is a flux alone', async (t) => {
  const { flux, fluxError, magnitude, upperLimit } = lightPoint(1000, 50, undefined, 3)
  t.same([flux, fluxError], [1000, 50])
  t.ok(Number.isNaN(magnitude) && Number.isNaN(upperLimit))
})

t.test('the zero point is read from the keyword that has one', async (t) => {
  t.equal(
    zeroPointOf((keyword) => (keyword === 'MAGZP' ? '25.3' : undefined)),
    25.3,
  )
  t.equal(
    zeroPointOf((keyword) => (keyword === 'ZP' ? 999 : undefined)),
    undefined,
    'a value that says that there is none',
  )
})
