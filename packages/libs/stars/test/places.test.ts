import { random } from '@nightpipe/math'
import t from 'tap'
import { findStars } from '../src/index.js'

const SIGMA_TO_WIDTH = 2.3548
const SIZE = 600

interface Light {
  x: number
  y: number
  flux: number
}

/** Gaussian stars on a noisy sky, the light of each pixel summed over 7 x 7 points of it. */
function field(lights: readonly Light[], width: number, noise: number, seed = 5) {
  const { normal } = random(seed)
  const sigma = width / SIGMA_TO_WIDTH
  const pixels = new Float64Array(SIZE * SIZE)
  const steps = Array.from({ length: 7 }, (_, k) => (k - 3) / 7)
  const along = (at: number, pixel: number) =>
    steps.reduce((sum, step) => sum + Math.exp(-((pixel + step - at) ** 2) / (2 * sigma ** 2)), 0) /
    (7 * sigma * Math.sqrt(2 * Math.PI))
  for (const { x, y, flux } of lights) {
    for (let v = Math.round(y) - 14; v <= Math.round(y) + 14; v++) {
      const row = flux * along(y, v)
      for (let u = Math.round(x) - 14; u <= Math.round(x) + 14; u++) pixels[v * SIZE + u] += row * along(x, u)
    }
  }
  const noisy = Float32Array.from(pixels, (value) => 100 + value + normal() * Math.hypot(noise, Math.sqrt(value)))
  return { name: 'field', width: SIZE, height: SIZE, pixels: noisy }
}

/** Stars on a grid, each somewhere in its pixel. */
const grid = (flux: () => number, uniform: () => number): Light[] =>
  Array.from({ length: 256 }, (_, k) => ({
    ...{ x: 30 + (k % 16) * 36 + uniform(), y: 30 + Math.floor(k / 16) * 36 + uniform() },
    flux: flux(),
  }))

/** Differences of place from the truth, per axis, and their errors; for those found within so many px. */
function placesOf(lights: readonly Light[], frame: ReturnType<typeof field>, within: number) {
  const { stars } = findStars(frame, { gain: 1 })
  return lights.flatMap(({ x, y }) => {
    let best = -1
    let least = within
    for (let i = 0; i < stars.count; i++) {
      const away = Math.hypot(stars.x[i] - x, stars.y[i] - y)
      if (away < least) [best, least] = [i, away]
    }
    return best < 0
      ? []
      : [
          { off: stars.x[best] - x, error: stars.xError[best] },
          { off: stars.y[best] - y, error: stars.yError[best] },
        ]
  })
}

const rms = (values: readonly number[]) => Math.sqrt(values.reduce((sum, one) => sum + one * one, 0) / values.length)

t.test('bright stars narrower than two pixels are where they are, wherever in their pixel', async (t) => {
  const { uniform } = random(1)
  const lights = grid(() => 100_000, uniform)
  const places = placesOf(lights, field(lights, 1.6, 5), 2)
  t.equal(places.length, 512)
  // photons allow 0.0022 px; a window of their own width comes to 0.03
  t.ok(rms(places.map(({ off }) => off)) < 0.008, `${rms(places.map(({ off }) => off))} px`)
})

for (const width of [1.6, 3.4]) {
  t.test(`errors of places are honest for stars of ${width} px`, async (t) => {
    const { uniform } = random(2)
    const lights = grid(() => 800 * width * (0.75 + 0.75 * uniform()), uniform)
    const places = placesOf(lights, field(lights, width, 10), 3)
    t.ok(places.length > 500)
    // 512 numbers tell a deviation to 3 %
    const pull = rms(places.map(({ off, error }) => off / error))
    t.ok(pull > 0.9 && pull < 1.12, `pull ${pull}`)
  })
}

t.test(
  'in a field full of faint stars, what is found is where a star is: windows do not wander between neighbours',
  async (t) => {
    let [found, away] = [0, 0]
    for (const seed of [11, 12, 13]) {
      const { uniform } = random(seed)
      const place = () => 16 + (SIZE - 32) * uniform()
      // from S/N 2 up, as stars are
      const lights = Array.from({ length: 1800 }, () => {
        return { x: place(), y: place(), flux: Math.min(3e5, 2 * 10 * 3.545 * 1.3 * uniform() ** -1.3) }
      })
      const { stars } = findStars(field(lights, 3, 10, seed), { gain: 1 })
      found += stars.count
      for (let i = 0; i < stars.count; i++) {
        if (!lights.some(({ x, y }) => Math.hypot(stars.x[i] - x, stars.y[i] - y) < 2)) away++
      }
    }
    t.ok(found > 1500, `${found}`)
    t.ok(away / found < 0.006, `${away} of ${found} are further than 2 px from any`)
  },
)

t.test('errors of places hold for stars drawn out, along them and across', (t) => {
  for (const angle of [0, 0.6]) {
    const { normal, uniform } = random(9)
    const lights = grid(() => 3000, uniform)
    const [long, short] = [2.4, 1.1]
    const [c, s] = [Math.cos(angle), Math.sin(angle)]
    const pixels = Float32Array.from({ length: SIZE * SIZE }, () => 100 + 15 * normal())
    for (const { x, y, flux } of lights) {
      for (let v = Math.round(y) - 12; v <= Math.round(y) + 12; v++) {
        for (let u = Math.round(x) - 12; u <= Math.round(x) + 12; u++) {
          const [along, across] = [c * (u - x) + s * (v - y), c * (v - y) - s * (u - x)]
          const light = Math.exp(-0.5 * ((along / long) ** 2 + (across / short) ** 2)) / (2 * Math.PI * long * short)
          pixels[v * SIZE + u] += flux * light + Math.sqrt(flux * light) * normal()
        }
      }
    }
    const found = placesOf(lights, { name: 'drawn out', width: SIZE, height: SIZE, pixels }, 1.5)
    t.ok(found.length > 480, `${found.length / 2} found`)
    for (const axis of [0, 1]) {
      const pull = rms(found.filter((_, k) => k % 2 === axis).map(({ off, error }) => off / error))
      // 250 stars tell a scatter to 4.5 %; without the shape of the star it is 1.5 along it and 0.85 across
      t.ok(pull > 0.85 && pull < 1.15, `turned by ${angle}, axis ${axis}: ${pull}`)
    }
  }
  t.end()
})
