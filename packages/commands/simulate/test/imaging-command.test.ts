import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256OfFile } from '@nightpipe/files'
import { imageHdu, openFits, readIntegers, readPixels, readTable, textOf } from '@nightpipe/fits'
import t from 'tap'
import { digestsOf, scratch, simulate } from './small.js'

/** A night of 6 frames of 64x48 pixels: bias 1, dark 2, flats 3 and 4, science frames 5 and 6. */
const SMALL = [
  ...['detector.width=64', 'detector.height=48', 'bias.count=1', 'dark.count=1', 'dark.exposures=30', 'flat.count=1'],
  ...['flat.saturated=0', 'field.frames=1', 'field.stars=15', 'cosmic rays.rate=20000', 'detector.hot pixels=0.01'],
].flatMap((set) => ['--set', set])

const make = (cwd: string, folder: string, ...args: string[]) =>
  simulate(['imaging', '--output', folder, '--quiet', '--workers', '1', ...SMALL, ...args], cwd)

const lines = (text: string) => text.split('\n').filter(Boolean)

// One night serves all tests that only look at it.
const cwd = scratch(t)
const night = await make(cwd, 'night')

t.test('the frames are printed and reported, their truth is not', async (t) => {
  t.equal(night.code, 0)
  t.equal(night.stderr, '')
  const names = ['bias-0001', 'dark-0002', 'flat-0003', 'flat-0004', 'object-0005', 'object-0006']
  t.same(
    lines(night.stdout),
    names.map((name) => `night/${name}.fits`),
  )
  t.match(
    readFileSync(join(cwd, 'night/simulate.csv'), 'utf8'),
    /\nobject-0005,done,,object-0005\.fits,[\d.]+,object,g,60,/,
  )
  const truth = readdirSync(join(cwd, 'night/truth')).sort()
  for (const name of [
    'bias.fits',
    'dark.fits',
    'flat_g.fits',
    'flat_r.fits',
    'frames.csv',
    'stars.csv',
    'stars.fits',
  ]) {
    t.ok(truth.includes(name), name)
  }
  t.equal(readdirSync(join(cwd, 'night/truth/frames')).length, 6)
  t.notMatch(readFileSync(join(cwd, 'night/truth/parameters.json'), 'utf8'), cwd)
})

t.test('the same bytes with one worker, with three, and in pieces', async (t) => {
  const one = digestsOf(join(cwd, 'night'))
  t.ok(Object.keys(one).length > 20)
  await simulate(['imaging', '--output', 'three', '--quiet', '--workers', '3', ...SMALL], cwd)
  t.same(digestsOf(join(cwd, 'three')), one)
  for (const gone of ['object-0006.fits', 'truth/frames/flat-0003.fits', 'truth/stars.csv'])
    rmSync(join(cwd, 'three', gone))
  const before = statSync(join(cwd, 'three/bias-0001.fits')).mtimeMs
  await make(cwd, 'three')
  t.same(digestsOf(join(cwd, 'three')), one)
  t.equal(statSync(join(cwd, 'three/bias-0001.fits')).mtimeMs, before, 'what is there is not made again')
  await make(cwd, 'other', '--seed', '2')
  t.not(digestsOf(join(cwd, 'other'))['object-0006.fits'], one['object-0006.fits'])
})

t.test('raw frames hold what a camera writes, their truth says whose it is', async (t) => {
  const raw = openFits(join(cwd, 'night/object-0005.fits'))
  t.equal(raw.hdus.length, 1)
  t.notOk(
    raw.hdus[0]!.header.cards.some(({ keyword, value }) => /^NP_/.test(keyword) || /nightpipe/i.test(String(value))),
  )
  t.equal(raw.hdus[0]!.bitpix, 16)
  const truth = openFits(join(cwd, 'night/truth/frames/object-0005.fits'))
  t.equal(textOf(truth.hdus[0]!.header, 'NP_CMD'), 'simulate imaging')
  t.equal(textOf(truth.hdus[0]!.header, 'RAWSUM'), sha256OfFile(join(cwd, 'night/object-0005.fits')))
  const extensions = ['MASK', 'STARS', 'COSMICS', 'LEVELS', 'PROVENANCE']
  t.same(
    truth.hdus.slice(1).map(({ name }) => name),
    extensions,
  )
  const mask = readIntegers(imageHdu(truth, 'MASK'))
  const cosmics = readTable(truth.hdus.find(({ name }) => name === 'COSMICS')!)
  const column = (name: string) => cosmics.columns.find((one) => one.name === name)!.values as Int32Array
  t.ok(cosmics.rows > 10)
  const [xs, ys] = [column('X'), column('Y')]
  for (const [k, x] of xs.entries()) if (!(Number(mask[ys[k]! * 64 + x]) & 4)) t.fail(`hit ${k} is not in the mask`)
})

