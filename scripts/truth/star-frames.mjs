// Calibrated frames of a sky that is known: dithered, bent by a lens, with noise; and a reference catalogue with errors of
// its own. For the figures and the benchmarks of astrometry.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '../../packages/libs/fits/dist/src/index.js'
import { random } from '../../packages/libs/math/dist/src/index.js'
import { makeWcs } from '../../packages/libs/sky/dist/src/index.js'

const FWHM = 3

/** Writes `count` frames into folder/frames and folder/stars.csv; returns the truth of each frame. */
export function starFrames(
  folder,
  { size = 4096, count = 1, stars: wanted = 2000, scale = 0.4, referenceError = 30, seed = 1 },
) {
  const dice = random(seed)
  const sky = [123.4, 21.5]
  const field = (size * scale) / 3600
  const shrink = Math.cos((sky[1] * Math.PI) / 180)
  const all = Math.round(wanted * 1.6 ** 2)
  const stars = Array.from({ length: all }, () => ({
    ra: sky[0] + ((dice.uniform() - 0.5) * 1.6 * field) / shrink,
    dec: sky[1] + (dice.uniform() - 0.5) * 1.6 * field,
    magnitude: 20.5 + Math.log10(1 - dice.uniform()) / 0.3,
  }))
  mkdirSync(join(folder, 'frames'), { recursive: true })
  writeCatalogue(join(folder, 'stars.csv'), stars, referenceError, dice)
  const truths = []
  for (let f = 0; f < count; f++) {
    const centre =
      f === 0 ? sky : [sky[0] + (0.05 * field * dice.normal()) / shrink, sky[1] + 0.05 * field * dice.normal()]
    const wcs = truthOf(centre, size, scale, 0.01 * dice.normal() + 0.3)
    truths.push(wcs)
    writeFrame(join(folder, 'frames', `field${String(f).padStart(2, '0')}.fits`), wcs, stars, size, scale, dice, f)
  }
  return { folder, truths, stars, sky }
}

/** A turned camera with a pincushion of some pixels in the corners. */
function truthOf(sky, size, scale, turn) {
  const [c, s] = [(Math.cos(turn) * scale) / 3600, (Math.sin(turn) * scale) / 3600]
  const bend = 4 / (size / 2) ** 3
  const tilt = 0.5 / (size / 2) ** 2
  const linear = { pixel: [(size - 1) / 2, (size - 1) / 2], sky, matrix: [-c, s, s, c] }
  const a = [[0, 0, tilt, 0], [0, 0, bend], [-tilt, 0], [bend]]
  const b = [[0, 0, tilt, bend], [0, tilt, 0], [0, bend], [0]]
  return makeWcs({ linear, distortion: { kind: 'SIP', a, b } })
}

function writeCatalogue(path, stars, error, dice) {
  const wrong = () => (error / 3.6e6) * dice.normal()
  const rows = stars.map(({ ra, dec, magnitude }) =>
    [
      (ra + wrong() / Math.cos((dec * Math.PI) / 180)).toFixed(9),
      (dec + wrong()).toFixed(9),
      magnitude.toFixed(3),
    ].join(','),
  )
  writeFileSync(path, `${['ra,dec,r', ...rows].join('\n')}\n`)
}

function writeFrame(path, wcs, stars, size, scale, dice, index) {
  const pixels = new Float32Array(size * size).fill(200)
  const sigma = FWHM / 2.3548
  for (const { ra, dec, magnitude } of stars) {
    const at = wcs.toPixel(ra, dec)
    if (!at || at[0] < -9 || at[1] < -9 || at[0] > size + 8 || at[1] > size + 8) continue
    const peak = 10 ** (-0.4 * (magnitude - 29)) / (2 * Math.PI * sigma * sigma)
    for (let j = Math.max(0, Math.round(at[1]) - 8); j <= Math.min(size - 1, Math.round(at[1]) + 8); j++) {
      for (let i = Math.max(0, Math.round(at[0]) - 8); i <= Math.min(size - 1, Math.round(at[0]) + 8); i++) {
        pixels[j * size + i] += peak * Math.exp(-((i - at[0]) ** 2 + (j - at[1]) ** 2) / (2 * sigma * sigma))
      }
    }
  }
  const noise = new Float32Array(pixels.length)
  dice.addNormal(noise, 1)
  for (let p = 0; p < pixels.length; p++) pixels[p] += Math.sqrt(pixels[p] + 25) * noise[p]
  const [ra, dec] = wcs.linear.sky
  const header = createHeader([
    ['BUNIT', 'electron'],
    ['INSTRUME', 'BENCH'],
    ['FILTER', 'r'],
    ['RA', ra + 0.02],
    ['DEC', dec - 0.02],
    ['PIXSCALE', scale * 1.03],
    ['GAIN', 1],
    ['DATE-OBS', `2000-01-01T12:${String(index).padStart(2, '0')}:00`],
  ])
  writeFits(path, [{ kind: 'image', header, bitpix: -32, axes: [size, size], pixels }])
}
