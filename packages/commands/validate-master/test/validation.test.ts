import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { call } from '@nightpipe/testing'
import { formatCalibrationJson, parseCalibrationJson } from '@nightpipe/validations'
import t from 'tap'
import { compareMasters, moments } from '../src/compare.js'
import { type Master, noise, SIDE, writeMaster } from './masters.js'

const run = (...args: string[]) => call('validate-master', [...args, '--quiet'])

const first: Master = { level: 1000, scatter: 0.7, seed: 1, date: '2026-01-01T00:00:00', id: 'a' }
const second: Master = { level: 1000.2, scatter: 0.7, seed: 2, date: '2026-01-02T00:00:00', id: 'b' }

t.test('mean, median and population deviation of a known 4x4 array, NaN left out and counted', async (t) => {
  const values = Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, Number.NaN])
  const { mean, median, rms, minimum, count } = moments(values)
  t.same([mean, median, minimum, count], [8, 8, 1, 15])
  t.ok(Math.abs(rms - Math.sqrt(280 / 15)) < 1e-12)
})

t.test('a difference of 3 everywhere is 3, of unit noise has rms 1, a ratio of 1.02 is 1.02', async (t) => {
  const frame = (pixels: Float32Array) => ({ name: '', width: SIDE, height: SIDE, pixels })
  const base = noise(3).map((v) => 500 + v)
  t.ok(Math.abs(compareMasters(frame(base.map((v) => v + 3)), frame(base), 'difference', 6).mean - 3) < 1e-4)
  const more = noise(4)
  const noisy = compareMasters(frame(base.map((v, p) => v + more[p])), frame(base), 'difference', 6)
  t.ok(Math.abs(noisy.mean) < 4 / SIDE && Math.abs(noisy.rms - 1) < 0.05, `${noisy.mean} ${noisy.rms}`)
  t.ok(Math.abs(compareMasters(frame(base.map((v) => 1.02 * v)), frame(base), 'ratio', 6).mean - 1.02) < 1e-5)
})

t.test(
  'pixels that are infinite, masked or divided by 0 are left out of a comparison, and out of what deviates',
  async (t) => {
    const pixels = Float32Array.from([Number.POSITIVE_INFINITY, 7, 5, 5, 5, 5])
    const mask = Int16Array.from([0, 1, 0, 0, 0, 0])
    const candidate = { name: '', width: 3, height: 2, pixels, mask }
    const other = Float32Array.from([5, 5, 0, 5, Number.NEGATIVE_INFINITY, 5])
    const { pixels: ratio, ...found } = compareMasters(candidate, { ...candidate, pixels: other }, 'ratio', 6)
    t.same([...ratio].map(Number.isFinite), [false, false, false, true, false, true])
    t.match(found, { count: 2, masked: 4, mean: 1, rms: 0, deviating: 0 })
  },
)

t.test('both descriptions of the calibration file are written, and both are read back', async (t) => {
  const record = {
    ...{ IM_NAME: 'bias_C1.fits', TYPE: 'bias', DATE: '2018-03-06T02:11:23', INSTRUME: 'C1', FILTER: 'w' },
    ...{ MEAN: -0.0142, MEDIAN: -0.0166, RMS: 0.376, MEANDIFF: 0.2067, MEDIANDIF: 0.2068, RMSDIFF: 0.59, VALID: false },
  }
  const plan = formatCalibrationJson([record], 'plan')
  t.match(JSON.parse(plan)[0].MEDIANDIF, { name: 'MEDIANDIF', value: 0.2068, type: 'float', unit: 'adu', errorcode: 0 })
  const deployed = formatCalibrationJson([record], 'deployed')
  t.match(JSON.parse(deployed)[0], { MEDIANDIFF: 0.2068, DATE: '2018-03-06 02:11:23', VALID: false })
  for (const text of [plan, deployed, JSON.stringify(JSON.parse(deployed)[0])])
    t.match(parseCalibrationJson(text)[0], record)
  t.throws(() => parseCalibrationJson('[{"TYPE":"bias"}]'), /entry 1 has no IM_NAME/)
})

