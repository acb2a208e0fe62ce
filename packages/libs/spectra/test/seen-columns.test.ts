import { random } from '@nightpipe/math'
import t from 'tap'
import { buildTemplate, fitVelocity } from '../src/index.js'
import { type Leftovers, seenColumns } from '../src/seen-columns.js'
import { expose, randomStar } from './star.js'

const C = 299792458
const N = 1500
const STEP = 1 / 2e5

const normals = (seed: number, n = N) => {
  const { normal } = random(seed)
  return Float64Array.from({ length: n }, () => normal())
}
const rms = (values: Float64Array) => Math.sqrt(values.reduce((sum, one) => sum + one * one, 0) / values.length)

/** Exposures at velocities (columns), of what columns have too much, of what the template lacks of the star, and of photons. */
function leftovers(places: readonly number[], columns: Float64Array, { star = 0, photons = 0.003 } = {}): Leftovers[] {
  const lines = normals(99, N + 400)
  return places.map((place, k) => {
    const noise = normals(500 + k)
    const ratio = columns.map((one, x) => one + star * lines[x + 200 + place]! + photons * noise[x]!)
    return {
      ...{ toRest: place * STEP, ratio, weight: new Float64Array(N).fill(photons ** -2) },
      response: new Float64Array(N).fill(0.5),
    }
  })
}
const YEAR = Array.from({ length: 24 }, (_, k) => Math.round(20 * Math.sin(0.6 * k)))

t.test('what stands still while the star moves is the detector', async (t) => {
  const columns = normals(1).map((one) => 0.0025 * one)
  const seen = seenColumns(leftovers(YEAR, columns, { star: 0.002 }), STEP)!
  const off = rms(seen.map((value, x) => value / 0.5 - 1 - columns[x]!))
  // photons of 24 exposures, and the star of some twelve velocities
  t.ok(off < 1.1 * Math.hypot(0.003 / Math.sqrt(24), 0.002 / Math.sqrt(12)), String(off))
})

t.test('of faint exposures only the part that beats their noise is believed', async (t) => {
  const columns = normals(2).map((one) => 0.0025 * one)
  const photons = 0.0025 * Math.sqrt(24) // the mean is as noisy as columns differ
  const seen = seenColumns(leftovers(YEAR, columns, { photons }), STEP)!
  const off = rms(seen.map((value, x) => value / 0.5 - 1 - columns[x]!))
  t.ok(Math.abs(off / (0.0025 / Math.sqrt(2)) - 1) < 0.1, String(off))
})

t.test('photons, and a star that the template does not follow, are not columns', async (t) => {
  const none = new Float64Array(N)
  t.equal(seenColumns(leftovers(YEAR, none), STEP), undefined)
  t.equal(seenColumns(leftovers(YEAR, none, { star: 0.002 }), STEP), undefined)
  t.equal(seenColumns([], STEP), undefined)
})

t.test('exposures of one velocity cannot tell columns from lines', async (t) => {
  const columns = normals(3).map((one) => 0.01 * one)
  t.equal(seenColumns(leftovers([5, 6, 7, 8], columns), STEP), undefined)
  t.ok(seenColumns(leftovers([5, 6, 15, 16], columns), STEP))
})

t.test('velocities over a year do not follow the noise of a flat of which stars know better', async (t) => {
  const star = randomStar(4950, 5900, 0.6, 3)
  const layout = { width: 1024, orders: 8, first: 80 }
  const [own, wrong] = [normals(11, 8 * 1024), normals(12, 8 * 1024)]
  const earth = (k: number) => (27e3 * Math.sin(k * 0.53)) / C
  const year = Array.from({ length: 24 }, (_, k) => ({
    z: earth(k),
    orders: expose(star, layout, {
      ...{ z: 1 / (1 + earth(k)) - 1, electrons: 6e5, seed: k + 1, flatError: 0.008 },
      columns: (index, x) => 1 + 0.006 * own[1024 * index + x]!,
      flat: (index, x) => 1 + 0.008 * wrong[1024 * index + x]!,
    }),
  }))
  const template = buildTemplate(year.filter((_, k) => k % 2 === 0))
  const blind = { ...template, orders: template.orders.map(({ response, ...one }) => one) }
  const scatter = ({ orders }: Pick<typeof template, 'orders'>) => {
    const others = year.filter((_, k) => k % 2 === 1)
    const fits = others.map((one) => fitVelocity(one.orders, { orders }, 1 / (1 + one.z) - 1))
    const off = fits.map(({ z }, k) => C * ((1 + z) * (1 + others[k]!.z) - 1))
    return { off: rms(Float64Array.from(off)), limit: fits[0]!.limit }
  }
  const [before, after] = [scatter(blind), scatter(template)]
  t.comment(
    `${before.off.toFixed(2)} m/s by the flat, ${after.off.toFixed(2)} with the stars, photons ${after.limit.toFixed(2)}`,
  )
  t.ok(template.orders.every(({ response }) => response))
  t.ok(before.off > 2 * after.limit, 'the flat matters')
  t.ok(after.off < 1.5 * after.limit, 'and no longer does')
})
