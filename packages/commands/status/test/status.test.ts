import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { call, commandLine } from '@nightpipe/testing'
import t from 'tap'

const run = (...args: string[]) => call('status', args, { maxBuffer: 1e8 })
const start = (...args: string[]): ChildProcess => spawn(...commandLine('status', ...args), { stdio: 'ignore' })

const iso = (minutes: number) => new Date(Date.UTC(2026, 2, 1) + minutes * 60000).toISOString().slice(0, 19)
const record = (name: string, minutes: number, value: string, more: object = {}) => ({
  ...{
    name,
    value,
    date: iso(minutes),
    pretty_name: name,
    subsystem: 'weather',
    component: 'station',
    group: 'temperature',
  },
  ...{
    model: '',
    identifier: '',
    firmware: '',
    type: 'float',
    unit: 'C',
    correction_model: '',
    raw_value: value,
    error_code: 0,
  },
  ...more,
})
const frame = (records: object[]) => JSON.stringify({ frame_model: '1.0', producer_name: 'TCS', sensor: records })

/** `files` state files, five minutes apart, of `sensors` sensors. */
function writeWeek(folder: string, files: number, sensors: number, first = 0): void {
  mkdirSync(folder, { recursive: true })
  for (let k = first; k < first + files; k++) {
    const records = Array.from({ length: sensors }, (_, s) =>
      record(`s-${s}`, 5 * k, `+${(s + Math.sin(k / 50)).toFixed(2)}`),
    )
    writeFileSync(join(folder, `sensors-${iso(5 * k).replaceAll(/[-:]/g, '')}.json`), frame(records))
  }
}

t.test('suppliers are merged into the file of the interval, corrected, and what is wrong is set aside', async (t) => {
  const folder = t.testdir({
    tcs: {
      'a.json': frame([
        record('t1', 2, '+1.0'),
        record('t2', 2, '+9', { correction_model: 'MS-T:1.0:1', raw_value: '+5.0' }),
      ]),
    },
    plc: { 'b.json': JSON.stringify([record('t1', 3, '+2.0'), record('bad', 3, 'warm'), record('ahead', 60, '+1')]) },
    old: { 'c.json': JSON.stringify({ device: [record('t3', -20, '+3.0')] }) },
  })
  const out = join(folder, 'state')
  const inputs = ['tcs', 'plc', 'old'].flatMap((name) => ['-s', join(folder, name)])
  const { status, stdout, stderr } = run('collect', ...inputs, '-r', out, '--now', iso(3.5))
  t.equal(status, 0, stderr)
  t.equal(stdout.trim(), join(out, '20260301/sensors/sensors-20260301T000000.json'))
  const { sensor } = JSON.parse(readFileSync(stdout.trim(), 'utf8'))
  const of = (name: string) => sensor.find((one: { name: string }) => one.name === name)
  t.match(of('t1'), { value: '+2.0', error_code: 0 })
  t.match(of('t2'), { value: '+4.0' }, 'that of the model')
  t.match(of('t3'), { value: '+3.0', error_code: 2 }, 'stale, and marked')
  t.ok(of('nightpipe-disk-space'))
  t.notOk(of('ahead') || of('bad'))
  t.match(readFileSync(join(out, 'set-aside.csv'), 'utf8'), /bad[\s\S]*ahead|ahead[\s\S]*bad/)
})

t.test('keywords of frames are sensors where the config says so', async (t) => {
  const folder = t.testdir()
  const header = createHeader([
    ['DATE-OBS', '2026-03-01T00:02:00'],
    ['IGLATEMP', 21.5, 'igloo'],
  ])
  writeFits(join(folder, 'raw.fits'), [
    { kind: 'image', bitpix: 16, axes: [2, 2], pixels: Int16Array.of(1, 2, 3, 4), header },
  ])
  const { status, stdout, stderr } = run(
    'collect',
    '-s',
    join(folder, 'raw.fits'),
    '-r',
    join(folder, 'out'),
    '--now',
    iso(3),
    '--set',
    'collect.stale=600',
    '--set',
    'headers.IGLATEMP=nres igloo environmental-temperature C',
  )
  t.equal(status, 0, stderr)
  t.match(JSON.parse(readFileSync(stdout.trim(), 'utf8')).sensor[0], {
    name: 'igloo-iglatemp',
    value: '+21.5',
    unit: 'C',
    date: '2026-03-01T00:02:00',
  })
})

t.test(
  'files are taken once, late records go to their places, another value at the same moment is refused',
  async (t) => {
    const folder = t.testdir({ in: {}, late: {} })
    const store = join(folder, 'store')
    writeWeek(join(folder, 'in'), 5, 3)
    t.match(run('ingest', '-s', join(folder, 'in'), '-r', store).stderr, /15 records of 5 files, 0 set aside/)
    t.match(
      run('ingest', '-s', join(folder, 'in'), '-r', store).stderr,
      /0 records of 0 files, 0 set aside, 5 files had come before/,
    )
    writeFileSync(
      join(folder, 'late/x.json'),
      frame([
        record('s-1', 7, '+99'),
        record('s-1', 5, '+77'),
        record('s-1', 10, `+${(1 + Math.sin(2 / 50)).toFixed(2)}`),
      ]),
    )
    t.equal(run('ingest', '-s', join(folder, 'late'), '-r', store).status, 0)
    const { stdout } = run('query', '--store', store, '--sensor', 's-1')
    t.same(
      stdout
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split(',')[1]),
      [0, 5, 7, 10, 15, 20].map(iso),
    )
    t.match(
      readFileSync(join(store, 'set-aside.csv'), 'utf8'),
      /\+77 at 2026-03-01T00:05:00, where another value stands/,
    )
  },
)

