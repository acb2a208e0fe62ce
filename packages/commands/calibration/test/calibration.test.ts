import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { call } from '@nightpipe/testing'
import { type CalibrationRecord, formatCalibrationJson } from '@nightpipe/validations'
import t from 'tap'

const run = (cwd: string, ...args: string[]) => call('calibration', args, { cwd })

/** As the deployed file of the observatory has it. */
const DEPLOYED = `[{"IM_NAME": "bias_20180306T021123_C0_w_2.fits.fz", "TYPE": "bias", "DATE": "2018-03-06 02:11:23", "INSTRUME": "C0",
  "FILTER": "w", "MEAN": -0.0142, "MEDIAN": -0.0166, "RMS": 0.376, "MEANDIFF": 0.2067, "MEDIANDIFF": 0.2068, "RMSDIFF": 0.59,
  "VALID": false}]`
const record = (day: number, more: Partial<CalibrationRecord> = {}): CalibrationRecord => ({
  ...{ IM_NAME: `flat_${day}`, TYPE: 'flat', DATE: `2026-01-${String(day).padStart(2, '0')}T10:00:00`, INSTRUME: 'C1' },
  ...{ FILTER: 'r', MEAN: 1, MEDIAN: 1 + day / 1000, RMS: 0.01, MEANDIFF: 1e-4 * day, MEDIANDIF: 1e-4, RMSDIFF: 1e-3 },
  ...{ VALID: day !== 2, ...more },
})

t.test('both descriptions become one history; the same again changes nothing', async (t) => {
  const cwd = t.testdir({
    in: {
      'a.json': DEPLOYED,
      'b.json': formatCalibrationJson([record(1), record(2), record(3)], 'plan'),
      'one.json': JSON.stringify({
        ...JSON.parse(DEPLOYED)[0],
        IM_NAME: 'bias_2',
        DATE: '2018-03-07 02:11:23',
        MEANDIFF: '+0.5',
      }),
    },
  })
  const first = run(cwd, 'ingest', '-s', 'in', '-r', 'bank', '--json')
  t.equal(first.status, 0, first.stderr)
  t.match(JSON.parse(first.stdout), { files: 3, records: 5, set_aside: 0, again: 0, validations: 5 })
  const before = readFileSync(join(cwd, 'bank/validations.csv'), 'utf8')
  const second = run(cwd, 'ingest', '-s', 'in', '-r', 'bank', '--json')
  t.match(JSON.parse(second.stdout), { files: 0, records: 0, again: 3, validations: 5 })
  t.equal(readFileSync(join(cwd, 'bank/validations.csv'), 'utf8'), before)
  const bias = run(cwd, 'series', '--bank', 'bank', '--type', 'bias').stdout.trim().split('\n')
  t.equal(bias[0], 'type,instrument,filter,date,im_name,mean,median,rms,meandiff,mediandiff,rmsdiff,valid')
  t.equal(
    bias[1],
    'bias,C0,w,2018-03-06T02:11:23,bias_20180306T021123_C0_w_2.fits.fz,-0.0142,-0.0166,0.376,0.2067,0.2068,0.59,false',
  )
  t.match(bias[2], /,0\.5,0\.2068,0\.59,false$/)
  const flats = run(cwd, 'series', '--bank', 'bank', '--type', 'flat', '--filter', 'R', '--last', '2', '--json').stdout
  t.same(
    flats
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { im_name: string }).im_name),
    ['flat_2', 'flat_3'],
  )
  const some = run(cwd, 'series', '--bank', 'bank', '--from', '2026-01-02', '--to', '2026-01-02T23:00:00').stdout
  t.match(some, /flat_2,.*false\n$/)
  t.equal(some.trim().split('\n').length, 2)
  t.equal(
    run(cwd, 'series', '--bank', 'bank', '--type', 'flat', '--plot', 'f.png', '--plot-differences', 'd.svg').status,
    0,
  )
  t.ok(existsSync(join(cwd, 'f.png')) && /<svg/.test(readFileSync(join(cwd, 'd.svg'), 'utf8')))
  t.match(run(cwd, 'series', '--bank', 'bank', '--plot', 'x.png'), {
    status: 2,
    stderr: /2 groups: bias_C0, flat_C1_r/,
  })
})

t.test('bad entries and files are set aside with the reason, and stop nobody', async (t) => {
  const bad = [
    ...[{ TYPE: 'flat' }, { ...record(4), DATE: 'yesterday' }, { ...record(5), TYPE: 'arc' }, 7, null, []],
    ...[{ ...record(6), MEAN: '12abc' }, { ...record(7), VALID: 'perhaps' }, record(8)],
  ]
  const cwd = t.testdir({
    in: { 'mixed.json': JSON.stringify(bad), 'torn.json': '[{"IM_NAME": "x', 'good.json': DEPLOYED },
  })
  const { status, stdout, stderr } = run(
    cwd,
    'ingest',
    '-s',
    'in',
    '-r',
    'bank',
    '--json',
    '--set',
    'ingest.archive=done',
  )
  t.equal(status, 5, stderr)
  t.match(JSON.parse(stdout), { files: 3, records: 2, set_aside: 9, useless: 1 })
  const aside = readFileSync(join(cwd, 'bank/calibration-set-aside.csv'), 'utf8')
  for (const reason of [
    /mixed.json,1,,has no IM_NAME/,
    /DATE 'yesterday'/,
    /TYPE 'arc'/,
    /not an object/,
    /MEAN '12abc'/,
    /'perhaps'/,
    /is no JSON/,
  ])
    t.match(aside, reason)
  t.same(readdirSync(join(cwd, 'done')).sort(), ['good.json', 'mixed.json', 'torn.json'])
  t.same(readdirSync(join(cwd, 'in')), [])
  t.equal(run(cwd, 'ingest', '-s', 'in', '-r', 'bank').status, 0, 'an empty folder is no error')
})

t.test('a value with an error code is none; instruments bear the names of the profile', async (t) => {
  const plan = JSON.parse(formatCalibrationJson([record(1, { INSTRUME: 'DDRAGO1' })], 'plan')) as Record<
    string,
    { value: unknown; errorcode: number }
  >[]
  plan[0]!.RMSDIFF!.errorcode = 1
  const profile = '[names]\n[instruments]\nDDRAGO1 = C1\n'
  const cwd = t.testdir({ in: { 'a.json': JSON.stringify(plan) }, 'p.ini': profile.replace('[names]\n', '') })
  const ingest = run(cwd, 'ingest', '-s', 'in', '-r', 'bank', '--set', `instrument.profile=${join(cwd, 'p.ini')}`)
  t.equal(ingest.status, 0, ingest.stderr)
  t.match(run(cwd, 'series', '--bank', 'bank', '--instrument', 'C1').stdout, /flat,C1,r,.*,0\.0001,0\.0001,,true\n/)
})
