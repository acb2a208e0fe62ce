import t from 'tap'
import { bleedInPlace } from '../src/imaging/bleed.js'
import { rawPosition } from '../src/imaging/camera.js'
import { cosmicsOf } from '../src/imaging/cosmics.js'
import { binned, binnedBits } from '../src/imaging/maps.js'
import { randomOf } from '../src/random.js'
import { settingsOf } from './small.js'

const total = (charge: Float32Array) => charge.reduce((sum, value) => sum + value, 0)

t.test('bleeding keeps the charge: what is not in the frame ran out at its ends', async (t) => {
  const random = randomOf(3, 'bleed')
  const [width, height] = [40, 60]
  const charge = Float32Array.from({ length: width * height }, () => Math.floor(1000 * random.uniform()))
  for (let k = 0; k < 30; k++) charge[random.below(charge.length)] = Math.floor(20000 * random.uniform())
  const before = total(charge)
  const mask = new Uint8Array(charge.length)
  const lost = bleedInPlace(charge, width, 3000, mask)
  t.equal(total(charge) + lost, before)
  t.ok(charge.every((value) => value <= 3000 && Number.isInteger(value)))
  t.ok(mask.every((bits, p) => (bits & 2) > 0 === (charge[p] === 3000)))
  t.ok(mask.some((bits) => bits & 64))
})

t.test('a saturated pixel bleeds evenly both ways along its column and nowhere else', async (t) => {
  const charge = new Float32Array(7 * 101)
  charge[50 * 7 + 3] = 1000
  bleedInPlace(charge, 7, 100, new Uint8Array(charge.length))
  for (let y = 0; y < 101; y++) {
    for (let x = 0; x < 7; x++) {
      // 900 too many: 450 each way fill four pixels and half of the fifth.
      const expected = x !== 3 ? 0 : Math.abs(y - 50) < 5 ? 100 : Math.abs(y - 50) === 5 ? 50 : 0
      if (charge[y * 7 + x] !== expected) t.fail(`${x},${y}: ${charge[y * 7 + x]}`)
    }
  }
})

t.test('a frame that is saturated all over loses what it cannot hold, quickly', async (t) => {
  const charge = new Float32Array(1000 * 1000).fill(500)
  const start = process.cpuUsage().user
  const lost = bleedInPlace(charge, 1000, 100, new Uint8Array(charge.length))
  t.equal(lost, 400 * 1e6)
  t.ok(process.cpuUsage().user - start < 2e6)
})

t.test('nothing bleeds below full well, and an endless well never does', async (t) => {
  const charge = Float32Array.of(1, 100, 99, 5e9)
  const mask = new Uint8Array(4)
  t.equal(bleedInPlace(charge, 4, Number.POSITIVE_INFINITY, mask), 0)
  t.equal(bleedInPlace(charge.subarray(0, 3), 3, 100, mask), 0)
  t.same([...charge, ...mask], [1, 100, 99, 5e9, 0, 0, 0, 0])
})

t.test('cosmic rays come at their rate, leave whole electrons inside the frame, and are of three kinds', async (t) => {
  const { settings } = settingsOf('detector.width=600', 'detector.height=500', 'cosmic rays.rate=40')
  const area = (600 * 500 * 13.5 ** 2) / 1e8
  const expected = (40 * area * (300 + 6)) / 60
  const hits = cosmicsOf(randomOf(1, 'c'), settings, 300)
  t.ok(Math.abs(hits.length - expected) < 5 * Math.sqrt(expected), `${hits.length} of ${expected}`)
  t.same([...new Set(hits.map(({ kind }) => kind))].sort(), ['muon', 'point', 'worm'])
  for (const { pixels } of hits) {
    for (const [p, electrons] of pixels) {
      if (!(p >= 0 && p < 300000 && Number.isInteger(electrons) && electrons > 0)) t.fail(`${electrons} at ${p}`)
    }
  }
  const muons = hits.filter(({ kind }) => kind === 'muon')
  const charges = muons.map(({ pixels }) => [...pixels.values()].reduce((a, b) => a + b, 0))
  const median = charges.sort((a, b) => a - b)[charges.length >> 1]!
  // 80 electrons in each of 20 micrometres, and more for what comes slanting.
  t.ok(median > 1400 && median < 6000, `median charge of a muon ${median}`)
})

t.test('amplifiers share the image and the raw frame without gap or overlap', async (t) => {
  for (const count of [1, 2, 3, 4]) {
    const { studio } = settingsOf(
      ...['detector.width=120', 'detector.height=64', `detector.amplifiers=${count}`, 'detector.prescan=5'],
      'detector.overscan=9',
    )
    const { camera } = studio
    const image = new Uint8Array(camera.width * camera.height)
    const raw = new Uint8Array(camera.rawWidth * camera.height)
    for (const { data, overscan, prescan, place } of camera.amplifiers) {
      for (const { x0, x1, y0, y1 } of [data, overscan, prescan]) {
        for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) raw[y * camera.rawWidth + x]!++
      }
      for (let y = place.y0; y < place.y1; y++) for (let x = place.x0; x < place.x1; x++) image[y * camera.width + x]!++
      t.same([data.x1 - data.x0, data.y1 - data.y0], [place.x1 - place.x0, place.y1 - place.y0])
    }
    t.ok(
      image.every((n) => n === 1),
      `image of ${count}`,
    )
    t.ok(
      raw.every((n) => n === 1),
      `raw frame of ${count}`,
    )
  }
})

t.test('a place in the image is found again in the raw frame', async (t) => {
  const set = ['detector.width=120', 'detector.height=64', 'detector.amplifiers=4', 'detector.prescan=5']
  const { studio } = settingsOf(...set)
  t.same(rawPosition(studio.camera, 10.25, 20), [15.25, 20])
  t.same(rawPosition(studio.camera, 70, 40), [70 + 5 + 64, 40]) // a prescan and two overscans of 32 before it
})

t.test('binning sums charge and averages response', async (t) => {
  const image = Float32Array.from({ length: 24 }, (_, p) => p)
  t.same([...binned(image, 6, 2, false)], [14, 22, 30, 62, 70, 78])
  t.same([...binned(image, 6, 2, true)], [3.5, 5.5, 7.5, 15.5, 17.5, 19.5])
  t.equal(binned(image, 6, 1, false), image)
  t.same([...binnedBits(Uint8Array.of(1, 0, 0, 4, 2, 0, 0, 0), 4, 2)], [3, 4])
})
