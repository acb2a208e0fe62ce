import { type ChildProcess, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { random } from '@nightpipe/math'
import { scratch } from '@nightpipe/testing'
import t, { type Test } from 'tap'
import {
  contentOf,
  isProduct,
  linesOf,
  litterIn,
  makeFrames,
  makeNight,
  reportOf,
  run,
  sleep,
  type Toy,
} from './toy/night.js'

const SEED = 20130716

/** Kills the command `times` times at moments between `from` and `to` ms, and runs it again each time. */
async function killAndResume(
  t: Test,
  toy: Toy,
  times: number,
  extra: string[],
  from: number,
  to: number,
): Promise<void> {
  const cwd = scratch()
  makeNight(join(cwd, 'raw'))
  const args = (output: string) => ['-s', 'raw', '-r', output, ...extra]
  await run(toy, args('whole'), { cwd })
  const whole = contentOf(join(cwd, 'whole'), isProduct)
  const moments = random(SEED + times)
  for (let k = 0; k < times; k++) {
    const output = `red${k}`
    const moment = from + (to - from) * moments.uniform()
    const kill = (child: ChildProcess) => setTimeout(() => child.kill('SIGKILL'), moment)
    await run(toy, args(output), { cwd, started: kill })
    const begun = existsSync(join(cwd, output)) ? Object.keys(contentOf(join(cwd, output))) : []
    const { code, stdout } = await run(toy, args(output), { cwd })
    t.equal(code, 0, `killed after ${moment.toFixed(0)} ms with ${begun.length} files`)
    t.equal(linesOf(stdout).length, Object.keys(whole).length)
    t.same(contentOf(join(cwd, output), isProduct), whole)
    t.same(litterIn(join(cwd, output)), [])
    t.same(
      reportOf(join(cwd, output), toy).map((row) => row.input),
      reportOf(join(cwd, 'whole'), toy).map((row) => row.input),
    )
  }
}

t.test('killed at any moment and run again: the same products, no litter, no double rows', async (t) => {
  await killAndResume(t, 'copy-frames', 8, ['--workers', '2', '--set', 'copy.pause=20'], 60, 260)
})
t.test('the same with one worker', async (t) => {
  await killAndResume(t, 'copy-frames', 4, ['--workers', '1', '--set', 'copy.pause=20'], 60, 300)
})
t.test('the same for strips', async (t) => {
  await killAndResume(t, 'add-frames', 4, ['--workers', '2'], 60, 200)
})

/** How often longer than 80 ms a plain process takes now: twice its time on an idle machine. */
function slowness(): number {
  const began = performance.now()
  spawnSync(process.execPath, ['-e', ''], { env: {} })
  return Math.max(1, (performance.now() - began) / 80)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  for (const stem of ['endless', 'm67-9']) {
    t.test(
      `${signal} ends the run within a second, ${stem === 'endless' ? 'also in the middle of a loop, ' : ''}without litter`,
      async (t) => {
        const cwd = scratch()
        makeNight(join(cwd, 'raw'), 5)
        makeFrames(join(cwd, 'raw'), [stem])
        const args = ['-s', 'raw', '-r', 'red', '--workers', '2', '--set', 'copy.pause=150']
        let asked = 0
        const stop = (child: ChildProcess) => {
          child.stderr!.on('data', () => {
            if (asked) return
            asked = performance.now()
            setTimeout(() => child.kill(signal), 30)
          })
        }
        const { code, stdout, stderr } = await run('copy-frames', args, { cwd, started: stop })
        t.ok(performance.now() - asked < 1000 * slowness(), 'a second, and what a loaded machine adds')
        t.equal(code, 130)
        t.equal(stdout, '')
        t.match(
          stderr,
          /^copy-frames: interrupted: \d of 6 jobs done \(run it again, and only the missing work is done\)$/m,
        )
        t.same(litterIn(cwd), [])
        const states = new Set(reportOf(join(cwd, 'red')).map((row) => row.status))
        t.same([...states], ['done'], 'what was finished is in the report, and nothing else')
      },
    )
  }
}

t.test(
  'a full disk: exit 5, what is done is kept with its rows, and the rest is done when there is room',
  async (t) => {
    const cwd = scratch()
    makeFrames(join(cwd, 'raw'), ['a', 'b', 'c', 'd', 'e', 'f'], 32)
    const red = join(cwd, 'red')
    mkdirSync(red)
    const { error, status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=60k', 'tmpfs', red])
    if (error || status !== 0) return t.pass('no small file system can be mounted here: not tried')
    try {
      const full = await run('copy-frames', ['-s', 'raw', '-r', 'red'], { cwd })
      t.equal(full.code, 5)
      t.match(full.stderr, /^copy-frames: cannot write .*\.fits: no space left on the disk \(free some space/m)
      t.notMatch(full.stderr, / at /)
      const made = linesOf(full.stdout).length
      t.ok(made > 0 && made < 6)
      spawnSync('mount', ['-o', 'remount,size=2m', red])
      const { code, stderr } = await run('copy-frames', ['-s', 'raw', '-r', 'red'], { cwd })
      t.equal(code, 0)
      t.match(stderr, new RegExp(`6 done \\(${made} jobs? (was|were) up to date\\)`))
      t.same(litterIn(red), [])
    } finally {
      spawnSync('umount', [red])
    }
  },
)

t.test('two at once on one output folder lose nothing', async (t) => {
  const cwd = scratch()
  const frames = makeFrames(
    join(cwd, 'raw'),
    Array.from({ length: 12 }, (_, k) => `f${k + 10}`),
  )
  await run('copy-frames', ['-s', 'raw', '-r', 'whole'], { cwd })
  const call = (...inputs: string[]) =>
    run('copy-frames', ['-s', ...inputs, '-r', 'red', '--set', 'copy.pause=5'], { cwd })
  const ended = await Promise.all([call(...frames), call(...frames.slice(0, 6)), call(...frames.slice(6))])
  t.same(
    ended.map(({ code }) => code),
    [0, 0, 0],
  )
  t.same(contentOf(join(cwd, 'red'), isProduct), contentOf(join(cwd, 'whole'), isProduct))
  const rows = reportOf(join(cwd, 'red'))
  t.same(
    rows.map(({ input, status }) => [input, status]),
    frames.map((_, k) => [`../raw/f${k + 10}.fits`, 'done']),
  )
  t.same(litterIn(cwd), [])
})

t.test('a first run that is still at work is not disturbed by a second one that cleans up', async (t) => {
  const cwd = scratch()
  makeNight(join(cwd, 'raw'), 3)
  const first = run('copy-frames', ['-s', 'raw', '-r', 'red', '--set', 'copy.pause=300'], { cwd })
  await sleep(250)
  await run('copy-frames', ['-s', 'raw/m67-0.fits', '-r', 'red', '--force'], { cwd })
  t.match(await first, { code: 0, stdout: 'red/m67-0.fits\nred/m67-1.fits\nred/m67-2.fits\n' })
  t.equal(reportOf(join(cwd, 'red')).length, 3)
})
