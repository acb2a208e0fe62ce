// Which frames are set aside, with what reason.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import t from 'tap'
import { camera, expose, series, writeRaw } from './support/camera.js'
import { master, report, run } from './support/run.js'

const SIZE = { width: 128, height: 96 }

/** Where raw frames go, and what is made of them. */
const folders = (folder: string) => ({ raw: join(folder, 'raw'), out: join(folder, 'out') })

/** One frame more, of another kind. */
function odd(
  raw: string,
  name: string,
  c = camera(SIZE),
  exposure: Parameters<typeof expose>[1],
  change?: (p: Float32Array) => void,
) {
  const frame = expose(c, exposure, random(99, name.length))
  change?.(frame.pixels)
  const date: [string, string] = ['DATE-OBS', '2026-11-21T05:00:00']
  writeRaw(join(raw, name), c, { ...exposure, cards: [date, ...(exposure.cards ?? [])] }, frame)
}

t.test('biases: level, noise, size, NaN and saturation are each a reason to set a frame aside', async (t) => {
  const { raw, out } = folders(t.testdir())
  const c = camera(SIZE)
  series(raw, 'good', 6, c, { type: 'bias' })
  odd(raw, 'level.fits', camera({ ...SIZE, pedestal: [1100] }), { type: 'bias' })
  odd(raw, 'noisy.fits', camera({ ...SIZE, readNoise: [16] }), { type: 'bias' })
  odd(raw, 'small.fits', camera({ width: 64, height: 48 }), { type: 'bias' })
  odd(raw, 'lit.fits', c, { type: 'bias', light: 100000 })
  odd(raw, 'half.fits', c, { type: 'bias' }, (p) => p.fill(60000, 0, p.length / 8))
  const { status, stderr } = run(raw, out)
  t.equal(status, 0, stderr)
  const rows = report(out)
  const reason = (name: string) => `${rows.get(name)?.status}: ${rows.get(name)?.reason}`
  for (let k = 0; k < 6; k++) t.equal(rows.get(`good-${k}.fits`)?.status, 'done')
  t.match(reason('level.fits'), /^rejected: level 1\d\d\d\.\d adu, the others have 1\d\d\d\.\d$/)
  t.match(reason('noisy.fits'), /^rejected: noise (9|10)\.\d+ adu, 5\.\d+ expected from the others$/)
  t.equal(reason('small.fits'), 'rejected: is 64x48, the others of its kind are 128x96')
  t.equal(reason('lit.fits'), 'rejected: 100 % of the pixels saturated')
  t.match(reason('half.fits'), /^rejected: 1\d % of the pixels saturated$/)
  t.equal(master(out, 'bias_cam1.fits').number('NFRAMES'), 6)
})

t.test('frames of floats: those of NaN are set aside, a few NaN are left out pixel by pixel', async (t) => {
  const { raw, out } = folders(t.testdir())
  mkdirSync(raw)
  const r = random(3)
  for (let k = 0; k < 5; k++) {
    const pixels = Float32Array.from({ length: 64 * 48 }, () => 300 + 4 * r.normal())
    if (k < 4) pixels[100 + k] = Number.NaN
    if (k < 4) pixels[200] = Number.NaN
    if (k === 4) pixels.fill(Number.NaN)
    const header = createHeader([
      ['IMAGETYP', 'bias'],
      ['INSTRUME', 'cam1'],
    ])
    writeFits(join(raw, `f${k}.fits`), [{ kind: 'image', bitpix: -32, axes: [64, 48], pixels, header }])
  }
  t.equal(run(raw, out).status, 0)
  t.match(report(out).get('f4.fits')?.reason, /^100 % of the pixels hold no number$/)
  const bias = master(out, 'bias_cam1.fits')
  t.ok(Number.isFinite(bias.pixels[100]), 'three samples make a pixel')
  t.ok(Number.isNaN(bias.pixels[200]))
  t.equal(bias.mask[200], 8)
  t.equal(bias.number('NNODATA'), 1)
  t.equal(bias.number('NREJECT'), 4 + 4)
})

