import { random } from '@nightpipe/math'
import t from 'tap'
import { combineFlats, combineFlatsSplit, type FlatSample } from '../src/index.js'

const N = 2048
const blaze = (x: number) => Math.sin((Math.PI * (x + 100)) / (N + 200)) ** 2
/** pixels respond 1 % up or down */
const fringe = (x: number) => 1 + 0.01 * Math.sin(x * 1.7)
const truth = Float64Array.from({ length: N }, (_, x) => blaze(x) * fringe(x))

/** Flats of different light, each with a tilt of its own (the colour of the lamp) and photon noise. */
function flats(amplitudes: readonly number[], seed: number, tilt = 0.02): FlatSample[] {
  const { normal } = random(seed)
  return amplitudes.map((amplitude, k) => {
    const slope = tilt * Math.sin(3 * k + 1)
    const response = truth.map((value, x) => {
      const electrons = value * amplitude * (1 + slope * (x / N - 0.5))
      return (electrons + Math.sqrt(electrons) * normal()) / amplitude
    })
    return { response, amplitude }
  })
}

/** How far a response is from the truth, beside a smooth factor: rms over the middle, and over its own errors. */
function misfit({ response, error }: ReturnType<typeof combineFlats>) {
  let [sum, sum2, n] = [0, 0, 0]
  const ratio = response.map((value, x) => value / truth[x]!)
  for (let x = 100; x < N - 100; x++) {
    // the slow part (colour) is the mean of what the lamps had: a running mean takes it off
    let mean = 0
    for (let k = -30; k <= 30; k++) mean += ratio[x + k]! / 61
    const off = (ratio[x]! - mean) * truth[x]!
    sum += off * off
    if (error[x]! > 0) sum2 += (off / error[x]!) ** 2
    n++
  }
  return { rms: Math.sqrt(sum / n), pull: Math.sqrt(sum2 / n) }
}

t.test('ten flats make one that is better by the root of their light, with an honest error', async (t) => {
  const amplitudes = [1e4, 1e4, 2e4, 2e4, 1e4, 4e4, 1e4, 1e4, 2e4, 1e4]
  const combined = combineFlats(flats(amplitudes, 1))
  const light = amplitudes.reduce((sum, a) => sum + a, 0)
  const { rms, pull } = misfit(combined)
  const expected = Math.sqrt(truth.subarray(100, N - 100).reduce((sum, v) => sum + v, 0) / (N - 200) / light)
  t.ok(rms < 1.05 * expected, `${rms}, photons allow ${expected}`)
  t.ok(Math.abs(pull - 1) < 0.06, `pull ${pull}`)
  const split = misfit(combineFlatsSplit(flats(amplitudes, 1)))
  t.ok(split.rms > 1.2 * rms, `the median of the fast parts gives ${split.rms}`)
})

t.test(
  'what one flat alone has is left out; a flat without light in some columns does not pull them down',
  async (t) => {
    const samples = flats([1e4, 1e4, 1e4, 1e4, 1e4], 2)
    const spoilt = Float64Array.from(samples[2]!.response)
    spoilt[700] = 3
    spoilt.fill(0, 900, 950)
    samples[2] = { ...samples[2]!, response: spoilt }
    const { response, rejected } = combineFlats(samples)
    const clean = combineFlats(flats([1e4, 1e4, 1e4, 1e4, 1e4], 2)).response
    t.ok(rejected >= 1 && rejected < 20, `${rejected} rejected`)
    t.ok(Math.abs(response[700]! / clean[700]! - 1) < 0.03)
    for (let x = 900; x < 950; x++) t.ok(Math.abs(response[x]! / clean[x]! - 1) < 0.04, `column ${x}`)
  },
)

t.test('one flat stays as it is', async (t) => {
  const [sample] = flats([1e6], 3, 0)
  for (const { response } of [combineFlats([sample!]), combineFlatsSplit([sample!])]) {
    for (let x = 100; x < N; x += 100) t.ok(Math.abs(response[x]! / sample!.response[x]! - 1) < 1e-9)
  }
})

t.test('columns without response stay without', async (t) => {
  const samples = flats([1e4, 1e4, 1e4], 4).map((sample) => {
    const response = Float64Array.from(sample.response).fill(0, 0, 200)
    return { ...sample, response }
  })
  const { response, error } = combineFlats(samples)
  t.ok(response.subarray(0, 200).every((value) => value === 0) && error.subarray(0, 200).every((value) => value === 0))
  t.ok(response[300]! > 0)
})
