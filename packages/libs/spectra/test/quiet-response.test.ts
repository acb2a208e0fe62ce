import { random } from '@nightpipe/math'
import t from 'tap'
import { buildTemplate, fitVelocity, quietResponse } from '../src/index.js'
import { quietFlat } from '../src/quiet-response.js'
import { expose, randomStar } from './star.js'

const N = 2048
/** A blaze, what the columns differ by, and the flat's own noise (photons: less light, more noise). */
function madeFlat(seed: number, { columns, noise }: { columns: number; noise: number }) {
  const { normal } = random(seed)
  const truth = Float64Array.from(
    { length: N },
    (_, x) => (0.06 + 0.94 * Math.cos((x / N - 0.5) * 2.7) ** 2) * (1 + columns * normal()),
  )
  const blazeError = truth.map((one) => noise * Math.sqrt(one))
  return { truth, blazeError, blaze: truth.map((one, x) => one + blazeError[x]! * normal()) }
}
const rms = (a: Float64Array, b: Float64Array) =>
  Math.sqrt(a.reduce((sum, one, x) => sum + ((one - b[x]!) / b[x]!) ** 2, 0) / a.length)

t.test('a flat that is smooth but for its noise loses the noise', async (t) => {
  for (const seed of [1, 2, 3]) {
    const flat = madeFlat(seed, { columns: 0, noise: 0.003 })
    const [raw, quiet] = [rms(flat.blaze, flat.truth), rms(quietResponse(flat)!, flat.truth)]
    t.ok(quiet < 0.3 * raw, `${quiet} and ${raw}`) // what is left is slow: a fifth of the noise by the width of 60 columns
  }
})

t.test(
  'columns that differ are told from noise: never worse than the flat itself, nor than a smooth one',
  async (t) => {
    for (const columns of [0.002, 0.005, 0.02]) {
      const flat = madeFlat(7, { columns, noise: 0.004 })
      const [raw, quiet] = [rms(flat.blaze, flat.truth), rms(quietResponse(flat)!, flat.truth)]
      const smooth = Math.hypot(columns, 0.28 * raw) // the slow part of the noise stays
      t.ok(quiet < 1.02 * Math.min(raw, smooth), `${quiet}: ${raw} and ${smooth}`)
    }
  },
)

t.test('of the same flat it is the same again, of one that differs in a column or an error it is not', async (t) => {
  const flat = madeFlat(11, { columns: 0.004, noise: 0.004 })
  const first = quietResponse(flat)!
  const kept = first.slice()
  first.fill(0) // whoever has it may change it
  t.same(quietResponse({ blaze: flat.blaze.slice(), blazeError: flat.blazeError.slice() }), kept)
  const other = { blaze: flat.blaze.map((one, x) => (x === 40 ? 1.01 * one : one)), blazeError: flat.blazeError }
  t.notSame(quietResponse(other), kept)
  t.notSame(quietResponse({ blaze: flat.blaze, blazeError: flat.blazeError.map((one) => 2 * one) }), kept)
  t.same(quietResponse(flat), kept)
})

t.test('a weak column and a column without light stay; a flat without errors is left alone', async (t) => {
  const flat = madeFlat(5, { columns: 0, noise: 0.003 })
  flat.blaze[700]! *= 0.93
  flat.blaze.fill(0, 1990)
  const quiet = quietResponse(flat)!
  t.ok(Math.abs(quiet[700]! / flat.truth[700]! - 0.93) < 0.01, String(quiet[700]! / flat.truth[700]!))
  t.ok(quiet.subarray(1990).every((one) => one === 0))
  t.ok(quiet.subarray(0, 1990).every((one) => one > 0))
  t.equal(quietResponse({ blaze: flat.blaze }), flat.blaze)
})

t.test('columns that stars have shown are believed, unless the flat speaks against them', async (t) => {
  const flat = madeFlat(21, { columns: 0.004, noise: 0.006 })
  const { normal } = random(22)
  const seen = flat.truth.map((one) => 0.7 * one * (1 + 0.0005 * normal()))
  seen.fill(0, 900, 910)
  const alone = quietResponse(flat)!
  const both = quietResponse(flat, seen)!
  const [raw, without, left] = [flat.blaze, alone, both].map((one) => rms(one, flat.truth)) as [number, number, number]
  t.ok(without > 0.4 * raw && left < 0.25 * raw, `${raw}, ${without}, ${left}`) // slow noise stays, as of a smooth flat
  t.same(both.subarray(900, 910), alone.subarray(900, 910))
  const other = madeFlat(23, { columns: 0.004, noise: 0.0005 }).truth
  t.same(quietResponse(flat, other), alone)
  t.same(quietResponse(flat, other.subarray(1)), alone)
})

t.test(
  'a column that has changed since stars showed it, and a flat without noise, keep what the flat says',
  async (t) => {
    const flat = madeFlat(24, { columns: 0.004, noise: 0.003 })
    flat.blaze[700]! *= 0.9
    const changed = quietResponse(flat, flat.truth)!
    t.ok(Math.abs(changed[700]! / flat.blaze[700]! - 1) < 0.01, String(changed[700]! / flat.blaze[700]!))
    const exact = { blaze: flat.truth, blazeError: flat.truth.map(() => 1e-9) }
    const seen = flat.truth.map((one, x) => one * (1 + 0.001 * Math.cos(x)))
    t.ok(rms(quietResponse(exact, seen)!, flat.truth) < 1e-8)
  },
)

