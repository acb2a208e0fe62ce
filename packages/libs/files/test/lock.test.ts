import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { node } from '@nightpipe/testing'
import t from 'tap'
import { listLitter, removeStaleParts, tryLock, withLock } from '../src/index.js'

const library = new URL('../src/index.js', import.meta.url).href

function start(code: string, folder: string): ChildProcess {
  const script = `import * as files from ${JSON.stringify(library)}; import * as fs from 'node:fs'; ${code}`
  return spawn(...node('--input-type=module', '-e', script), { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
}
async function killAfter(line: RegExp, child: ChildProcess) {
  for await (const text of child.stdout!) if (line.test(String(text))) break
  child.kill('SIGKILL')
  await once(child, 'close')
}
const HOLD = `files.tryLock('t.csv'); console.log('held'); setInterval(() => {}, 1000)`

t.test('one process has the lock, the other waits, is told who has it, and gets it at release', async (t) => {
  const folder = t.testdir({})
  const path = join(folder, 't.csv')
  const lock = tryLock(path)!
  t.equal(tryLock(path), undefined)
  await t.rejects(
    withLock(path, () => 1, { timeoutSeconds: 0.05 }),
    {
      name: 'DataError',
      message: new RegExp(`t.csv is locked by .*process ${process.pid} on .* since \\d{4}-.*Z \\(waited 0.05 s\\)$`),
      advice: /\.t\.csv\.lock$/,
    },
  )
  setTimeout(() => lock.release(), 30)
  t.equal(await withLock(path, () => 'done'), 'done')
  t.same(readdirSync(folder), [])
})

t.test('the lock is given back when the work fails', async (t) => {
  const path = join(t.testdir({}), 't.csv')
  await t.rejects(
    withLock(path, () => Promise.reject(new Error('no'))),
    { message: 'no' },
  )
  t.equal(await withLock(path, () => 2), 2)
})

t.test('a lock inside itself is refused at once; two tasks of one process take turns', async (t) => {
  const path = join(t.testdir({}), 't.csv')
  await t.rejects(
    withLock(path, () => withLock(path, () => 1)),
    { message: /inside withLock/ },
  )
  let inside = 0
  await Promise.all(
    [1, 2, 3].map(() =>
      withLock(path, async () => {
        t.equal(++inside, 1)
        await new Promise((resolve) => setTimeout(resolve, 5))
        inside--
      }),
    ),
  )
})

t.test('the lock of a killed process is taken over', async (t) => {
  const folder = t.testdir({})
  await killAfter(/held/, start(HOLD, folder))
  t.ok(existsSync(join(folder, '.t.csv.lock')))
  t.equal(listLitter(folder)[0]?.stale, true)
  const lock = tryLock(join(folder, 't.csv'))
  t.ok(lock)
  lock?.check()
  lock?.release()
  t.same(readdirSync(folder), [])
})

t.test('the clean-up removes the lock of a dead process and leaves that of a living one', async (t) => {
  const folder = t.testdir({})
  await killAfter(/held/, start(HOLD, folder))
  const mine = tryLock(join(folder, 'mine.csv'))!
  removeStaleParts(folder)
  t.same(readdirSync(folder), ['.mine.csv.lock'])
  mine.release()
})

t.test('a holder on another host is dead when its heart has been still for three minutes', async (t) => {
  const folder = t.testdir({})
  const lock = join(folder, '.t.csv.lock')
  const token = '77-0.1-ffffffffffff'
  writeFileSync(
    lock,
    JSON.stringify({ token, pid: 77, host: 'far', program: 'reduction', since: '2026-01-01T00:00:00.000Z' }),
  )
  t.equal(tryLock(join(folder, 't.csv')), undefined)
  utimesSync(lock, Date.now() / 1000 - 200, Date.now() / 1000 - 200)
  const ours = tryLock(join(folder, 't.csv'))
  t.ok(ours)
  t.same(readdirSync(folder), ['.t.csv.lock'], 'no claim is left')
  // The far holder comes back to life and replaces nothing, but we would notice if it had.
  writeFileSync(lock, JSON.stringify({ token, pid: 77, host: 'far', program: 'reduction', since: '' }))
  t.throws(() => ours?.check(), { message: /was lost/ })
  ours?.release()
})

t.test('an empty lock, left by a crash where there are no hard links, is taken over after ten seconds', async (t) => {
  const folder = t.testdir({ '.t.csv.lock': '' })
  t.equal(tryLock(join(folder, 't.csv')), undefined)
  utimesSync(join(folder, '.t.csv.lock'), Date.now() / 1000 - 20, Date.now() / 1000 - 20)
  tryLock(join(folder, 't.csv'))?.release()
  t.same(readdirSync(folder), [])
})

t.test('eight processes over the lock of a dead one: never two inside, kills in the middle included', async (t) => {
  const folder = t.testdir({ total: '0' })
  await killAfter(/held/, start(HOLD.replace('t.csv', 'total'), folder))
  // Each adds one 25 times, by reading, waiting a moment and writing; O_EXCL on `inside` shows two at once.
  const worker = `
    for (let i = 0; i < 25; i++) await files.withLock('total', async () => {
      const others = fs.readdirSync('.').filter((n) => n.startsWith('inside-'))
      for (const other of others) { try { process.kill(Number(other.slice(7)), 0); console.log('TWO', other) } catch { fs.rmSync(other) } }
      fs.writeFileSync('inside-' + process.pid, '')
      const n = Number(fs.readFileSync('total', 'utf8'))
      files.writeAtomically('total', String(n + 1))
      fs.rmSync('inside-' + process.pid)
    })
    console.log('finished')`
  const children = Array.from({ length: 8 }, () => start(worker, folder))
  let text = ''
  for (const child of children) child.stdout!.on('data', (piece) => (text += piece))
  // Two more are killed at some moment, with the lock or without.
  const victims = [40, 90].map(async (ms) => {
    const victim = start(worker.replaceAll('25', '1000'), folder)
    victim.stdout!.resume()
    await new Promise((resolve) => setTimeout(resolve, 150 + ms))
    victim.kill('SIGKILL')
    await once(victim, 'close')
  })
  await Promise.all([...victims, ...children.map((child) => once(child, 'close'))])
  t.notMatch(text, /TWO/)
  t.equal(text.split('finished').length - 1, 8)
  t.ok(Number(readFileSync(join(folder, 'total'), 'utf8')) >= 200)
  removeStaleParts(folder)
  t.same(
    readdirSync(folder).filter((name) => !name.startsWith('inside')),
    ['total'],
  )
  t.ok(statSync(join(folder, 'total')).size)
})
