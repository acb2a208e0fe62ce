// How good a combination is, measured on simulated frames whose truth is known.
import { random } from '@nightpipe/math'
import t from 'tap'
import { type CombineOptions, combinePlanes, measureNoise, type NoiseModel } from '../src/index.js'

const FRAMES = 10
const PIXELS = 60_000
const GAIN = 2 // electrons per ADU
const READ_NOISE = 10.6 // electrons, 5.3 ADU

interface Night {
  truth: Float32Array
  planes: Float32Array[]
  /** The mean of the samples that no outlier hit: what cannot be beaten. */
  floor: Float32Array
  /** Which pixels an outlier hit. */
  hit: Uint8Array
}

/**
 * Integer frames of a scene with `level` electrons; two in a thousand samples struck by cosmic rays of 30 to 3000 ADU,
 * one in two thousand hot by 60 ADU.
 */
function simulate(seed: number, level: (p: number) => number, frames = FRAMES): Night {
  const r = random(seed)
  const truth = Float32Array.from({ length: PIXELS }, (_, p) => level(p) / GAIN)
  const sums = new Float64Array(PIXELS)
  const good = new Float64Array(PIXELS)
  const hit = new Uint8Array(PIXELS)
  const planes = Array.from({ length: frames }, () =>
    truth.map((adu, p) => {
      const clean = Math.round((r.poisson(adu * GAIN) + READ_NOISE * r.normal()) / GAIN)
      const dice = r.uniform()
      const extra = dice < 0.002 ? 30 * 100 ** r.uniform() : dice < 0.0025 ? 60 : 0
      if (extra > 0) hit[p] = 1
      else {
        sums[p] += clean
        good[p]++
      }
      return Math.min(65535, Math.round(clean + extra))
    }),
  )
  return { truth, planes, hit, floor: truth.map((_, p) => sums[p] / good[p]) }
}

function combined(night: Night, options: CombineOptions) {
  const pixels = new Float32Array(PIXELS)
  const out = { pixels, error: new Float32Array(PIXELS), count: new Int16Array(PIXELS) }
  combinePlanes(night.planes, options, out)
  const plain = rms(pixels, night, (p) => night.hit[p] === 0)
  const struck = rms(pixels, night, (p) => night.hit[p] === 1)
  const floor = rms(night.floor, night, () => true)
  return { ...out, noise: plain / floor, struck: struck / floor, all: rms(pixels, night, () => true) / floor }
}

function rms(values: Float32Array, night: Night, which: (p: number) => boolean): number {
  let sum = 0
  let n = 0
  for (let p = 0; p < PIXELS; p++) {
    if (!which(p)) continue
    sum += (values[p] - night.truth[p]) ** 2
    n++
  }
  return Math.sqrt(sum / n)
}

function pulls(night: Night, pixels: Float32Array, error: Float32Array) {
  let sum = 0
  let squares = 0
  for (let p = 0; p < PIXELS; p++) {
    const pull = (pixels[p] - night.truth[p]) / error[p]
    sum += pull
    squares += pull * pull
  }
  const mean = sum / PIXELS
  return { mean, sigma: Math.sqrt(squares / PIXELS - mean * mean) }
}

const bias = simulate(1, () => 0)
const flat = simulate(2, (p) => 400 + p) // 200 to 30,000 ADU
const sky = simulate(3, (p) => 20 + p / 500) // 10 to 70 ADU

t.test('the noise model measured from the frames is the one they were made with', async (t) => {
  const near = (model: NoiseModel, adu: number) => {
    const expected = (READ_NOISE / GAIN) ** 2 + 1 / 12 + adu / GAIN
    return Math.abs((model.variance0 + model.variancePerUnit * adu) / expected - 1)
  }
  t.equal(measureNoise(bias.planes).variancePerUnit, 0)
  t.ok(near(measureNoise(bias.planes), 0) < 0.015) // 4 x 0.35 %, the standard error of a variance of 160,000
  for (const adu of [1000, 10000, 25000]) t.ok(near(measureNoise(flat.planes), adu) < 0.02)
  for (const adu of [15, 60]) t.ok(near(measureNoise(sky.planes), adu) < 0.03)
  t.throws(() => measureNoise([new Float32Array(4)]), RangeError)
  t.throws(() => measureNoise([new Float32Array(4).fill(Number.NaN), new Float32Array(4)]), RangeError)
})

t.test(
  'a clipped mean of ten with a noise model loses under 0.5 % to the floor and takes the outliers out',
  async (t) => {
    for (const [name, night] of Object.entries({ bias, flat, sky })) {
      const { noise, struck, all } = combined(night, { method: 'sigma', noise: measureNoise(night.planes) })
      t.comment(`${name}: ${noise.toFixed(4)}, struck pixels ${struck.toFixed(3)}, all ${all.toFixed(4)}`)
      t.ok(noise < 1.005, name)
      // one sample fewer, and rays of under 3 sigma that nothing can tell from noise
      t.ok(struck < 1.2, name)
      t.ok(all < 1.01, name)
    }
  },
)

t.test('two, three, five and twenty-five frames: the outliers go, and the errors stay honest', async (t) => {
  for (const frames of [2, 3, 5, 25]) {
    const night = simulate(10 + frames, () => 0, frames)
    const options = { method: 'sigma', noise: { gain: GAIN, readNoise: READ_NOISE } } as const
    const { noise, struck, pixels, error } = combined(night, options)
    const { mean, sigma } = pulls(night, pixels, error)
    t.comment(
      `${frames}: ${noise.toFixed(4)}, struck ${struck.toFixed(3)}, pull ${mean.toFixed(4)}, ${sigma.toFixed(4)}`,
    )
    t.ok(noise < 1.01, `${frames} noise`)
    // with two, a ray must be 8 sigma high: half of one that is not stays in the mean
    t.ok(struck < (frames === 2 ? 3 : 1.6), `${frames} struck`)
    t.ok(Math.abs(mean) < 0.02 && Math.abs(sigma - 1) < 0.02, `${frames} pull`)
  }
})

