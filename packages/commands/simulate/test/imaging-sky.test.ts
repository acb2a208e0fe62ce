import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cardLookup, column, imageHdu, openFits, readFrame, readPixels, readTable } from '@nightpipe/fits'
import { angularSeparation, readWcs } from '@nightpipe/sky'
import { scratch } from '@nightpipe/testing'
import t from 'tap'
import { wcsOf } from '../src/imaging/sources.js'
import { makeSmall, settingsOf } from './small.js'

const cwd = scratch()

const stars = (...set: string[]) => settingsOf(...set).studio.sources('simfield')

t.test(
  'nights with one field seed see the same stars in other weather, and their variables at one phase',
  async (t) => {
    const first = stars('random.seed=1', 'random.field seed=9')
    const other = stars(
      ...['random.seed=2', 'random.field seed=9', 'sky.seeing=3', 'field.frames=9', 'night.start=2025-01-01T00:00:00'],
    )
    t.same(
      other.filter(({ kind }) => kind === 'star' || kind === 'variable'),
      first.filter(({ kind }) => kind === 'star' || kind === 'variable'),
    )
    t.not(stars('random.seed=3')[20]!.ra, stars('random.seed=4')[20]!.ra)
  },
)

t.test('a distortion moves the corners by what was asked, and the truth has it as SIP', async (t) => {
  const { settings, studio } = settingsOf('telescope.distortion=20', 'detector.width=1000', 'detector.height=800')
  const frame = studio.night.exposures.at(-1)!
  const wcs = wcsOf(settings, frame, 1)
  const plain = wcsOf({ ...settings, telescope: { ...settings.telescope, distortion: 0 } }, frame, 1)
  for (const [x, y] of [
    [-0.5, -0.5],
    [999.5, 799.5],
  ] as const) {
    const [px, py] = plain.toPixel(...wcs.toSky(x, y))!
    const shift = Math.hypot(px - x, py - y)
    t.ok(shift > 15 && shift < 25, `${shift} px`)
  }
  t.equal(wcs.distortion?.kind, 'SIP')
})

t.test('a catalogue gives its own stars, with motions and colours; headers are as wrong as asked', async (t) => {
  const table = [
    '# epoch: 2016',
    'ra,dec,pmra,pmdec,mag_BT,mag_VT',
    '210.802,54.349,1000,0,13,12',
    '210.803,54.3495,,,14,13.5',
  ]
  writeFileSync(join(cwd, 'stars.csv'), [...table, '10,10,,,5,5', ''].join('\n'))
  const set = ['field.catalogue=stars.csv', 'field.bands=BT, VT', 'field.stars=0', 'files.wcs=approximate']
  set.push('events.variables=0', 'events.transients=0', 'events.movers=0', 'filters.names=r', 'filters.colour=1')
  set.push(
    'telescope.scale error=0.1',
    'telescope.rotation error=3',
    'files.calibrated=yes',
    'telescope.distortion=2',
    'field.dither=0',
  )
  const { code, stderr } = await makeSmall(cwd, 'real', ...set.flatMap((one) => ['--set', one]))
  t.equal(code, 0, stderr)
  t.notMatch(readFileSync(join(cwd, 'real/truth/parameters.json'), 'utf8'), cwd)

  const reference = openFits(join(cwd, 'real/truth/catalogue.fits'))
  const listed = readTable(reference.hdus[1]!)
  t.same(column(listed, 'PMRA')!.values, [1000, 0])
  t.same(column(listed, 'MAG_r')!.values, [13, 14], 'the magnitude of VT and one colour more')
  reference.close()

  const truth = openFits(join(cwd, 'real/truth/frames/object-0004.fits'))
  const seen = readTable(truth.hdus.find(({ name }) => name === 'STARS')!)
  const wcs = readWcs(cardLookup(truth.hdus.find(({ name }) => name === 'MASK')!))!
  const [ra, dec, x, y] = ['ra_deg', 'dec_deg', 'x_px', 'y_px'].map(
    (name) => column(seen, name)!.values as Float64Array,
  )
  t.equal(seen.rows, 2)
  for (let k = 0; k < 2; k++) {
    const [px, py] = wcs.toPixel(ra![k]!, dec![k]!)!
    t.ok(Math.hypot(px - x![k]!, py - y![k]!) < 1e-3)
  }
  const moved = angularSeparation([ra![0]!, dec![0]!], [210.802, 54.349]) * 3600
  t.ok(moved > 8.1 && moved < 8.3, `8.2 years at 1"/yr: ${moved}`)
  truth.close()

  const raw = openFits(join(cwd, 'real/object-0004.fits'))
  const believed = readWcs(cardLookup(imageHdu(raw)))!
  const ratio = believed.scaleArcsec / 0.5
  t.ok(ratio > 0.9 && ratio < 1.1 && Math.abs(ratio - 1) > 1e-4, `scale ${ratio}`)
  t.equal(believed.distortion, undefined, 'the telescope knows nothing of it')
  raw.close()
})

t.test('calibrated frames are the light, and noise as large as ERR says', async (t) => {
  const { code, stderr } = await makeSmall(
    cwd,
    'ideal',
    ...[
      '--set',
      'files.calibrated=yes',
      '--set',
      'files.light=yes',
      '--set',
      'cosmic rays.rate=0',
      '--set',
      'detector.dead pixels=0',
      '--set',
      'detector.hot pixels=0',
    ],
  )
  t.equal(code, 0, stderr)
  const { pixels, error, mask } = readFrame(join(cwd, 'ideal/truth/calibrated/object-0005.fits'))
  const light = openFits(join(cwd, 'ideal/truth/light/object-0005.fits'))
  const expected = readPixels(imageHdu(light)).map((value) => value * 60)
  light.close()
  let [sum, squares, n] = [0, 0, 0]
  for (let p = 0; p < pixels.length; p++) {
    if (mask![p] !== 0) continue
    const pull = (pixels[p]! - expected[p]!) / error![p]!
    sum += pull
    squares += pull * pull
    n++
  }
  t.ok(n > 2900)
  // The deviation of the mean of 3000 pulls is 0.02; errors that follow the pixel's own noise pull it down a little.
  t.ok(Math.abs(sum / n) < 0.1, `mean pull ${sum / n}`)
  t.ok(Math.abs(Math.sqrt(squares / n) - 1) < 0.06, `deviation ${Math.sqrt(squares / n)}`)
})

t.test('a crowded field has a cluster of the size that was asked for', async (t) => {
  const { settings, studio } = settingsOf('field.cluster=0.5', 'field.stars=4000', 'field.cluster radius=30')
  const found = studio.sources('simfield').filter(({ kind }) => kind === 'star')
  const { ra, dec } = settings.field['']!
  const inner = found.filter((star) => angularSeparation([star.ra, star.dec], [ra, dec]) * 3600 < 30).length
  t.ok(Math.abs(inner / found.length - 0.25) < 0.03, `${inner} of ${found.length}`)
})
