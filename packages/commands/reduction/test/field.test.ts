import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type CardValue, numberOf, readFrame, textOf } from '@nightpipe/fits'
import { boxMean, MaskBit } from '@nightpipe/image'
import { random } from '@nightpipe/math'
import { scratch, set } from '@nightpipe/testing'
import t from 'tap'
import { CAMERA, reduction, writeImage } from './support/night.js'

const SIZE = 220
const NONE = set('calibration.bias=none', 'calibration.dark=none', 'calibration.flat=none')

/** Five dithered frames of one field over fringes of 6 % of the sky; the third is crossed by a satellite. */
function field(): string {
  const folder = join(scratch(), 'raw')
  mkdirSync(folder)
  const { uniform } = random(5)
  const stars = Array.from({ length: 14 }, () => ({
    x: 260 * uniform() - 20,
    y: 260 * uniform() - 20,
    flux: 4000 / (0.02 + uniform()),
  }))
  for (let k = 0; k < 5; k++) {
    const { poisson, normal } = random(50 + k)
    const light = new Float64Array(SIZE * SIZE)
    for (let p = 0; p < light.length; p++) light[p] = 900 * (1 + fringe(p))
    for (const { x, y, flux } of stars) {
      const [cx, cy] = [x + 17.3 * k, y - 9.1 * k]
      for (let v = Math.max(0, Math.ceil(cy - 8)); v < Math.min(SIZE, cy + 8); v++) {
        for (let u = Math.max(0, Math.ceil(cx - 8)); u < Math.min(SIZE, cx + 8); u++) {
          light[v * SIZE + u] += (flux / 11) * Math.exp(-((u - cx) ** 2 + (v - cy) ** 2) / 3.5)
        }
      }
    }
    if (k === 2)
      for (let x = 0; x < SIZE; x++) for (let w = -1; w <= 1; w++) light[(60 + Math.floor(x / 4) + w) * SIZE + x] += 400
    const pixels = Float32Array.from(light, (v) => 100 + Math.round(poisson(v) / 2 + 3 * normal()))
    const cards: [string, CardValue][] = [
      ...CAMERA,
      ['IMAGETYP', 'object'],
      ['OBJECT', 'F1'],
      ['EXPTIME', 60],
      ['GAIN', 2],
      ['RDNOISE', 6],
      ['DATE-OBS', `2026-03-01T04:0${k}:00`],
    ]
    writeImage(
      join(folder, `f${k}.fits`),
      pixels.map((v) => v - 100),
      SIZE,
      cards,
      { integers: true },
    )
  }
  return folder
}
const fringe = (p: number) => 0.06 * Math.sin(((p % SIZE) + Math.floor(p / SIZE) ** 2 / 300) / 6)

t.test('fringes are measured on dithered frames and taken off each', async (t) => {
  const raw = field()
  const out = join(raw, '../out')
  const { code, stderr } = reduction('-s', raw, '-r', out, ...NONE, ...set('pattern.make=yes'))
  t.equal(code, 0, stderr)
  const frame = readFrame(join(out, 'f1.fits'))
  t.equal(textOf(frame.header, 'PATTFILE'), 'pattern_CAM_r.fits')
  const scale = numberOf(frame.header, 'PATTSCAL')!
  t.ok(Math.abs(scale / 900 - 1) < 0.2, `the pattern is a fraction of the sky: ${scale} of 900 e`)
  const plain = join(raw, '../plain')
  t.equal(reduction('-s', raw, '-r', plain, ...NONE).code, 0)
  const structure = (path: string) => {
    const { pixels, width, height } = readFrame(path)
    const smooth = boxMean(pixels, width, height, 5)
    const middle = Float64Array.from(smooth).sort()[smooth.length >> 1]
    return Float64Array.from(smooth, (v) => Math.abs(v - middle)).sort()[smooth.length >> 1]
  }
  const [before, after] = [structure(join(plain, 'f1.fits')), structure(join(out, 'f1.fits'))]
  t.ok(after < 0.35 * before, `structure of the sky ${before.toFixed(1)} e, ${after.toFixed(1)} e left`)
  const again = reduction('-s', raw, '-r', out, ...NONE, ...set('pattern.make=yes'))
  t.notMatch(again.stderr, /making the pattern/, 'it is not made twice')
  const few = reduction('-s', join(raw, 'f1.fits'), '-r', join(raw, '../few'), ...NONE, ...set('pattern.make=yes'))
  t.equal(few.code, 3)
  t.match(few.stderr, /1 frames of CAM, filter r: too few for a pattern of the sky/)
  const named = reduction(
    '-s',
    join(raw, 'f1.fits'),
    '-r',
    join(raw, '../named'),
    ...NONE,
    ...set(`pattern.file=${join(out, 'calibrations/pattern_CAM_r.fits')}`),
  )
  t.equal(named.code, 0, named.stderr)
  t.ok(structure(join(raw, '../named/f1.fits')) < 0.35 * before)
})

t.test('a satellite is flagged when other frames of the field are given, and nothing else changes', async (t) => {
  const raw = field()
  const [with2, alone] = [join(raw, '../two'), join(raw, '../none')]
  t.equal(reduction('-s', raw, '-r', with2, ...NONE).code, 0)
  t.equal(reduction('-s', raw, '-r', alone, ...NONE, ...set('cosmic rays.compare=0')).code, 0)
  const flagged = (folder: string, name: string) =>
    readFrame(join(folder, name)).mask!.filter((bits) => (bits & MaskBit.cosmicRay) !== 0).length
  t.ok(flagged(with2, 'f2.fits') > 450, `${flagged(with2, 'f2.fits')} pixels of about 660`)
  t.ok(flagged(alone, 'f2.fits') < 50)
  for (const name of ['f0.fits', 'f1.fits', 'f3.fits', 'f4.fits']) {
    t.ok(Math.abs(flagged(with2, name) - flagged(alone, name)) < 5, name)
    t.same(readFrame(join(with2, name)).pixels, readFrame(join(alone, name)).pixels)
  }
})
