import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FIXTURES, REPOSITORY } from '@nightpipe/testing'
import t from 'tap'
import { products, run, writeNight } from './night.js'

const shipped = join(REPOSITORY, 'configs/pipelines')
const ratir = join(FIXTURES, 'imaging_raw/ratir_c1')

t.test('every ready pipeline plans a night, by its name alone', (t) => {
  const raw = writeNight(join(t.testdir(), 'raw'))
  const names = readdirSync(shipped).filter((name) => existsSync(join(shipped, name, 'pipeline.cfg')))
  t.same(names.sort(), ['colibri', 'generic', 'ratir', 'skycam', 'stardice', 'svom'])
  for (const name of names) {
    const { status, stdout, stderr } = run(
      '--config',
      name,
      '--input',
      raw,
      '--output',
      join(t.testdirName, 'out'),
      '--dry-run',
    )
    t.equal(status, 0, `${name}: ${stderr}`)
    t.match(stdout, /^reduction --input/m, name)
    t.match(stdout, /^summary --input/m, name)
  }
  t.end()
})

t.test('a night of RATIR', { skip: existsSync(ratir) ? false : `no ${ratir}` }, (t) => {
  const out = join(t.testdir(), 'out')
  const { status, stderr } = run('--config', 'ratir', '--input', ratir, '--output', out, '--until', 'reduction')
  t.equal(status, 0, stderr)
  t.equal([...products(out).keys()].filter((path) => path.includes('RATIR-C1/i/reduction')).length, 5)
  t.match(readFileSync(join(out, 'calibrations/stack-calibrations.csv'), 'utf8'), /rejected,"?.*saturated/)
  t.end()
})