t.test('flats: too faint, too bright, stars, gradient are each a reason', async (t) => {
  const { raw, out } = folders(t.testdir())
  const c = camera({ ...SIZE, cosmics: 20 })
  series(join(raw, 'b'), 'bias', 4, c, { type: 'bias' })
  const flats = join(raw, 'f')
  series(flats, 'good', 6, c, (k) => ({ type: 'flat', light: 15000 + 3000 * k, filter: 'r' }), 3)
  const flat = { type: 'flat', filter: 'r' } as const
  odd(flats, 'faint.fits', c, { ...flat, light: 1500 })
  odd(flats, 'bright.fits', c, { ...flat, light: 54500 })
  odd(flats, 'full.fits', c, { ...flat, light: 90000 })
  odd(flats, 'tilted.fits', c, { ...flat, scene: (x) => 20000 * (1 + 0.1 * (x / SIZE.width - 0.5)) })
  const star = (x: number, y: number) => 20000 * Math.exp(-(((x % 24) - 12) ** 2 + ((y % 24) - 12) ** 2) / 8)
  odd(flats, 'stars.fits', c, { ...flat, scene: (x, y) => 20000 + star(x, y) })
  const { status, stderr } = run(raw, out)
  t.equal(status, 0, stderr)
  const rows = report(out)
  const reason = (name: string) => `${rows.get(name)?.status}: ${rows.get(name)?.reason}`
  t.match(reason('faint.fits'), /^rejected: level 2\d\d\d adu, below 3000$/)
  t.match(reason('bright.fits'), /^rejected: level 5\d\d\d\d adu, above 54000$/)
  t.match(reason('full.fits'), /^rejected: \d+ % of the pixels saturated$/)
  t.match(reason('tilted.fits'), /^rejected: gradient of (9|10|8)(\.\d)? % against the others$/)
  t.match(reason('stars.fits'), /^rejected: stars on [\d.]+ % of the pixels$/)
  t.equal(master(out, 'flat_cam1_r.fits').number('NFRAMES'), 6)
})

t.test('rules can be relaxed', async (t) => {
  const { raw, out } = folders(t.testdir())
  series(raw, 'good', 6, camera(SIZE), { type: 'bias' })
  odd(raw, 'noisy.fits', camera({ ...SIZE, readNoise: [16] }), { type: 'bias' })
  t.equal(run(raw, out, '--set', 'reject.noise=5').status, 0)
  t.equal(report(out).get('noisy.fits')?.status, 'done')
})

t.test(
  'too few good frames: no master, the reason for each frame, exit 3; what builds on it is not tried',
  async (t) => {
    const { raw, out } = folders(t.testdir())
    const c = camera(SIZE)
    series(raw, 'bias', 3, c, { type: 'bias' })
    series(raw, 'dark', 3, c, { type: 'dark', seconds: 10 })
    t.equal(run(raw, out).status, 0)
    // One of three is spoiled now: the old masters stay, and nothing is made with them.
    odd(raw, 'bias-2.fits', c, { type: 'bias', light: 1e6 })
    const before = readFileSync(join(out, 'dark_cam1.fits'))
    const { status, stdout, stderr } = run(raw, out)
    t.equal(status, 3, stderr)
    t.equal(stdout, '')
    const rows = report(out)
    t.match(rows.get('bias-2.fits')?.reason, /saturated/)
    t.match(rows.get('bias-0.fits')?.reason, /^only 2 of 3 frames can be used for bias_cam1.fits, 3 needed/)
    t.match(rows.get('dark-0.fits')?.reason, /^bias_cam1.fits, which it needs, could not be made/)
    t.same(readFileSync(join(out, 'dark_cam1.fits')), before)
    t.equal(run(raw, out, '--set', 'select.minimum=2').status, 0)
  },
)

t.test('masks: hot pixels of darks, bad ones of biases, dead and weak ones of flats', async (t) => {
  const { raw, out } = folders(t.testdir())
  const c = camera(SIZE)
  c.dark[500] += 2
  c.dark[501] += 0.5
  c.bias[900] = 600
  c.flat[2000] = 0.05
  c.flat[2001] = 0.5
  c.flat[2002] = 0.9
  series(raw, 'bias', 8, c, { type: 'bias' }, 1)
  series(raw, 'dark', 8, c, { type: 'dark', seconds: 300 }, 2)
  series(raw, 'flat', 8, c, { type: 'flat', light: 25000, filter: 'r' }, 3)
  t.equal(run(raw, out).status, 0)
  const [bias, dark, flat] = ['bias_cam1.fits', 'dark_cam1.fits', 'flat_cam1_r.fits'].map((name) => master(out, name))
  t.same([bias.mask[900], bias.number('NBAD')], [1, 1])
  t.same([dark.mask[500], dark.mask[501], dark.mask[900]], [1, 1, 1], 'what the bias marked stays marked')
  t.same([dark.number('NHOT'), dark.number('NBAD')], [2, 3])
  t.same([flat.mask[2000], flat.mask[2001], flat.mask[2002]], [1, 32, 0])
  t.equal(flat.number('NLOWRESP'), 1)
  t.same(flat.mask.filter((bits) => bits !== 0).length, 2 + 3)
})