t.test('from the first master to a promotion, a refusal and back', async (t) => {
  const folder = t.testdir()
  const bank = join(folder, 'bank')
  const candidate = (name: string, master: Master) => writeMaster(join(folder, name, 'bias_C1.fits'), master)
  t.equal(run('-s', candidate('1', first), '-r', bank).status, 4, 'the first needs --bootstrap')
  t.notOk(existsSync(join(bank, 'bias_C1.fits')))
  t.equal(run('-s', join(folder, '1'), '-r', bank, '--bootstrap').status, 0)
  t.equal(run('-s', candidate('2', second), '-r', bank).status, 0)
  const inForce = readFileSync(join(bank, 'bias_C1.fits'))
  t.ok(inForce.equals(readFileSync(join(folder, '2/bias_C1.fits'))), 'the candidate, byte for byte')
  t.same(readdirSync(join(bank, 'old')), ['bias_C1_20260101T000000_aaaaaaaa.fits'])

  const off = run('-s', candidate('3', { ...second, level: 1005, id: 'c' }), '-r', bank)
  t.equal(off.status, 4)
  t.match(off.stderr, /mean of the difference is 4\.8.*allowed -2 to 2/)
  t.ok(inForce.equals(readFileSync(join(bank, 'bias_C1.fits'))), 'nothing in force changed')
  t.equal(readdirSync(join(bank, 'old')).length, 1)

  const edited = run('-s', candidate('4', { ...second, level: 1009 }), '-r', bank)
  t.equal(edited.status, 4, 'other pixels under the identity of the master in force are looked at')
  t.match(edited.stderr, /mean of the difference is 8\.8/)

  const rows = readFileSync(join(bank, 'validations.csv'), 'utf8').trim().split('\n').length
  t.equal(run('-s', join(folder, '2'), '-r', bank).status, 0, 'again: it is in force already')
  t.equal(readFileSync(join(bank, 'validations.csv'), 'utf8').trim().split('\n').length, rows, 'and no row is double')

  t.equal(run('-r', bank, '--rollback', 'bias_C1.fits').status, 0)
  t.ok(readFileSync(join(bank, 'bias_C1.fits')).equals(readFileSync(join(folder, '1/bias_C1.fits'))))
  t.equal(readdirSync(join(bank, 'withdrawn')).length, 1)
  t.equal(run('-s', bank, '-r', bank).status, 0, 'a bank given as its own input undoes nothing')
  t.ok(readFileSync(join(bank, 'bias_C1.fits')).equals(readFileSync(join(folder, '1/bias_C1.fits'))))
  t.equal(run('-r', bank, '--rollback', 'bias_C1.fits').status, 3, 'there is no generation before the first')
  t.match(readFileSync(join(bank, 'calibrations.csv'), 'utf8'), 'a'.repeat(32))
})

t.test('a master of another camera or size is refused by its header', async (t) => {
  const folder = t.testdir()
  const bank = join(folder, 'bank')
  run('-s', writeMaster(join(folder, '1/bias_C1.fits'), first), '-r', bank, '--bootstrap')
  const other = writeMaster(join(folder, '2/bias_C1.fits'), { ...second, instrument: 'C2' })
  const { status, stderr } = run('-s', other, '-r', bank)
  t.equal(status, 4)
  t.match(stderr, 'instrument is C2, in force is C1')
})

t.test('a chain tells how each master differs from the one it is compared with', async (t) => {
  const folder = t.testdir()
  for (const [k, level] of [1000, 1001, 1003].entries()) {
    writeMaster(join(folder, `in/bias_${k}.fits`), {
      ...first,
      level,
      scatter: 0,
      date: `2026-01-0${k + 1}T00:00:00`,
      id: String(k),
    })
  }
  for (const [update, means] of [
    ['none', [1, 3]],
    ['previous', [1, 2]],
    ['difference', [1, 1002]],
    ['mean', [1, 2.5]],
  ] as const) {
    const out = join(folder, update)
    const { status, stderr } = run('-s', join(folder, 'in'), '-r', out, '--chain', '--set', `chain.update=${update}`)
    t.equal(status, 0, stderr)
    const steps = JSON.parse(readFileSync(join(out, 'validation/chain_bias_C1_1x1.json'), 'utf8'))
    t.same(
      steps.map((step: { mean: number }) => step.mean),
      means,
      update,
    )
  }
})
