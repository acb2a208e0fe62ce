import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeCat } from '@nightpipe/catalogues'
import { column, createHeader, numberOf, openFits, readFrame, readTable, textOf, writeFits } from '@nightpipe/fits'
import { readWcs, type SipDistortion, type Wcs } from '@nightpipe/sky'
import { findStars } from '@nightpipe/stars'
import { call } from '@nightpipe/testing'
import t from 'tap'
import { apart, camera, SKY, starsOfSky, writeCatalogue, writeFrame } from './support/field.js'

const run = (cwd: string, ...args: string[]) => call('astrometry', args, { cwd })
const POINTING: [string, string | number][] = [
  ['RA', SKY[0] + 0.2],
  ['DEC', SKY[1] - 0.2],
  ['PIXSCALE', 2.6],
  ['DATE-OBS', '2020-01-01T00:00:00'],
]

function wcsIn(path: string) {
  const { header } = readFrame(path)
  return readWcs((keyword) => header.cards.find((card) => card.keyword === keyword)?.value)!
}

t.test('a frame gets its plate solution from a rough pointing; pixels and errors stay as they are', async (t) => {
  const cwd = t.testdir({ raw: {} })
  const stars = starsOfSky()
  writeCatalogue(join(cwd, 'stars.csv'), stars)
  for (const [name, hand] of [
    ['normal', -1],
    ['mirrored', 1],
  ] as const) {
    writeFrame(join(cwd, 'raw', `${name}.fits`), {
      wcs: camera({ hand, turn: 2 }),
      stars,
      cards: POINTING,
      epoch: 2020,
    })
  }
  const { status, stdout, stderr } = run(cwd, '-s', 'raw', '-r', 'out', '--catalogue', 'stars.csv')
  t.equal(status, 0, stderr)
  t.equal(stdout, 'out/mirrored.fits\nout/normal.fits\n')
  for (const [name, hand] of [
    ['normal', -1],
    ['mirrored', 1],
  ] as const) {
    const found = wcsIn(join(cwd, 'out', `${name}.fits`))
    t.ok(apart(found, camera({ hand, turn: 2 })) < 0.03, `${name}: ${apart(found, camera({ hand, turn: 2 }))} px`)
    const [before, after] = [readFrame(join(cwd, 'raw', `${name}.fits`)), readFrame(join(cwd, 'out', `${name}.fits`))]
    t.same(after.pixels, before.pixels)
    t.same(after.error, before.error)
    t.ok(numberOf(after.header, 'ASTFALSE')! < -9)
    t.equal(textOf(after.header, 'ASTCAT'), 'stars.csv')
    t.match(readFileSync(join(cwd, 'out', `${name}.residuals.svg`), 'utf8'), /tangential/)
  }
  const report = readFileSync(join(cwd, 'out/astrometry.csv'), 'utf8')
  t.match(report, /normal\.fits,done/)
  t.match(report, /,mirrored,/)
})

t.test('the same bytes whatever the number of workers, and nothing to do the second time', async (t) => {
  const cwd = t.testdir({ raw: {} })
  const stars = starsOfSky()
  writeCatalogue(join(cwd, 'stars.csv'), stars)
  for (const k of [1, 2, 3])
    writeFrame(join(cwd, `raw/f${k}.fits`), { wcs: camera({ turn: k }), stars, cards: POINTING, seed: k })
  for (const [output, workers] of [
    ['one', '1'],
    ['two', '2'],
  ] as const) {
    const { status, stderr } = run(cwd, '-s', 'raw', '-r', output, '--catalogue', 'stars.csv', '--workers', workers)
    t.equal(status, 0, stderr)
  }
  for (const k of [1, 2, 3])
    t.same(readFileSync(join(cwd, `one/f${k}.fits`)), readFileSync(join(cwd, `two/f${k}.fits`)))
  const before = readFileSync(join(cwd, 'one/astrometry.csv'), 'utf8')
  t.equal(run(cwd, '-s', 'raw', '-r', 'one', '--catalogue', 'stars.csv').status, 0)
  t.equal(readFileSync(join(cwd, 'one/astrometry.csv'), 'utf8'), before)
})

