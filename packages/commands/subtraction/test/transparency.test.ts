import { random } from '@nightpipe/math'
import t from 'tap'
import type { Registered } from '../src/register.js'
import type { Side } from '../src/side.js'
import { dimmed, transparencyOf } from '../src/transparency.js'

const SIZE = 600

/** Stars of a frame and of its reference; `sky` is the part of their light that the frame got, each with 1 % of noise. */
function pair(sky: (x: number, y: number) => number, count = 250) {
  const dice = random(12)
  const column = (of: (i: number) => number) => Float64Array.from({ length: count }, (_, i) => of(i))
  const [x, y] = [column(() => SIZE * dice.uniform()), column(() => SIZE * dice.uniform())]
  const there = column(() => 1000 + 1e5 * dice.uniform())
  // one star in twenty has changed
  const changed = (i: number) => (i % 20 === 7 ? 1.5 : 1)
  const here = column((i) => there[i]! * sky(x[i]!, y[i]!) * changed(i) * (1 + 0.01 * dice.normal()))
  const flags = new Int16Array(count)
  const stars = { count, x, y, flux: here, fluxError: here.map((flux) => flux / 100), flags }
  const fresh = { width: SIZE, height: SIZE, found: { stars } } as unknown as Side
  const signal = new Float64Array(count).fill(100)
  const planes = { net: new Float32Array(SIZE * SIZE).fill(2), variance: new Float32Array(SIZE * SIZE).fill(3) }
  const reference = { ...planes, stars: { x, y, flux: there, flags, signal } } as unknown as Registered
  return { fresh, reference }
}

const cloud = (x: number) => 0.7 - 0.3 * Math.tanh((x - 300) / 80)

t.test('a cloud over half of the field is followed, and the reference seen through it', async (t) => {
  const { fresh, reference } = pair((x) => 1.7 * cloud(x))
  const sky = transparencyOf(fresh, reference)!
  t.ok(sky, 'it is seen')
  const scale = sky.at(40, 300) / cloud(40)
  // 5 %: the surface is smoother than the edge
  for (const [x, y] of [
    [60, 80],
    [200, 500],
    [300, 300],
    [380, 100],
    [560, 560],
  ] as const) {
    t.ok(Math.abs(sky.at(x, y) / cloud(x) / scale - 1) < 0.05, `${sky.at(x, y)} at ${x}, ${y}`)
  }
  t.ok(sky.low / sky.high < 0.45 && sky.low / sky.high > 0.35)
  const seen = dimmed(reference, sky, fresh)
  const p = 200 * SIZE + 410
  t.ok(Math.abs(seen.net[p]! / (2 * sky.at(410, 200)) - 1) < 0.01)
  t.ok(Math.abs(seen.variance[p]! / (3 * sky.at(410, 200) ** 2) - 1) < 0.02)
  t.equal(reference.net[p], 2, 'the reference itself stays')
})

t.test('one number for the field, few stars, or ratios without order: nothing is said', async (t) => {
  const even = pair(() => 0.4)
  t.equal(transparencyOf(even.fresh, even.reference), undefined)
  const few = pair((x) => cloud(x), 30)
  t.equal(transparencyOf(few.fresh, few.reference), undefined)
  const dice = random(5)
  const wild = pair(() => 0.5 + dice.uniform())
  t.equal(transparencyOf(wild.fresh, wild.reference), undefined)
})
