import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256OfFile } from '@nightpipe/files'
import { imageHdu, openFits, readIntegers, readPixels, readTable, textOf } from '@nightpipe/fits'
import { scratch } from '@nightpipe/testing'
import t from 'tap'
import { digestsOf, lines, makeSmall, SMALL, simulate } from './small.js'

// One night serves all tests that only look at it.
const cwd = scratch()
const night = await makeSmall(cwd, 'night')

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
  await makeSmall(cwd, 'three')
  t.same(digestsOf(join(cwd, 'three')), one)
  t.equal(statSync(join(cwd, 'three/bias-0001.fits')).mtimeMs, before, 'what is there is not made again')
  await makeSmall(cwd, 'other', '--seed', '2')
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
  const { code, stdout } = await makeSmall(cwd, 'ratir', '--set', 'instrument.profile=ratir-c1')
  t.equal(code, 0)
  const frame = lines(stdout).find((path) => /C1o\.fits$/.test(path))!
  t.equal(textOf(openFits(join(cwd, frame)).hdus[0]!.header, 'SEXVSNM'), 'simfield')
})

t.test('frames compressed by tiles or as a whole hold the same pixels', async (t) => {
  const tiled = await makeSmall(cwd, 'tiled', '--compress')
  const zipped = await makeSmall(cwd, 'zipped', '--set', 'files.gzip=yes')
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
  const { stdout } = await makeSmall(cwd, 'fields', '-c', 'c.ini', '--set', 'files.name={date}_{time}_{field}_{filter}')
  t.ok(lines(stdout).includes('fields/20240312_003000_bias_none.fits'))
  t.ok(lines(stdout).some((path) => /^fields\/20240312_\d{6}_m13_g\.fits$/.test(path)))
  const m67 = lines(stdout).find((path) => path.includes('m67_r'))!
  t.equal(textOf(openFits(join(cwd, m67)).hdus[0]!.header, 'OBJECT'), 'm67')
})

t.test('frames that another night has left in the folder are told', async (t) => {
  const { code, stderr } = await simulate(
    ['imaging', '--output', 'night', '--dry-run', ...SMALL, '--set', 'files.name=x-{number}'],
    cwd,
  )
  t.equal(code, 0)
  t.match(stderr, /also holds 6 frames of another night/)
})

t.test('an empty night is an empty night', async (t) => {
  const none = ['bias.count=0', 'dark.count=0', 'flat.count=0', 'flat.saturated=0', 'field.frames=0']
  const { code, stdout } = await makeSmall(cwd, 'empty', ...none.flatMap((set) => ['--set', set]))
  t.equal(code, 0)
  t.equal(stdout, '')
})
