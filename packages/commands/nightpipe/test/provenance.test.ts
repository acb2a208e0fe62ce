import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import t, { type Test } from 'tap'
import { nightpipe } from './front-door.js'

let seed = 7
function noise(): number {
  seed = (seed * 1664525 + 1013904223) >>> 0
  return (seed / 2 ** 32 - 0.5) * 10
}

/** Five frames of 48x32 pixels. */
function writeSeries(folder: string, type: string, seconds: number, level: number): void {
  for (let i = 1; i <= 5; i++) {
    const pixels = Int16Array.from({ length: 48 * 32 }, () => level + noise())
    const header = createHeader([
      ['OBSTYPE', type],
      ['EXPTIME', seconds],
      ['INSTRUME', 'CAM'],
      ['FILTER', 'r'],
      ['GAIN', 2],
      ['RDNOISE', 4],
      ['SATURATE', 30_000],
      ['DATE-OBS', `2026-01-01T0${i}:00:00`],
    ])
    const path = join(folder, `${type}-${i}.fits`)
    writeFits(path, [{ kind: 'image', header, bitpix: 16, axes: [48, 32], pixels }])
  }
}

/** A bias, a dark and a flat series, and their masters: raw/ and masters/ in a folder. */
function makeNight(folder: string): void {
  mkdirSync(join(folder, 'raw'))
  writeSeries(join(folder, 'raw'), 'bias', 0, 300)
  writeSeries(join(folder, 'raw'), 'dark', 60, 320)
  writeSeries(join(folder, 'raw'), 'flat', 3, 10_000)
  const { code, stderr } = nightpipe(['stack-calibrations', '--input', 'raw', '--output', 'masters'], { cwd: folder })
  if (code !== 0) throw new Error(stderr)
}

const original = t.testdir({})
makeNight(original)

/** A copy of that night for one test. */
function night(t: Test): string {
  const folder = t.testdir({})
  cpSync(original, folder, { recursive: true })
  return folder
}

t.test('why follows a product through its masters to the raw frames', async (t) => {
  const cwd = night(t)
  const { code, stdout } = nightpipe(['why', 'masters/flat_CAM_r.fits'], { cwd })
  t.equal(code, 0)
  t.match(stdout, /^masters\/flat_CAM_r\.fits {2}by stack-calibrations \d/)
  t.match(stdout, /─ bias: masters\/bias_CAM\.fits {2}matches, by stack-calibrations/)
  t.match(stdout, /│ {3}├── bias: raw\/bias-1\.fits {2}matches, sha256 [0-9a-f]{12}\n/)
  t.match(stdout, /─ flat: raw\/flat-5\.fits {2}matches/)
  t.equal(stdout.match(/raw\/bias-1\.fits/g)?.length, 1, 'a master that serves twice is told once')
  const tree = JSON.parse(nightpipe(['why', 'masters/flat_CAM_r.fits', '--json'], { cwd }).stdout)
  t.equal(tree.parents.length, 7)
  t.match(nightpipe(['why', 'masters/bias_CAM.fits', '--config'], { cwd }).stdout, /\[combine\]/)
})

t.test('why tells parents that changed or are missing, and with --check the exit code does', async (t) => {
  const cwd = night(t)
  t.equal(nightpipe(['why', 'masters/bias_CAM.fits', '--check'], { cwd }).code, 0)
  rmSync(join(cwd, 'raw/bias-2.fits'))
  cpSync(join(cwd, 'raw/bias-4.fits'), join(cwd, 'raw/bias-3.fits'))
  const { code, stdout } = nightpipe(['why', 'masters/bias_CAM.fits', '--check'], { cwd })
  t.equal(code, 4)
  t.match(stdout, /bias: bias-2\.fits {2}missing/)
  t.match(stdout, /bias: raw\/bias-3\.fits {2}changed/)
})

t.test('parents that were moved are found where --from says', async (t) => {
  const cwd = night(t)
  mkdirSync(join(cwd, 'far/away/from/here'), { recursive: true })
  renameSync(join(cwd, 'masters'), join(cwd, 'far/away/from/here/masters'))
  const product = 'far/away/from/here/masters/bias_CAM.fits'
  t.match(nightpipe(['why', product], { cwd }).stdout, /bias: bias-1\.fits {2}missing/)
  t.match(nightpipe(['why', product, '--from', 'raw'], { cwd }).stdout, /bias: raw\/bias-1\.fits {2}matches/)
  t.match(nightpipe(['reproduce', product, '--from', 'raw'], { cwd }), { code: 0, stdout: /the same, byte for byte/ })
})

t.test('what is no product of ours is said to be none', async (t) => {
  const cwd = night(t)
  t.match(nightpipe(['why', 'raw/bias-1.fits'], { cwd }), { code: 3, stderr: /is not a product of nightpipe/ })
  t.match(nightpipe(['why', 'nowhere.fits'], { cwd }), { code: 3, stderr: /no such file/ })
  t.match(nightpipe(['reproduce', 'raw'], { cwd }), { code: 3, stderr: /no products of nightpipe in raw/ })
})

t.test('every product is remade with the same bytes, those that need other products too', async (t) => {
  const cwd = night(t)
  const scratch = join(cwd, 'scratch')
  const { code, stdout } = nightpipe(['reproduce', 'masters', '--scratch', scratch], { cwd })
  t.equal(code, 0, stdout)
  t.equal(stdout.match(/the same, byte for byte/g)?.length, 3)
  t.same(readdirSync(scratch), [], 'nothing is left')
})