t.test('a solution on a catalogue in tiles can be remade', async (t) => {
  const cwd = t.testdir({ raw: {} })
  const stars = starsOfSky()
  writeCatalogue(join(cwd, 'stars.csv'), stars)
  t.equal(call('catalogue', ['import', '-s', 'stars.csv', '-r', 'sky', '--quiet'], { cwd }).status, 0)
  writeFrame(join(cwd, 'raw/f1.fits'), { wcs: camera({ turn: 1 }), stars, cards: POINTING, seed: 1 })
  t.equal(run(cwd, '-s', 'raw', '-r', 'out', '--catalogue', 'sky').status, 0)
  t.match(call('nightpipe', ['reproduce', 'out/f1.fits', '--from', '.'], { cwd }).stdout, /the same, byte for byte/)
})

t.test('distortion is found by the data, and written as SIP or as TPV', async (t) => {
  const cwd = t.testdir({})
  const stars = starsOfSky(3, 2500)
  const truth = camera({ bend: 4e-8 })
  writeCatalogue(join(cwd, 'stars.csv'), stars)
  writeFrame(join(cwd, 'bent.fits'), { wcs: truth, stars, cards: POINTING, epoch: 2020 })
  for (const kind of ['sip', 'tpv']) {
    const { status } = run(
      cwd,
      '-s',
      'bent.fits',
      '-r',
      kind,
      '--catalogue',
      'stars.csv',
      '--set',
      `fit.distortion=${kind}`,
    )
    t.equal(status, 0)
    const found = wcsIn(join(cwd, kind, 'bent.fits'))
    t.equal(found.distortion?.kind, kind.toUpperCase())
    t.ok(apart(found, truth) < 0.05, `${kind}: ${apart(found, truth)} px`)
  }
  run(cwd, '-s', 'bent.fits', '-r', 'none', '--catalogue', 'stars.csv', '--set', 'fit.distortion=none')
  t.equal(wcsIn(join(cwd, 'none/bent.fits')).distortion, undefined)
})

t.test(
  'one distortion for all frames of a camera; a frame that cannot be solved does not harm the others',
  async (t) => {
    const cwd = t.testdir({ raw: {} })
    const stars = starsOfSky(3, 1500)
    const truths = [0, 1, 2].map((k) => camera({ bend: 4e-8, turn: 0.1 * k, sky: [SKY[0] + 0.02 * k, SKY[1]] }))
    writeCatalogue(join(cwd, 'stars.csv'), stars)
    for (const [k, wcs] of truths.entries())
      writeFrame(join(cwd, `raw/f${k}.fits`), { wcs, stars, cards: POINTING, seed: k, epoch: 2020 })
    writeFrame(join(cwd, 'raw/other.fits'), { wcs: camera(), stars: starsOfSky(77, 500), cards: POINTING })
    const { status, stdout } = run(cwd, '-s', 'raw', '-r', 'out', '--catalogue', 'stars.csv', '--set', 'fit.common=yes')
    t.equal(status, 5)
    t.equal(stdout, 'out/f0.fits\nout/f1.fits\nout/f2.fits\n')
    const found = [0, 1, 2].map((k) => wcsIn(join(cwd, `out/f${k}.fits`)))
    for (const [k, wcs] of found.entries())
      t.ok(apart(wcs, truths[k]!) < 0.08, `frame ${k}: ${apart(wcs, truths[k]!)} px`)
    const distortion = (wcs: Wcs) => (wcs.distortion as SipDistortion).a[3]![0]!
    t.ok(
      found.every((wcs) => Math.abs(distortion(wcs) / distortion(found[0]!) - 1) < 1e-3),
      'the same distortion',
    )
  },
)

