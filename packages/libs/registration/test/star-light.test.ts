import { sampleSky } from '@nightpipe/image'
import { random } from '@nightpipe/math'
import t from 'tap'
import { STEP, starLight } from '../src/index.js'

const SIZE = 90

/** A pixel's shares of the three rings about it, by what they must be: the parabola that is 1 at one ring and 0 at the others. */
function shares(distance: number): [ring: number, share: number][] {
  const nearest = Math.round(distance / STEP)
  const u = distance / STEP
  return [-1, 0, 1].map((j) => {
    const [a, b] = [-1, 0, 1].filter((k) => k !== j)
    return [Math.abs(nearest + j), ((u - nearest - a) * (u - nearest - b)) / ((j - a) * (j - b))]
  })
}

t.test('light in rings is that of a plain loop: bad pixels, saturated neighbours, an edge', async (t) => {
  const { normal, uniform } = random(5)
  const pixels = Float32Array.from({ length: SIZE * SIZE }, () => 100 + 5 * normal())
  const mask = new Int16Array(SIZE * SIZE)
  for (let k = 0; k < 12; k++) mask[Math.floor(SIZE * SIZE * uniform())] = 2 ** Math.floor(4 * uniform())
  pixels[20 * SIZE + 60] = 5000
  pixels[61 * SIZE + 20] = Number.NaN
  const places = { x: Float64Array.of(40.3, 47.8, 71.5, -3), y: Float64Array.of(41.7, 44.1, 40.2, 10) }
  const options = { radius: 3, reach: 22, skyFrom: 18, saturation: 4000, sky: sampleSky(pixels, SIZE, SIZE, {}) }
  const { rings, light, clipped } = starLight({ pixels, width: SIZE, height: SIZE, mask }, places, options)
  let told = 0
  for (let k = 0; k < places.x.length; k++) {
    if (Number.isNaN(light[k * rings])) continue
    told++
    const [own, seen, all, full] = [0, 0, 0, 0].map(() => new Float64Array(rings + 1))
    for (let v = -60; v < SIZE + 60; v++) {
      for (let u = -60; u < SIZE + 60; u++) {
        const distance = Math.hypot(u - places.x[k], v - places.y[k])
        if (Math.round(distance / STEP) >= rings) continue
        const inside = u >= 0 && v >= 0 && u < SIZE && v < SIZE
        const [value, bits] = inside ? [pixels[v * SIZE + u], mask[v * SIZE + u]] : [Number.NaN, 8]
        const isFull = bits === 2 || (bits === 0 && value >= 4000)
        if (isFull) full[Math.round(distance / STEP)] += value
        for (const [ring, share] of shares(distance)) {
          all[ring] += share
          if (!isFull && (bits !== 0 || Number.isNaN(value))) continue
          seen[ring] += share
          own[ring] += share * value
        }
      }
    }
    const from = Math.ceil(18 / STEP)
    const sum = (values: Float64Array) => values.subarray(from, rings).reduce((total, value) => total + value, 0)
    const level = sum(own) / sum(seen)
    for (let b = 0; b < rings; b++) {
      const expected = (all[b] * own[b]) / seen[b] - all[b] * level
      t.ok(
        Math.abs(light[k * rings + b] - expected) < 1e-8 * Math.abs(all[b]) * level + 1e-8,
        `star ${k}, ring ${b}: ${expected}`,
      )
      t.equal(clipped[k * rings + b], full[b])
    }
  }
  t.equal(told, 2, 'all but the one that is beyond the frame, and one whose core is hit')
})

t.test('a star whose core is hit says nothing', async (t) => {
  const pixels = new Float32Array(SIZE * SIZE).fill(100)
  const mask = new Int16Array(SIZE * SIZE)
  mask[42 * SIZE + 41] = 4
  const options = { radius: 3, reach: 22, skyFrom: 18, sky: sampleSky(pixels, SIZE, SIZE, {}) }
  const at = { x: Float64Array.of(40), y: Float64Array.of(41) }
  t.ok(Number.isNaN(starLight({ pixels, width: SIZE, height: SIZE, mask }, at, options).light[0]))
})
