import t from 'tap'
import { statistics } from './small.js'
import { frameOf, studioOf } from './small-echelle.js'

const SAME = ['flat.variation=0', 'drift.along=0', 'drift.across=0', 'drift.stretch=0', 'cosmic rays.rate=0']
const GOOD = ['detector.hot pixels=0', 'detector.dead pixels=0', 'detector.bad columns=0', 'detector.row drift=0']

t.test('the difference of two flats has the variance of photons and readout', async (t) => {
  const studio = studioOf('small', ...SAME, ...GOOD, 'detector.gain=1.7', 'detector.read noise=6')
  const [a, b] = [frameOf(studio, 'flat'), frameOf(studio, 'flat', 1)]
  for (const [low, high] of [
    [-20, 100],
    [1000, 3000],
    [6000, 15000],
  ] as const) {
    const sums: number[] = []
    const scaled: number[] = []
    for (let p = 0; p < a.electrons.length; p++) {
      const mean = (a.electrons[p]! + b.electrons[p]!) / 2
      if (mean < low || mean > high) continue
      sums.push(mean)
      // 36: read noise; gain² / 12 of the converter.
      const level = Math.max(mean, 0)
      scaled.push((a.electrons[p]! - b.electrons[p]!) / Math.sqrt(2 * (level + 36 + (1.7 * 1.7) / 12)))
    }
    const { variance } = statistics(scaled)
    // The noise of the overscan level and of a mean of two adds a percent; the count allows for the rest.
    t.ok(Math.abs(variance - 1) < 0.03 + 4 * Math.sqrt(2 / sums.length), `${sums.length} pixels: ${variance}`)
  }
})

t.test('best possible extraction with the true profile scatters as the true noise says', async (t) => {
  const set = [
    ...SAME,
    ...GOOD,
    'star.peak=600',
    'scattered light.part=0',
    'detector.pixel response=0',
    'sky.clouds=0',
    'arc.simultaneous=0',
    'detector.bias structure=0',
    'detector.dark=0',
  ]
  const clean = frameOf(studioOf('small', ...set, 'noise.noise=no', 'detector.gain=0.05'), 'object')
  const noisy = frameOf(studioOf('small', ...set), 'object')
  const pulls: number[] = []
  for (const { order, flux, noise } of noisy.orders) {
    if (order.light !== 'star') continue
    for (let x = 10; x < 500; x++) {
      const first = Math.round(order.trace[x]!) - 6
      if (first < 0 || first + 13 > 512) continue
      // Profile and expected electrons from the frame without noise; the weights of Horne 1986, eq. 8.
      let [top, bottom, total] = [0, 0, 0]
      for (let y = first; y < first + 13; y++) total += clean.electrons[y * 512 + x]!
      for (let y = first; y < first + 13; y++) {
        const expected = clean.electrons[y * 512 + x]!
        const weight = expected / total / (Math.max(expected, 0) + 25)
        top += weight * noisy.electrons[y * 512 + x]!
        bottom += (weight * expected) / total
      }
      pulls.push((top / bottom - flux[x]!) / noise[x]!)
    }
  }
  const { mean, variance } = statistics(pulls)
  t.ok(pulls.length > 4000)
  t.ok(Math.abs(mean) < 0.1, `mean ${mean}`)
  t.ok(Math.abs(variance - 1) < 0.09, `variance ${variance}`)
})

t.test('darks hold the dark current, and hot pixels where the truth has them', async (t) => {
  const studio = studioOf(
    'small',
    'detector.dark=0.05',
    'detector.hot pixels=0.001',
    'cosmic rays.rate=0',
    'bias.count=1',
  )
  const made = frameOf(studio, 'dark')
  const sorted = Float64Array.from(made.electrons).sort()
  const middle =
    sorted.subarray(sorted.length * 0.02, sorted.length * 0.98).reduce((a, b) => a + b) / (0.96 * sorted.length)
  // 300 s, and 15 % more in the middle row.
  t.ok(Math.abs(middle / (300 * 0.05 * 1.15) - 1) < 0.05, `${middle}`)
  t.ok(sorted.at(-50)! > 200)
})

t.test('cosmic rays are as many as the rate says, and the truth knows each of them', async (t) => {
  const studio = studioOf('small', 'cosmic rays.rate=30', 'dark.count=3')
  const frames = [0, 1, 2].map((k) => frameOf(studio, 'dark', k))
  const hits = frames.reduce((sum, { exposed }) => sum + exposed.hits.length, 0)
  const expected = (3 * 30 * (512 * 15e-4) ** 2 * (300 + 57 / 2)) / 60
  t.ok(Math.abs(hits - expected) < 4 * Math.sqrt(expected), `${hits} of ${expected}`)
  for (const { electrons, exposed } of frames) {
    for (const { pixels } of exposed.hits) {
      for (const [p, charge] of pixels) if (charge > 100 && charge < 50000) t.ok(electrons[p]! > charge - 60)
    }
  }
})

t.test('the middle of the light is what the exposure meter weighs', async (t) => {
  const studio = studioOf('small', 'sky.clouds=1.5', 'star.seconds=1200', 'sky.cloud time=7')
  const { series } = frameOf(studio, 'object').conditions
  let [sum, first] = [0, 0]
  series!.transparency.forEach((through, k) => {
    const light = through * series!.seconds[k]!
    sum += light
    first += light * (series!.start[k]! + series!.seconds[k]! / 172800)
  })
  const start = studio.frames.find(({ type }) => type === 'object')!.mjd
  t.ok(Math.abs(first / sum - series!.middle) * 86400 < 1e-3)
  t.ok(Math.abs(series!.middle - start - 600 / 86400) * 86400 > 5, 'clouds move it')
})
