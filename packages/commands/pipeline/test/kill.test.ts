import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { commandLine, shellEnvironment } from '@nightpipe/testing'
import t from 'tap'
import { products, rows, run, setUp } from './night.js'

t.test('killed at any moment it goes on where it was, and gives the bytes of an undisturbed run', async (t) => {
  const cwd = t.testdir()
  const { raw, configs, out } = setUp(cwd)
  const args = ['--config', configs, '--input', raw, '--output']
  t.equal(run(...args, join(cwd, 'calm')).status, 0)
  for (const [signal, wait] of [
    ['SIGKILL', 350],
    ['SIGKILL', 700],
    ['SIGTERM', 900],
  ] as const) {
    const child = spawn(...commandLine('pipeline', ...args, out), { env: shellEnvironment(), stdio: 'ignore' })
    const ended = new Promise<number | null>((go) => child.on('exit', (code) => go(code)))
    await sleep(wait)
    child.kill(signal)
    const code = await ended
    if (signal === 'SIGTERM') t.ok([0, 130, null].includes(code), `interrupted with ${code}`)
  }
  const { status, stderr } = run(...args, out)
  t.equal(status, 0, stderr)
  t.same(products(out), products(join(cwd, 'calm')))
  t.ok(rows(join(out, 'steps.csv')).every(({ status }) => status === 'done'))
  t.match(run(...args, out).stderr, /0 steps done, 3 up to date/)
})
