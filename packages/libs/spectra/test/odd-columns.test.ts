import t from 'tap'
import { extractOrders, SpectrumBit } from '../src/index.js'
import { synthetic } from './synthetic.js'

const noise = { readVariance: 25, perElectron: 1, high: 5, near: 3, low: 6, accuracy: 0.005 }

t.test('a cosmic ray that fills the core of a column is taken out, or told as unknown', async (t) => {
  const frame = synthetic({ fluxes: [() => 3000, () => 3000], seed: 2 })
  const { traces, pixels, error, truth } = frame
  const { width, height } = traces
  const y = Math.round(traces.coefficients[0]! - 0.5 * traces.coefficients[2]!)
  for (const x of [100, 140, 180]) {
    // three, five, seven rows about the centre, of several thousand electrons each
    const reach = { 100: 1, 140: 2, 180: 3 }[x]!
    for (let r = -reach; r <= reach; r++) pixels[(y + r + Math.round(1.7 * ((2 * x) / width - 1))) * width + x]! += 4000
  }
  const { orders } = extractOrders({ width, height, pixels, error }, traces, noise)
  const star = orders.find(({ index, fibre }) => index === 0 && fibre === 0)!
  for (const x of [100, 140, 180]) {
    t.ok(star.mask[x]! & SpectrumBit.cosmicRay)
    t.ok(
      Math.abs(star.flux[x]! - truth(0, 0, x)) < 6 * star.uncertainty[x]!,
      `column ${x}: ${star.flux[x]!.toFixed(0)}`,
    )
  }
  t.equal(star.mask[60], 0)
})

t.test('a track that looks like the profile is told as unknown; a line hit as hard stays', async (t) => {
  const line = (x: number) => 300 + 40000 * Math.exp(-0.5 * ((x - 90) / 1.1) ** 2)
  const frame = synthetic({ fluxes: [line, () => 3000], seed: 6 })
  const { traces, pixels, error, truth } = frame
  const { width, height } = traces
  const y = Math.round(traces.coefficients[0]! - 0.5 * traces.coefficients[2]!)
  const row = (x: number) => y + Math.round(1.7 * ((2 * x) / width - 1))
  // one column filled with light of the shape of the profile, and the end of the track beside it
  for (let r = -4; r <= 4; r++) pixels[(row(200) + r) * width + 200]! += 3000 * Math.exp(-0.5 * (r / 1.5) ** 2)
  for (const r of [1, 2]) pixels[(row(201) + r) * width + 201]! += 2500
  // the middle of the line and one of its flanks
  for (const x of [90, 92]) pixels[(row(x) + 2) * width + x]! += 20000
  const { orders } = extractOrders({ width, height, pixels, error }, traces, noise)
  const star = orders.find(({ index, fibre }) => index === 0 && fibre === 0)!
  t.ok(star.mask[200]! & SpectrumBit.noData)
  for (const x of [88, 89, 90, 91, 92]) {
    t.notOk(star.mask[x]! & SpectrumBit.noData, `column ${x} of the line is measured`)
    t.ok(
      Math.abs(star.flux[x]! - truth(0, 0, x)) < 5 * star.uncertainty[x]!,
      `column ${x}: ${star.flux[x]!.toFixed(0)}`,
    )
  }
})

t.test('a weak column of the detector is marked in all traces that it crosses', async (t) => {
  const { traces, pixels, error } = synthetic({ fluxes: [() => 9000, () => 40], seed: 3 })
  const { width, height } = traces
  for (let row = 0; row < height; row++) pixels[row * width + 150]! *= 0.4
  const { orders } = extractOrders({ width, height, pixels, error }, traces, noise)
  for (const { index, fibre, mask } of orders) {
    if (fibre === 0) t.ok(mask[150]! & SpectrumBit.lowResponse, `order ${index}`)
    t.notOk(mask[149]! & SpectrumBit.lowResponse)
  }
  const lamp = orders.find(({ index, fibre }) => index === 1 && fibre === 1)!
  t.ok(lamp.mask[150]! & SpectrumBit.lowResponse, 'also where a faint fibre lies between bright ones')
})

t.test('saturated columns are marked, and their flux is that of the wings', async (t) => {
  const { traces, pixels, error } = synthetic({
    fluxes: [(x) => (Math.abs(x - 150) < 3 ? 4e5 : 3e4), () => 0],
    seed: 4,
  })
  const { width, height } = traces
  const mask = new Int16Array(pixels.length)
  pixels.forEach((value, p) => {
    if (value < 60000) return
    pixels[p] = 60000
    mask[p] = 2
  })
  const [order] = extractOrders({ width, height, pixels, error, mask }, traces, noise).orders
  t.ok(order!.mask[150]! & SpectrumBit.saturated)
  t.ok(Math.abs(order!.flux[150]! / 4e5 - 1) < 0.05 || order!.mask[150]! & SpectrumBit.noData)
  t.equal(order!.mask[140], 0)
})
