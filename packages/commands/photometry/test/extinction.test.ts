import { random } from '@nightpipe/math'
import t from 'tap'
import { extinctionOf } from '../src/extinction.js'

const night = (seed: number, noise: number, clouds: number) => {
  const dice = random(seed)
  return Array.from({ length: 12 }, (_, k) => {
    const airmass = 1 + (1.2 * k) / 11
    const lost = k % 5 === 2 ? clouds : 0
    return { filter: 'r', airmass, zero: 24 - 0.15 * airmass - lost + noise * dice.normal(), zeroError: 0.002 }
  })
}

t.test('the extinction of many nights is true within its errors, which no clip makes too small', async (t) => {
  const pulls: number[] = []
  for (let seed = 1; seed <= 200; seed++) {
    const [air] = extinctionOf(night(seed, 0.001, 0))
    pulls.push((air!.coefficient - 0.15) / air!.coefficientError)
    t.ok(air!.coefficientError > 0.0002, `night ${seed}: ± ${air!.coefficientError}`)
    t.ok(air!.clear >= 9, `night ${seed}: ${air!.clear} frames`)
  }
  const deviation = Math.sqrt(pulls.reduce((sum, pull) => sum + pull * pull, 0) / pulls.length)
  // of Student's distribution with ten degrees of freedom 1.12, and a clip at 4 takes a little more
  t.ok(deviation > 0.9 && deviation < 1.35, `deviation of the pulls ${deviation}`)
})

t.test('frames under clouds are set aside', async (t) => {
  const [air] = extinctionOf(night(3, 0.001, 0.3))
  t.equal(air!.clear, 10)
  t.ok(Math.abs(air!.coefficient - 0.15) < 0.003, `${air!.coefficient}`)
  t.ok(Math.abs(air!.zero - 23.85) < 0.002, `${air!.zero}`)
  t.ok(air!.zeroError >= 0.002, 'the reference stars are the same in all frames')
})

t.test('few frames, or all at one height, tell nothing', async (t) => {
  t.same(extinctionOf(night(1, 0.001, 0).slice(0, 3)), [])
  t.same(extinctionOf(night(1, 0.001, 0).map((frame) => ({ ...frame, airmass: 1.2 }))), [])
})
