import { random } from '@nightpipe/math'
import { makeWcs, type Wcs, type WcsSolution } from '@nightpipe/sky'
import t from 'tap'
import { fitCommon, fitField, fitPlate, type PlatePairs, wcsOfPlate } from '../src/index.js'

const SIZE = { width: 2048, height: 2048 }
const SCALE = 1 / 3600
const linear = {
  pixel: [1023.5, 1023.5] as [number, number],
  sky: [150, 40] as [number, number],
  matrix: [-SCALE, 1e-6, 2e-6, SCALE] as [number, number, number, number],
}
const bent: WcsSolution = {
  linear,
  distortion: {
    kind: 'SIP',
    a: [[0, 0, 1e-7, 0], [0, 5e-7, 3e-10], [4e-7, 0], [3e-10]],
    b: [[0, 0, 2e-7, 3e-10], [0, 1e-7, 0], [0, 3e-10], [0]],
  },
}

/** Stars on a frame with this truth: pixels with the noise asked for, and their directions. */
function pairs(truth: Wcs, count: number, noise: number, seed: number): PlatePairs {
  const dice = random(seed)
  const x = new Float64Array(count).map(() => 2047 * dice.uniform())
  const y = new Float64Array(count).map(() => 2047 * dice.uniform())
  const { ra, dec } = truth.toSkyMany(x, y)
  return {
    x: x.map((value) => value + noise * dice.normal()),
    y: y.map((value) => value + noise * dice.normal()),
    ra,
    dec,
  }
}

function rmsPx(found: Wcs, truth: Wcs): number {
  let [sum, n] = [0, 0]
  for (let x = 0; x < 2048; x += 93) {
    for (let y = 0; y < 2048; y += 93) {
      const at = found.toPixel(...truth.toSky(x, y))!
      sum += (at[0] - x) ** 2 + (at[1] - y) ** 2
      n += 2
    }
  }
  return Math.sqrt(sum / n)
}

t.test('a plate without noise comes back exactly, as SIP and as TPV', async (t) => {
  const truth = makeWcs(bent)
  const plate = fitPlate(pairs(truth, 300, 0, 1), linear, 3, 1024)
  t.ok(rmsPx(wcsOfPlate(plate, 'SIP', SIZE), truth) < 1e-6)
  t.ok(rmsPx(wcsOfPlate(plate, 'TPV', SIZE), truth) < 1e-6)
})

t.test(
  'the data choose the order: a plain field gets a plain solution, a bent one the order that it needs',
  async (t) => {
    for (const [truth, order] of [
      [makeWcs({ linear }), 1],
      [makeWcs(bent), 3],
    ] as const) {
      const { x, y, ra, dec } = pairs(truth, 400, 0.1, 5)
      const start = { plate: fitPlate({ x, y, ra, dec }, linear, 1, 1024), wcs: makeWcs({ linear }), radius: 20 }
      const fit = fitField({ x, y }, SIZE, { ra, dec, magnitude: x }, start)
      t.equal(fit.plate.order, order)
      t.ok(Math.abs(fit.rms - 0.1) < 0.01, `residuals are the noise: ${fit.rms}`)
      t.ok(rmsPx(fit.wcs, truth) < 0.03)
    }
  },
)

t.test('stars that are elsewhere (wrong partners, high motions) are put aside', async (t) => {
  const truth = makeWcs({ linear })
  const { x, y, ra, dec } = pairs(truth, 200, 0.05, 9)
  for (let k = 0; k < 20; k++) dec[k * 10] += 2 / 3600
  const start = { plate: fitPlate({ x, y, ra, dec }, linear, 1, 1024), wcs: truth, radius: 4 }
  const fit = fitField({ x, y }, SIZE, { ra, dec, magnitude: x }, start)
  t.ok(fit.count <= 180 && fit.count >= 170)
  t.ok(rmsPx(fit.wcs, truth) < 0.02)
})

t.test('errors of centroids that are too small are made up for, and weights follow errors', async (t) => {
  const truth = makeWcs({ linear })
  const { x, y, ra, dec } = pairs(truth, 300, 0, 11)
  const dice = random(12)
  const error = x.map((_, k) => (k % 2 ? 0.02 : 0.5))
  for (let k = 0; k < 300; k++) {
    x[k] += error[k] * dice.normal()
    y[k] += error[k] * dice.normal()
  }
  const start = { plate: fitPlate({ x, y, ra, dec }, linear, 1, 1024), wcs: truth, radius: 5 }
  const fit = fitField({ x, y }, SIZE, { ra, dec, magnitude: x }, start, { error, order: 1 })
  t.ok(rmsPx(fit.wcs, truth) < 0.01, `${rmsPx(fit.wcs, truth)} px`)
})

t.test('frames that share stars give a better distortion together than the references alone could', async (t) => {
  const dice = random(21)
  const [stars, reference] = [600, 100 / 3.6e6]
  const ra = new Float64Array(stars).map(() => 150 + ((dice.uniform() - 0.5) * 0.8) / Math.cos((40 * Math.PI) / 180))
  const dec = new Float64Array(stars).map(() => 40 + (dice.uniform() - 0.5) * 0.8)
  const known = {
    ra: ra.map((v) => v + (reference * dice.normal()) / 0.766),
    dec: dec.map((v) => v + reference * dice.normal()),
  }
  const truths = [0, 1, 2, 3, 4, 5].map((f) =>
    makeWcs({ ...bent, linear: { ...linear, sky: [150 + 0.04 * dice.normal(), 40 + 0.04 * dice.normal() + 0 * f] } }),
  )
  const frames = truths.map((truth) => {
    const at = truth.toPixelMany(ra, dec)
    const on = [...ra.keys()].filter((k) => at.x[k] > 0 && at.x[k] < 2047 && at.y[k] > 0 && at.y[k] < 2047)
    const take = (values: Float64Array, noise = 0) => Float64Array.from(on, (k) => values[k] + noise * dice.normal())
    const pair = { x: take(at.x, 0.01), y: take(at.y, 0.01), ra: take(known.ra), dec: take(known.dec) }
    return {
      start: fitPlate(pair, truth.linear, 3, 1024),
      pairs: pair,
      star: Int32Array.from(on),
      error: new Float64Array(on.length).fill(0.01),
    }
  })
  const fit = fitCommon(frames, { order: 3 })
  const error = (plates: typeof fit.plates) =>
    plates.reduce((sum, plate, f) => sum + rmsPx(wcsOfPlate(plate, 'SIP'), truths[f]), 0) / 6
  t.ok(
    error(fit.plates) < 0.75 * error(frames.map(({ start }) => start)),
    `${error(fit.plates)} px against ${error(frames.map(({ start }) => start))}`,
  )
  t.ok(Math.abs(fit.referenceError - 100) < 12, `the error of the references is found: ${fit.referenceError} mas`)
  t.ok(fit.rms < 0.012, `frames agree with one another within their centroids: ${fit.rms} px`)
  const [a, b] = fit.plates.map((plate) => wcsOfPlate(plate, 'SIP').distortion!)
  t.match(JSON.stringify(a, rounded), JSON.stringify(b, rounded), 'one distortion for all')
})

const rounded = (_: string, value: unknown) => (typeof value === 'number' ? value.toPrecision(3) : value)
