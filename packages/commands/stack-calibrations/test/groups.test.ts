// Which frames become which master, and what each needs.
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { camera, series } from './support/camera.js'
import { csv, master, report, run } from './support/run.js'

const SIZE = { width: 128, height: 96 }

/** Where raw frames go, and what is made of them. */
const folders = (folder: string) => ({ raw: join(folder, 'raw'), out: join(folder, 'out') })

t.test('darks without bias: one line that says what to do, exit 3', async (t) => {
  const { raw, out } = folders(t.testdir())
  series(raw, 'dark', 3, camera(SIZE), { type: 'dark', seconds: 10 })
  const { status, stdout, stderr } = run(raw, out)
  t.equal(status, 3)
  t.equal(stdout, '')
  t.match(
    stderr,
    /dark_cam1 needs a master bias of cam1, and there is none \(put 3 bias frames into the input, or name a folder of masters in \[calibration\] folder\)/,
  )
  t.match(report(out).get('dark-0.fits')?.status, 'failed')
})

t.test('a flat may be made without dark, or insist on one', async (t) => {
  const { raw, out } = folders(t.testdir())
  const c = camera(SIZE)
  series(raw, 'bias', 3, c, { type: 'bias' })
  series(raw, 'flat', 3, c, { type: 'flat', light: 20000, filter: 'g' })
  const required = run(raw, join(out, 'a'), '--set', 'flat.dark=required')
  t.equal(required.status, 5)
  t.match(required.stderr, /flat_cam1_g needs a master dark, and there is none/)
  t.equal(run(raw, join(out, 'b')).status, 0)
})

t.test('the masters of a bank serve where the input has none, the nearest in time', async (t) => {
  const { raw, out } = folders(t.testdir())
  const c = camera(SIZE)
  series(join(raw, 'bias'), 'bias', 3, c, { type: 'bias' })
  series(join(raw, 'dark'), 'dark', 3, c, { type: 'dark', seconds: 100 })
  t.equal(run(join(raw, 'bias'), join(out, 'bank')).status, 0)
  const { status, stderr } = run(
    join(raw, 'dark'),
    join(out, 'new'),
    '--set',
    `calibration.folder=${join(out, 'bank')}`,
  )
  t.equal(status, 0, stderr)
  const all = run(raw, join(out, 'all'))
  t.equal(all.status, 0)
  t.same(master(join(out, 'new'), 'dark_cam1.fits').pixels, master(join(out, 'all'), 'dark_cam1.fits').pixels)
  const old = run(
    join(raw, 'dark'),
    join(out, 'old'),
    '--set',
    `calibration.folder=${join(out, 'bank')}`,
    '--set',
    'calibration.age=0.001',
  )
  t.equal(old.status, 3, 'a bank that is too old does not serve')
  const missing = run(join(raw, 'dark'), join(out, 'x'), '--set', 'calibration.folder=/nowhere')
  t.equal(missing.status, 3)
  t.match(
    missing.stderr,
    /\/nowhere\/calibrations.csv does not exist \(point \[calibration\] folder at a folder made by stack-calibrations\)/,
  )
})

t.test('masters do not enter masters again', async (t) => {
  const { raw, out } = folders(t.testdir())
  series(raw, 'bias', 3, camera(SIZE), { type: 'bias' })
  t.equal(run(raw, out).status, 0)
  copyFileSync(join(out, 'bias_cam1.fits'), join(raw, 'old-master.fits'))
  t.equal(run(raw, join(out, 'again')).status, 0)
  t.equal(
    report(join(out, 'again')).get('old-master.fits')?.reason,
    'is a product of stack-calibrations, not a raw frame',
  )
  t.equal(master(join(out, 'again'), 'bias_cam1.fits').number('NFRAMES'), 3)
})