t.test('proper motions bring the catalogue to the date of the frame', async (t) => {
  const cwd = t.testdir({})
  const stars = starsOfSky().map((star) => ({ ...star, pmRa: 300, pmDec: 300 }))
  writeCatalogue(join(cwd, 'stars.csv'), stars)
  writeFrame(join(cwd, 'm.fits'), { wcs: camera(), stars, cards: POINTING, epoch: 2020 })
  run(cwd, '-s', 'm.fits', '-r', 'out', '--catalogue', 'stars.csv')
  t.ok(apart(wcsIn(join(cwd, 'out/m.fits')), camera()) < 0.03)
  run(cwd, '-s', 'm.fits', '-r', 'old', '--catalogue', 'stars.csv', '--set', 'catalogue.epoch=2000')
  const shifted = apart(wcsIn(join(cwd, 'old/m.fits')), camera())
  t.ok(
    Math.abs(shifted - (6 * Math.SQRT2) / 2.5) < 0.1,
    `twenty years of 0.3 arcsec a year along each axis: ${shifted} px`,
  )
})

t.test('stars of somewhere else give no solution, in one line that says what was tried', async (t) => {
  const cwd = t.testdir({})
  writeCatalogue(join(cwd, 'stars.csv'), starsOfSky(1))
  writeFrame(join(cwd, 'other.fits'), { wcs: camera(), stars: starsOfSky(99), cards: POINTING })
  const { status, stdout, stderr } = run(cwd, '-s', 'other.fits', '-r', 'out', '--catalogue', 'stars.csv')
  t.equal(status, 3)
  t.equal(stdout, '')
  t.notOk(existsSync(join(cwd, 'out/other.fits')))
  t.match(stderr, /no solution: \d+ stars, \d+ of stars\.csv, within 2 deg of 201\.500 -42\.900/)
})

