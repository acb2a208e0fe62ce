import { random } from '@nightpipe/math'
import t from 'tap'
import { fitZeroPoint, type Matched } from '../src/zero-point.js'

const ZERO = 24.5
const SKY_NOISE = 60

/** Stars of many magnitudes under a sky that is off by so many units over a circle. */
function stars(count: number, pedestal: number, seed: number): Matched {
  const dice = random(seed)
  const matched: Matched = {
    ...{ x: [], y: [], instrumental: [], error: [], catalogue: [], catalogueError: [], colour: [] },
  }
  for (let i = 0; i < count; i++) {
    const flux = 800 * 1000 ** dice.uniform()
    const noise = Math.hypot(SKY_NOISE, Math.sqrt(flux))
    const seen = flux + pedestal + noise * dice.normal()
    if (seen < 5 * noise) continue
    matched.x.push(1000 * dice.uniform())
    matched.y.push(1000 * dice.uniform())
    matched.instrumental.push(-2.5 * Math.log10(seen))
    matched.error.push((1.0857 * noise) / seen)
    matched.catalogue.push(ZERO - 2.5 * Math.log10(flux))
    matched.catalogueError.push(0)
    matched.colour.push(dice.normal())
  }
  return matched
}

const options = { width: 1000, height: 1000, colourTerm: 'fit' as const, order: 0, clip: 4 }

/** Of twenty nights the mean, to 0.3 mmag: an error of 1.2 mmag each. */
t.test('a sky that is off makes faint stars too bright, and the zero point stays what it is', async (t) => {
  for (const pedestal of [0, 30, -30]) {
    const fits = Array.from({ length: 20 }, (_, k) => fitZeroPoint(stars(300, pedestal, k + 1), options)!)
    const off = fits.map(({ value }) => value - ZERO)
    const mean = off.reduce((sum, v) => sum + v, 0) / off.length
    t.ok(Math.abs(mean) < 0.001, `${pedestal}: ${mean} mag`)
    const scatter = Math.sqrt(off.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (off.length - 1))
    const error = fits.reduce((sum, fit) => sum + fit.error, 0) / fits.length
    t.ok(scatter / error > 0.6 && scatter / error < 1.5, `${pedestal}: scatter ${scatter}, error ${error}`)
  }
})

t.test('three stars make a zero point, two do not', async (t) => {
  const few = (count: number) => {
    const all = stars(40, 0, 3)
    return Object.fromEntries(
      Object.entries(all).map(([name, list]) => [name, list.slice(0, count)]),
    ) as never as Matched
  }
  t.ok(Math.abs(fitZeroPoint(few(3), { ...options, colourTerm: 'none' })!.value - ZERO) < 0.1)
  t.equal(fitZeroPoint(few(2), { ...options, colourTerm: 'none' }), undefined)
})
