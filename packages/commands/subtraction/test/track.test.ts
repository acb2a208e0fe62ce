import { random } from '@nightpipe/math'
import t from 'tap'
import { isTrack } from '../src/track.js'

const HALF = 5
/** What a star of this width and flux has in the pixels about it, over their error, and how well it is fitted there. */
function sceneOf(fwhm: number, sigmas: number, light: (x: number, y: number, star: number) => number) {
  const places = Array.from({ length: (2 * HALF + 1) ** 2 }, (_, p) => ({
    x: (p % (2 * HALF + 1)) - HALF,
    y: Math.floor(p / (2 * HALF + 1)) - HALF,
  }))
  const profile = places.map(({ x, y }) => Math.exp((-4 * Math.LN2 * ((x - 0.2) ** 2 + (y + 0.1) ** 2)) / fwhm ** 2))
  const norm = Math.sqrt(profile.reduce((sum, one) => sum + one * one, 0))
  const unit = profile.map((one) => one / norm)
  const values = places.map(({ x, y }, k) => light(x, y, sigmas * unit[k]!))
  const fit = values.reduce((sum, value, k) => sum + value * unit[k]!, 0)
  const pixels = places.map((place, k) => ({ ...place, value: values[k]!, expected: fit * unit[k]! }))
  return isTrack(pixels, { x: 0, y: 0 }, fit * fit)
}

t.test('stars are no tracks: faint ones of ordinary width, nor sharp ones', async (t) => {
  const { normal } = random(11)
  for (const [fwhm, sigmas] of [
    [3, 6],
    [3, 8],
    [4.5, 8],
    [2.2, 7],
    [1.6, 8],
    [1.6, 11.5],
    [1.6, 40],
    [3, 100],
  ] as const) {
    let taken = 0
    for (let k = 0; k < 400; k++) if (sceneOf(fwhm, sigmas, (_x, _y, star) => star + normal())) taken++
    t.ok(taken <= 8, `${taken} of 400 stars of ${sigmas} sigma, ${fwhm} px wide`)
  }
})

t.test('most short straight tracks that the matched filter takes for faint stars are seen', async (t) => {
  const { normal } = random(12)
  let seen = 0
  for (const slope of [0, 1, -0.5]) {
    const length = Math.hypot(1, slope)
    // wide enough that the pixels beside it have a part of it
    const track = (x: number, y: number) => {
      const [along, away] = [(x + slope * y) / length, (y - slope * x - 0.3) / length]
      return Math.abs(along) <= 2.5 ? 4.4 * Math.exp((-away * away) / (2 * 0.55 ** 2)) : 0
    }
    for (let k = 0; k < 100; k++) if (sceneOf(3.2, 0, (x, y) => track(x, y) + normal())) seen++
  }
  t.ok(seen >= 240, `${seen} of 300`)
})
