import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readFrame, textOf } from '@nightpipe/fits'
import { finish, lacking, outside, shellEnvironment } from '@nightpipe/testing'
import t from 'tap'
import { products, run, setUp } from './night.js'

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

t.test('frames that were reduced before are taken where no raw ones are given: the same products follow', (t) => {
  const cwd = t.testdir()
  const { raw, configs, out } = setUp(cwd, 'reduction = yes\nfindstars = yes\nsummary = yes')
  t.equal(run('--config', configs, '--input', raw, '--output', out).status, 0)
  const again = (...more: string[]) => run('--config', configs, '--input', out, '--output', join(cwd, 'again'), ...more)
  const { status, stderr } = again('--from', 'findstars')
  t.equal(status, 0, stderr)
  const [one, other] = [products(out), products(join(cwd, 'again'))]
  const stars = [...one.keys()].filter((path) => path.includes('/findstars/'))
  t.equal(stars.length, 6)
  for (const path of stars) t.ok(other.get(path) === one.get(path), path)
  t.notOk([...other.keys()].some((path) => path.includes('/reduction/')))
  t.match(again('--from', 'findstars').stderr, /0 steps done, 3 up to date/)
  t.match(
    again().stderr,
    /\d+ files are products of nightpipe, not raw frames: left out/,
    'to reduction they are nothing',
  )
  t.end()
})

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

t.test('on a terminal progress is a tree of groups and stages', { skip: lacking('script') }, (t) => {
  const { raw, configs, out } = setUp(t.testdir())
  const shell = `stty cols 100 rows 40; pipeline --config ${configs} --input ${raw} --output ${out}`
  const { status, stdout } = finish(outside('script', '-qec', shell, '/dev/null'), { env: shellEnvironment() })
  t.equal(status, 0)
  const text = stdout.replaceAll(String.fromCharCode(27), '').replace(/\[[0-9;?]+[A-Za-z]/g, '')
  t.match(text, /M_67\/cam\/g\r?\n +. reduction: done, 3 products/)
  t.notMatch(text, /not reached/)
  t.end()
})

t.test(
  'keys of modules in pipeline.cfg and by --set: the last word is that of --set, and what depends on it is redone',
  (t) => {
    const { raw, configs, out } = setUp(t.testdir(), 'reduction = yes\n[reduction]\nframe.unit = electron')
    writeFileSync(join(configs, 'quick.cfg'), '[reduction]\nframe.unit = adu\n')
    const call = (...more: string[]) => run('--config', configs, '--input', raw, '--output', out, ...more)
    const unit = () => textOf(readFrame(join(out, 'M_67/cam/r/reduction/m67-r0.fits')).header, 'BUNIT')
    t.equal(call('--strategy', 'quick').status, 0)
    t.equal(unit(), 'electron', 'pipeline.cfg stands over the strategy')
    const { status, stderr } = call('--set', 'reduction.frame.unit=adu')
    t.equal(status, 0, stderr)
    t.equal(unit(), 'adu')
    t.match(stderr, /2 steps done/)
    t.match(call('--set', 'reduction.frame.unit=adu').stderr, /0 steps done/)
    t.match(call('--set', 'reduction.frame.units=adu').stderr, /reduction: --set: unknown key 'units' in \[frame\]/)
    t.end()
  },
)
