import { random } from '@nightpipe/math'
import t from 'tap'
import type { Scene } from '../src/scene.js'
import { sharedNoise } from '../src/shared-noise.js'
import type { Surface } from '../src/surface.js'

const SIZE = 640
const SIGMA = 5
const noise = { at: () => SIGMA } as unknown as Surface

/** Empty sky of independent pixels, and what is common to all of each square of 64 px. */
function sky(common: number): Scene {
  const dice = random(11)
  const per = SIZE / 64
  const levels = Array.from({ length: per * per }, () => common * dice.normal())
  const net = Float32Array.from({ length: SIZE * SIZE }, (_, p) => {
    const [x, y] = [p % SIZE, Math.floor(p / SIZE)]
    return SIGMA * dice.normal() + levels[Math.floor(y / 64) * per + Math.floor(x / 64)]
  })
  return { width: SIZE, height: SIZE, net, perUnit: 0, noise: { map: new Float32Array(1), columns: 1, rows: 1 } }
}

/** Its variance over that of a pixel, to about 15 %: a hundred squares. */
t.test('what squares of the sky have in common is found, and nothing where pixels are independent', async (t) => {
  t.ok(sharedNoise(sky(0), noise) < 2e-4)
  const expected = (0.5 / SIGMA) ** 2
  const found = sharedNoise(sky(0.5), noise)
  t.ok(Math.abs(found / expected - 1) < 0.35, `${found} for ${expected}`)
})

t.test('an error plane that is wrong as a whole is no common noise', async (t) => {
  const scene = sky(0)
  const error = new Float32Array(SIZE * SIZE).fill(0.7 * SIGMA)
  t.ok(sharedNoise({ ...scene, error }, noise) < 4e-4)
})

t.test('bright boxes of a few faint stars are no noise; pixels of sources are left out', async (t) => {
  const scene = sky(0)
  for (let y = 24; y < SIZE; y += 160) for (let x = 24; x < SIZE; x += 160) scene.net[y * SIZE + x] += 400
  t.ok(sharedNoise(scene, noise) < 3e-4)
  const row = new Int32Array(SIZE + 1).map((_, y) => y)
  const from = new Int32Array(SIZE).map((_, y) => y * SIZE)
  const owners = { row, from, to: from.map((start) => start + SIZE), number: new Int32Array(SIZE).fill(1) }
  t.equal(sharedNoise({ ...sky(0.5), owners }, noise), 0, 'no empty sky, nothing said')
})