t.test('velocities of spectra that drift do not follow the noise of their common flat', async (t) => {
  const star = randomStar(4950, 5900, 0.6, 3)
  const layout = { width: 1024, orders: 12, first: 80 }
  const draw = random(11)
  const noise = Array.from({ length: 12 }, () => Float64Array.from({ length: 1024 }, () => 1 + 0.004 * draw.normal()))
  const flat = (index: number, x: number) => noise[index]![x]!
  const slope = (flatError?: number) => {
    const drifts = Array.from({ length: 9 }, (_, k) => (k - 4) / 10)
    const shots = drifts.map((drift, seed) =>
      expose(star, layout, { z: 0, electrons: 1e4, noise: false, seed, drift, flat, ...(flatError && { flatError }) }),
    )
    const template = buildTemplate(shots.map((orders) => ({ orders, z: 0 })))
    const found = shots.map((orders) => fitVelocity(orders, template, 0).velocity)
    return found.reduce((sum, v, k) => sum + v * drifts[k]!, 0) / drifts.reduce((sum, one) => sum + one * one, 0)
  }
  const [blind, told] = [slope(), slope(0.004)]
  t.comment(`${blind.toFixed(2)} m/s a column as it is, ${told.toFixed(2)} with the error of the flat known`)
  t.ok(Math.abs(blind) > 5, 'the noise of a flat of signal to noise 250 matters')
  t.ok(Math.abs(told) < 1, 'and its error heals it') // m/s a column of 1450 m/s
})

t.test('what is still wrong with a response is told', async (t) => {
  for (const [columns, noise] of [
    [0.0025, 0.0025],
    [0.0025, 0.006],
    [0.005, 0.003],
  ] as const) {
    const flat = madeFlat(31, { columns, noise })
    const { response, left } = quietFlat(flat)!
    const off = response.map((one, x) => one / flat.truth[x]! - 1)
    // slow errors are the continuum's, and move no line
    const fast = off.map((one, x) => one - mean(off.subarray(Math.max(0, x - 20), x + 21)))
    const [is, told] = [fast, left!].map((list) => Math.sqrt(mean(list.map((one) => one * one)))) as [number, number]
    t.ok(Math.abs(told / is - 1) < 0.25, `${told} and ${is} of ${noise}`)
  }
  t.equal(quietFlat({ blaze: madeFlat(31, { columns: 0, noise: 0.003 }).blaze })!.left, undefined)
})

t.test('velocities tell what the noise of their flat does to them, and templates of one velocity too', async (t) => {
  const star = randomStar(4950, 5900, 0.6, 3)
  const layout = { width: 1024, orders: 6, first: 80 }
  const drawn = (seed: number, sigma: number) => {
    const draw = random(seed)
    const all = Array.from({ length: 6 }, () => Float64Array.from({ length: 1024 }, () => 1 + sigma * draw.normal()))
    return (index: number, x: number) => all[index]![x]!
  }
  const columns = drawn(40, 0.004)
  // a flat that knows the columns, with its own noise
  const shot = (seed: number, z: number, flatError: number) =>
    expose(star, layout, { z, electrons: 1e6, noise: false, seed, columns, flatError, flat: drawn(seed, flatError) })
  const template = buildTemplate([{ orders: shot(1, 0, 1e-7), z: 0 }])
  const variance = (orders: ReturnType<typeof shot>, against = template) =>
    mean(fitVelocity(orders, against, 2e-4).orders.map(({ error }) => error ** 2)) // the mean of orders of like error
  const exact = variance(shot(1, 2e-4, 1e-7))
  const offs = Array.from({ length: 16 }, (_, k) => fitVelocity(shot(50 + k, 2e-4, 0.004), template, 2e-4).velocity)
  const centre = mean(offs)
  const is = Math.sqrt(mean(offs.map((one) => (one - centre) ** 2)) * (16 / 15))
  const told = Math.sqrt((variance(shot(50, 2e-4, 0.004)) - exact) / 6)
  t.comment(`the noise of flats moves velocities by ${is.toFixed(2)} m/s, told ${told.toFixed(2)}`)
  t.ok(told / is > 0.6 && told / is < 1.6, 'told as it is')
  const noisy = [51, 52].map((seed) => buildTemplate([{ orders: shot(seed, 0, 0.004), z: 0 }]))
  const noises = noisy.map((one) => fitVelocity(shot(1, 2e-4, 1e-7), one, 2e-4).combined.template)
  const alone = fitVelocity(shot(1, 2e-4, 1e-7), template, 2e-4).combined.template
  for (const noise of noises) {
    t.ok(Math.abs(Math.sqrt(noise ** 2 - alone ** 2) / told - 1) < 0.4, `template ${noise}, ${alone} without`)
  }
  // of two exposures at one velocity the flat is the same, at two it is not
  const twice = buildTemplate([0, 0].map(() => ({ orders: shot(51, 0, 0.004), z: 0 })))
  const apart = buildTemplate([0, 1e-4].map((z) => ({ orders: shot(51, z, 0.004), z: -z / (1 + z) })))
  const of = (one: typeof template) => fitVelocity(shot(1, 2e-4, 1e-7), one, 2e-4).combined.template
  t.ok(of(twice) > 0.85 * noises[0]!, `${of(twice)}`)
  t.ok(of(apart) < 0.85 * of(twice), `${of(apart)}`)
})

function mean(list: ArrayLike<number>): number {
  let sum = 0
  for (let k = 0; k < list.length; k++) sum += list[k]!
  return sum / list.length
}
