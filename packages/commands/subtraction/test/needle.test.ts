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

/** A galaxy seen from its edge and a source beside its middle, between the stars; how many are taken for tracks. */
function takenOnGalaxies(fwhm: number, source: number, hit: number) {
  const { places, ...frame } = frameOf(fwhm)
  const middles = Array.from({ length: 16 }, (_, k) => ({ x: 52 + 45 * (k % 4), y: 52 + 45 * Math.floor(k / 4) }))
  const width = fwhm / 2.3548
  const { normal } = random(11)
  const net = new Float32Array(SIDE * SIDE)
  const seen = frame.net.slice()
  for (let p = 0; p < net.length; p++) {
    const [x, y] = [p % SIDE, Math.floor(p / SIDE)]
    for (const one of middles) {
      const [u, v] = [x - one.x, y - one.y]
      if (Math.hypot(u, v) > 22) continue
      const [along, across] = [0.8 * u + 0.6 * v, 0.8 * v - 0.6 * u]
      const galaxy = 10 * Math.exp(-0.5 * ((along / 8) ** 2 + (across / width) ** 2))
      net[p]! += galaxy
      seen[p]! += galaxy + source * Math.exp(-0.5 * (Math.hypot(u - 1.3, v - 0.8) / width) ** 2)
      if (u === 1 && v === 1) seen[p]! += hit
    }
    net[p]! += 0.4 * SIGMA * normal()
  }
  const fresh = { ...frame, net: seen }
  const taken = (ratio: number) => {
    const scene = { fresh, there: fresh, reference: { net, toReference: [1, 0, 0, 0, 1, 0] }, difference: { ratio } }
    const isNeedle = needlesOf(scene as never)
    return middles.filter(({ x, y }) => isNeedle({ x: x + 1.3, y: y + 0.8, flux: 1 } as never)).length
  }
  return { alone: taken(0), compared: taken(1) }
}

t.test('a source on a galaxy that is seen from its edge is no track, a hit on it is one', async (t) => {
  const all = [2.4, 2.5, 2.6, 2.7, 2.8, 2.9].map((fwhm) => takenOnGalaxies(fwhm, 10, 0))
  const sum = (of: 'alone' | 'compared') => all.reduce((total, one) => total + one[of], 0)
  t.ok(sum('alone') >= 5, `of the frame alone ${sum('alone')} of 96 galaxies are tracks`)
  t.ok(sum('compared') <= 1, `compared with the reference ${sum('compared')} are`)
  t.equal(takenOnGalaxies(2.6, 0, 120).compared, 16, 'hits')
})
