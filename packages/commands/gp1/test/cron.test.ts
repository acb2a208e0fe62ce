import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { finish, outside, REPOSITORY, shellEnvironment } from '@nightpipe/testing'
import t from 'tap'
import { simulate } from './simulated.js'

t.test('every line of docs/guide/cron.md runs', (t) => {
  const data = t.testdir()
  const text = readFileSync(join(REPOSITORY, 'docs/guide/cron.md'), 'utf8')
  const block = /```crontab\n([\s\S]*?)```/.exec(text)![1]!
  const lines = block.split('\n').filter((line) => /^[*\d]/.test(line))
  t.equal(lines.length, 6)
  for (const hours of [12, 24]) {
    const night = finish(outside('date', '-u', '-d', `-${hours} hours`, '+%Y%m%d')).stdout.trim()
    simulate(join(data, 'raw', night), 64, 1)
  }
  for (const name of ['in', 'cfg']) mkdirSync(join(data, name))
  writeFileSync(join(data, 'cfg/pipeline.cfg'), '[Structure of pipeline]\nreduction = yes\n')
  const gp1 = [
    '[General]',
    'input = /data/in',
    'log_path = /data/log',
    '[pipeline-a]',
    'configuration_path_dir = /data/cfg',
  ]
  writeFileSync(join(data, 'gp1.cfg'), [...gp1, 'workspace_dir = /data/a', ''].join('\n').replaceAll('/data', data))
  // The quick way through a night of three frames is as good for this as the deep one.
  const generic = join(data, 'generic')
  mkdirSync(generic)
  const pipelineCfg = '[Workspace]\nheaders = OBJECT, INSTRUME, FILTER\n[Structure of pipeline]\nreduction = yes\n'
  writeFileSync(join(generic, 'pipeline.cfg'), pipelineCfg)
  writeFileSync(join(generic, 'reduction.cfg'), '[Calibration]\ndark = none\n[Cosmic rays]\nmethod = none\n')
  const expected = [
    [0, /^$/],
    [0, /frames: .* done/],
    [0, /^$/],
    [0, /^$/],
    [0, /gp1 does not run on/],
    [0, /^$/],
  ] as const
  for (const [k, line] of lines.entries()) {
    const shell = line
      .replace(/^(\S+\s+){5}/, '')
      .replaceAll('\\%', '%')
      .replaceAll('/data', data)
    const { status, stdout, stderr } = finish(
      outside('sh', '-c', shell.replaceAll('--config generic', `--config ${generic}`)),
      { env: shellEnvironment() },
    )
    t.equal(status, expected[k]![0], `${shell}\n${stderr}`)
    t.equal(stderr, '', 'nothing to be mailed')
    t.match(stdout, expected[k]![1])
  }
  t.ok(existsSync(join(data, 'bank/calibrations.csv')))
  t.end()
})
