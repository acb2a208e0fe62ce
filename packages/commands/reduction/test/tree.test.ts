import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { numberOf, readFrame, textOf, writeFits } from '@nightpipe/fits'
import { medianOf } from '@nightpipe/math'
import { emptyTraces, setColumnsOnDetector } from '@nightpipe/spectra'
import { tracesHdus } from '@nightpipe/spectrographs'
import { set } from '@nightpipe/testing'
import t from 'tap'
import {
  arcLight,
  centre,
  flatLight,
  GAIN,
  HEIGHT,
  ORDERS,
  treeNight,
  WIDTH,
  writeContainer,
} from './support/container.js'
import { reduction } from './support/night.js'

const rowsOf = (reduced: string) => readFileSync(join(reduced, 'csv/standards.csv'), 'utf8').trim().split('\n').slice(1)

/** The true traces of the test frames, as a TRACE file that standards.csv knows. */
function addTraces(reduced: string, { name = 'TRACcpt2019095.40000.fits', above = 0 } = {}): void {
  const traces = emptyTraces({ width: WIDTH, height: HEIGHT, orders: ORDERS, fibres: 3, terms: 3, rows: 9, blocks: 0 })
  for (let order = 0; order < ORDERS; order++) {
    for (let fibre = 0; fibre < 3; fibre++) {
      // 6 ((x - W/2) / W)² = 1.5 X², and X² = (2 L2 + 1) / 3
      const at = (order * 3 + fibre) * 3
      traces.coefficients.set([centre(order, fibre, WIDTH / 2) + 0.5 + above, 0, 1], at)
      setColumnsOnDetector(traces, order, fibre)
    }
  }
  writeFits(join(reduced, name), tracesHdus(traces))
  const table = join(reduced, 'csv/standards.csv')
  writeFileSync(table, `${readFileSync(table, 'utf8')}"TRACE","${name}",1,"cpt","fa13",2458578.9,"0030"\n`)
}

t.test(
  'a tree gets singles of biases and darks with their rows, and frames in temp/red, whatever runs again',
  async (t) => {
    const { raw, reduced, flags } = treeNight()
    const first = reduction('-s', join(raw, '*b00*'), ...flags)
    t.equal(first.code, 0, first.stderr)
    t.equal(rowsOf(reduced)[0], '"BIAS","bias/BIAScpt2019095.50100.fits",1,"cpt","fa13",2458579.001,"0000"')
    const second = reduction('-s', join(raw, '*d00*'), ...flags)
    t.equal(second.code, 0, second.stderr)
    const third = reduction('-s', raw, ...flags)
    t.equal(third.code, 0, third.stderr)
    t.match(third.stderr, /8 jobs were up to date/)
    t.equal(rowsOf(reduced).length, 8, 'no row twice')
    const dark = readFrame(join(reduced, 'dark/DARKcpt2019095.50600.fits'))
    t.equal(textOf(dark.header, 'BUNIT'), 'adu/s')
    t.same([numberOf(dark.header, 'EXPTIME'), numberOf(dark.header, 'TOTALEXP')], [1, 600])
    const expected = 0.02 / GAIN
    const level = dark.pixels.reduce((sum, v) => sum + Math.min(v, 0.5), 0) / dark.pixels.length
    t.ok(Math.abs(level - expected) < 0.1 * expected + 0.001, `${level} adu/s of ${expected}`)
    const star = join(reduced, 'temp/red/cptnrs03-fa13-20190405-0012-e00.fits')
    t.equal(textOf(readFrame(star).header, 'BIASFILE'), 'BIAScpt2019095.50500.fits', 'the nearest of the table')
    const refused = reduction('-s', join(reduced, 'bias'), ...flags)
    t.match(
      refused.stderr + refused.stdout,
      /is no raw frame: a product made by reduction/,
      'products are no raw frames',
    )
  },
)

t.test('an empty tree and a night as it comes: masters are made first, then all of it in one call', async (t) => {
  const { raw, reduced, flags } = treeNight()
  const { code, stderr, stdout } = reduction('-s', raw, ...flags)
  t.equal(code, 0, stderr)
  t.equal(stdout.trim().split('\n').length, 12)
  const rows = rowsOf(reduced)
  t.ok(rows.includes('"BIAS","bias/BIAScpt2019095.50510.fits",5,"cpt","fa13",2458579.005,"0000"'))
  t.ok(rows.includes('"DARK","dark/DARKcpt2019095.50810.fits",3,"cpt","fa13",2458579.008,"0000"'))
  const star = readFrame(join(reduced, 'temp/red/cptnrs03-fa13-20190405-0012-e00.fits'))
  t.equal(textOf(star.header, 'BIASFILE'), 'BIAScpt2019095.50510.fits')
  t.equal(textOf(star.header, 'DARKFILE'), 'DARKcpt2019095.50810.fits')
})

