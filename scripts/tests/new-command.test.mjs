import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const repository = join(dirname(fileURLToPath(import.meta.url)), '../..')
const script = join(repository, 'scripts/new-command')
// Without tap's hooks in NODE_OPTIONS, which cannot load programs that have no extension.
const node = (args, options) =>
  spawnSync('env', ['-u', 'NODE_OPTIONS', process.execPath, ...args], { encoding: 'utf8', ...options })
const make = (root, ...args) => spawnSync(script, [...args, '--root', root], { encoding: 'utf8' })

/**
 * A repository in small: the tools are links to the real ones. The libraries are copies: seen through a link they are
 * out of date, and the compiler would write them anew under the tests that run beside this one.
 */
function copyOfRepository(t) {
  const root = t.testdir({ configs: {}, packages: { commands: { nightpipe: {} } } })
  for (const path of ['node_modules', 'scripts']) symlinkSync(join(repository, path), join(root, path))
  const isNeeded = (path) => !/\/(\.tap|\.turbo|host|bundles|assembly)$/.test(path)
  cpSync(join(repository, 'packages/libs'), join(root, 'packages/libs'), {
    recursive: true,
    preserveTimestamps: true,
    filter: isNeeded,
  })
  for (const path of ['tsconfig.base.json', 'configs/tap.yaml', 'packages/commands/nightpipe/package.json']) {
    copyFileSync(join(repository, path), join(root, path))
  }
  symlinkSync(join(repository, 'configs/instruments'), join(root, 'configs/instruments'))
  return root
}

t.test('a new command builds, runs, and passes its test', async (t) => {
  const root = copyOfRepository(t)
  const { status, stderr } = make(root, 'shift-level', "an observer's constant added to every frame")
  t.equal(status, 0, stderr)
  const home = join(root, 'packages/commands/shift-level')
  t.match(
    readFileSync(join(root, 'packages/commands/nightpipe/package.json'), 'utf8'),
    '"@nightpipe/shift-level": "0.1.0"',
  )
  const run = (program, ...args) => {
    const done = node([join(root, program), ...args], { cwd: home })
    t.equal(done.status, 0, `${program}: ${done.stdout}${done.stderr}`)
    return done.stdout
  }
  run('scripts/build.mjs', '.')
  t.match(
    run('packages/commands/shift-level/bin/shift-level.js', '--help'),
    /^shift-level: an observer's constant added/,
  )
  run('packages/commands/shift-level/dist/test/command.test.js')
  run(
    'node_modules/@biomejs/biome/bin/biome',
    'check',
    `--config-path=${repository}`,
    '--vcs-enabled=false',
    'src',
    'test',
  )
})

t.test('names that cannot be, or are taken, are refused, and nothing is written', async (t) => {
  const root = t.testdir({ packages: { libs: { fits: {} }, commands: { reduction: {} } } })
  for (const [args, message] of [
    [['reduction', 'x'], /packages\/commands\/reduction exists already/],
    [['fits', 'x'], /packages\/libs\/fits exists already/],
    [['Reduction', 'x'], /not lower-case words/],
    [['../up', 'x'], /not lower-case words/],
    [['shift-level'], /usage: scripts\/new-command NAME/],
    [['shift-level', 'two\nlines'], /the summary is one line/],
  ]) {
    t.match(make(root, ...args), { status: 2, stderr: message })
  }
  t.notOk(existsSync(join(root, 'packages/commands/shift-level')))
})
