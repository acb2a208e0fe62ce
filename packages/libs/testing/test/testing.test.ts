import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { call, executable, finish, lacking, lackingPython, node, outside, REPOSITORY } from '../src/index.js'

const TELL = 'process.stdout.write([process.env.NODE_OPTIONS, process.execArgv].join())'

t.test('a program that a test starts is free of the hooks of the test runner', async (t) => {
  t.match(process.execArgv.join(' '), 'processinfo', 'this test itself is not')
  t.equal(finish(node('-e', TELL)).stdout, `,-e,${TELL}`)
  t.equal(finish(outside('sh', '-c', 'echo $NODE_OPTIONS')).stdout, '\n', 'nor do its children inherit them')
})

t.test('exit code, signal and both streams are told; input is given', async (t) => {
  t.same(finish(outside('sh', '-c', 'cat; echo wrong >&2; exit 3'), { input: 'a line' }), {
    status: 3,
    signal: null,
    stdout: 'a line',
    stderr: 'wrong\n',
  })
  t.match(finish(outside('sh', '-c', 'kill -9 $$')), { status: null, signal: 'SIGKILL' })
  t.throws(() => finish(['no-such-program', []]), { code: 'ENOENT' })
})

t.test('a signal reaches the program itself', async (t) => {
  const child = spawn(
    ...node('-e', 'process.on("SIGTERM", () => process.exit(7)); console.log(1); setInterval(Date, 9)'),
  )
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  t.same(await once(child, 'exit'), [7, null])
})

t.test('commands are found wherever the test runs', async (t) => {
  t.ok(existsSync(join(REPOSITORY, 'README.md')))
  t.ok(existsSync(executable('nightpipe')))
  t.match(call('nightpipe', ['list'], { cwd: t.testdir() }), { status: 0, stdout: /reduction/ })
})

t.test('what is not there is named', async (t) => {
  t.equal(lacking('sh'), false)
  t.equal(lacking('no-such-program'), 'not installed: no-such-program')
  t.match(lackingPython('sys', 'no_such_module'), /^\/usr\/bin\/python3 has no (sys )?no_such_module$/)
})

t.test('a folder outside of the project is there as long as the test', async (t) => {
  const library = JSON.stringify(new URL('../src/index.js', import.meta.url))
  const use = `const { scratch } = await import(${library}); const { mkdirSync, existsSync } = await import('node:fs')
    const folder = scratch(); mkdirSync(folder + '/raw'); console.log(folder, existsSync(folder + '/raw'))`
  const { stdout } = finish(node('--input-type=module', '-e', use))
  const [, folder = ''] = stdout.match(/^(\/\S+) true\n$/) ?? []
  t.not(folder, '')
  t.notOk(folder.startsWith(REPOSITORY) || existsSync(folder))
})
