import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { products, rows, run, setUp, shellEnvironment } from './night.js'

t.test('a stage that fails costs its group what needs it; --keep-going goes on with what there is', (t) => {
  const cwd = t.testdir()
  const structure = 'reduction = yes\nalignment = yes\nphotometry = yes\nsummary = yes'
  // An alignment on a frame that is not there: told when it is planned, not in its INI.
  const { raw, configs, out } = setUp(cwd, structure, {
    alignment: `[reference]\nfile = ${join(cwd, 'nowhere.fits')}\n`,
  })
  const call = (...more: string[]) => run('--config', configs, '--input', raw, '--output', out, ...more)
  const { status, stderr } = call()
  t.equal(status, 5, stderr)
  t.match(stderr, /M_67\/cam\/g alignment: failed: .*nowhere\.fits/)
  t.match(stderr, /M_67\/cam\/g photometry: not tried: alignment, which it needs, failed/)
  t.match(readFileSync(join(out, 'pipeline.csv'), 'utf8'), /m67-g0\.fits,failed,.*alignment: .*nowhere\.fits/)
  t.ok(existsSync(join(out, 'M_67/summary/summary.html')), 'the page shows what there is')
  t.notMatch(call('--keep-going').stderr, /photometry: not tried/)
  t.match(readFileSync(join(out, 'steps.csv'), 'utf8'), /photometry --input @\S*reduction\.list/)
  t.end()
})

t.test('some stages only, from one on, or until one', (t) => {
  const cwd = t.testdir()
  const { raw, configs, out } = setUp(cwd, 'reduction = yes\nfindstars = yes')
  const call = (...more: string[]) => run('--config', configs, '--input', raw, '--output', out, ...more)
  t.match(call('--until', 'reduction').stderr, /3 steps done/)
  t.notOk(existsSync(join(out, 'M_67/cam/g/findstars')))
  t.match(call('--from', 'findstars').stderr, /2 steps done/)
  rmSync(join(out, 'M_67/cam/g/findstars.list'))
  t.match(call('--only', 'findstars').stderr, /1 steps done, 1 up to date/)
  t.end()
})

t.test(
  'the quick strategy takes the first frames of each group; a frame that comes later costs its own work only',
  (t) => {
    const cwd = t.testdir()
    const { raw, configs, out } = setUp(cwd)
    writeFileSync(join(configs, 'quick.cfg'), '[steps]\nframes = 1\n[reduction]\nframe.unit = adu\n')
    const call = (...more: string[]) => run('--config', configs, '--input', raw, '--output', out, ...more)
    t.equal(call('--strategy', 'quick').status, 0)
    t.same(
      [...products(out).keys()].filter((path) => /reduction/.test(path)),
      ['M_67/cam/g/reduction/m67-g0.fits', 'M_67/cam/r/reduction/m67-r0.fits'],
    )
    t.match(readFileSync(join(out, 'pipeline.csv'), 'utf8'), /m67-g2.fits,rejected,beyond the frames/)
    t.equal(call().status, 0)
    const before = rows(join(out, 'steps.csv')).find(({ group }) => group === 'M_67/cam/r')!
    writeFileSync(join(raw, 'm67-r9.fits'), readFileSync(join(raw, 'm67-r2.fits')))
    t.equal(call().status, 0)
    const after = rows(join(out, 'steps.csv')).find(({ group }) => group === 'M_67/cam/r')!
    t.match(after, { frames: '4', products: '4' })
    t.match(after.command, /reduction\.new\.list/)
    t.notMatch(before.command, /new\.list/)
    t.end()
  },
)

t.test('--watch shows the state of the steps', (t) => {
  const { raw, configs, out } = setUp(t.testdir())
  t.match(run('--output', out, '--watch').stderr, /no pipeline has worked/)
  t.equal(run('--config', configs, '--input', raw, '--output', out).status, 0)
  const { status, stdout } = run('--output', out, '--watch')
  t.equal(status, 0)
  t.match(stdout, /run 1, begun .*ended/)
  t.match(stdout, /M_67\/cam\/g +reduction +done +3/)
  t.end()
})

const script = ['/usr/bin/script', '/bin/script'].find((path) => existsSync(path))

t.test(
  'on a terminal progress is a tree of groups and stages',
  { skip: script ? false : 'no script (util-linux)' },
  (t) => {
    const { raw, configs, out } = setUp(t.testdir())
    const shell = `stty cols 100 rows 40; pipeline --config ${configs} --input ${raw} --output ${out}`
    const { status, stdout } = spawnSync(script!, ['-qec', shell, '/dev/null'], {
      encoding: 'utf8',
      env: shellEnvironment(),
    })
    t.equal(status, 0)
    const text = stdout.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '')
    t.match(text, /M_67\/cam\/g\r?\n +. reduction: done, 3 products/)
    t.notMatch(text, /not reached/)
    t.end()
  },
)
