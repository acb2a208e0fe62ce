import { normalBelow, random } from '@nightpipe/math'
import t from 'tap'
import { findLines, LineFlag, type OrderSpectrum, SpectrumBit } from '../src/index.js'

const READ_NOISE = 10

/** An order with Gaussian lines (place, light, FWHM), on a level of 50, with photon and read noise; oracle: exact integrals over pixels. */
function arc(lines: readonly (readonly [number, number, number])[], seed: number, width = 1024): OrderSpectrum {
  const draw = random(seed)
  const flux = new Float64Array(width).fill(50)
  for (const [x, light, fwhm] of lines) {
    const sigma = fwhm / 2.3548200450309493
    for (let k = Math.max(0, Math.floor(x - 25)); k < Math.min(width, x + 25); k++) {
      flux[k] += light * (normalBelow((k + 0.5 - x) / sigma) - normalBelow((k - 0.5 - x) / sigma))
    }
  }
  const uncertainty = flux.map((value) => Math.hypot(Math.sqrt(value), READ_NOISE))
  const noisy = flux.map((value, x) => value + uncertainty[x] * draw.normal())
  return { index: 3, order: 0, fibre: 1, flux: noisy, uncertainty, mask: new Int32Array(width) }
}

t.test('lines are where they were put, as well as their errors say, at any place within a pixel', async (t) => {
  const pulls: number[] = []
  const bright: number[] = []
  for (let seed = 1; seed <= 40; seed++) {
    const truth = Array.from(
      { length: 20 },
      (_, k) => [30 + 50 * k + ((seed * 0.31 + k * 0.17) % 1), 2000 * 2 ** (k % 8), 3.8] as const,
    )
    const { lines } = findLines([arc(truth, seed)])
    for (const [x, light] of truth) {
      const line = lines.find((one) => Math.abs(one.x - x) < 2)
      if (!line) t.fail(`seed ${seed}: no line at ${x}`)
      else pulls.push((line.x - x) / line.error)
      if (line && light > 2e5) bright.push(line.x - x)
    }
    t.ok(lines.length <= truth.length + 1, 'and none where there is none')
  }
  const rms = Math.sqrt(pulls.reduce((sum, pull) => sum + pull * pull, 0) / pulls.length)
  t.ok(rms > 0.93 && rms < 1.1, `pulls scatter by ${rms}`)
  const mean = bright.reduce((sum, d) => sum + d, 0) / bright.length
  t.ok(Math.abs(mean) < 1e-3, `bright lines are off by ${mean} px in the mean`)
})

t.test('the width is measured when it is not told', async (t) => {
  for (const width of [2, 3.5, 6.5]) {
    const truth = Array.from({ length: 15 }, (_, k) => [40 + 63.7 * k, 30000, width] as const)
    t.ok(Math.abs(findLines([arc(truth, 5)]).fwhm / width - 1) < 0.03)
  }
})

t.test('neighbours 1.4 widths apart are told apart, and flagged', async (t) => {
  const truth = [
    ...Array.from({ length: 12 }, (_, k) => [40 + 63.7 * k, 30000, 4] as const),
    [900.2, 40000, 4] as const,
    [905.8, 25000, 4] as const,
  ]
  const { lines } = findLines([arc(truth, 8)], { fwhm: 4 })
  const pair = lines.filter((line) => line.x > 890)
  t.equal(pair.length, 2)
  t.ok(pair.every((line, k) => Math.abs(line.x - truth[12 + k][0]) < 4 * line.error && line.flags & LineFlag.blended))
})

t.test('saturated lines, cosmic rays and masked pixels are flagged', async (t) => {
  const truth = Array.from({ length: 15 }, (_, k) => [40.3 + 63.7 * k, 30000, 4] as const)
  const order = arc([...truth, [70, 20000, 1.2]], 9)
  order.mask[Math.round(truth[3][0])] = SpectrumBit.saturated
  order.mask[Math.round(truth[5][0]) + 1] = SpectrumBit.bad
  order.flux[Math.round(truth[5][0]) + 1] = Number.NaN
  const { lines } = findLines([order], { fwhm: 4 })
  const at = (x: number) => lines.find((line) => Math.abs(line.x - x) < 1.5)!
  t.ok(at(truth[3][0]).flags & LineFlag.saturated)
  t.ok(at(truth[5][0]).flags & LineFlag.cut)
  t.ok(at(70).flags & LineFlag.narrow)
  t.equal(at(truth[8][0]).flags, 0)
})

t.test('an order without light, or without a finite pixel, has no lines', async (t) => {
  t.ok(findLines([arc([], 4)]).lines.length < 3)
  const empty = { ...arc([], 4), flux: new Float64Array(1024).fill(Number.NaN) }
  t.same(findLines([empty]).lines, [])
})