t.test('without a catalogue, a pointing or a scale, one line says what to do', async (t) => {
  const cwd = t.testdir({})
  writeCatalogue(join(cwd, 'stars.csv'), starsOfSky())
  writeFrame(join(cwd, 'bare.fits'), { wcs: camera(), stars: starsOfSky() })
  const without = run(cwd, '-s', 'bare.fits', '-r', 'out')
  t.equal(without.status, 2)
  t.match(
    without.stderr,
    /^astrometry: no catalogue of reference stars: set \[catalogue\] folder \(make one with `catalogue import`.*\n$/,
  )
  const nowhere = run(cwd, '-s', 'bare.fits', '-r', 'out', '--catalogue', 'stars.csv')
  t.equal(nowhere.status, 3)
  t.match(nowhere.stderr, /set \[pointing\] ra and dec, or radius = 180/)
  const scale = run(
    cwd,
    '-s',
    'bare.fits',
    '-r',
    'out',
    '--catalogue',
    'stars.csv',
    '--set',
    'pointing.ra=13:25:12',
    '--set',
    'pointing.dec=-42.7',
  )
  t.match(scale.stderr, /set \[pointing\] scale, one value or a range/)
  const told = run(
    cwd,
    '-s',
    'bare.fits',
    '-r',
    'out',
    '--catalogue',
    'stars.csv',
    '--set',
    'pointing.radius=180',
    '--set',
    'pointing.scale=1,5',
  )
  t.equal(told.status, 0, 'no pointing at all, and a range of scales')
  t.ok(apart(wcsIn(join(cwd, 'out/bare.fits')), camera()) < 0.03)
})

t.test('a table of findstars gets RA and DEC, and the header of the solution', async (t) => {
  const cwd = t.testdir({})
  const stars = starsOfSky()
  writeCatalogue(join(cwd, 'stars.csv'), stars)
  writeFrame(join(cwd, 'm.fits'), { wcs: camera(), stars, cards: POINTING })
  const frame = readFrame(join(cwd, 'm.fits'))
  mkdirSync(join(cwd, 'cat'))
  const header = createHeader([...POINTING, ['IMAGEW', 512], ['IMAGEH', 512]])
  writeCat(join(cwd, 'cat/m.cat.fits'), findStars(frame).stars, { header })
  const { status, stdout } = run(
    cwd,
    '-s',
    'cat/m.cat.fits',
    '-r',
    'out',
    '--catalogue',
    'stars.csv',
    '--set',
    'catalogue.epoch=2000',
  )
  t.equal(status, 0)
  t.equal(stdout, 'out/m.cat.fits\n')
  const file = openFits(join(cwd, 'out/m.cat.fits'))
  const table = readTable(file.hdus.find(({ name }) => name === 'CAT')!)
  const [ra, dec, x] = ['RA', 'DEC', 'X'].map((name) => column(table, name)!.values as Float64Array)
  const y = column(table, 'Y')!.values as Float64Array
  const truth = camera().toSky(x![0]! - 1, y[0]! - 1)
  t.ok(Math.hypot((ra![0]! - truth[0]) * 0.735, dec![0]! - truth[1]) * 3600 < 0.1)
  t.match(textOf(file.hdus[0]!.header, 'CTYPE1'), 'RA---TAN')
  file.close()
  const used = run(cwd, '-s', 'm.fits', '-r', 'again', '--catalogue', 'stars.csv', '--set', 'stars.catalogues=cat')
  t.equal(used.status, 0, 'and the same table serves the frame')
})

t.test('a catalogue that knows none but blended stars solves the frame with them', async (t) => {
  const cwd = t.testdir({ cat: {} })
  const stars = starsOfSky(1, 3000).sort((p, q) => p.mag - q.mag)
  const known = stars.slice(0, 350)
  writeCatalogue(join(cwd, 'stars.csv'), known)
  writeFrame(join(cwd, 'm.fits'), { wcs: camera(), stars, cards: POINTING })
  const found = findStars(readFrame(join(cwd, 'm.fits'))).stars
  const places = known.map(({ ra, dec }) => camera().toPixel(ra, dec) ?? [-99, -99])
  let lonely = 0
  for (let k = 0; k < found.count; k++) {
    const bright = places.some(([x, y]) => Math.hypot(x - found.x[k]!, y - found.y[k]!) < 3)
    found.flags[k] = bright ? 2 : 0
    if (!bright) lonely++
  }
  t.ok(lonely > 50, `${lonely} stars that stand alone are too faint for the catalogue`)
  const header = createHeader([...POINTING, ['IMAGEW', 512], ['IMAGEH', 512]])
  writeCat(join(cwd, 'cat/m.cat.fits'), found, { header })
  const args = ['--catalogue', 'stars.csv', '--set', 'stars.catalogues=cat', '--set', 'catalogue.epoch=2000']
  const { status, stderr } = run(cwd, '-s', 'm.fits', '-r', 'out', ...args)
  t.equal(status, 0, stderr)
  t.ok(apart(wcsIn(join(cwd, 'out/m.fits')), camera()) < 0.1)
})

t.test(
  'an image in an extension comes out in front, with the cards of both headers; integers stay integers',
  async (t) => {
    const cwd = t.testdir({})
    const stars = starsOfSky()
    writeCatalogue(join(cwd, 'stars.csv'), stars)
    writeFrame(join(cwd, 'plain.fits'), { wcs: camera(), stars })
    const { pixels } = readFrame(join(cwd, 'plain.fits'))
    const counts = Uint16Array.from(pixels, (value) => Math.min(65535, Math.round(value * 20)))
    writeFits(join(cwd, 'raw.fits'), [
      { kind: 'empty', header: createHeader([['OBSERVER', 'Leavitt'], ...POINTING]) },
      {
        kind: 'image',
        name: 'SCI',
        header: createHeader([['CHIP', 3]]),
        bitpix: 16,
        unsigned: true,
        axes: [512, 512],
        pixels: counts,
      },
    ])
    const { status, stderr } = run(
      cwd,
      '-s',
      'raw.fits',
      '-r',
      'out',
      '--catalogue',
      'stars.csv',
      '--set',
      'catalogue.epoch=2000',
    )
    t.equal(status, 0, stderr)
    const file = openFits(join(cwd, 'out/raw.fits'))
    const [image] = file.hdus
    t.equal(image!.bitpix, 16)
    t.equal(textOf(image!.header, 'OBSERVER'), 'Leavitt')
    t.equal(numberOf(image!.header, 'CHIP'), 3)
    t.same(readFrame(file).pixels, Float32Array.from(counts))
    file.close()
  },
)
