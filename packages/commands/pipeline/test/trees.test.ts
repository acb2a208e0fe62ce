import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { products, rows, run, writeConfigs, writeRaw } from './night.js'

const bare = '[Calibration]\nbias = none\ndark = none\nflat = none\n[Cosmic rays]\nmethod = none\n'
const colibri = (folder: string, workspace = 'headers = TRGID,INSTRUME,FILTER') => {
  const configs = writeConfigs(folder, 'reduction = yes', { reduction: bare })
  const text = readFileSync(join(configs, 'pipeline.cfg'), 'utf8')
  const named = text.replace(/headers = .*/, workspace)
  writeFileSync(join(configs, 'pipeline.cfg'), `[Instrument]\nprofile = colibri\n${named}`)
  return configs
}

t.test('the tree of GP1: night, type code, instrument, filter code', async (t) => {
  const cwd = t.testdir()
  const night = join(cwd, 'raw/20260101')
  const facts = { INSTRUME: 'C1', EXPTIME: 10, TRGID: 'sb26010101', 'DATE-OBS': '2026-01-01T02:03:04' }
  writeRaw(join(night, '1000/C1/3/a.fits'), facts, 1200)
  // as the telescope control calls them: the filter stands in the folder all the same
  writeRaw(join(night, '1000/C2/0/20260101T020304C2o.fits'), { ...facts, INSTRUME: 'C2' }, 1200)
  for (const k of [0, 1, 2]) writeRaw(join(night, `0002/C1/3/bias${k}.fits`), { ...facts, EXPTIME: 0 }, 1000, k)
  const { status, stderr } = run(
    '--config',
    colibri(join(cwd, 'cfg')),
    '--input',
    join(cwd, 'raw'),
    '--output',
    join(cwd, 'out'),
  )
  t.equal(status, 0, stderr)
  t.same(
    [...products(join(cwd, 'out')).keys()],
    ['sb26010101/C1/BR/reduction/a.fits', 'sb26010101/C2/w/reduction/20260101T020304C2o.fits'],
  )
  const types = rows(join(cwd, 'out/frames.csv')).map(({ type }) => type)
  t.same(types, ['bias', 'bias', 'bias', 'object', 'object'])
})

t.test(
  'the tree of the telescope control: programme, block, visit; the letter of the name tells the type',
  async (t) => {
    const cwd = t.testdir()
    const visit = join(cwd, 'raw/20260101/executor/images/2026A-1001/7/0')
    const facts = {
      INSTRUME: 'C1',
      CCD_NAME: 'C1',
      FILTER: 'r',
      EXPTIME: 10,
      BLKID: '7',
      'DATE-OBS': '2026-01-01T02:03:04',
    }
    writeRaw(join(visit, '20260101T020304C1o.fits'), facts, 1200)
    writeRaw(join(visit, '20260101T020404C1o.fits'), { ...facts, ALSVID: 'sb26010101', FILTER: 'gri' }, 1200)
    writeRaw(join(visit, '20260101T010304C1b.fits'), { ...facts, EXPTIME: 0 }, 1000)
    writeRaw(join(visit, '20260101T010404C1x.fits'), facts, 1000)
    const { status, stderr } = run(
      '--config',
      colibri(join(cwd, 'cfg')),
      '--input',
      join(cwd, 'raw'),
      '--output',
      join(cwd, 'out'),
    )
    t.equal(status, 0, stderr)
    t.same(
      [...products(join(cwd, 'out')).keys()],
      ['7/C1/r/reduction/20260101T020304C1o.fits', 'sb26010101/C1/gri/reduction/20260101T020404C1o.fits'],
    )
    t.match(
      rows(join(cwd, 'out/pipeline.csv')).map(({ status, reason }) => `${status} ${reason}`),
      ['rejected is of type focus', 'done ', 'done '],
    )
  },
)

t.test('any keywords, with what to take instead, name the folders; nothing leads out of the output', async (t) => {
  const cwd = t.testdir()
  const put = (name: string, cards: Record<string, string>) =>
    writeRaw(join(cwd, 'raw', name), { IMAGETYP: 'object', EXPTIME: 10, ...cards }, 1200)
  put('a.fits', { PRPID: '2026A/../..', GAINMODE: 'low noise', FILTER: 'r' })
  put('b.fits', { OBJECT: 'calibrations', FILTER: 'r' })
  put('c.fits', { FILTER: 'r' })
  const configs = writeConfigs(join(cwd, 'cfg'), 'reduction = yes', { reduction: bare })
  const set = ['--set', 'workspace.headers=PRPID|OBJECT,GAINMODE|CAMERA,FILTER']
  const { status, stderr } = run('--config', configs, '--input', join(cwd, 'raw'), '--output', join(cwd, 'out'), ...set)
  t.equal(status, 0, stderr)
  t.same(
    [...products(join(cwd, 'out')).keys()],
    [
      '2026A_.._/low_noise/r/reduction/a.fits'.replace('_.._', ''),
      'calibrations_/unknown/r/reduction/b.fits',
      'unknown/unknown/r/reduction/c.fits',
    ],
  )
})