t.test(
  'the other methods for comparison: the MAD costs more, the median most, the plain mean keeps the outliers',
  async (t) => {
    const noise = (options: CombineOptions) => combined(bias, options)
    const mad = noise({ method: 'sigma' })
    const median = noise({ method: 'median' })
    const minmax = noise({ method: 'minmax' })
    const mean = noise({ method: 'mean' })
    for (const [name, { noise, struck, all }] of Object.entries({ mad, median, minmax, mean })) {
      t.comment(`${name}: ${noise.toFixed(4)}, struck pixels ${struck.toFixed(3)}, all ${all.toFixed(4)}`)
    }
    t.ok(mad.noise < 1.05 && mad.struck < 1.3)
    t.ok(Math.abs(median.noise - Math.sqrt(1.3833)) < 0.02)
    t.ok(Math.abs(minmax.noise - Math.sqrt(1.053)) < 0.02)
    t.ok(mean.all > 3)
  },
)

t.test('pull: (value - truth) / error has mean within 0.02 and standard deviation within 2 % of one', async (t) => {
  for (const [name, night] of Object.entries({ bias, flat, sky })) {
    const model = measureNoise(night.planes)
    for (const [how, noise] of Object.entries({ measured: model, known: { gain: GAIN, readNoise: READ_NOISE } })) {
      for (const method of ['sigma', 'median'] as const) {
        const { pixels, error } = combined(night, { method, noise })
        const { mean, sigma } = pulls(night, pixels, error)
        t.comment(`${name} ${how} ${method}: mean ${mean.toFixed(4)}, sigma ${sigma.toFixed(4)}`)
        t.ok(Math.abs(mean) < 0.02, `${name} ${how} ${method} mean`)
        t.ok(Math.abs(sigma - 1) < 0.02, `${name} ${how} ${method} sigma`)
      }
    }
  }
})

t.test('the error of a median of frames of unlike noise is that which it has: a noisy one hardly counts', async (t) => {
  const sets = [
    { sigmas: [1, 1, 1, 1, 1, 1, 1, 1, 1, 8], within: 0.02 },
    { sigmas: [1, 1, 10], within: 0.02 },
    { sigmas: [1, 1.2, 1.5, 1.8, 2.2, 2.7], within: 0.05 },
    // of few frames that are all unlike it is a tenth too small; as the mean of all variances it would be twice too large
    { sigmas: [1, 1.5, 2, 3, 4, 6, 8], within: 0.12 },
  ]
  for (const [k, { sigmas, within }] of sets.entries()) {
    const r = random(40 + k)
    const planes = sigmas.map((sigma) => Float32Array.from({ length: PIXELS }, () => sigma * r.normal()))
    const errors = sigmas.map((sigma) => new Float32Array(PIXELS).fill(sigma))
    const told = { errors, noise: sigmas.map((sigma) => ({ variance0: sigma ** 2, variancePerUnit: 0 })) }
    for (const how of ['errors', 'noise'] as const) {
      const [pixels, error] = [new Float32Array(PIXELS), new Float32Array(PIXELS)]
      combinePlanes(planes, { method: 'median', [how]: told[how] }, { pixels, error, count: new Int16Array(PIXELS) })
      const pull = Math.sqrt(pixels.reduce((sum, value, p) => sum + (value / error[p]) ** 2, 0) / PIXELS)
      t.comment(`${sigmas.join(', ')} by ${how}: ${pull.toFixed(3)}`)
      t.ok(Math.abs(pull - 1) < within, `${sigmas.join(', ')} by ${how}`)
    }
  }
})

t.test('the error of a mean without extremes of frames of unlike noise is that which it has', async (t) => {
  for (const [k, { sigmas, drop }] of [
    { sigmas: [1, 1, 1, 1, 1, 1, 1, 1, 1, 5], drop: 1 },
    { sigmas: [1, 1, 1, 1, 1, 1, 1, 1, 1, 30], drop: 2 },
    { sigmas: [1, 1, 1, 1, 3], drop: 1 },
    { sigmas: [1, 1.2, 1.5, 0.8, 1, 1.1, 0.9, 2, 3, 5], drop: 2 },
  ].entries()) {
    const r = random(70 + k)
    const planes = sigmas.map((sigma) => Float32Array.from({ length: PIXELS }, () => sigma * r.normal()))
    const errors = sigmas.map((sigma) => new Float32Array(PIXELS).fill(sigma))
    const noise = sigmas.map((sigma) => ({ variance0: sigma ** 2, variancePerUnit: 0 }))
    for (const told of [{ noise }, { noise, errors }]) {
      const [pixels, error] = [new Float32Array(PIXELS), new Float32Array(PIXELS)]
      const options = { method: 'minmax', lowest: drop, highest: drop, ...told } as const
      combinePlanes(planes, options, { pixels, error, count: new Int16Array(PIXELS) })
      const pull = Math.sqrt(pixels.reduce((sum, value, p) => sum + (value / error[p]) ** 2, 0) / PIXELS)
      // as the mean of all variances the errors would be 1.2 to 9 times too large
      t.ok(Math.abs(pull - 1) < 0.03, `${sigmas.join(', ')} without ${drop} by ${Object.keys(told)}: ${pull}`)
    }
  }
})
