import t from 'tap'
import { buildTemplate, crossCorrelate, type OrderSpectrum, secondLines } from '../src/index.js'
import { type Exposure, expose, randomStar, type Star } from './star.js'

const C = 299792458
const LAYOUT = { width: 1024, orders: 8, first: 80 }
const star = randomStar(4950, 6000, 0.6, 3)

/** `part` of the light of the continuum is of a second star. */
function shoot(
  of: Star,
  signal: number,
  seed: number,
  other?: { of?: Star; velocity: number; part: number },
): OrderSpectrum[] {
  const part = other?.part ?? 0
  const electrons = signal ** 2
  const exposure = (share: number, z: number): Exposure => ({
    z,
    electrons: electrons * share,
    seed,
    noise: false,
    readNoise: 0,
  })
  const first = expose(of, LAYOUT, exposure(1 - part, 5000 / C))
  const second = other && expose(other.of ?? of, LAYOUT, exposure(part, other.velocity / C))
  const noise = expose(of, LAYOUT, { z: 0, electrons: 0, readNoise: 1, seed: seed + 100 })
  return first.map((one, k) => {
    const light = one.flux.map((value, x) => value + (second ? second[k]!.flux[x]! : 0))
    const uncertainty = light.map((value) => Math.sqrt(value + 9))
    // without light the noise is that of the readout alone, of 1
    const flux = light.map((value, x) => value + uncertainty[x]! * noise[k]!.flux[x]!)
    return { ...one, flux, uncertainty }
  })
}

const template = buildTemplate([0, 1, 2].map((k) => ({ orders: shoot(star, 200, 50 + k), z: 1 / (1 + 5000 / C) - 1 })))
const found = (orders: OrderSpectrum[]) => secondLines(orders, template, crossCorrelate(orders, template))

t.test('a second star is found at its velocity, with its part of the light', async (t) => {
  for (const [velocity, part, signal] of [
    [110e3, 0.4, 20],
    [110e3, 0.4, 200],
    [-100e3, 0.2, 40],
    [45e3, 0.3, 100],
    [-300e3, 0.1, 100],
  ] as const) {
    const second = found(shoot(star, signal, 7, { velocity, part }))
    t.ok(second, `${velocity} ${part} ${signal}`)
    t.ok(Math.abs(second!.velocity - velocity) < 1500, `${second!.velocity}`)
    t.ok(Math.abs(second!.part / (part / (1 - part)) - 1) < 0.4, `${second!.part}`)
  }
})

t.test('single stars are single: faint, bright, turning, of other lines', async (t) => {
  const turning = (times: number): Star => ({
    ...star,
    depth: star.depth.map((d) => d / times),
    width: star.width.map((w) => w * times),
  })
  const halves = [star, randomStar(4950, 6000, 0.6, 8)]
  const rows = halves
    .flatMap(({ centre, depth, width }, which) =>
      Array.from(centre, (at, k) => [at, depth[k]!, width[k]!] as const).filter((_, k) => k % 2 === which),
    )
    .sort((a, b) => a[0] - b[0])
  const unlike: Star = {
    centre: Float64Array.from(rows, ([at]) => at),
    depth: Float64Array.from(rows, ([, depth]) => depth),
    width: Float64Array.from(rows, ([, , width]) => width),
  }
  for (const signal of [20, 60, 300]) {
    for (const [name, of] of [
      ['as the template', star],
      ['turning', turning(2.5)],
      ['turning fast', turning(6)],
      ['half of other lines', unlike],
    ] as const) {
      for (const seed of [11, 12, 13]) t.equal(found(shoot(of, signal, seed)), undefined, `${name}, S/N ${signal}`)
    }
  }
})
