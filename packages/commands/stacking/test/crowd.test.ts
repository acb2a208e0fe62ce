import { sampleSky } from '@nightpipe/image'
import { power, random } from '@nightpipe/math'
import { starLight } from '@nightpipe/registration'
import t from 'tap'
import { circlesOf, planCircles } from '../src/circles.js'
import { compareLight, type Sighting } from '../src/compare-light.js'

const SIZE = 300
/** Beyond this many widths of a star nothing of it is drawn. */
const DRAWN = 10

interface Star {
  x: number
  y: number
  flux: number
}

/** Of many faint stars and few bright ones: their number goes as the flux to the power of -0.75. */
function crowdOf(count: number): Star[] {
  const { uniform } = random(11)
  return Array.from({ length: count }, () => ({
    x: SIZE * uniform(),
    y: SIZE * uniform(),
    flux: Math.min(3e5, 400 * (1 - uniform()) ** -1.33),
  })).sort((a, b) => b.flux - a.flux)
}

/** Moffat profiles over pixels, on a sky that slopes, without noise: `part` of the light of the stars. */
function exposed(stars: readonly Star[], fwhm: number, exponent: number, part: number): Float32Array {
  const a2 = fwhm ** 2 / 4 / (2 ** (1 / exponent) - 1)
  const pixels = new Float64Array(SIZE * SIZE)
  const reach = Math.ceil(DRAWN * fwhm)
  for (const { x, y, flux } of stars) {
    const [cx, cy] = [Math.round(x), Math.round(y)]
    for (let v = Math.max(0, cy - reach); v <= Math.min(SIZE - 1, cy + reach); v++) {
      for (let u = Math.max(0, cx - reach); u <= Math.min(SIZE - 1, cx + reach); u++) {
        const over = (u - x) ** 2 + (v - y) ** 2 < 36 ? 4 : 1
        let sum = 0
        for (let k = 0; k < over * over; k++) {
          const [du, dv] = [((k % over) + 0.5) / over - 0.5, (Math.floor(k / over) + 0.5) / over - 0.5]
          sum += power(1 + ((u + du - x) ** 2 + (v + dv - y) ** 2) / a2, -exponent)
        }
        pixels[v * SIZE + u] += (part * flux * (exponent - 1) * sum) / (Math.PI * a2 * over * over)
      }
    }
  }
  return Float32Array.from(pixels, (value, p) => value + 200 + 0.1 * (p % SIZE))
}

function sighting(pixels: Float32Array, places: readonly Star[], seeing: number, saturation?: number): Sighting {
  const image = { pixels, width: SIZE, height: SIZE }
  const at = { x: Float64Array.from(places, ({ x }) => x), y: Float64Array.from(places, ({ y }) => y) }
  const { radii, reach, sky } = PLAN
  const options = {
    ...{ radius: radii[radii.length - 1], reach, skyFrom: sky[1], saturation },
    sky: sampleSky(pixels, SIZE, SIZE, {}),
  }
  return { stars: starLight(image, at, options), seeing, gain: 1, noiseFactor: 1 }
}

const WIDTHS = { sharp: 2.2, broad: 3.6 }
const PLAN = planCircles(2.6 * WIDTHS.broad, WIDTHS.broad)
const CIRCLES = circlesOf(PLAN)

/** Stars of the field, and how true the ratio from forty of them is: eight neighbours in each circle shake it. */
const LIMIT = 1e-3
for (const count of [50, 1700]) {
  for (const exponent of [2.7, 60]) {
    t.test(`${count} stars of exponent ${exponent}: the ratio is true whatever the seeing`, async (t) => {
      const stars = crowdOf(count)
      const places = stars.slice(0, 40)
      const sharp = sighting(exposed(stars, WIDTHS.sharp, exponent, 1), places, WIDTHS.sharp)
      // seeing is not measured as it is defined: 8 % too much of the one is as well
      const broad = sighting(exposed(stars, WIDTHS.broad, exponent, 0.75), places, 1.08 * WIDTHS.broad)
      const one = compareLight(sharp, broad, CIRCLES)!
      const other = compareLight(broad, sharp, CIRCLES)!
      t.ok(Math.abs(one.scale * 0.75 - 1) < LIMIT, `broad on sharp: ${one.scale * 0.75 - 1}`)
      t.ok(Math.abs(other.scale / 0.75 - 1) < LIMIT, `sharp on broad: ${other.scale / 0.75 - 1}`)
      t.ok(Math.abs(one.scale * 0.75 - 1) < 3 * one.error, `within its error, ${one.error}`)
    })
  }
}

t.test('faint stars say what they can, and too few nothing', async (t) => {
  const stars = crowdOf(50)
  const pixels = exposed(stars, WIDTHS.broad, 3, 1)
  const all = sighting(pixels, stars.slice(0, 10), WIDTHS.broad)
  const few = sighting(pixels, stars.slice(0, 2), WIDTHS.broad)
  t.equal(compareLight(few, few, CIRCLES), undefined)
  const noisy = { ...all, gain: 0.03 }
  const [sure, unsure] = [compareLight(all, all, CIRCLES)!, compareLight(noisy, noisy, CIRCLES)!]
  t.ok(Math.abs(sure.scale - 1) < 1e-6, `${sure.scale}`)
  t.ok(unsure.error > 3 * sure.error, `${unsure.error} over ${sure.error}`)
})

t.test('saturated neighbours, which lose more light in the sharper frame, do not lower the ratio', async (t) => {
  const full = 2e4
  const clip = (pixels: Float32Array) => pixels.map((value) => Math.min(value, full))
  const places = Array.from({ length: 49 }, (_, k) => {
    return { x: 32.3 + 39.2 * (k % 7), y: 32.1 + 39.3 * Math.floor(k / 7), flux: 1e5 + 1e3 * k }
  })
  // two thirds of the stars have one in the ring of their sky
  const bright = places.filter((_, k) => k % 3 > 0).map(({ x, y }) => ({ x: x + 14, y: y + 1, flux: 4e5 }))
  const stars = [...bright, ...places]
  const sharp = sighting(clip(exposed(stars, WIDTHS.sharp, 3, 1)), places, WIDTHS.sharp, full)
  const broad = sighting(clip(exposed(stars, WIDTHS.broad, 3, 0.75)), places, WIDTHS.broad, full)
  const { scale, error } = compareLight(sharp, broad, CIRCLES)!
  t.ok(Math.abs(scale * 0.75 - 1) < 1.5 * error, `${scale * 0.75 - 1}, told ${error}`)
  t.ok(error < 3 * LIMIT, `${error}`)
})
