import { random } from '@nightpipe/math'
import t from 'tap'
import { takeOffHalos } from '../src/halos.js'

const SIDE = 240
const STAR = { x: 118.3, y: 121.6 }
const FWHM = 4
const NOISE = 10

/** Noise as a matched filter leaves it: smooth over a seeing disc, of sigma 1. */
function scores(seed: number): Float32Array {
  const { normal } = random(seed, 7)
  const raw = Float64Array.from({ length: SIDE * SIDE }, () => normal())
  const taps = [-3, -2, -1, 0, 1, 2, 3].map((u) => Math.exp((-u * u) / 5.8))
  const across = (values: Float64Array, step: number) =>
    values.map((_, p) => taps.reduce((sum, tap, k) => sum + tap * (values[p + (k - 3) * step] ?? 0), 0))
  const smooth = across(across(raw, 1), SIDE)
  const sigma = Math.sqrt(smooth.reduce((sum, value) => sum + value * value, 0) / smooth.length)
  return Float32Array.from(smooth, (value) => value / sigma)
}

const away = (p: number) => Math.hypot((p % SIDE) - STAR.x, Math.floor(p / SIDE) - STAR.y)

/** A field with one star, its halo of so many sigma at 16 px, and perhaps a source of 9 sigma in that. */
function fieldOf(strength: number, source?: readonly [x: number, y: number]) {
  const score = scores(3).map((value, p) => {
    const halo = strength * (16 / Math.max(8, away(p))) ** 3.5
    const [x, y] = source ?? [0, 0]
    const r2 = ((p % SIDE) - x) ** 2 + (Math.floor(p / SIDE) - y) ** 2
    return value + halo + (source ? 9 * Math.exp(-r2 / 11.5) : 0)
  })
  const constant = () => new Float32Array(SIDE * SIDE).fill(NOISE)
  const planes = { score, fluxError: constant(), difference: constant(), error: constant(), starFlux: constant() }
  const stars = { count: 1, x: [STAR.x], y: [STAR.y], flux: [3e5] }
  const none = { x: [], y: [], flux: [] }
  const frames = { fresh: { width: SIDE, height: SIDE, found: { stars } }, reference: { stars: none } }
  takeOffHalos(planes, new Uint8Array(SIDE * SIDE), { ...frames, ratio: 1, seeing: FWHM } as never)
  return planes.score
}

const meanBetween = (score: Float32Array, from: number, to: number) => {
  const inside = score.filter((_, p) => away(p) >= from && away(p) < to)
  return inside.reduce((a, b) => a + b, 0) / inside.length
}

t.test('the halo of a bright star is taken off, and a source in it stays', async (t) => {
  const plain = scores(3)
  for (const strength of [15, -15]) {
    const left = fieldOf(strength)
    for (const [from, to] of [
      [12, 16],
      [16, 24],
      [24, 40],
    ] as const) {
      // the noise of the ring goes with its median; a twentieth of the halo may stay where it is steepest
      t.ok(Math.abs(meanBetween(left, from, to)) < 0.7, `${strength}: ${meanBetween(left, from, to)} from ${from}`)
    }
    const place = [138, 125] as const
    const p = place[1] * SIDE + place[0]
    const found = fieldOf(strength, place)[p]!
    t.ok(Math.abs(found - plain[p]! - 9) < 1, `a source of 9 sigma beside ${strength}: ${found - plain[p]!}`)
  }
})

t.test('without a halo nothing is touched', async (t) => {
  t.same(fieldOf(0), scores(3))
})
