import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { finish, node } from '@nightpipe/testing'
import t from 'tap'
import { nightpipe } from './front-door.js'

t.test('on a machine that runs these tests all is well, and nothing is left in the folder', async (t) => {
  const folder = t.testdir({})
  const { code, stdout } = nightpipe(['doctor', folder])
  t.equal(code, 0, stdout)
  for (const what of ['Node', 'memory', 'kernels', 'threads', 'disk space', 'write and rename', 'locks', 'peers']) {
    t.match(stdout, what)
  }
  t.same(readdirSync(folder), [])
  const lines = nightpipe(['doctor', folder, '--json'])
    .stdout.trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.ok(lines.every(({ state }) => ['ok', 'note'].includes(state)))
})

t.test('what killed runs left is told', async (t) => {
  const folder = t.testdir({})
  const dead = Number(finish(node('-p', 'process.pid')).stdout)
  writeFileSync(join(folder, `.a.fits.${dead}-0.1-ffffffffffff.part`), '')
  const lock = {
    token: `${dead}-0.1-ffffffffffff`,
    pid: dead,
    host: 'far',
    program: 'reduction',
    since: '2026-01-01T00:00:00.000Z',
  }
  writeFileSync(join(folder, '.t.csv.lock'), JSON.stringify(lock))
  const { code, stdout } = nightpipe(['doctor', folder])
  t.equal(code, 0)
  t.match(
    stdout,
    /left behind +note +1 being written right now; locked by reduction, process \d+ on far since 2026-01-01T00:00:00Z/,
  )
})

t.test('a folder that is not there, or cannot hold anything, is wrong', async (t) => {
  t.match(nightpipe(['doctor', '/nowhere/at/all']), { code: 2, stderr: 'nightpipe: no folder /nowhere/at/all' })
  t.match(nightpipe(['doctor', '/proc/self']), { code: 4, stdout: /write and rename +wrong/ })
})
