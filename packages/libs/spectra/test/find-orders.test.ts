import t from 'tap'
import { findOrders, type Traces, traceY } from '../src/index.js'
import { type Painting, paint } from './paint.js'

const options = { fibres: 1, fibreOrder: 'falls', orders: 0, rows: 0, terms: 5 } as const

/** The largest distance between found and painted orders on the detector, where they have so much light in a column. */
function worst(traces: Traces, painting: Painting, fibre: number, least = 0): number {
  let off = 0
  for (let o = 0; o < painting.orders; o++) {
    for (let x = 0; x < painting.width; x += 7) {
      const y = painting.y(o, fibre, x)
      if (y < 4 || y > painting.height - 5 || painting.light(o, fibre, x) < least) continue
      off = Math.max(off, Math.abs(traceY(traces, o, fibre, x) - y))
    }
  }
  return off
}

const curved = (middle: number, bow: number, tilt: number, x: number, width: number) => {
  const u = (2 * x) / width - 1
  return middle + bow * u * u + tilt * u
}

t.test('orders of growing distance, tilted and curved, with faint ones, cosmic rays and a bad column', async (t) => {
  const painting: Painting = {
    ...{ width: 700, height: 500, orders: 24, fibres: [0], sigma: 1.2, seed: 3 },
    y: (o, _f, x) => curved(18 + 11 * o + 0.33 * o * o, 14, -9, x, 700),
    light: (o, _f, x) => (2000 / 20 ** (o / 23)) * (0.15 + Math.cos((Math.PI * (x - 350)) / 760) ** 2),
    background: (x, y) => 60 + 0.03 * x + 20 * Math.sin(y / 90),
    ...{ cosmicRays: 60, hotPixels: 120, badColumns: [333, 334] },
  }
  const { traces } = findOrders([{ ...paint(painting), lit: [0] }], options)
  t.equal(traces.orders, 24, 'all, and no other')
  // 60 electrons in a column are 5 sigma in 24 columns together; what is fainter is led by the orders below
  t.ok(worst(traces, painting, 0, 60) < 1, `where it can be seen: ${worst(traces, painting, 0, 60)}`)
  t.ok(worst(traces, painting, 0) < 4, `in corners too dark to be seen: ${worst(traces, painting, 0)}`)
})

t.test('two flats that light fibres 0 and 1, and 1 and 2, give three fibres under common numbers', async (t) => {
  const painting: Painting = {
    ...{ width: 600, height: 600, orders: 14, fibres: [0, 1], sigma: 1.3, seed: 5 },
    // at the bottom the fibres of both flats are a regular comb: only the upper orders tell which belong together
    y: (o, f, x) => curved(40 + 21 * o + 1.4 * o * o, 12, 5, x, 600) - (10.5 + 0.12 * o) * f,
    light: (_o, f, x) => (f === 1 ? 1500 : 900) * (0.2 + Math.cos((Math.PI * (x - 300)) / 650) ** 2),
  }
  const a = { ...paint(painting), lit: [0, 1] }
  const b = { ...paint({ ...painting, fibres: [1, 2], seed: 6 }), lit: [1, 2] }
  const { traces } = findOrders([a, b], { ...options, fibres: 3 })
  t.equal(traces.orders, 14)
  for (const fibre of [0, 1, 2])
    t.ok(worst(traces, painting, fibre) < 0.2, `fibre ${fibre}: ${worst(traces, painting, fibre)}`)
  const { traces: one, strength } = findOrders([a], { ...options, fibres: 3 })
  t.ok(worst(one, painting, 2) < 0.5, 'a fibre that no flat lights is put beside the others')
  t.equal(strength[2], 0)
})

t.test('a deep flat is traced by its orders, not by ghosts of a thousandth that run across them', async (t) => {
  const y = (o: number, f: number, x: number) => curved(69 + 28 * o + 0.25 * o * o, 14, -3, x, 512) - 10 * f
  const light = (_o: number, _f: number, x: number) => 1e6 * (0.1 + Math.cos((Math.PI * (x - 256)) / 560) ** 2)
  // reflected twice, they are bent and tilted the other way: 1000 electrons in a column, thirty times their noise
  const ghost = (o: number, x: number) => curved(10 + 41 * o, -20, 20, x, 512)
  const painting: Painting = {
    ...{ width: 512, height: 512, orders: 12, fibres: [0, 1], sigma: 1.3, seed: 8, y, light },
    background: (x, row) => {
      let ghosts = 0
      for (let o = 0; o < 12; o++) ghosts += 0.3 * Math.exp(-0.5 * ((row - ghost(o, x)) / 1.3) ** 2)
      return 1e-3 * light(0, 0, x) * ghosts
    },
  }
  const { traces } = findOrders([{ ...paint(painting), lit: [0, 1] }], { ...options, fibres: 2, orders: 12 })
  t.equal(traces.orders, 12)
  // without them 0.008 and 0.014 px; where the ghosts speak for the slope, 3 and 5 px
  for (const fibre of [0, 1])
    t.ok(worst(traces, painting, fibre) < 0.05, `fibre ${fibre}: ${worst(traces, painting, fibre)}`)
})

t.test('an arc shows its orders by a few lines in each', async (t) => {
  const painting: Painting = {
    ...{ width: 800, height: 300, orders: 20, fibres: [0], sigma: 1.1, seed: 8 },
    y: (o, _f, x) => curved(12 + 9 * o + 0.25 * o * o, 10, -4, x, 800),
    light: (o, _f, x) => {
      const line = (x * 7919 + o * 104729) % 613
      return 15 + (line < 14 ? 4000 * ((line + 1) / 14) ** 2 : 0)
    },
  }
  const { traces } = findOrders([{ ...paint(painting), lit: [0] }], options)
  t.equal(traces.orders, 20)
  t.ok(worst(traces, painting, 0) < 0.8, `${worst(traces, painting, 0)}`)
})

t.test('orders that leave the detector at the top and the bottom are found as far as they are on it', async (t) => {
  const painting: Painting = {
    ...{ width: 600, height: 240, orders: 12, fibres: [0], sigma: 1.4, seed: 9 },
    y: (o, _f, x) => curved(-2 + 21 * o, 18, 6, x, 600),
    light: () => 2500,
  }
  const { traces } = findOrders([{ ...paint(painting), lit: [0] }], options)
  t.equal(traces.orders, 12)
  t.ok(traces.first[0]! > 350 && traces.last[0] === 599, 'of the lowest order the longer piece')
  t.ok(traces.last[11]! < 599 || traces.first[11]! > 0, 'the top order leaves the detector')
  t.ok(worst(traces, painting, 0) < 0.4)
})

t.test('a frame without orders has none', async (t) => {
  const empty = paint({
    width: 300,
    height: 200,
    orders: 0,
    fibres: [],
    y: () => 0,
    light: () => 0,
    sigma: 1,
    cosmicRays: 20,
  })
  const { traces } = findOrders([{ ...empty, lit: [0] }], options)
  t.equal(traces.orders, 0)
})
