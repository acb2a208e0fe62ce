import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scratch } from '@nightpipe/testing'
import t from 'tap'
import { CLEAN, frameOf, scatteredAt, studioOf } from './small-echelle.js'

const STRAIGHT = ['slope', 'bow', 'third', 'fourth'].map((term) => `trace.${term}=0`)

/** A lamp with a line every 7 Angstrom, in a file. */
function combOf(): string {
  const path = join(scratch(), 'comb.csv')
  const rows = Array.from({ length: 100 }, (_, k) => `${5000.123 + 7 * k},1000`)
  writeFileSync(path, ['# a comb', 'wavelength_angstrom,intensity', ...rows, ''].join('\n'))
  return path
}

/** Sum and centroid of the rows around a trace in a column, without scattered light. */
function columnOf(made: ReturnType<typeof frameOf>, width: number, x: number, centre: number, half: number) {
  let [sum, first] = [0, 0]
  for (let y = Math.round(centre) - half; y <= Math.round(centre) + half; y++) {
    const light = made.electrons[y * width + x]! - scatteredAt(made, x, y)
    sum += light
    first += light * (y - centre)
  }
  return { sum, centroid: first / sum }
}

t.test('without noise the rows of an order add up to the true flux, about the true trace', async (t) => {
  const studio = studioOf('small', ...CLEAN, 'fibres.separation=13')
  const made = frameOf(studio, 'flat')
  let [worstSum, worstPlace] = [0, 0]
  for (const { order, flux } of made.orders) {
    for (let x = 5; x < 512; x += 37) {
      const centre = order.trace[x]!
      if (centre < 8 || centre > 503) continue
      // Nothing of the other fibre is within reach.
      const { sum, centroid } = columnOf(made, 512, x, centre, 6)
      worstSum = Math.max(worstSum, Math.abs(sum / flux[x]! - 1))
      worstPlace = Math.max(worstPlace, Math.abs(centroid))
    }
  }
  t.ok(worstSum < 2e-3, `flux to ${worstSum}`)
  t.ok(worstPlace < 0.01, `centre to ${worstPlace} px`)
})

t.test('lines of the lamp stand where a search in the true wavelengths puts them', async (t) => {
  const studio = studioOf('small', ...CLEAN, 'scattered light.part=0', 'arc.continuum=0', `arc.lines=${combOf()}`)
  const made = frameOf(studio, 'arc')
  const lamp = studio.lamp()
  let [worst, count] = [0, 0]
  for (const { order, flux } of made.orders) {
    const w = order.wavelength
    for (let x = 20; x < 490; x++) {
      if (!(flux[x]! > flux[x - 1]! && flux[x]! >= flux[x + 1]!) || flux[x]! < 50) continue
      const line = lamp.find(({ wavelength }) => wavelength > w[x - 2]! && wavelength < w[x + 2]!)!
      let [sum, first] = [0, 0]
      for (let k = x - 9; k <= x + 9; k++) {
        sum += flux[k]!
        first += flux[k]! * k
      }
      // By bisection: another way than that of the simulator.
      let [low, high] = [x - 3, x + 3]
      const at = (p: number) => {
        const k = Math.floor(p)
        return w[k]! + (p - k) * (w[k + 1]! - w[k]!)
      }
      for (let step = 0; step < 50; step++) {
        const middle = (low + high) / 2
        if (at(middle) < line.wavelength) low = middle
        else high = middle
      }
      worst = Math.max(worst, Math.abs(first / sum - low))
      count++
    }
  }
  t.ok(count > 140, `${count} lines`)
  t.ok(worst < 5e-3, `the worst is off by ${worst} px`)
})

t.test('tilted lines are shifted by the tilt from row to row', async (t) => {
  const studio = studioOf(
    'small',
    ...CLEAN,
    'scattered light.part=0',
    ...STRAIGHT,
    'line.tilt=0.2',
    'arc.continuum=0',
    `arc.lines=${combOf()}`,
  )
  const made = frameOf(studio, 'arc')
  const { order, flux } = made.orders.reduce((a, b) => (Math.max(...b.flux) > Math.max(...a.flux) ? b : a))
  const top = flux.indexOf(Math.max(...flux.subarray(20, 490)))
  const centre = Math.round(order.trace[top]!)
  const place = (y: number) => {
    let [sum, first] = [0, 0]
    for (let x = top - 7; x <= top + 7; x++) {
      sum += made.electrons[y * 512 + x]!
      first += made.electrons[y * 512 + x]! * x
    }
    return first / sum
  }
  const slope = (place(centre + 1) - place(centre - 1)) / 2
  t.ok(Math.abs(slope - 0.2) < 2e-3, `${slope}`)
})

t.test('a drift moves lines in all fibres by the same', async (t) => {
  const still = studioOf('small', ...CLEAN, 'drift.nights=0', 'drift.along=0', 'drift.across=0', 'drift.stretch=0')
  const moved = studioOf('small', ...CLEAN, 'drift.nights=2', 'drift.along=0', 'drift.across=0', 'drift.stretch=0')
  const [a, b] = [frameOf(still, 'arc'), frameOf(moved, 'arc')]
  const { along, across } = b.conditions.drift
  t.ok(Math.abs(along) > 0.1 && Math.abs(across) > 0.1)
  a.orders.forEach((before, k) => {
    const after = b.orders[k]!
    // The wavelength at x + drift is the one that was at x; linear between pixels leaves 1e-5.
    const x = 250
    const at = x + along
    const i = Math.floor(at)
    const w = after.order.wavelength
    const here = w[i]! + (at - i) * (w[i + 1]! - w[i]!)
    t.ok(Math.abs(here - before.order.wavelength[x]!) < 1e-4)
    t.ok(Math.abs(after.order.trace[x]! - before.order.trace[x]! - across) < 1e-12)
  })
})

