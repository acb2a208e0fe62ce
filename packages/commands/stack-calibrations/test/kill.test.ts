// Killed, interrupted, and on a full disk: nothing is lost, nothing is done twice, nothing is left behind.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandLine, executable, finish, node, REPOSITORY } from '@nightpipe/testing'
import t from 'tap'
import { camera, series } from './support/camera.js'
import { report, run } from './support/run.js'

const MASTERS = ['bias_cam1.fits', 'dark_cam1.fits', 'flat_cam1_r.fits']

const folder = t.testdir()
const raw = join(folder, 'raw')
const c = camera({ width: 512, height: 512, overscan: 16 })
series(raw, 'bias', 4, c, { type: 'bias' }, 1)
series(raw, 'dark', 4, c, { type: 'dark', seconds: 200 }, 2)
series(raw, 'flat', 4, c, (k) => ({ type: 'flat', light: 15000 + 3000 * k, filter: 'r' }), 3)

t.test('kill -9 at 8 moments, then a run to the end: as if nothing had happened', async (t) => {
  const args = ['--moments', '8', '--seed', '3', '--work', join(folder, 'kills')]
  const command = [
    process.execPath,
    executable('stack-calibrations'),
    '--input',
    raw,
    '--output',
    '{output}',
    '--quiet',
  ]
  const { status, stdout, stderr } = finish(node(join(REPOSITORY, 'scripts/kill-test.mjs'), ...args, '--', ...command))
  t.equal(status, 0, stdout + stderr)
  t.match(stdout, / 0 differ/)
})

t.test('Ctrl-C: exit 130, no litter, and the next run finishes the work', async (t) => {
  const output = join(folder, 'interrupted')
  mkdirSync(output)
  const child = spawn(...commandLine('stack-calibrations', '--input', raw, '--output', output, '--quiet'))
  // The first master is begun, or done.
  while (readdirSync(output).length === 0) await new Promise((go) => setTimeout(go, 2))
  child.kill('SIGINT')
  const code = await new Promise((resolve) => child.on('close', resolve))
  t.equal(code, 130)
  t.same(
    readdirSync(output).filter((name) => name.startsWith('.')),
    [],
  )
  t.equal(run(raw, output).status, 0)
  const reference = join(folder, 'reference')
  t.equal(run(raw, reference).status, 0)
  for (const name of MASTERS) t.ok(readFileSync(join(output, name)).equals(readFileSync(join(reference, name))), name)
})

const mount = (...args: string[]) => spawnSync('mount', args).status === 0
const disk = mkdtempSync(join(tmpdir(), 'small-disk-')) // not in the test's own folder, which is removed while mounted
const small = mount('-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk)
t.teardown(() => {
  if (small) spawnSync('umount', [disk])
  rmdirSync(disk)
})

t.test('a full disk', { skip: small ? false : 'no small disk can be mounted here' }, async (t) => {
  // A master of 512x512 takes 2.6 MB: one has room.
  const output = join(disk, 'out')
  const { status, stdout, stderr } = run(raw, output)
  t.equal(status, 5, stderr)
  t.equal(stdout.trim(), join(output, 'bias_cam1.fits'))
  t.match(stderr, /dark_cam1.fits.*no space left on the disk \(free some space there and run again/)
  for (const line of stderr.trimEnd().split('\n')) t.match(line, /^stack-calibrations: /)
  t.same(
    readdirSync(output).filter((name) => name.startsWith('.')),
    [],
  )
  const before = readFileSync(join(output, 'bias_cam1.fits'))
  t.equal(report(output).get('bias-0.fits')?.status, 'done')
  t.equal(report(output).get('dark-0.fits')?.status, 'failed')
  t.ok(mount('-o', 'remount,size=40m', disk))
  const again = run(raw, output)
  t.equal(again.status, 0, again.stderr)
  t.ok(readFileSync(join(output, 'bias_cam1.fits')).equals(before), 'what was finished is kept')
  for (const name of MASTERS) {
    t.ok(readFileSync(join(output, name)).equals(readFileSync(join(folder, 'reference', name))), name)
  }
  t.equal([...report(output).values()].filter((row) => row.status === 'done').length, 12)
})
