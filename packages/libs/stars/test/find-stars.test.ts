import { random } from '@nightpipe/math'
import t from 'tap'
import { findStars, type Stars } from '../src/index.js'

export interface Light {
  x: number
  y: number
  flux: number
}

/** A field of Gaussian stars of sigma 1.5 px on a noisy sky of 100. */
function field(width: number, height: number, lights: readonly Light[], noise: number) {
  const { normal } = random(3)
  const pixels = Float32Array.from({ length: width * height }, () => 100 + noise * normal())
  for (const { x, y, flux } of lights) {
    for (let v = Math.max(0, Math.floor(y) - 12); v < Math.min(height, y + 13); v++) {
      for (let u = Math.max(0, Math.floor(x) - 12); u < Math.min(width, x + 13); u++) {
        const peak = flux / (2 * Math.PI * 2.25)
        pixels[v * width + u] += peak * Math.exp(-((u - x) ** 2 + (v - y) ** 2) / 4.5)
      }
    }
  }
  return { name: 'field', width, height, pixels }
}

const grid = (flux: number) =>
  Array.from({ length: 64 }, (_, k) => ({ x: 20.2 + (k % 8) * 30.3, y: 19.7 + Math.floor(k / 8) * 30.1, flux }))

const nearest = (stars: Stars, { x, y }: Light) => {
  let best = 0
  for (let i = 1; i < stars.count; i++) {
    if (Math.hypot(stars.x[i] - x, stars.y[i] - y) < Math.hypot(stars.x[best] - x, stars.y[best] - y)) best = i
  }
  return best
}

t.test('every bright star is found once, with honest errors of place and flux', async (t) => {
  const lights = grid(3000)
  const { stars, quality } = findStars(field(256, 256, lights, 5))
  t.equal(stars.count, lights.length)
  const pulls = lights.flatMap((light) => {
    const i = nearest(stars, light)
    return [(stars.x[i] - light.x) / stars.xError[i], (stars.y[i] - light.y) / stars.yError[i]]
  })
  const rms = Math.sqrt(pulls.reduce((sum, pull) => sum + pull * pull, 0) / pulls.length)
  t.ok(rms > 0.8 && rms < 1.2, `pulls of ${rms.toFixed(2)}: 128 of them tell it to 6 %`)
  t.ok(Math.abs(quality.seeing - 1.5 * 2.3548) < 0.1, `seeing ${quality.seeing}`)
  t.ok(Math.abs(quality.sky - 100) < 1)
})

t.test('an empty frame has no stars, and noise makes none', async (t) => {
  const { stars } = findStars(field(512, 512, [], 5))
  t.ok(stars.count <= 1, 'at five sigma, one in some million pixels')
  t.equal(findStars({ name: 'flat', width: 64, height: 64, pixels: new Float32Array(4096).fill(7) }).stars.count, 0)
})