t.test('a product that was tampered with differs, and where is said', async (t) => {
  const cwd = night(t)
  const path = join(cwd, 'masters/dark_CAM.fits')
  const bytes = readFileSync(path)
  // The first pixel, and a card, with sums that no longer agree: the file still opens.
  const at = bytes.indexOf('END                ', 0, 'latin1')
  bytes.writeFloatBE(1e6, Math.ceil(at / 2880) * 2880)
  bytes.write('adu/h ', bytes.indexOf('adu/s ', 0, 'latin1'), 'latin1')
  writeFileSync(path, bytes)
  const { code, stdout } = nightpipe(['reproduce', 'masters/dark_CAM.fits'], { cwd })
  t.equal(code, 4)
  t.match(stdout, /masters\/dark_CAM\.fits: differs\n/)
  t.match(stdout, /1 of 1536 pixels differ, by up to 1\.000e\+6/)
  t.match(stdout, /BUNIT was adu\/h/)
})

t.test('a product and its parents may be renamed: they are known by what they are', async (t) => {
  const cwd = night(t)
  renameSync(join(cwd, 'masters/bias_CAM.fits'), join(cwd, 'masters/tonight.fits'))
  renameSync(join(cwd, 'raw/bias-2.fits'), join(cwd, 'raw/second.fits'))
  const from = ['--from', 'raw']
  const { stdout: tree } = nightpipe(['why', 'masters/flat_CAM_r.fits', ...from], { cwd })
  t.match(tree, /─ bias: masters\/tonight\.fits {2}matches, by stack-calibrations/)
  t.match(tree, /─ bias: raw\/second\.fits {2}matches/)
  const { code, stdout } = nightpipe(['reproduce', 'masters/tonight.fits', ...from], { cwd })
  t.equal(code, 0, stdout)
  t.match(stdout, /the same, byte for byte/)
})

t.test('without its parents a product cannot be remade, and they are named', async (t) => {
  const cwd = night(t)
  rmSync(join(cwd, 'raw/bias-2.fits'))
  const { code, stdout } = nightpipe(['reproduce', 'masters/bias_CAM.fits'], { cwd })
  t.equal(code, 3)
  t.match(stdout, /cannot be remade\n.*bias bias-2\.fits is missing \(give the folder of its parents by --from DIR/)
})

t.test('a product that cannot be remade since it lies in the tree of a spectrograph is said to', async (t) => {
  const cwd = night(t)
  renameSync(join(cwd, 'masters'), join(cwd, 'bias'))
  rmSync(join(cwd, 'raw'), { recursive: true })
  const said = () => nightpipe(['reproduce', 'bias/bias_CAM.fits'], { cwd }).stdout
  t.notMatch(said(), /tree of a spectrograph/)
  mkdirSync(join(cwd, 'csv'))
  writeFileSync(join(cwd, 'csv/standards.csv'), '')
  t.match(said(), /bias_CAM.fits: cannot be remade\n.*is missing.*\n.*it lies in the tree of a spectrograph/)
})

t.test('masters of another folder are found again by way of the recorded configuration', async (t) => {
  const cwd = night(t)
  const raw = join(cwd, 'raw')
  const ini = '[calibration]\nfolder = masters\n'
  writeFileSync(join(cwd, 'flats.ini'), ini)
  const args = ['stack-calibrations', '-s', `${raw}/flat-*.fits`, '-r', 'flats', '-c', 'flats.ini']
  t.match(nightpipe(args, { cwd }), { code: 0 })
  t.match(nightpipe(['why', 'flats/flat_CAM_r.fits'], { cwd }).stdout, /bias: masters\/bias_CAM\.fits {2}matches/)
  t.match(nightpipe(['reproduce', 'flats'], { cwd }), { code: 0, stdout: /flat_CAM_r\.fits: the same, byte for byte/ })
})

t.test('a product whose name depends on what else was given is remade with all that the report names', async (t) => {
  const cwd = night(t)
  mkdirSync(join(cwd, 'raw/long'))
  writeSeries(join(cwd, 'raw/long'), 'dark', 180, 350)
  nightpipe(['stack-calibrations', '--input', 'raw', '--output', 'both'], { cwd })
  const darks = readdirSync(join(cwd, 'both')).filter((name) => /^dark.*fits$/.test(name))
  t.equal(darks.length, 2)
  t.match(nightpipe(['reproduce', `both/${darks[0]}`], { cwd }), { code: 0, stdout: /the same, byte for byte/ })
})

t.test("an instrument profile of one's own is found beside the frames, and must say the same", async (t) => {
  const cwd = night(t)
  const make = (...more: string[]) =>
    nightpipe(
      ['stack-calibrations', '--input', 'raw', '--output', 'own', '--set', 'instrument.profile=raw/cam.ini', ...more],
      { cwd },
    )
  writeFileSync(join(cwd, 'raw/cam.ini'), '[assume]\ngain = 3\n')
  t.equal(make().code, 0)
  const again = () => nightpipe(['reproduce', 'own/bias_CAM.fits', '--from', 'raw'], { cwd })
  t.match(again(), { code: 0, stdout: /the same, byte for byte/ })
  rmSync(join(cwd, 'raw/cam.ini'))
  t.match(again(), { code: 3, stdout: /unknown instrument profile 'cam'/ })
})
