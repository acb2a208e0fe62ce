import t from 'tap'
import { airSeen } from '../src/index.js'
import { expose, randomStar } from './star.js'

const star = randomStar(7450, 7800, 0.8, 9)
/** 466950 / 61 is 7655 Angstrom, 466950 / 62 is 7531: the second has the head of the band at its red end. */
const layout = { width: 3000, orders: 3, first: 60 }
const shot = (electrons: number, head: (lambda: number) => number) =>
  expose(star, layout, { z: 0, electrons, seed: 4 }).map((one) => ({
    ...one,
    flux: one.flux.map((value, x) => value * head(one.wavelength![x]!)),
  }))
/** Lines of the A band as a comb behind its head, as deep as on a good night. */
const air = (lambda: number) => (lambda > 7595 && lambda < 7700 ? 0.3 + 0.3 * Math.sin(lambda * 6) : 1)

t.test('oxygen is missed only where its band is covered and bright', async (t) => {
  t.equal(airSeen(shot(5000, () => 1)), false)
  t.equal(airSeen(shot(5000, air)), true)
})

t.test('what is too faint, or not covered, may have come through air', async (t) => {
  t.equal(airSeen(shot(1, () => 1)), true)
  const elsewhere = expose(star, { ...layout, first: 75 }, { z: 0, electrons: 5000, seed: 4 })
  t.equal(airSeen(elsewhere), true)
  t.equal(airSeen([]), true)
})