t.test('groups: one master per type, instrument, filter, binning, read-out mode and exposure', async (t) => {
  const { raw, out } = folders(t.testdir())
  const c = camera({ width: 48, height: 32 })
  const mode = (value: string): [string, string] => ['READMODE', value]
  series(raw, 'a', 3, c, { type: 'bias' }, 1)
  series(raw, 'b', 3, { ...c, instrument: 'cam 2' }, { type: 'bias' }, 2)
  series(raw, 'c', 3, c, { type: 'bias', cards: [mode('fast')] }, 3)
  series(raw, 'd', 3, c, { type: 'bias', cards: [mode('slow')] }, 4)
  series(
    raw,
    'e',
    3,
    c,
    {
      type: 'bias',
      cards: [
        ['XBINNING', 2],
        ['YBINNING', 2],
      ],
    },
    5,
  )
  series(raw, 'f', 3, c, { type: 'dark', seconds: 60.0004 }, 6)
  series(raw, 'g', 3, c, { type: 'dark', seconds: 60.0011 }, 7)
  series(raw, 'h', 3, c, { type: 'dark', seconds: 300 }, 8)
  series(raw, 'i', 3, c, { type: 'flat', light: 20000, filter: 'r' }, 9)
  series(raw, 'j', 3, c, { type: 'flat', light: 20000, filter: 'H alpha' }, 10)
  series(raw, 'k', 2, c, { type: 'object', light: 200 }, 11)
  const { status, stdout, stderr } = run(raw, out)
  t.equal(status, 0, stderr)
  const names = stdout
    .trimEnd()
    .split('\n')
    .map((path) => path.split('/').at(-1))
  t.same(names, [
    'bias_cam-2.fits',
    'bias_cam1.fits',
    'bias_cam1_2x2.fits',
    'bias_cam1_fast.fits',
    'bias_cam1_slow.fits',
    'dark_cam1_300s.fits',
    'dark_cam1_60s.fits',
    'flat_cam1_H-alpha.fits',
    'flat_cam1_r.fits',
  ])
  t.equal(master(out, 'dark_cam1_60s.fits').number('NFRAMES'), 6)
  t.match(report(out).get('k-0.fits')?.reason, /^is of type object \(stacked: bias, dark, flat, arc\)$/)
  const table = csv(join(out, 'calibrations.csv'))
  t.same(
    table.map((row) => row.filename),
    [
      'bias_cam-2.fits',
      'bias_cam1.fits',
      'bias_cam1_fast.fits',
      'bias_cam1_slow.fits',
      'bias_cam1_2x2.fits',
      'dark_cam1_300s.fits',
      'dark_cam1_60s.fits',
      'flat_cam1_H-alpha.fits',
      'flat_cam1_r.fits',
    ],
  )
  t.match(
    table.find((row) => row.filename === 'flat_cam1_r.fits'),
    {
      ...{ type: 'flat', instrument: 'cam1', filter: 'r', binning: '1x1', navg: '3', width_px: '48', height_px: '32' },
      ...{ flags: '0000', date: '2026-11-21T03:00:00.000' },
    },
  )
})

t.test('a window of dates, a type, a site, a camera and a target choose frames, as the NRES call does', async (t) => {
  const { raw, out } = folders(t.testdir())
  const c = camera({ width: 48, height: 32 })
  const site = (value: string): [string, string] => ['SITEID', value]
  series(raw, 'lsc', 4, c, { type: 'bias', cards: [site('lsc')] }, 1)
  series(raw, 'elp', 3, c, { type: 'bias', cards: [site('elp')] }, 2)
  series(raw, 'flat', 3, c, { type: 'flat', light: 20000, filter: 'r', cards: [site('lsc')] }, 3)
  const call = ['--start', '2026-11-21T01:01:00', '--end', '2026-11-21T08:00:00', '--site', 'LSC', '--camera', 'CAM1']
  for (const type of [['--type', 'BIAS'], ['--calibration-type', 'Bias'], ['--type=bias']]) {
    const to = join(out, type.join(''))
    const { status, stderr, stdout } = run(raw, to, ...call, ...type)
    t.equal(status, 0, stderr)
    t.equal(stdout.trim(), join(to, 'bias_cam1.fits'))
    t.equal(master(to, 'bias_cam1.fits').number('NFRAMES'), 3)
    const rows = report(to)
    t.match(rows.get('lsc-0.fits')?.reason, /^taken before 2026-11-21T01:01:00/)
    t.match(rows.get('elp-2.fits')?.reason, /^site is elp, not LSC$/)
    t.match(rows.get('flat-0.fits')?.reason, /^is of type flat \(stacked: bias\)$/)
  }
  const nothing = run(raw, join(out, 'x'), '--start', '2027-01-01', '--type', 'bias')
  t.equal(nothing.status, 0, 'an empty window is an empty night')
  t.equal(nothing.stdout, '')
  for (const [args, message] of [
    [['--start', 'yesterday'], /\[select\] start: 'yesterday' is not a date/],
    [['--type', 'biases'], /\[select\] types: 'biases' is not one of bias, dark, flat, arc/],
    [['--set', 'combine.clipp=3'], /unknown key 'clipp'/],
  ] as const) {
    const { status, stderr } = run(raw, join(out, 'y'), ...args)
    t.equal(status, 2)
    t.match(stderr, message)
    t.equal(stderr.trimEnd().split('\n').length, 1)
  }
})
