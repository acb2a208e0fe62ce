import { random } from '@nightpipe/math'
import t from 'tap'
import { type Affine, alignStars, brightStars, equalWindows, type FoundFrame, mapOf, transform } from '../src/index.js'

const SIZE = 320

/** A field so crowded that most stars are blends, seen through a Gaussian profile of these widths along and across. */
function crowded(map: Affine, [long, short]: readonly [number, number], angle: number, seed: number): FoundFrame {
  const { uniform } = random(77)
  const { normal } = random(seed)
  const pixels = new Float32Array(SIZE * SIZE)
  const [c, s] = [Math.cos(angle), Math.sin(angle)]
  const [a, b] = [long / 2.3548, short / 2.3548]
  for (let n = 0; n < 3000; n++) {
    const [x0, y0, flux] = [SIZE * (1.4 * uniform() - 0.2), SIZE * (1.4 * uniform() - 0.2), 1500 * uniform() ** -0.8]
    const [x, y] = transform(map, x0, y0)
    const reach = Math.ceil(2.2 * long)
    for (let v = Math.max(0, Math.round(y) - reach); v <= Math.min(SIZE - 1, Math.round(y) + reach); v++) {
      for (let u = Math.max(0, Math.round(x) - reach); u <= Math.min(SIZE - 1, Math.round(x) + reach); u++) {
        const [p, q] = [(c * (u - x) + s * (v - y)) / a, (c * (v - y) - s * (u - x)) / b]
        pixels[v * SIZE + u] += (flux * Math.exp(-(p * p + q * q) / 2)) / (2 * Math.PI * a * b)
      }
    }
  }
  for (let p = 0; p < pixels.length; p++) pixels[p] += 300 + normal() * Math.sqrt(300 + pixels[p])
  const image = { pixels, width: SIZE, height: SIZE }
  return { image, gain: 1, stars: brightStars(image, { gain: 1 }) }
}

/** Root mean square over the frame of the distance between where a map and the truth bring a place. */
function off(found: (x: number, y: number) => readonly [number, number], truth: Affine): number {
  let [sum, n] = [0, 0]
  for (let y = 20; y < SIZE; y += 40) {
    for (let x = 20; x < SIZE; x += 40) {
      const [[a, b], [c, d]] = [found(x, y), transform(truth, x, y)]
      sum += (a - c) ** 2 + (b - d) ** 2
      n++
    }
  }
  return Math.sqrt(sum / n)
}

const degree = Math.PI / 180
const truths: Record<string, Affine> = {
  'shifted and turned a little': [Math.cos(degree), -Math.sin(degree), 4.3, Math.sin(degree), Math.cos(degree), -7.6],
  mirrored: [-1, 0, SIZE - 3.4, 0, 1, 5.2],
}
for (const [name, truth] of Object.entries(truths)) {
  t.test(`crowded frames of unlike seeing, ${name}: blends no longer pull them apart`, async (t) => {
    const sharp = crowded([1, 0, 0, 0, 1, 0], [3.6, 3.3], 0, 1)
    for (const [worse, widths, angle] of [
      ['round', [7, 7], 0],
      ['trailed', [7.5, 5.5], 0.6],
    ] as const) {
      const wide = crowded(truth, widths, angle, 2)
      const before = alignStars(sharp.stars, wide.stars, { mirrored: 'either' })!
      const stars = equalWindows(sharp, wide, before.affine)!
      const after = alignStars(...stars, { rough: before.affine, tolerance: 1 })!
      const found = [off(mapOf(before.map), truth), off(mapOf(after.map), truth)]
      const counts = `${before.pairs.length} to ${after.pairs.length} stars`
      const told = `${worse}: rms ${before.rms} to ${after.rms} px, ${counts}, map off by ${found[0]} and ${found[1]} px`
      t.comment(told)
      t.ok(after.rms < 0.5 * before.rms && after.rms < 0.1, told)
      t.ok(found[1] < 0.6 * found[0] && found[1] < 0.02, told)
      t.ok(after.pairs.length > 0.8 * before.pairs.length, told)
    }
  })
}

t.test('the worse frame may be the reference, and a frame on itself does not move', async (t) => {
  const [wide, sharp] = [crowded([1, 0, 0, 0, 1, 0], [7, 7], 0, 3), crowded([1, 0, 2.5, 0, 1, -1.5], [3.5, 3.5], 0, 4)]
  const stars = equalWindows(wide, sharp, [1, 0, 2.4, 0, 1, -1.4])!
  const after = alignStars(...stars, { rough: [1, 0, 2.4, 0, 1, -1.4], tolerance: 1 })!
  t.ok(off(mapOf(after.map), [1, 0, 2.5, 0, 1, -1.5]) < 0.02)
  const [a, b] = equalWindows(wide, wide, [1, 0, 0, 0, 1, 0])!
  t.ok(a.x.length > 50)
  for (let k = 0; k < a.x.length; k++) t.ok(Math.hypot(a.x[k] - b.x[k], a.y[k] - b.y[k]) < 1e-9)
})

t.test('frames without stars have none to measure', async (t) => {
  const { normal } = random(5)
  const pixels = new Float32Array(SIZE * SIZE).map(() => 100 + normal())
  const image = { pixels, width: SIZE, height: SIZE }
  const empty = { image, gain: 1, stars: brightStars(image, {}) }
  t.equal(equalWindows(empty, empty, [1, 0, 0, 0, 1, 0]), undefined)
})
