import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tryLock } from '@nightpipe/files'
import { commandLine, finish, outside, shellEnvironment } from '@nightpipe/testing'
import t from 'tap'
import { bin, rows, run, setUp, writeConfigs, writeRaw } from './night.js'

const alive = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

t.test('a step of a pipeline that was killed is ended before its work is begun anew', async (t) => {
  const cwd = t.testdir()
  const { raw, configs, out } = setUp(cwd)
  mkdirSync(out)
  // What is still at work names the output folder in its command line, as every step does.
  const orphan = spawn('sleep', ['60'], { argv0: join(out, 'sleeping'), stdio: 'ignore' })
  const head = 'group,stage,status,pid\n'
  writeFileSync(join(out, 'steps.csv'), `${head},calibrations,running,${orphan.pid}\n`)
  const { status, stderr } = run('--config', configs, '--input', raw, '--output', out)
  t.equal(status, 0, stderr)
  t.match(stderr, /calibrations is still at work for a pipeline that was killed: stopped/)
  t.notOk(alive(orphan.pid!))
})

t.test('two at once: the second refuses politely, or waits', async (t) => {
  const cwd = t.testdir()
  const { raw, configs, out } = setUp(cwd)
  mkdirSync(out)
  const lock = tryLock(join(out, 'pipeline'))!
  const refused = run('--config', configs, '--input', raw, '--output', out)
  t.equal(refused.status, 4)
  t.match(refused.stderr, /is locked by .*process \d+ .*\(nothing done; --wait SECONDS waits for it/)
  t.equal(refused.stderr.trim().split('\n').length, 1)
  t.equal(run('--config', configs, '--input', raw, '--output', out, '--quiet').stderr, '', 'cron sends no mail')
  const waiting = spawn(
    ...commandLine('pipeline', '--config', configs, '--input', raw, '--output', out, '--wait', '20'),
    { env: shellEnvironment(), stdio: 'ignore' },
  )
  const ended = new Promise<number | null>((go) => waiting.on('exit', (code) => go(code)))
  await sleep(600)
  lock.release()
  t.equal(await ended, 0)
})

t.test('a step that takes too long is stopped; its group is lost, and the report says why', (t) => {
  const { raw, configs, out } = setUp(t.testdir())
  const { status, stderr } = run('--config', configs, '--input', raw, '--output', out, '--timeout', '0.05')
  t.equal(status, 3)
  t.match(stderr, /calibrations: failed: took longer than 0\.05 s and was stopped/)
  const report = readFileSync(join(out, 'report.txt'), 'utf8')
  t.match(report, /failed +calibrations/)
  t.match(report, /lost +M_67\/cam\/g reduction .*calibrations, which it needs, failed/)
  t.match(readFileSync(join(out, 'report.html'), 'utf8'), /<svg[^>]*Gantt/)
  t.equal(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')).steps.length, 3)
  t.end()
})

t.test('frames that a full disk lost are made by the next call; those that are bad are not tried again', (t) => {
  const cwd = t.testdir()
  const reduction = '[Calibration]\nbias = none\ndark = none\nflat = none\n[Cosmic rays]\nmethod = none\n'
  const [raw, configs, out] = [join(cwd, 'raw'), writeConfigs(join(cwd, 'cfg'), undefined, { reduction }), 'out']
  const facts = { IMAGETYP: 'object', OBJECT: 'M 67', FILTER: 'r', EXPTIME: 10 }
  for (const [name, side] of [['small', 64] as const, ['large', 200] as const]) {
    writeRaw(join(raw, `${name}.fits`), { ...facts, 'DATE-OBS': '2026-01-01T20:00:00' }, 1200, 1, side)
  }
  // A limit for the size of a file stands for the disk.
  const call = 'ulimit -f 200; exec "$0" "$@"'
  const args = [bin, '--config', configs, '--input', raw, '--output', out]
  const full = finish(outside('bash', '-c', call, process.execPath, ...args), { cwd, env: shellEnvironment() })
  t.equal(full.status, 5, full.stderr)
  const fates = () => rows(join(cwd, out, 'pipeline.csv')).map(({ input, status }) => `${input} ${status}`)
  t.same(fates(), ['../raw/large.fits failed', '../raw/small.fits done'])
  const room = run('--config', configs, '--input', raw, '--output', join(cwd, out))
  t.equal(room.status, 0, room.stderr)
  t.match(room.stderr, /1 steps done, 0 up to date/)
  t.same(fates(), ['../raw/large.fits done', '../raw/small.fits done'])

  writeFileSync(join(raw, 'bad.fits'), 'no FITS')
  t.equal(run('--config', configs, '--input', raw, '--output', join(cwd, out)).status, 5)
  const again = run('--config', configs, '--input', raw, '--output', join(cwd, out))
  t.match(again.stderr, /0 steps done, 1 up to date/)
  t.end()
})
