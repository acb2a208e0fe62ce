import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { scratch } from '@nightpipe/testing'
import t, { type Test } from 'tap'
import { type Host, openHost, type Ran } from '../src/index.js'
import { laterOptimised } from '../src/optimised-later.js'
import { hostFlags } from '../src/run-in-host.js'
import { bundleOf, contentOf, isProduct, linesOf, litterIn, makeFrames, makeNight, reportOf, run } from './toy/night.js'

function hostFor(t: Test): { host: Host; copy(...args: string[]): Promise<Ran> } {
  const host = openHost(bundleOf('host'))
  t.teardown(() => host.close())
  return { host, copy: (...args) => host.run('copy-frames', args) }
}

t.test('a command says, writes and answers in a host what it does as a process, the second time too', async (t) => {
  const { copy } = hostFor(t)
  const cwd = scratch()
  makeNight(join(cwd, 'raw'))
  const [bad] = makeFrames(join(cwd, 'more'), ['bad'])
  const calls = [
    ['-s', join(cwd, 'raw'), '--add', '1', '--workers', '2'],
    ['-s', join(cwd, 'raw'), '--add', '1', '--workers', '2'],
    ['-s', join(cwd, 'raw'), bad!, '--add', '2', '--workers', '3'],
    ['-s', bad!],
    ['-s', join(cwd, 'raw'), '--add', '13'],
    ['-s', join(cwd, 'raw'), '--set', 'copy.ad=1'],
    ['-s', join(cwd, 'nowhere')],
    ['--version'],
  ]
  for (const [k, args] of calls.entries()) {
    const alone = await run('copy-frames', [...args, '-r', join(cwd, 'alone'), '--quiet'])
    const held = await copy(...args, '-r', join(cwd, 'held'), '--quiet')
    const same = (text: string) => text.replaceAll(join(cwd, 'held'), join(cwd, 'alone'))
    t.equal(held.code, alone.code, `exit code of call ${k}`)
    t.same(held.products.map(same), linesOf(alone.stdout))
    t.equal(same(held.stderr), alone.stderr)
    t.same(contentOf(join(cwd, 'held'), isProduct), contentOf(join(cwd, 'alone'), isProduct))
  }
  t.same(litterIn(join(cwd, 'held')), [])
})

t.test('its threads stay for the next call, and know nothing of the one before', async (t) => {
  const { copy } = hostFor(t)
  const cwd = scratch()
  const [raw, red] = [join(cwd, 'raw'), join(cwd, 'red')]
  const threads = () => [...new Set(reportOf(red).map((row) => row.thread))].sort()
  makeNight(raw)
  await copy('-s', raw, '-r', red, '--add', '1', '--workers', '2')
  const first = threads()
  t.equal(first.length, 2)
  rmSync(raw, { recursive: true })
  makeNight(raw, 5) // written anew: other inodes, other times
  t.match(await copy('-s', raw, '-r', red, '--add', '3', '--workers', '2'), { code: 0 })
  t.same(threads(), first)
  t.match((await run('copy-frames', ['-s', raw, '-r', red, '--add', '3'])).stderr, /5 done \(5 jobs were up to date\)/)
})

t.test('a host that dies fails the call that it was at; the next call has another', async (t) => {
  const { copy } = hostFor(t)
  const cwd = scratch()
  const [good] = makeFrames(join(cwd, 'raw'), ['good'])
  const [crash] = makeFrames(join(cwd, 'raw'), ['crash'])
  const red = join(cwd, 'red')
  t.match(await copy('-s', crash!, good!, '-r', red), { code: 7, products: [] })
  t.match(await copy('-s', good!, '-r', red), { code: 0, products: [join(red, 'good.fits')] })
  t.same(litterIn(red), [])
})

t.test(
  'an interrupt ends the call at once and leaves no half file; what was asked for later is not begun',
  async (t) => {
    const { host, copy } = hostFor(t)
    const cwd = scratch()
    const frames = makeFrames(join(cwd, 'raw'), ['a', 'b', 'c'])
    const red = join(cwd, 'red')
    const stop = new AbortController()
    const args = ['-s', ...frames, '-r', red, '--set', 'copy.pause=60000']
    const ending = host.run('copy-frames', args, stop.signal)
    while (!existsSync(red)) await wait(20) // its output folder is made when the plan is
    await wait(500)
    stop.abort()
    const ended = await ending
    t.match(ended, { code: 130, stderr: /interrupted: 0 of 3 jobs done/ })
    t.match(await host.run('copy-frames', args, stop.signal), { code: 130, stderr: '' })
    t.same(litterIn(red), [])
    t.match(await copy('-s', ...frames, '-r', red), { code: 0 })
  },
)

t.test('this Node takes the flag that commands set while they run, and says nothing', async (t) => {
  const set = `for (const flag of process.argv.slice(1)) require('node:v8').setFlagsFromString(flag)`
  const { status, stdout, stderr } = spawnSync(process.execPath, [
    '-e',
    set,
    '--',
    ...laterOptimised(process.versions.node),
  ])
  t.same([status, `${stdout}`, `${stderr}`], [0, '', ''])
})

t.test('this Node starts with the flags of a host; one that may not know them gets none', async (t) => {
  t.equal(spawnSync(process.execPath, [...hostFlags(process.versions.node), '-e', '0']).status, 0)
  t.notMatch(hostFlags('22.23.0').join(' '), /interrupt-budget/)
  t.same(hostFlags('26.0.0'), [])
})