t.test('a star that recedes is stretched by 1 + z, and its lines with it', async (t) => {
  // Wide lines: the cubic below is then good to a thousandth of a pixel.
  const flat = [
    'line.fwhm=8',
    'line.gradient=0',
    'efficiency.wavelengths=3000,9000',
    'efficiency.values=1,1',
    'optics.blaze width=50',
    ...CLEAN,
  ]
  const [rest, away] = ['0', '-30'].map((barycentric) => {
    const studio = studioOf('small', ...flat, 'star.velocity=0', `star.barycentric=${barycentric}`, 'drift.nights=0')
    return frameOf(studio, 'object')
  })
  const seen = away!.conditions.motion!.stretch
  t.ok(Math.abs(seen - 1 / (1 - 30 / 299792.458)) < 1e-15)
  const [a, b] = [rest!, away!].map(
    ({ orders }) => orders.find(({ order }) => order.light === 'star' && order.index === 5)!,
  )
  // Electrons in a pixel are those of its wavelengths: pixels are wider elsewhere.
  const density = ({ order, flux }: typeof a & object) =>
    flux.map((value, x) => (2 * value) / (order.wavelength[x + 1]! - order.wavelength[x - 1]!))
  const [before, after] = [density(a!), density(b!)]
  const ln = a!.order.wavelength.map(Math.log)
  const perPixel = (ln[300]! - ln[200]!) / 100
  const shift = Math.log(seen)
  // The shift of ln λ that is left between the two spectra, by least squares on their slopes.
  let [top, bottom] = [0, 0]
  for (let x = 30; x < 480; x++) {
    const k = ln.findIndex((value) => value > ln[x]! + shift) - 1
    const u = (ln[x]! + shift - ln[k]!) / (ln[k + 1]! - ln[k]!)
    const [f, g, h, i] = [-1, 0, 1, 2].map((d) => after[k + d]!) as [number, number, number, number]
    const [m, p, q] = [u + 1, u - 1, u - 2]
    const value = (i * m * u * p - f * u * p * q) / 6 + (g * m * p * q - h * m * u * q) / 2
    const slope = (before[x + 1]! - before[x - 1]!) / 2
    top += slope * (before[x]! - value)
    bottom += slope * slope
  }
  const metres = (top / bottom) * perPixel * 299792458
  // A pixel is 6 km/s: the cubic leaves 3e-4 of it.
  t.ok(Math.abs(metres) < 2, `${metres} m/s off`)
})

t.test('where the dispersion runs along y the frame is the turned one', async (t) => {
  const plain = [...CLEAN, 'detector.row drift=0', 'bias.count=0', 'dark.count=0']
  const a = frameOf(studioOf('small', ...plain), 'flat')
  const b = frameOf(studioOf('small', ...plain, 'optics.dispersion=y'), 'flat')
  let worst = 0
  for (let y = 0; y < 512; y++) {
    for (let x = 0; x < 512; x++) {
      worst = Math.max(worst, Math.abs(a.electrons[y * 512 + x]! - b.electrons[x * 512 + y]!))
    }
  }
  t.ok(worst < 0.11, `${worst} electrons: the rounding of the converter`)
})

t.test('scattered light is the part of all light that was asked for, and smooth', async (t) => {
  const bare = frameOf(studioOf('small', ...CLEAN, 'scattered light.part=0'), 'flat')
  const made = frameOf(studioOf('small', ...CLEAN, 'scattered light.part=0.05', 'scattered light.size=0.03'), 'flat')
  const total = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0)
  const [light, all] = [total(bare.electrons), total(made.electrons)]
  // Little of it leaves the detector when it does not spread far.
  t.ok(Math.abs((all - light) / light / 0.05 - 1) < 0.06, `${(all - light) / light}`)
  const between = 8 * 512 + 256
  t.ok(made.electrons[between]! > 0 && Math.abs(made.electrons[between]! - scatteredAt(made, 256, 8)) < 0.1)
})

t.test('orders that leave the detector are cut, and their noise is not told', async (t) => {
  const studio = studioOf('small', ...CLEAN, 'trace.centre=256,272,20')
  const made = frameOf(studio, 'flat')
  const low = made.orders.find(({ order }) => order.index === 0 && order.fibre === 1)!
  t.ok(low.order.trace.some((y) => y < 3) && low.order.trace.some((y) => y > 10))
  low.order.trace.forEach((y, x) => {
    if (y < 3) t.ok(Number.isNaN(low.noise[x]))
  })
})

t.test('nights may have arcs of their own, and all else of the first', async (t) => {
  const of = (nights: string) =>
    studioOf('small', ...['night.nights=2', 'dark.count=1', `night.calibrations=${nights}`]).frames
  const second = (nights: string) => of(nights).filter(({ night }) => night === 1)
  const types = (nights: string) => [...new Set(second(nights).map(({ type }) => type))]
  t.same(types('every'), ['bias', 'dark', 'flat', 'arc', 'object'])
  t.same(types('arcs'), ['arc', 'object'])
  t.same(types('first'), ['object'])
  const first = of('arcs').filter(({ night, type }) => night === 0 && type === 'arc')
  t.equal(second('arcs').filter(({ type }) => type === 'arc').length, first.length)
})
