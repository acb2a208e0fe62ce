import { random } from '@nightpipe/math'
import { makeWcs, type Wcs } from '@nightpipe/sky'
import t from 'tap'
import { isSolved, type SkyPoints, solveField } from '../src/index.js'

const SIZE = { width: 1024, height: 1024 }

/** Stars at random in a square of the sky, brightest first, and what a camera with this plate sees of them. */
function field(seed: number, wcs: Wcs, degrees: number, density: number, spurious: number) {
  const dice = random(seed)
  const [a0, d0] = wcs.linear.sky
  const count = Math.round(density * degrees * degrees)
  const sky: SkyPoints = {
    ra: new Float64Array(count),
    dec: new Float64Array(count),
    magnitude: new Float64Array(count),
  }
  const sines = [d0 - degrees / 2, d0 + degrees / 2].map((dec) => Math.sin((dec * Math.PI) / 180))
  const [ra, dec] = [sky.ra as Float64Array, sky.dec as Float64Array]
  const seen: [number, number][] = []
  for (let k = 0; k < count; k++) {
    ra[k] = a0 + ((dice.uniform() - 0.5) * degrees) / Math.cos((d0 * Math.PI) / 180)
    dec[k] = (Math.asin(sines[0] + dice.uniform() * (sines[1] - sines[0])) * 180) / Math.PI
    const at = wcs.toPixel(ra[k], dec[k])
    if (!at || at[0] < 0 || at[0] > 1023 || at[1] < 0 || at[1] > 1023) continue
    seen.push([at[0] + 0.1 * dice.normal(), at[1] + 0.1 * dice.normal()])
    if (dice.uniform() < spurious) seen.push([1023 * dice.uniform(), 1023 * dice.uniform()])
  }
  const stars = { x: Float64Array.from(seen, ([x]) => x), y: Float64Array.from(seen, ([, y]) => y) }
  return { sky, stars, source: () => sky }
}

const plate = (scale: number, turn: number, hand: 1 | -1, sky: [number, number]) => {
  const [c, s] = [(Math.cos(turn) * scale) / 3600, (Math.sin(turn) * scale) / 3600]
  return makeWcs({ linear: { pixel: [511.5, 511.5], sky, matrix: [hand * c, -s, hand * s, c] } })
}

/** The largest distance, in pixels, between where two plates put the same pixels. */
function worst(found: Wcs, truth: Wcs): number {
  let most = 0
  for (let x = 0; x <= 1023; x += 341) {
    for (let y = 0; y <= 1023; y += 341) {
      const at = found.toPixel(...truth.toSky(x, y))
      most = Math.max(most, at ? Math.hypot(at[0] - x, at[1] - y) : 1e9)
    }
  }
  return most
}

t.test(
  'a field turned, mirrored or not, a degree off, its scale 10 % wrong, half as many spurious stars, is solved',
  async (t) => {
    for (const [seed, hand] of [
      [1, -1],
      [2, 1],
      [3, -1],
      [4, 1],
    ] as const) {
      const truth = plate(2, seed, hand, [83 * seed, 20 * seed - 60])
      const { stars, source } = field(seed, truth, 3, 150, 0.5)
      const [ra, dec] = truth.linear.sky
      const result = solveField(stars, SIZE, source, { ra, dec: dec + 0.99, radius: 1, scale: [1.98, 2.42] })
      t.ok(isSolved(result), `seed ${seed}`)
      if (!isSolved(result)) continue
      t.ok(worst(result.wcs, truth) < 2, `seed ${seed}: ${worst(result.wcs, truth)} px off`)
      t.ok(result.logFalse < -20)
    }
  },
)

t.test('a field whose hand is asked for wrongly is not solved', async (t) => {
  const truth = plate(2, 1, -1, [83, -40])
  const { stars, source } = field(1, truth, 2, 150, 0.5)
  const hints = { ra: 83, dec: -40, radius: 0.5, scale: [1.8, 2.2] as const }
  t.ok(isSolved(solveField(stars, SIZE, source, { ...hints, hand: 'normal' })))
  t.notOk(isSolved(solveField(stars, SIZE, source, { ...hints, hand: 'mirrored' })))
})

t.test('stars of another field are never matched', async (t) => {
  for (let seed = 1; seed <= 4; seed++) {
    const truth = plate(2, seed, -1, [10, 10])
    const { source } = field(seed, truth, 2, 200, 0)
    const { stars } = field(seed + 100, truth, 2, 200, 0)
    t.notOk(
      isSolved(solveField(stars, SIZE, source, { ra: 10, dec: 10, radius: 0.5, scale: [1.8, 2.2] })),
      `seed ${seed}`,
    )
  }
})

t.test('a field at the pole, and one across the beginning of right ascension, are solved', async (t) => {
  for (const at of [
    [40, 89.9],
    [359.99, 5],
  ] as [number, number][]) {
    const truth = plate(20, 0.3, -1, at)
    // around the pole the stars of all right ascensions are needed
    const dice = random(7)
    const ra = new Float64Array(3000).map(() => 360 * dice.uniform())
    const low = Math.sin(((at[1] > 80 ? 80 : 0) * Math.PI) / 180)
    const dec = ra.map(() => (Math.asin(low + dice.uniform() * ((at[1] > 80 ? 1 : 0.174) - low)) * 180) / Math.PI)
    const sky = { ra, dec, magnitude: ra }
    const places = truth.toPixelMany(ra, dec)
    const inside = [...ra.keys()].filter(
      (k) => places.x[k] >= 0 && places.x[k] < 1023 && places.y[k] >= 0 && places.y[k] < 1023,
    )
    const stars = { x: Float64Array.from(inside, (k) => places.x[k]), y: Float64Array.from(inside, (k) => places.y[k]) }
    const result = solveField(stars, SIZE, () => sky, { ra: at[0], dec: at[1], radius: 2, scale: [18, 22] })
    t.ok(isSolved(result) && worst(result.wcs, truth) < 0.1, `at ${at}, ${inside.length} stars`)
  }
})

t.test('too few stars are no solution, and no crash', async (t) => {
  const sky = { ra: Float64Array.of(1, 2), dec: Float64Array.of(1, 2), magnitude: Float64Array.of(1, 2) }
  const none = { x: new Float64Array(0), y: new Float64Array(0) }
  t.notOk(isSolved(solveField(none, SIZE, () => sky, { ra: 1, dec: 1, radius: 1, scale: [1, 2] })))
  const three = { x: Float64Array.of(1, 500, 900), y: Float64Array.of(1, 500, 20) }
  t.notOk(isSolved(solveField(three, SIZE, () => sky, { ra: 1, dec: 1, radius: 1, scale: [1, 2] })))
})
