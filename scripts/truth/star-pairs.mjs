// A field of stars seen twice, in other seeing, on another grid, with new sources in the second: frames in ADU with photon
// and read noise. No code of the subtraction is used.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '../../packages/libs/fits/dist/src/index.js'
import { random } from '../../packages/libs/math/dist/src/index.js'

const GAIN = 2
const READ_NOISE = 5

/** Stars with a few bright and many faint ones. */
function starsOf(seed, size, density) {
  const { uniform } = random(seed, 41)
  return Array.from({ length: Math.round((1.44 * size * size) / density) }, () => ({
    x: (1.2 * uniform() - 0.1) * size,
    y: (1.2 * uniform() - 0.1) * size,
    flux: 300 * 3000 ** (uniform() ** 2),
  }))
}

/** Places all over the field, evenly. */
const placesOf = (count, size, flux) =>
  Array.from({ length: count }, (_, k) => ({
    ...{ x: 20 + (size - 40) * ((k * 0.6180339887) % 1), y: 20 + (size - 40) * ((k * 0.7548776662) % 1), flux },
  }))

/**
 * Writes new.fits and reference.fits; returns the new sources, where they lie on the grid of the stars. `fwhm` is that of
 * the new frame and of the reference; `shift` and `turn` (degrees) are those of the grid of the new frame.
 */
export function writePair(
  folder,
  { seed, size, fwhm, shift = [0, 0], turn = 0, flux = 0, count = 100, density = 2500 },
) {
  mkdirSync(folder, { recursive: true })
  const stars = starsOf(seed, size, density)
  const sources = flux > 0 ? placesOf(count, size, flux) : []
  const scaled = stars.map((star) => ({ ...star, flux: 0.8 * star.flux }))
  const moved = moveBy(shift, turn, size)
  writeFrame(join(folder, 'new.fits'), [...scaled, ...sources].map(moved), {
    size,
    fwhm: fwhm[0],
    sky: 300,
    seed: [seed, 1],
  })
  writeFrame(join(folder, 'reference.fits'), stars, { size, fwhm: fwhm[1], sky: 120, seed: [seed, 2] })
  return sources.map((source) => ({ ...source, ...moved(source) }))
}

function moveBy([dx, dy], turn, size) {
  const [c, s] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)]
  return (star) => {
    const [u, v] = [star.x - size / 2 - dx, star.y - size / 2 - dy]
    return { ...star, x: c * u - s * v + size / 2, y: s * u + c * v + size / 2 }
  }
}

function writeFrame(path, stars, { size, fwhm, sky, seed }) {
  const light = new Float64Array(size * size).fill(sky)
  for (const star of stars) addStar(light, size, star, fwhm)
  const { normal, poisson } = random(...seed)
  const pixels = Float32Array.from(light, (value) => poisson(value * GAIN) / GAIN + (READ_NOISE / GAIN) * normal())
  const header = createHeader([
    ['BUNIT', 'adu'],
    ['GAIN', GAIN],
    ['RDNOISE', READ_NOISE],
    ['FILTER', 'r'],
    ['OBJECT', 'pair'],
  ])
  writeFits(path, [{ kind: 'image', header, bitpix: -32, axes: [size, size], pixels }])
}

/** A Moffat star (beta 3.5), 3 x 3 points to a pixel. */
function addStar(light, size, { x: cx, y: cy, flux }, fwhm) {
  const beta = 3.5
  const alpha = fwhm / 2 / Math.sqrt(2 ** (1 / beta) - 1)
  const peak = (flux * (beta - 1)) / (Math.PI * alpha * alpha)
  const reach = Math.ceil((flux > 2e4 ? 12 : 6) * alpha)
  for (let y = Math.max(0, Math.round(cy) - reach); y <= Math.min(size - 1, Math.round(cy) + reach); y++) {
    for (let x = Math.max(0, Math.round(cx) - reach); x <= Math.min(size - 1, Math.round(cx) + reach); x++) {
      let sum = 0
      for (let k = 0; k < 9; k++) {
        const [u, v] = [x - cx + ((k % 3) - 1) / 3, y - cy + (Math.floor(k / 3) - 1) / 3]
        sum += (1 + (u * u + v * v) / (alpha * alpha)) ** -beta
      }
      light[y * size + x] += (peak * sum) / 9
    }
  }
}