t.test('headers are written as the instrument profile says', async (t) => {
  const { code, stdout } = await make(cwd, 'ratir', '--set', 'instrument.profile=ratir-c1')
  t.equal(code, 0)
  const frame = lines(stdout).find((path) => /C1o\.fits$/.test(path))!
  t.equal(textOf(openFits(join(cwd, frame)).hdus[0]!.header, 'SEXVSNM'), 'simfield')
})

t.test('frames compressed by tiles or as a whole hold the same pixels', async (t) => {
  const tiled = await make(cwd, 'tiled', '--compress')
  const zipped = await make(cwd, 'zipped', '--set', 'files.gzip=yes')
  t.ok(lines(tiled.stdout).every((path) => path.endsWith('.fits.fz')))
  t.ok(lines(zipped.stdout).every((path) => path.endsWith('.fits.gz')))
  const pixels = (path: string) => Buffer.from(readPixels(imageHdu(openFits(join(cwd, path)))).slice().buffer)
  for (const [k, path] of lines(night.stdout).entries()) {
    t.ok(pixels(lines(tiled.stdout)[k]!).equals(pixels(path)), path)
    t.ok(pixels(lines(zipped.stdout)[k]!).equals(pixels(path)), path)
  }
})

t.test('names follow the pattern, and each of several fields has its own', async (t) => {
  writeFileSync(join(cwd, 'c.ini'), '[field.m67]\nra = 132.85\ndec = 11.8\n[field.m13]\nstars = 3\n')
  const { stdout } = await make(cwd, 'fields', '-c', 'c.ini', '--set', 'files.name={date}_{time}_{field}_{filter}')
  t.ok(lines(stdout).includes('fields/20240312_003000_bias_none.fits'))
  t.ok(lines(stdout).some((path) => /^fields\/20240312_\d{6}_m13_g\.fits$/.test(path)))
  const m67 = lines(stdout).find((path) => path.includes('m67_r'))!
  t.equal(textOf(openFits(join(cwd, m67)).hdus[0]!.header, 'OBJECT'), 'm67')
})

const WRONG: [string, string[], RegExp][] = [
  ['a size that amplifiers cannot share', ['detector.amplifiers=3'], /64x48 px cannot be shared by 3 amplifiers/],
  ['a name that two frames would have', ['files.name={type}'], /two frames would be called flat \(put \{number\}/],
  ['a name with a folder', ['files.name=a/{number}'], /is not the name of a file/],
  ['a date that is none', ['night.start=soon'], /\[night\] start = soon: expected a date/],
  ['no filter', ['filters.names='], /filter/],
  ['a filter twice', ['filters.names=g,g'], /one stands twice/],
  ['two kinds of compression', ['files.gzip=yes', 'output.compress=RICE_1'], /both/],
  ['a plate solution across amplifiers', ['files.wcs=exact', 'detector.amplifiers=2'], /needs one amplifier/],
]
for (const [what, sets, message] of WRONG) {
  t.test(`${what} is refused before anything is made`, async (t) => {
    const { code, stdout, stderr } = await make(cwd, 'wrong', ...sets.flatMap((set) => ['--set', set]))
    t.equal(code, 2)
    t.equal(stdout, '')
    t.match(stderr, message)
    t.equal(lines(stderr).length, 1)
    t.notOk(existsSync(join(cwd, 'wrong/simulate.csv')))
  })
}

t.test('frames that another night has left in the folder are told', async (t) => {
  const { code, stderr } = await simulate(
    ['imaging', '--output', 'night', '--dry-run', ...SMALL, '--set', 'bias.count=0'],
    cwd,
  )
  t.equal(code, 0)
  t.match(stderr, /also holds 6 frames of another night/)
})

t.test('an empty night is an empty night', async (t) => {
  const none = ['bias.count=0', 'dark.count=0', 'flat.count=0', 'flat.saturated=0', 'field.frames=0']
  const { code, stdout } = await make(cwd, 'empty', ...none.flatMap((set) => ['--set', set]))
  t.equal(code, 0)
  t.equal(stdout, '')
})

t.test('any binning, one column of overscan or none, and an odd size', async (t) => {
  for (const [k, sets] of [
    ['detector.binning=4', 'detector.amplifiers=4', 'noise.digitise=no'],
    ['detector.overscan=0', 'detector.width=37', 'detector.height=53', 'telescope.mirrored=yes', 'files.wcs=exact'],
    ['detector.overscan=1', 'detector.prescan=1', 'detector.amplifiers=2', 'filters.fringes=0.05'],
    ['detector.bits=12', 'detector.full well=9000', 'detector.overscan=0', 'detector.prescan=7', 'flat.saturated=1'],
    ['noise.noiseless=yes', 'files.light=yes', 'detector.binning=2'],
  ].entries()) {
    const { code, stderr } = await make(cwd, `odd${k}`, ...sets.flatMap((set) => ['--set', set]))
    t.equal(code, 0, `${sets.join(' ')}: ${stderr}`)
  }
  t.equal(Math.max(...readPixels(imageHdu(openFits(join(cwd, 'odd3/flat-0004.fits'))))), 4095)
})
