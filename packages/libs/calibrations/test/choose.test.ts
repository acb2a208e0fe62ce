import t from 'tap'
import { type CalibrationRow, chooseMaster, masterName, safeName } from '../src/index.js'

const row = (filename: string, more: Partial<CalibrationRow> = {}): CalibrationRow => ({
  filename,
  type: 'flat',
  instrument: 'C1',
  filter: 'i',
  binning: '2x2',
  width_px: 1024,
  height_px: 1024,
  navg: 8,
  jd: 2456489,
  flags: '0000',
  ...more,
})
const wanted = {
  type: 'flat',
  instrument: 'C1',
  filter: 'i',
  binning: '2x2',
  width_px: 1024,
  height_px: 1024,
  jd: 2456490,
} as const

t.test('the nearest in time wins, before or after', async (t) => {
  const rows = [row('old', { jd: 2456400 }), row('later', { jd: 2456491 }), row('before', { jd: 2456488.5 })]
  const { row: won, ageDays, refused } = chooseMaster(rows, wanted)
  t.equal(won?.filename, 'later')
  t.equal(ageDays, -1)
  t.equal(refused.length, 2)
})

t.test('a master is preferred to a nearer single frame within the window, not beyond it', async (t) => {
  const single = row('single', { navg: 1, jd: 2456489.5 })
  t.equal(chooseMaster([single, row('deep', { jd: 2456487 })], wanted).row?.filename, 'deep')
  t.equal(chooseMaster([single, row('deep', { jd: 2456480 })], wanted).row?.filename, 'single')
})

t.test('what does not fit is refused with the reason', async (t) => {
  const rows = [
    row('r', { filter: 'r' }),
    row('bin1', { binning: '1x1' }),
    row('other', { instrument: 'C0' }),
    row('bad', { flags: '1000' }),
    row('small', { width_px: 512 }),
    row('far', { jd: 2456000 }),
    row('bias', { type: 'bias' }),
  ]
  const { row: won, refused } = chooseMaster(rows, wanted, 30)
  t.equal(won, undefined)
  t.same(
    refused.map(({ row, why }) => `${row.filename}: ${why}`),
    [
      'r: filter is r, not i',
      'bin1: binning is 1x1, not 2x2',
      'other: instrument is C0, not C1',
      'bad: flagged unusable',
      'small: width_px is 512, not 1024',
      'far: 490.00 d away, more than 30 d',
    ],
  )
})

t.test('names follow the documented pattern and are safe on disk', async (t) => {
  t.equal(masterName({ type: 'bias', instrument: 'C1', binning: [1, 1] }), 'bias_C1.fits')
  t.equal(masterName({ type: 'bias', instrument: 'C1', binning: [2, 2] }), 'bias_C1_2x2.fits')
  t.equal(masterName({ type: 'flat', instrument: 'C1', filter: 'i', binning: [1, 1] }), 'flat_C1_i.fits')
  t.equal(safeName('../../etc/passwd'), 'etc-passwd')
  t.equal(safeName('H alpha/6563'), 'H-alpha-6563')
  t.equal(safeName('  '), 'unknown')
})
