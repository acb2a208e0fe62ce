import { random } from '@nightpipe/math'
import t from 'tap'
import { type Affine, alignStars, mapOf, transform } from '../src/index.js'

type Place = (x: number, y: number) => readonly [number, number]

/** Stars of a field in two frames, with hot pixels that are in both at the same places. */
function frames(place: Place, { stars = 150, hot = 0, noise = 0.02, size = 1000, seed = 3 } = {}) {
  const { uniform, normal } = random(seed)
  const lists = [0, 1].map(() => ({
    x: [] as number[],
    y: [] as number[],
    flux: [] as number[],
    error: [] as number[],
  }))
  const put = (k: number, x: number, y: number, flux: number) => {
    lists[k].x.push(x)
    lists[k].y.push(y)
    lists[k].flux.push(flux)
    lists[k].error.push(noise)
  }
  for (let i = 0; i < stars; i++) {
    const [x, y, flux] = [size * uniform(), size * uniform(), 100 / uniform()]
    const [u, v] = place(x, y)
    put(0, x + noise * normal(), y + noise * normal(), flux)
    put(1, u + noise * normal(), v + noise * normal(), flux)
  }
  for (let i = 0; i < hot; i++) {
    const [x, y, flux] = [size * uniform(), size * uniform(), 300 / uniform()]
    for (const k of [0, 1]) put(k, x + 0.01 * normal(), y + 0.01 * normal(), flux)
  }
  return lists
}

/** Largest distance from the truth over the frame. */
function off(found: Place, truth: Place, size = 1000): number {
  let worst = 0
  for (let y = 0; y <= size; y += size / 4) {
    for (let x = 0; x <= size; x += size / 4) {
      const [[a, b], [c, d]] = [found(x, y), truth(x, y)]
      worst = Math.max(worst, Math.hypot(a - c, b - d))
    }
  }
  return worst
}

const affine =
  (map: Affine): Place =>
  (x, y) =>
    transform(map, x, y)

t.test('the simplest model that does is taken', async (t) => {
  const turn = (angle: number, scale = 1): Place =>
    affine([scale * Math.cos(angle), -scale * Math.sin(angle), 7, scale * Math.sin(angle), scale * Math.cos(angle), -3])
  const cases: [string, Place][] = [
    ['shift', affine([1, 0, 12.3, 0, 1, -40.2])],
    ['rigid', turn(0.01)],
    ['similarity', turn(0.01, 1.002)],
    ['affine', affine([1.001, 0.002, 4, -0.001, 0.999, 8])],
    ['quadratic', (x, y) => [x + 3 + 1e-6 * x * x, y - 2 + 2e-6 * x * y]],
    ['cubic', (x, y) => [x + 3 + 2e-9 * (x - 500) ** 3, y - 2 + 2e-9 * (y - 500) * (x - 500) ** 2]],
  ]
  for (const [model, place] of cases) {
    const [a, b] = frames(place)
    const found = alignStars(a, b)!
    t.equal(found.model, model)
    const worst = off(mapOf(found.map), place)
    t.ok(worst < 0.06, `${model}: off by ${worst} px`)
    t.ok(Math.abs(found.rms / (0.02 * 2) - 1) < 0.15, `${model}: rms ${found.rms}`)
  }
})

t.test('hot pixels that outnumber the stars, and outshine them, do not deceive', async (t) => {
  for (const place of [affine([1, 0, 5.5, 0, 1, -3.25]), affine([1, 0.004, 0.5, -0.004, 1, 2])]) {
    const [a, b] = frames(place, { stars: 60, hot: 300 })
    const found = alignStars(a, b)!
    t.ok(off(mapOf(found.map), place) < 0.05)
  }
})

t.test('hot pixels and a sky that did not move', async (t) => {
  const [a, b] = frames(affine([1, 0, 0, 0, 1, 0]), { stars: 60, hot: 300 })
  t.ok(off(mapOf(alignStars(a, b)!.map), (x, y) => [x, y]) < 0.02)
})

t.test('a rough transformation serves in place of patterns', async (t) => {
  const place = affine([1, 0, 12.3, 0, 1, -40.2])
  const [a, b] = frames(place, { stars: 12 })
  t.ok(off(mapOf(alignStars(a, b, { rough: [1, 0, 12, 0, 1, -40] })!.map), place) < 0.05)
})
