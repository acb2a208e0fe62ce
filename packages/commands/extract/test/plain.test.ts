import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, numberOf, openFits, textOf, writeFits } from '@nightpipe/fits'
import { SpectrumBit } from '@nightpipe/spectra'
import { orderImageHdus, orderOf, readOrderImage, readSpectra, tracesHdus } from '@nightpipe/spectrographs'
import { call } from '@nightpipe/testing'
import t from 'tap'
import { blazeOf, ORDERS, sceneTraces, WIDTH, writeScene, writeSceneTraces } from './scene.js'

const run = (args: readonly string[], cwd: string) =>
  call('extract', [...args, '--set', 'instrument.profile=nres'], { cwd })

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

t.test('a flat gives its responses, and a star its electrons with the responses beside them', async (t) => {
  const cwd = t.testdir({ red: {} })
  const flat = { objects: 'tung&tung&none', type: 'LAMPFLAT', level: [80000, 60000, 0] }
  const star = { objects: 'hd1461&thar&none', type: 'TARGET', level: [5000, 300, 0], cosmicRays: 60 }
  writeScene(join(cwd, 'red/w00.fits'), flat)
  writeScene(join(cwd, 'red/e00.fits'), { ...star, seed: 2 })
  writeSceneTraces(cwd)
  const first = run(['-s', 'red/w00.fits', '-r', 'out', '--traces', 'TRAC.fits'], cwd)
  t.equal(
    first.stderr
      .replace(/^.*(done|extract: ).*$/gm, '')
      .trim()
      .includes('rror'),
    false,
    first.stderr,
  )
  t.equal(first.stdout, 'out/w00-1d.fits\nout/w00-flat.fits\n')
  const { stdout, status } = run(
    ['-s', 'red/e00.fits', '-r', 'out', '--traces', 'TRAC.fits', '--flat', 'out/w00-flat.fits'],
    cwd,
  )
  t.equal(status, 0)
  t.equal(stdout, 'out/e00-1d.fits\n')
  const image = readOrderImage(join(cwd, 'out/w00-flat.fits'))
  t.same([image.width, image.orders, image.planes], [WIDTH, ORDERS, 3])
  const response = orderOf(image, 0, 1)
  // 80 000 electrons and the read noise of 9 rows: one sigma of the response at its highest
  t.ok(Math.abs(orderOf({ ...image, values: image.errors! }, 0, 1)[100]! / Math.sqrt(1 / 80000) - 1) < 0.03)
  t.ok(Math.abs(response[20]! / response[100]! - blazeOf(20) / blazeOf(100)) < 0.02)
  t.ok(
    orderOf(image, 2, 1).every((value) => value === 0),
    'the fibre without light is 0',
  )
  const spectra = readSpectra(join(cwd, 'out/e00-1d.fits'))
  t.same([...new Set(spectra.orders.map(({ fibre }) => fibre))], [0, 1], 'lit fibres only')
  t.same([...new Set(spectra.orders.map(({ order }) => order))], [52, 53, 54])
  for (const one of spectra.orders) {
    const level = one.fibre === 0 ? 5000 : 300
    const ratios = [...one.flux.keys()]
      .filter((x) => Number.isFinite(one.flux[x]))
      .map((x) => one.flux[x]! / one.blaze![x]! / level)
    t.ok(Math.abs(mean(ratios) - 1) < (one.fibre === 0 ? 0.01 : 0.05), `fibre ${one.fibre}, order ${one.index}`)
    t.ok(Math.abs(one.blazeError![100]! / Math.sqrt(1 / (one.fibre === 0 ? 80000 : 60000)) - 1) < 0.03, 'its error')
  }
  t.equal(textOf(spectra.header, 'L1IDFLAT'), 'w00-flat.fits')
  t.ok(numberOf(spectra.header, 'SNR')! > 40)
  t.match(readFileSync(join(cwd, 'out/extract.csv'), 'utf8'), /e00\.fits,done,,e00-1d\.fits/)
})

t.test('the side tables of the container are carried along', async (t) => {
  const cwd = t.testdir({})
  mkdirSync(join(cwd, 'red'))
  writeScene(join(cwd, 'red/e00.fits'), { objects: 'a&thar&none', type: 'TARGET', level: [5000, 300, 0] })
  writeSceneTraces(cwd)
  run(['-s', 'red', '-r', 'out', '--traces', 'TRAC.fits'], cwd)
  const file = openFits(join(cwd, 'out/e00-1d.fits'))
  t.same(
    file.hdus.map(({ name }) => name),
    ['', 'SPECTRUM', 'ORDERS', 'EXPOSURE_METER', 'PROVENANCE'],
  )
  file.close()
})

t.test('without traces it says what to do, before anything is touched', async (t) => {
  const cwd = t.testdir({ red: {} })
  writeScene(join(cwd, 'red/e00.fits'), { objects: 'a&thar&none', type: 'TARGET', level: [5000, 300, 0] })
  const { status, stderr } = run(['-s', 'red', '-r', 'out'], cwd)
  t.equal(status, 2)
  t.match(stderr, /^extract: no traces \(give --traces FILE.*or --tree DIR\)\n$/)
})

t.test('bad wavelengths are marked in stars, looked up by the wavelengths of an earlier arc', async (t) => {
  const cwd = t.testdir({ red: {} })
  writeScene(join(cwd, 'red/e00.fits'), { objects: 'a&thar&none', type: 'TARGET', level: [5000, 300, 0] })
  writeSceneTraces(cwd)
  const values = Float64Array.from(
    { length: WIDTH * ORDERS },
    (_, p) => 700 + 8 * Math.floor(p / WIDTH) + 0.05 * (p % WIDTH),
  )
  writeFits(join(cwd, 'TRIP.fits'), orderImageHdus({ width: WIDTH, orders: ORDERS, planes: 1, values }, createHeader()))
  writeFileSync(join(cwd, 'bad.txt'), 'bad\ntype lam width height\nw 704 0.11 0\n')
  const given = ['--wavelengths', 'TRIP.fits', '--set', 'bad wavelengths.list=bad.txt']
  const { status, stderr } = run(['-s', 'red', '-r', 'out', '--traces', 'TRAC.fits', ...given], cwd)
  t.equal(status, 0, stderr)
  for (const { index, fibre, mask } of readSpectra(join(cwd, 'out/e00-1d.fits')).orders) {
    const marked = [...mask.keys()].filter((x) => mask[x]! & SpectrumBit.telluric)
    t.same(marked, index === 0 && fibre === 0 ? [78, 79, 80, 81, 82] : [])
  }
})

t.test('traces of another camera are refused', async (t) => {
  const cwd = t.testdir({ red: {} })
  writeScene(join(cwd, 'red/w00.fits'), { objects: 'tung&tung&none', type: 'LAMPFLAT', level: [8000, 6000, 0] })
  writeFits(join(cwd, 'TRAC.fits'), tracesHdus(sceneTraces(), [['INSTRUME', 'fa09', '']]))
  const { status, stderr } = run(['-s', 'red', '-r', 'out', '--traces', 'TRAC.fits'], cwd)
  t.equal(status, 3)
  t.match(
    stderr,
    /w00\.fits is of camera fl13, but the traces of TRAC\.fits are of fa09 \(give traces of this camera\)/,
  )
})