t.test('a moment is one moment in every spelling, and stands in the file of its month', async (t) => {
  const folder = t.testdir({ in: {} })
  const store = join(folder, 'store')
  const dates = ['2026-03-01T00:30:00+02:00', '20260301T000000', '2026-03-01 00:00:00Z', '2026-03-01T00:00:00.5']
  writeFileSync(join(folder, 'in/x.json'), frame(dates.map((date) => record('a', 0, '+1', { date }))))
  t.equal(run('ingest', '-s', join(folder, 'in'), '-r', store).status, 0)
  const { stdout } = run('query', '--store', store, '--sensor', 'a', '--from', '2026-02-28')
  const told = stdout.trim().split('\n').slice(1)
  t.same(
    told.map((line) => line.split(',')[1]),
    ['2026-02-28T22:30:00', '2026-03-01T00:00:00', '2026-03-01T00:00:00.5'],
  )
  t.same(readdirSync(join(store, 'readings/a')).sort(), ['2026-02.csv', '2026-03.csv'])
})

t.test('a torn last line is taken off, and its record entered again', async (t) => {
  const folder = t.testdir()
  const store = join(folder, 'store')
  writeWeek(join(folder, 'in'), 2, 1)
  run('ingest', '-s', join(folder, 'in'), '-r', store)
  appendFileSync(join(store, 'readings/s-0/2026-03.csv'), '2026-03-01T00:1')
  writeWeek(join(folder, 'more'), 1, 1, 2)
  run('ingest', '-s', join(folder, 'more'), '-r', store)
  t.equal(readFileSync(join(store, 'readings/s-0/2026-03.csv'), 'utf8').trim().split('\n').length, 4)
})

t.test('killed at any moment, the next call enters what is missing, once', async (t) => {
  const folder = t.testdir()
  const store = join(folder, 'store')
  writeWeek(join(folder, 'in'), 150, 25)
  let killed = 0
  for (let k = 0; k < 8; k++) {
    const child = start('ingest', '-s', join(folder, 'in'), '-r', store)
    const closed = once(child, 'close')
    await new Promise((resolve) => setTimeout(resolve, 90 + 25 * k))
    child.kill('SIGKILL')
    const [, signal] = await closed
    if (signal === 'SIGKILL') killed++
  }
  t.ok(killed > 2, `${killed} of 8 were killed in their work`)
  t.equal(run('ingest', '-s', join(folder, 'in'), '-r', store).status, 0)
  const lines = readdirSync(join(store, 'readings')).map(
    (name) =>
      readFileSync(join(store, 'readings', name, '2026-03.csv'), 'utf8')
        .trim()
        .split('\n').length,
  )
  t.same(lines, Array(25).fill(151))
})

t.test('sensors are asked by group and time, with statistics that leave errors out', async (t) => {
  const folder = t.testdir({ in: {} })
  const store = join(folder, 'store')
  const records = [
    record('a', 0, '+1'),
    record('a', 5, '+3'),
    record('a', 10, '+500', { error_code: 1 }),
    record('b', 0, '+7', { group: 'pressure' }),
  ]
  writeFileSync(join(folder, 'in/x.json'), frame(records))
  run('ingest', '-s', join(folder, 'in'), '-r', store)
  t.match(
    run('query', '--store', store, '--group', 'temp*', '--statistics', '--json').stdout,
    /"sensor":"a","unit":"C","readings":3,"good":2,"least":1,"mean":2,"greatest":3/,
  )
  t.equal(run('query', '--store', store, '--from', iso(4)).stdout.trim().split('\n').length, 3)
  t.equal(run('query', '--store', store, '--sensor', 'a', '--plot', join(folder, 'a.png')).status, 0)
  t.equal(readFileSync(join(folder, 'a.png')).subarray(1, 4).toString(), 'PNG')
  t.match(run('query', '--store', store, '--sensor', 'zzz'), { status: 3, stderr: /no such sensor/ })
})

t.test('alarms ring with exit code 4, and end behind clear', async (t) => {
  const folder = t.testdir({ in: {} })
  const store = join(folder, 'store')
  writeFileSync(join(folder, 'in/x.json'), frame(['+5', '+11', '+9'].map((value, k) => record('a', 5 * k, value))))
  run('ingest', '-s', join(folder, 'in'), '-r', store)
  const ask = (rule: string, minutes = 11) => run('alarms', '--store', store, '--rule', rule, '--now', iso(minutes))
  t.match(ask('a > 10 clear 8'), { status: 4, stdout: /2026-03-01T00:05:00/ })
  t.match(ask('a > 10'), { status: 0, stdout: '' })
  t.match(ask('a silent 10 min'), { status: 0 })
  t.match(ask('a silent 10 min', 30), { status: 4 })
  t.match(ask('b > 3'), { status: 2, stderr: /no sensor is called b/ })
  t.match(ask('a >'), { status: 2, stderr: /is no rule/ })
})
