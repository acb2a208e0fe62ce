import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { command, simulate } from './simulated.js'

/** Products, pages and facts of a workspace; reports tell times, and are left out. */
function made(folder: string): Map<string, string> {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter(
    (one) => one.isFile() && /\.fits$|^summary\.(html|json)$/.test(one.name),
  )
  const paths = files.map((one) => join(one.parentPath ?? one.path, one.name)).sort()
  return new Map(paths.map((path) => [relative(folder, path), readFileSync(path, 'base64')]))
}

t.test('one by one, in any order, images become what one call of pipeline makes of all: frames, stack, page', (t) => {
  const cwd = t.testdir()
  const at = (...parts: string[]) => join(cwd, ...parts)
  for (const name of ['in', 'cfg']) mkdirSync(at(name))
  simulate(at('raw'), 160, 3)
  t.equal(command('stack-calibrations', '--input', at('raw'), '--output', at('bank'), '--quiet').status, 0)
  const stages = ['reduction', 'findstars', 'alignment', 'stacking', 'summary'].map((name) => `${name} = yes\n`)
  writeFileSync(at('cfg/pipeline.cfg'), `[Structure of pipeline]\n${stages.join('')}`)
  writeFileSync(at('cfg/reduction.cfg'), `[Calibration]\nfolder = ${at('bank')}\ndark = none\n`)
  const general = `[General]\ninput = ${at('in')}\nlog_path = ${at('log')}\n`
  const section = `[pipeline-a]\nconfiguration_path_dir = ${at('cfg')}\nworkspace_dir = ${at('online')}\n`
  writeFileSync(at('gp1.cfg'), general + section)
  const frames = readdirSync(at('raw')).filter((name) => name.startsWith('object'))
  t.equal(frames.length, 3)
  for (const name of [...frames].reverse()) {
    copyFileSync(at('raw', name), at('in', name))
    const { status, stderr } = command('gp1', '--config', at('gp1.cfg'), '--once', '--quiet')
    t.equal(status, 0, stderr)
    t.ok(existsSync(at('online/images.list')))
  }
  const offline = command('pipeline', '--config', at('cfg'), '--input', at('in'), '--output', at('offline'), '--quiet')
  t.equal(offline.status, 0, offline.stderr)
  const [one, other] = [made(at('online')), made(at('offline'))]
  t.same([...one.keys()], [...other.keys()])
  t.ok([...one.keys()].some((path) => /stacking\/stack_/.test(path)))
  for (const [path, bytes] of one) t.ok(bytes === other.get(path), path)
  t.end()
})
