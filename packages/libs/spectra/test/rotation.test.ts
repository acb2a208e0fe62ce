import t from 'tap'
import { rotationTaps, rotationTransfer } from '../src/rotation.js'

/** The disc by strips: light of each, by its distance from the axis, summed over the disc with limb darkening. */
function strips(limbDarkening: number): { y: number; light: number }[] {
  const n = 2000
  const all = Array.from({ length: n }, (_, k) => {
    const y = (2 * k + 1) / n - 1
    const half = Math.sqrt(1 - y * y)
    // over the chord, the mean of 1 - u + u sqrt(1 - y² - x²) is 1 - u + u π half / 4
    return { y, light: 2 * half * (1 - limbDarkening + (limbDarkening * Math.PI * half) / 4) }
  })
  const sum = all.reduce((total, { light }) => total + light, 0)
  return all.map(({ y, light }) => ({ y, light: light / sum }))
}

t.test('the transform of the disc is the sum over its strips', async (t) => {
  for (const limbDarkening of [0, 0.6, 1]) {
    const disc = strips(limbDarkening)
    for (const sigma of [0, 0.5, 2.9, 3.1, 12, 60]) {
      const sum = disc.reduce((total, { y, light }) => total + light * Math.cos(sigma * y), 0)
      t.ok(Math.abs(rotationTransfer(sigma * sigma, limbDarkening) - sum) < 3e-5, `${sigma}: ${sum}`)
    }
  }
  t.ok(rotationTransfer(-4, 0.6) > 1, 'what is narrower is sharpened')
})

t.test('a line of the star is the sum of the lines of its strips, between samples too', async (t) => {
  const line = (x: number) => Math.exp(-0.5 * (x / 3.4) ** 2)
  for (const width of [0, 1.5, 7, 60]) {
    const taps = rotationTaps(width * width, 0.6)
    const half = taps.length - 1
    const disc = strips(0.6)
    const coefficient = (i: number) => {
      let sum = 0
      for (let j = -half; j <= half; j++) sum += taps[Math.abs(j)]! * line(i + j)
      return sum
    }
    for (const at of [0, 0.5, 4.25, 20.75]) {
      const i = Math.floor(at)
      const [x, s] = [at - i, 1 - at + i]
      const splines = [s ** 3 / 6, (3 * x ** 3 - 6 * x * x + 4) / 6, (3 * s ** 3 - 6 * s * s + 4) / 6, x ** 3 / 6]
      const value = splines.reduce((sum, one, k) => sum + one * coefficient(i - 1 + k), 0)
      const wanted = disc.reduce((sum, { y, light }) => sum + light * line(at - width * y), 0)
      t.ok(Math.abs(value - wanted) < 2e-4, `${width} at ${at}: ${value} of ${wanted}`)
    }
  }
})
