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

t.test('a frame of one value has no stars, whatever the value', async (t) => {
  for (const value of [0, 7, 0.1, 30000.3]) {
    const pixels = new Float32Array(100 * 100).fill(value)
    t.equal(findStars({ name: 'flat', width: 100, height: 100, pixels }).stars.count, 0)
  }
})

t.test('infinite pixels count for nothing, and the stars are those of the frame', async (t) => {
  const lights = grid(3000)
  const frame = field(256, 256, lights, 5)
  for (let p = 1000; p < frame.pixels.length; p += 997) frame.pixels[p] = p % 2 ? Number.POSITIVE_INFINITY : -1 / 0
  const { stars, quality } = findStars(frame)
  t.ok(Math.abs(stars.count - lights.length) <= 1, `${stars.count} of ${lights.length}`)
  t.ok(stars.flux.every(Number.isFinite))
  t.ok(Math.abs(quality.seeing - 1.5 * 2.3548) < 0.1, `${quality.seeing} px`)
})

t.test('photons of faint stars in the error plane do not hide them', async (t) => {
  // flux 340 on a sky of sigma 8: a significance of 8 where the sky is the noise, under 6 by the error of the peak
  const frame = field(256, 256, grid(340), 8)
  const photons = field(256, 256, grid(340), 0).pixels
  const error = Float32Array.from(photons, (light) => Math.sqrt(64 + 4 * (light - 100)))
  const even = new Float32Array(error.length).fill(8)
  const found = findStars({ ...frame, error }, { threshold: 6.5 }).stars.count
  t.equal(found, findStars({ ...frame, error: even }, { threshold: 6.5 }).stars.count)
  t.ok(found > 55, `${found} of 64`)
})

t.test('a part of the frame that is noisier than its mesh says makes no stars', async (t) => {
  const { normal } = random(8)
  const error = Float32Array.from({ length: 256 * 256 }, (_, p) => (p % 256 < 20 ? 20 : 5))
  const pixels = error.map((sigma) => 100 + sigma * normal())
  t.ok(findStars({ name: 'edge', width: 256, height: 256, pixels, error }).stars.count <= 1)
})

t.test('errors of total fluxes hold the noise of the radius that they are summed within', async (t) => {
  // wings of a Moffat profile, beta 3: light at the rim, which moves with the noise
  const { normal, uniform } = random(12)
  const [side, flux] = [1200, 6000]
  const pixels = Float32Array.from({ length: side * side }, () => 100 + 10 * normal())
  for (let k = 0; k < 625; k++) {
    const [x, y] = [24 + (k % 25) * 48 + uniform() - 0.5, 24 + Math.floor(k / 25) * 48 + uniform() - 0.5]
    for (let v = Math.round(y) - 23; v <= Math.round(y) + 23; v++) {
      for (let u = Math.round(x) - 23; u <= Math.round(x) + 23; u++) {
        const r2 = ((u - x) ** 2 + (v - y) ** 2) / 8.66
        pixels[v * side + u] += ((2 * flux) / (Math.PI * 8.66)) * (1 + r2) ** -3
      }
    }
  }
  const { stars } = findStars({ name: 'moffat', width: side, height: side, pixels })
  const fluxes = Array.from(stars.flux).sort((p, q) => p - q)
  const at = (part: number) => fluxes[Math.round(part * (fluxes.length - 1))]
  const error = Array.from(stars.fluxError).sort((p, q) => p - q)[fluxes.length >> 1]
  const pull = (at(0.8413) - at(0.1587)) / 2 / error
  t.ok(fluxes.length >= 620)
  t.ok(pull > 0.9 && pull < 1.1, `pulls of ${pull.toFixed(3)}: 625 stars tell it to 4 %`)
})

t.test('a star on the corner of four pixels is as significant as one on the middle of one', async (t) => {
  const at = (part: number) => {
    const lights = grid(2000).map(({ x, y, flux }) => ({ x: Math.floor(x) + part, y: Math.floor(y) + part, flux }))
    const { stars } = findStars(field(256, 256, lights, 5))
    t.equal(stars.count, 64)
    return stars.significance.reduce((sum, value) => sum + value, 0) / 64
  }
  // at the nearest pixel it has 5 % less; 64 stars of 38 sigma tell a mean to 0.3 %
  const ratio = at(0.5) / at(0)
  t.ok(Math.abs(ratio - 1) < 0.012, `${ratio}`)
})

t.test('a trail is seen by the angles of the stars, whichever way it goes', async (t) => {
  const trailed = (angle: number) => {
    const steps = [-2, -1, 0, 1, 2]
    const lights = grid(20_000).flatMap(({ x, y, flux }) =>
      steps.map((k) => ({ x: x + k * Math.cos(angle), y: y + k * Math.sin(angle), flux: flux / steps.length })),
    )
    return findStars(field(256, 256, lights, 20)).quality.thetaKurtosis
  }
  for (const angle of [0, 0.8, Math.PI / 2, 2.4]) {
    // their angles differ by noise alone: normally distributed, excess 0
    t.ok(trailed(angle) > -0.7, `${angle}: ${trailed(angle)}`)
  }
})
