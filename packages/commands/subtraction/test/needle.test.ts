import { random } from '@nightpipe/math'
import { findStars } from '@nightpipe/stars'
import t from 'tap'
import { needlesOf } from '../src/needle.js'

const SIDE = 240
const SIGMA = 4
/** Of the Moffat profile: wings make a point spread wider in a wider window. */
const BETA = 2.6

/** Stars of a width on a grid, with noise; no two stand alike on their pixels. */
function frameOf(fwhm: number) {
  const { normal } = random(7)
  const net = new Float32Array(SIDE * SIDE)
  const places = Array.from({ length: 25 }, (_, k) => ({
    x: 30 + 45 * (k % 5) + ((0.37 * k) % 1),
    y: 30 + 45 * Math.floor(k / 5) + ((0.61 * k) % 1),
  }))
  const core = fwhm / 2 / Math.sqrt(2 ** (1 / BETA) - 1)
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const light = places.map((one) => (1 + ((x - one.x) ** 2 + (y - one.y) ** 2) / core ** 2) ** -BETA)
      net[y * SIDE + x] = 400 * light.reduce((a, b) => a + b) + SIGMA * normal()
    }
  }
  const found = findStars({ name: 'stars', pixels: net, width: SIDE, height: SIDE }, { mesh: 64 })
  return { net, variance: new Float32Array(SIDE * SIDE).fill(SIGMA * SIGMA), width: SIDE, height: SIDE, found, places }
}

t.test('no star is a needle, whatever its width', async (t) => {
  // at some of these the window of the point spread goes from one size to the next
  for (let fwhm = 4.02; fwhm < 4.06; fwhm += 0.005) {
    const { places, ...frame } = frameOf(fwhm)
    const isNeedle = needlesOf({ fresh: frame, there: frame, reference: { toReference: [1, 0, 0, 0, 1, 0] } } as never)
    const taken = places.filter(({ x, y }) => isNeedle({ x, y, flux: 1 } as never))
    t.equal(taken.length, 0, `FWHM ${fwhm.toFixed(3)} px`)
  }
})