t.test('what does not belong to the tree is set aside, and what it lacks is said', async (t) => {
  const { raw, reduced, flags, folder } = treeNight()
  const shot = {
    type: 'LAMPFLAT',
    letter: 'w',
    objects: 'tung&tung&none',
    exposure: 10,
    light: flatLight([0, 1]),
  } as const
  writeContainer(raw, 60, { ...shot, cards: [['SITEID', 'lsc']] })
  writeContainer(raw, 61, { ...shot, camera: 'fl09' })
  const asked = [...flags, '--camera', 'fa13', ...set('calibration.build=no')]
  const { stdout, code } = reduction('-s', raw, ...asked, '--json')
  t.equal(code, 5, 'darks, flats, arc and star need a bias that is not there yet')
  const reasons = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { inputs: string[]; reason?: string })
  const of = (number: string) => reasons.find(({ inputs }) => inputs[0]?.includes(number))?.reason
  t.match(of('-0060-'), /site is lsc, not cpt/)
  t.match(of('-0061-'), /camera is fl09, not fa13/)
  writeFileSync(join(reduced, 'csv/ccds.csv'), 'c,nx,ny,a,b,g,r,p\n"fa13",320,256,0,319,2.,6.,15.0\n')
  const known = reduction('-s', join(raw, '*-006*'), ...flags, '--json')
  t.match(known.stdout, /camera is fl09, which csv\/ccds.csv does not have/)
  t.match(of('-0012-'), /needs a BIAS of fa13 at cpt, and csv\/standards.csv offers none/)
  const nowhere = reduction('-s', raw, '--root', join(folder, 'none'), '--site', 'cpt', '--nres-instrument', 'nres03')
  t.equal(nowhere.code, 2)
  t.match(nowhere.stderr, /no spectrograph tree in .*site-setup/)
})

t.test('with the traces of the tree scattered light goes, and fibres without their light are noticed', async (t) => {
  const { raw, reduced, flags } = treeNight()
  reduction('-s', join(raw, '*b00*'), ...flags)
  addTraces(reduced)
  const none = set('calibration.dark=none')
  const cloudy = {
    type: 'TARGET',
    letter: 'e',
    objects: 'hd1461&thar&none',
    exposure: 60,
    light: arcLight([1], 4000),
  } as const
  const half = {
    type: 'LAMPFLAT',
    letter: 'w',
    objects: 'tung&tung&none',
    exposure: 10,
    light: flatLight([1]),
  } as const
  const ghost = { ...half, light: (fibre: number) => 60 + flatLight([0, 1])(fibre) }
  const paths = [writeContainer(raw, 70, cloudy), writeContainer(raw, 71, half), writeContainer(raw, 72, ghost)]
  const early = join(reduced, 'temp/red/cptnrs03-fa13-20190405-0070-e00.fits')
  reduction('-s', paths[0]!, ...flags, ...none, ...set('scattered light.method=none'))
  t.ok(existsSync(early), 'without a look at the orders it passes')
  const { stdout, stderr, code } = reduction('-s', raw, ...flags, ...none, '--json')
  t.equal(code, 0, stderr)
  t.notOk(existsSync(early), 'and is gone when it does no longer')
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { inputs: string[]; reason?: string; status: string; product: string })
  const of = (path: string) => rows.find(({ inputs }) => inputs[0] === path)!
  t.match(of(paths[0]!).reason, /no light of hd1461 in fibre 0: clouds\?/)
  t.match(of(paths[1]!).reason, /no light of tung in fibre 0: was the lamp off\?/)
  const star = rows.find(({ inputs }) => inputs[0]!.includes('-0012-'))!
  t.equal(star.status, 'done')
  const { pixels, width, header } = readFrame(star.product)
  t.equal(textOf(header, 'SCATTER'), 'surface')
  t.equal(textOf(header, 'TRACFILE'), 'TRACcpt2019095.40000.fits')
  const ground = Array.from({ length: WIDTH }, (_, x) => pixels[Math.round(centre(2, 2, x) - 9) * width + x]!)
  t.ok(
    Math.abs(medianOf(ground)) < 1.5,
    `between the orders ${medianOf(ground)} electrons are left (dark of 12 in them)`,
  )
})

t.test('traces may be named, and must be of the size of the frame', async (t) => {
  const { raw, reduced, flags, folder } = treeNight()
  reduction('-s', join(raw, '*b00*'), ...flags)
  const traces = emptyTraces({ width: 100, height: 80, orders: 2, fibres: 2, terms: 2, rows: 9, blocks: 0 })
  traces.coefficients.fill(10)
  const path = join(folder, 'small.fits')
  writeFits(path, tracesHdus(traces))
  const none = set('calibration.dark=none', 'instrument.profile=nres')
  const one = join(raw, 'cptnrs03-fa13-20190405-0009-w00.fits.fz')
  const { stderr, code } = reduction(
    '-s',
    one,
    '-r',
    join(folder, 'o'),
    '--traces',
    path,
    ...none,
    ...set('calibration.bias=none'),
  )
  t.equal(code, 3)
  t.match(stderr, /the traces in small.fits are of 100x80 pixels, the frame has 320x256/)
  t.ok(reduced)
})

t.test('flats take traces that were not made of them, and find their light a little beside those', async (t) => {
  const { raw, reduced, flags } = treeNight()
  reduction('-s', join(raw, '*b00*'), ...flags)
  addTraces(reduced)
  addTraces(reduced, { name: 'TRACcpt0019095.40000.fits', above: 2 })
  const flat = {
    ...({ type: 'LAMPFLAT', letter: 'w', objects: 'tung&tung&none', exposure: 10 } as const),
    light: (fibre: number) => 60 + flatLight([0, 1])(fibre),
  }
  const path = writeContainer(raw, 73, flat)
  const none = set('calibration.dark=none')
  const { stdout, stderr, code } = reduction('-s', path, ...flags, ...none)
  t.equal(code, 0, stderr)
  const { header, pixels, width } = readFrame(stdout.trim())
  t.equal(textOf(header, 'TRACFILE'), 'TRACcpt0019095.40000.fits')
  const ground = Array.from({ length: WIDTH }, (_, x) => pixels[Math.round(centre(2, 2, x) - 9) * width + x]!)
  t.ok(Math.abs(medianOf(ground)) < 1.5, `between the orders ${medianOf(ground)} electrons are left`)
})
