import { allocate, scoped } from '@nightpipe/kernels'
import { random } from '@nightpipe/math'
import t from 'tap'
import { backgroundMesh } from '../src/index.js'

/** A tilted and bowed sky with noise of 5 and faint and bright stars. */
function sky(width: number, height: number, seed: number) {
  const r = random(seed)
  const level = (x: number, y: number) => 500 + 0.03 * x - 0.02 * y + 5 * Math.sin(x / 300) * Math.cos(y / 250)
  const pixels = Float32Array.from(
    { length: width * height },
    (_, p) => level(p % width, Math.floor(p / width)) + 5 * r.normal(),
  )
  for (let star = 0; star < (width * height) / 3000; star++) {
    const [cx, cy, flux] = [width * r.uniform(), height * r.uniform(), 50 * 100 ** r.uniform()]
    for (let y = Math.max(0, Math.floor(cy - 8)); y < Math.min(height, cy + 8); y++) {
      for (let x = Math.max(0, Math.floor(cx - 8)); x < Math.min(width, cx + 8); x++) {
        pixels[y * width + x] += flux * Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 4)
      }
    }
  }
  return { pixels, level }
}

t.test('the level of a curved sky under stars is found within 0.5, its noise within 3 %', async (t) => {
  const [width, height] = [700, 500]
  const { pixels, level } = sky(width, height, 61)
  const background = backgroundMesh(pixels, width, height, { mesh: 50 })
  t.same([background.columns, background.rows], [14, 10])
  const map = background.expand()
  let [sum, squares] = [0, 0]
  for (let p = 0; p < map.length; p++) {
    const off = map[p] - level(p % width, Math.floor(p / width))
    sum += off
    squares += off * off
  }
  // mode of 2500 pixels: about 3 x 5 / 50; unresolved faint stars lift it a little
  t.ok(Math.abs(sum / map.length) < 0.15, `offset ${sum / map.length}`)
  t.ok(Math.sqrt(squares / map.length) < 0.5, `scatter ${Math.sqrt(squares / map.length)}`)
  const noise = background.rms.reduce((a, b) => a + b) / background.rms.length
  t.ok(Math.abs(noise / 5 - 1) < 0.03, `noise ${noise}`)
})

t.test('a strip of the map is that part of the whole map, and a flat sky is flat', async (t) => {
  const { pixels } = sky(130, 97, 62)
  const background = backgroundMesh(pixels, 130, 97, { mesh: 20 })
  const whole = background.expand()
  const strip = background.expand(new Float32Array(130 * 13), 40)
  t.same(strip, whole.slice(130 * 40, 130 * 53))
  const flat = backgroundMesh(new Float32Array(60 * 50).fill(7), 60, 50, { mesh: 16 })
  t.ok(flat.expand().every((v) => v === 7))
  t.ok(flat.expandRms().every((v) => v === 0))
})

t.test('the map goes through a straight slope without ripples, to the corners', async (t) => {
  const [width, height] = [256, 192]
  const slope = Float32Array.from({ length: width * height }, (_, p) => (p % width) + 2 * Math.floor(p / width))
  const map = backgroundMesh(slope, width, height, { mesh: 32, filter: 1 }).expand()
  let worst = 0
  for (let p = 0; p < map.length; p++) worst = Math.max(worst, Math.abs(map[p] - slope[p]))
  t.ok(worst < 0.01, `${worst}`)
})

t.test('masked and NaN pixels do not count; meshes without pixels take the level of their neighbours', async (t) => {
  const r = random(63)
  const [width, height] = [160, 160]
  const pixels = Float32Array.from({ length: width * height }, () => 100 + r.normal())
  const mask = new Int16Array(width * height)
  for (let p = 0; p < pixels.length; p++) {
    const [x, y] = [p % width, Math.floor(p / width)]
    if (x >= 64 && x < 96 && y >= 64 && y < 96) {
      pixels[p] = 30000
      mask[p] = 2
    }
    if (x < 40 && y < 40) pixels[p] = Number.NaN
    if (r.uniform() < 0.1) mask[p] |= 16
  }
  const background = backgroundMesh(pixels, width, height, { mesh: 32, mask, maskBits: 2, filter: 1 })
  t.ok(background.level.every((v) => Math.abs(v - 100) < 0.3))
  t.ok(background.expand().every((v) => Math.abs(v - 100) < 0.5))
  const nothing = backgroundMesh(pixels.fill(Number.NaN), width, height)
  t.ok(nothing.expand().every(Number.isNaN))
})

t.test('integers: the level is found to a tenth of a step', async (t) => {
  const r = random(64)
  const pixels = Float32Array.from({ length: 256 * 256 }, () => Math.round(1000.3 + 2 * r.normal()))
  const { level, rms } = backgroundMesh(pixels, 256, 256)
  t.ok(Math.abs(level.reduce((a, b) => a + b) / level.length - 1000.3) < 0.1)
  t.ok(Math.abs(rms.reduce((a, b) => a + b) / rms.length / Math.sqrt(4 + 1 / 12) - 1) < 0.03)
})

t.test('kernel memory or not, the same; odd sizes, one pixel and impossible meshes', async (t) => {
  const { pixels } = sky(131, 77, 65)
  const outside = backgroundMesh(pixels, 131, 77, { mesh: 30 })
  scoped(() => {
    const ours = allocate(Float32Array, pixels.length)
    ours.set(pixels)
    const inside = backgroundMesh(ours, 131, 77, { mesh: 30 })
    t.same([inside.level, inside.rms], [outside.level, outside.rms])
  })
  const one = backgroundMesh(Float32Array.of(42), 1, 1)
  t.same([...one.level, ...one.rms, ...one.expand()], [42, 0, 42])
  t.same([...backgroundMesh(Float32Array.of(1, 2, 3), 3, 1, { mesh: 1, filter: 1 }).level], [1, 2, 3])
  for (const options of [{ mesh: 0 }, { filter: 2 }]) {
    t.throws(() => backgroundMesh(pixels, 131, 77, options), RangeError)
  }
  t.throws(() => backgroundMesh(pixels, 130, 77), RangeError)
})
