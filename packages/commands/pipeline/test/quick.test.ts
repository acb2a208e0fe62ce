import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { products, rows, run, setUp } from './night.js'

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

t.test('a page of a later call shows what earlier ones made', (t) => {
  const cwd = t.testdir()
  const { raw, configs, out } = setUp(cwd, 'reduction = yes\nfindstars = yes\nsummary = yes')
  const call = (...more: string[]) => run('--config', configs, '--input', raw, '--output', out, ...more)
  t.equal(call('--until', 'findstars').status, 0)
  const { status, stderr } = call('--only', 'summary')
  t.equal(status, 0, stderr)
  const page = readFileSync(join(out, 'M_67/summary/summary.html'), 'utf8')
  t.match(page, /findstars\/[^"]*\.cat\.fits/)
  t.match(page, /reduction\/[^"]*\.fits/)
  t.match(call().stderr, /0 steps done/, 'one call makes the same of it')
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

t.test('where nothing could be made, the reason is told also to those who asked for quiet', (t) => {
  const { raw, configs, out } = setUp(t.testdir())
  const { status, stderr } = run('--config', configs, '--input', raw, '--output', out, '--quiet', '--timeout', '0.05')
  t.equal(status, 3)
  t.match(stderr, /^pipeline: no product could be made: .*took longer than 0\.05 s and was stopped\n$/)
  t.end()
})
