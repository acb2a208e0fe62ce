import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { event, run } from './support.js'

t.test('an event on standard input becomes a trigger file, once', async (t) => {
  const cwd = t.testdir({})
  const first = run(['parse', '--output', 'out'], cwd, event('sb26010101', 'eclairs-wakeup'))
  t.equal(first.status, 0, first.stderr)
  t.equal(first.stdout, 'out/trigger_sb26010101.dat\n')
  const before = readFileSync(join(cwd, 'out/trigger_sb26010101.dat'), 'utf8')
  t.match(before, /burst_id = sb26010101/)
  t.match(before, /ra_deg = 10.000000/)
  const again = run(['parse', '--output', 'out'], cwd, event('sb26010101', 'eclairs-wakeup'))
  t.equal(again.status, 0)
  t.match(again.stderr, /had come before/)
  t.equal(readFileSync(join(cwd, 'out/trigger_sb26010101.dat'), 'utf8'), before)
  t.equal(readFileSync(join(cwd, 'out/events.csv'), 'utf8').trim().split('\n').length, 2)
})

t.test('later notices are merged: the best position, the retraction', async (t) => {
  const cwd = t.testdir({ in: {} })
  const events = [
    event('sb26010101', 'eclairs-wakeup'),
    event('sb26010101', 'mxt-initial_qf1', { error: 0.01 }),
    event('sb26010101', 'retraction'),
    event('sb26010102', 'retraction'),
  ]
  for (const [k, text] of events.entries()) writeFileSync(join(cwd, `in/${k}.xml`), text)
  const { status, stdout, stderr } = run(
    ['parse', '-s', 'in', '-r', 'out', '--json', '--received', '2026-01-01T00:02:00Z'],
    cwd,
  )
  t.equal(status, 0, stderr)
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.same(
    lines.map(({ state }) => state),
    ['active', 'active', 'retracted', undefined],
  )
  t.match(lines[3].reason, /retracts sb26010102, of which nothing was known/)
  const trigger = readFileSync(join(cwd, 'out/trigger_sb26010101.dat'), 'utf8')
  t.match(trigger, /status = retracted/)
  t.match(trigger, /error_deg = 0.010000/)
  t.match(trigger, /n = 3\n/)
  t.notOk(existsSync(join(cwd, 'out/trigger_sb26010102.dat')))
})

t.test('a layout of one own', async (t) => {
  const cwd = t.testdir({ 'v.ini': '[layout]\nAlert = name=burst_id, when=t0_utc, error_arcmin\n' })
  const { status, stderr } = run(['parse', '-r', 'out', '-c', 'v.ini'], cwd, event('sb26010101', 'eclairs-wakeup'))
  t.equal(status, 0, stderr)
  t.match(
    readFileSync(join(cwd, 'out/trigger_sb26010101.dat'), 'utf8'),
    /^\[alert\]\nname = sb26010101\nwhen = 2026-01-01T00:00:00.000Z\nerror_arcmin = 6.000\n\n\[History\]/i,
  )
})

t.test('what cannot be read is an error, what triggers nothing is none', async (t) => {
  const cwd = t.testdir({})
  const codes: [string, string, number][] = [
    ['nothing', '', 3],
    ['no XML', 'hello', 3],
    ['a cut event', event('sb26010101', 'eclairs-wakeup').slice(0, 400), 3],
    ['an entity bomb', '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>', 3],
    ['a test', event('sb26010101', 'eclairs-wakeup', { role: 'test' }), 0],
    ['a utility', event('sb26010102', 'eclairs-wakeup', { role: 'utility' }), 0],
    ['no burst', event('S190425z', 'x'), 0],
  ]
  for (const [what, text, code] of codes) {
    const { status, stdout, stderr } = run(['parse', '-r', 'out'], cwd, text)
    t.equal(status, code, `${what}: ${stderr}`)
    t.equal(stdout, '', what)
    t.equal(stderr.trim().split('\n').length, 1, `${what} is told in one line`)
  }
  t.equal(
    run(['parse', '-r', 'out', '--accept-test'], cwd, event('sb26010103', 'grm-trigger', { role: 'test' })).stdout,
    'out/trigger_sb26010103.dat\n',
  )
  t.equal(readdirSync(join(cwd, 'out')).filter((name) => name.endsWith('.dat')).length, 1)
})

t.test('more bytes than an event may have are not read', async (t) => {
  const cwd = t.testdir({})
  const { status, stderr } = run(['parse', '-r', 'out'], cwd, 'x'.repeat(2 ** 20 + 10))
  t.equal(status, 3)
  t.match(stderr, /more than the 1048576 bytes of an event/)
})

t.test('an event whose run was killed before its row was written is entered by the next', async (t) => {
  const cwd = t.testdir({})
  run(['parse', '-r', 'out'], cwd, event('sb26010101', 'eclairs-wakeup'))
  // As if it had died after keeping the event: nothing else is there.
  for (const name of ['events.csv', 'trigger_sb26010101.json', 'trigger_sb26010101.dat']) rmSync(join(cwd, 'out', name))
  const { stdout } = run(['parse', '-r', 'out'], cwd, event('sb26010101', 'eclairs-wakeup'))
  t.equal(stdout, 'out/trigger_sb26010101.dat\n')
  t.equal(readdirSync(join(cwd, 'out/events')).length, 1)
})

t.test('two events whose names are the same when saved are both kept', async (t) => {
  const cwd = t.testdir({})
  mkdirSync(join(cwd, 'out'))
  for (const kind of ['eclairs-1', 'eclairs1']) run(['parse', '-r', 'out'], cwd, event('sb26010101', kind))
  t.same(readdirSync(join(cwd, 'out/events')).sort(), [
    'ivo__org.svom_fscsb26010101_eclairs1.xml',
    'ivo__org.svom_fscsb26010101_eclairs1_.xml',
  ])
})
